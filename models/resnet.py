"""ResNet: classification of pictures by residual blocks.

Source: He et al., Deep Residual Learning for Image Recognition, CVPR 2016, arXiv:1512.03385;
`official/cv/resnet` of mindspore/models, branches r1.3 to r1.10, where the networks are the same
(ResNet-152 of r1.3 is in `official/cv/resnet152`); `configs/resnet` of mindcv.
"""

from functools import partial

from mindspore import Tensor, nn

from ._classifier import INPUT_SHAPE, classifier_files, last_layer
from ._mindcv_resnet import MindcvBottleneck, MindcvResNet50
from ._resnet import (
    BLOCKS_50,
    BLOCKS_101,
    BLOCKS_152,
    FEATURES,
    Bottleneck,
    ResNet,
    ZeroPaddedMaxPool,
    global_pool,
    stages,
)


class BasicResNet(nn.Cell):
    """ResNet of blocks of two 3×3 convolutions, padded evenly on all sides.

    Args:
        blocks: Blocks of each stage.
        num_classes: Classes; with 0 the output is the pooled feature `(N, 512)`.

    Inputs:
        **x** - RGB images `(N, 3, 224, 224)`, float32. ImageNet: values of 0 to 255, less 255 ·
        (0.485, 0.456, 0.406), divided by 255 · (0.229, 0.224, 0.225). CIFAR-10: values divided
        by 255, less (0.4914, 0.4822, 0.4465), divided by (0.2023, 0.1994, 0.2010).

    Outputs:
        Logits `(N, num_classes)`, float32, in training too. Networks of 1001 classes never saw
        the last one: index 0 is the tench, and index 1000 nothing.

    Raises:
        ValueError: `num_classes` is not an integer of at least 0.
    """

    checkpoint = classifier_files("end_point")

    def __init__(self, blocks: tuple[int, ...], num_classes: int) -> None:
        super().__init__()
        self.input_shapes = (INPUT_SHAPE,)
        self.conv1 = nn.Conv2d(3, 64, 7, 2, pad_mode="pad", padding=3)
        self.bn1 = nn.BatchNorm2d(64, momentum=0.1)
        self.relu = nn.ReLU()
        self.max_pool = ZeroPaddedMaxPool()
        widths = (64, 128, 256, 512)
        self.layer1, self.layer2, self.layer3, self.layer4 = stages(_BasicBlock, blocks, widths)
        self.end_point = last_layer(512, num_classes)

    def construct(self, x: Tensor) -> Tensor:
        """Compute logits."""
        x = self.max_pool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.end_point(global_pool(x))


class _BasicBlock(nn.Cell):
    """Residual block of two 3×3 convolutions.

    Its normalisations add 1e-4 to the variance, that of the projection as that of the stem 1e-5.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, pad_mode="pad", padding=1)
        self.bn1d = nn.BatchNorm2d(out_channels, eps=1e-4)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, pad_mode="pad", padding=1)
        self.bn2d = nn.BatchNorm2d(out_channels, eps=1e-4)
        self.relu = nn.ReLU()
        self.down_sample_layer = (
            nn.Identity()
            if in_channels == out_channels
            else nn.SequentialCell(
                nn.Conv2d(in_channels, out_channels, 1, stride),
                nn.BatchNorm2d(out_channels, momentum=0.1),
            )
        )

    def construct(self, x: Tensor) -> Tensor:
        branch = self.relu(self.bn1d(self.conv1(x)))
        branch = self.bn2d(self.conv2(branch))
        return self.relu(branch + self.down_sample_layer(x))


class BottleneckResNet(ResNet):
    """ResNet of bottlenecks, padded as MindSpore's "same".

    Args:
        blocks: Blocks of each stage.
        num_classes: Classes; with 0 the output is the pooled feature `(N, 2048)`.

    Inputs:
        **x** - RGB images `(N, 3, 224, 224)`, float32, prepared as for `BasicResNet`; ResNet-101
        has its own numbers: less 255 · (0.475, 0.451, 0.392), divided by 255 · (0.275, 0.267,
        0.278).

    Outputs:
        Logits `(N, num_classes)`, float32, in training too. Networks of 1001 classes never saw
        the last one: index 0 is the tench, and index 1000 nothing.

    Raises:
        ValueError: `num_classes` is not an integer of at least 0.
    """

    checkpoint = classifier_files("end_point")

    def __init__(self, blocks: tuple[int, ...], num_classes: int) -> None:
        super().__init__(partial(Bottleneck, eps=1e-4, last_eps=1e-4), blocks, eps=1e-4)
        self.input_shapes = (INPUT_SHAPE,)
        self.end_point = last_layer(FEATURES, num_classes)

    def construct(self, x: Tensor) -> Tensor:
        """Compute logits."""
        return self.end_point(global_pool(self.maps(x)))


class resnet18(BasicResNet):
    """ResNet-18, see `BasicResNet`."""

    def __init__(self, num_classes: int = 1001) -> None:
        super().__init__((2, 2, 2, 2), num_classes)


class resnet34(BasicResNet):
    """ResNet-34, see `BasicResNet`."""

    def __init__(self, num_classes: int = 1001) -> None:
        super().__init__((3, 4, 6, 3), num_classes)


class resnet50(BottleneckResNet):
    """ResNet-50, see `BottleneckResNet`."""

    def __init__(self, num_classes: int = 1001) -> None:
        super().__init__(BLOCKS_50, num_classes)


class resnet101(BottleneckResNet):
    """ResNet-101, see `BottleneckResNet`."""

    def __init__(self, num_classes: int = 1001) -> None:
        super().__init__(BLOCKS_101, num_classes)


class resnet152(BottleneckResNet):
    """ResNet-152, see `BottleneckResNet`."""

    def __init__(self, num_classes: int = 1001) -> None:
        super().__init__(BLOCKS_152, num_classes)


class resnet50_thor(BottleneckResNet):
    """ResNet-50 trained by the optimizer Thor, see `BottleneckResNet`.

    Thor keeps matrices for every layer, partly under the name of the layer; what it calls them
    on Ascend, where the published file was written, is not known.

    Source: `official/cv/resnet_thor` of mindspore/models, branches r1.3 to r1.8.
    """

    checkpoint = classifier_files(
        "end_point", leaves=("weight", "bias", "gamma", "beta", "moving_mean", "moving_variance")
    )

    def __init__(self, num_classes: int = 1001) -> None:
        super().__init__(BLOCKS_50, num_classes)


class mindcv_resnet50(MindcvResNet50):
    """ResNet-50 of mindcv, see `MindcvResNet50`."""

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__(MindcvBottleneck, num_classes)
