"""ResNeXt: ResNets whose 3×3 convolutions have groups.

Source: Xie et al., Aggregated Residual Transformations for Deep Neural Networks, CVPR 2017,
arXiv:1611.05431; `official/cv/resnext`, `research/cv/resnext152_64x4d` (branches r1.3 to r1.10)
and `research/cv/SE_ResNeXt50` (r1.5 to r1.10) of mindspore/models; `configs/resnext` of mindcv.
"""

from functools import partial

from mindspore import Tensor, nn, ops

from ._classifier import INPUT_SHAPE, classifier_files, last_layer
from ._grouped import GroupedConvolution
from ._mindcv_resnet import MindcvBottleneck, MindcvResNet50
from ._resnet import BLOCKS_50, BLOCKS_101, BLOCKS_152, FEATURES, global_pool, stages

_STACKED = {"conv2.weight": "conv2.convs.{}.weight"}
"""Ascend, where the published files were written, saves a tensor per group, and a GPU one of all."""


class ResNeXt(nn.Cell):
    """ResNeXt of bottlenecks.

    The published evaluation computes in float16, its last layer always; here all is float32.

    Args:
        blocks: Blocks of each stage.
        groups: Groups of the 3×3 convolutions.
        num_classes: Classes; with 0 the output is the pooled feature `(N, 2048)`.

    Inputs:
        **x** - RGB images `(N, 3, 224, 224)`, float32: values of 0 to 255, less 255 · (0.485,
        0.456, 0.406), divided by 255 · (0.229, 0.224, 0.225).

    Outputs:
        Logits `(N, num_classes)`, float32, in training too.

    Raises:
        ValueError: `num_classes` is not an integer of at least 0.
    """

    checkpoint = classifier_files("head.fc", stacked=_STACKED)

    def __init__(self, blocks: tuple[int, ...], groups: int, num_classes: int) -> None:
        super().__init__()
        self.input_shapes = (INPUT_SHAPE,)
        self.backbone = _Backbone(blocks, groups)
        self.head = _Head(num_classes)

    def construct(self, x: Tensor) -> Tensor:
        """Compute logits."""
        return self.head(self.backbone(x))


class resnext50(ResNeXt):
    """ResNeXt-50 (32x4d), see `ResNeXt`."""

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__(BLOCKS_50, 32, num_classes)


class resnext101(ResNeXt):
    """ResNeXt-101 (32x4d), see `ResNeXt`."""

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__(BLOCKS_101, 32, num_classes)


class resnext152_64x4d(ResNeXt):
    """ResNeXt-152 (64x4d), see `ResNeXt`."""

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__(BLOCKS_152, 64, num_classes)


class _Backbone(nn.Cell):
    """Images to feature maps `(N, 2048, 7, 7)`."""

    def __init__(self, blocks: tuple[int, ...], groups: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 64, 7, 2, pad_mode="pad", padding=3)
        self.bn = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.max_pool = nn.MaxPool2d(3, 2, pad_mode="same")
        block = partial(_ProjectingBottleneck, groups=groups)
        self.layer1, self.layer2, self.layer3, self.layer4 = stages(block, blocks)

    def construct(self, x: Tensor) -> Tensor:
        x = self.max_pool(self.relu(self.bn(self.conv(x))))
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))


class _Head(nn.Cell):
    """Feature maps to logits."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.fc = last_layer(FEATURES, num_classes)

    def construct(self, x: Tensor) -> Tensor:
        return self.fc(global_pool(x))


class _Bottleneck(nn.Cell):
    """What residual blocks of a 1×1, a grouped 3×3 and a 1×1 convolution have in common."""

    def __init__(self, in_channels: int, out_channels: int, stride: int, *, groups: int) -> None:
        super().__init__()
        width = groups * out_channels // 64
        self.conv1 = nn.Conv2d(in_channels, width, 1)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = GroupedConvolution(width, width, 3, stride, groups=groups)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out_channels, 1)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU()

    def branch(self, x: Tensor) -> Tensor:
        """Compute what the block adds to its input."""
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        return self.bn3(self.conv3(x))


class _ProjectingBottleneck(_Bottleneck):
    """Block of ResNeXt; the first one of a stage projects its input."""

    def __init__(self, in_channels: int, out_channels: int, stride: int, *, groups: int) -> None:
        super().__init__(in_channels, out_channels, stride, groups=groups)
        self.down_sample = (
            nn.Identity()
            if in_channels == out_channels
            else _Projection(in_channels, out_channels, stride)
        )

    def construct(self, x: Tensor) -> Tensor:
        return self.relu(self.branch(x) + self.down_sample(x))


class _Projection(nn.Cell):
    """Input of a block at the size and with the channels of its output."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 1, stride)
        self.bn = nn.BatchNorm2d(out_channels)

    def construct(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x))


class se_resnext50_32x4d(nn.Cell):
    """SE-ResNeXt-50: every block weighs its channels (Hu et al., CVPR 2018, arXiv:1709.01507).

    Args:
        num_classes: Classes; with 0 the output is the pooled feature `(N, 2048)`.

    Inputs:
        **x** - RGB images `(N, 3, 224, 224)`, float32: values of 0 to 255, less 255 · (0.485,
        0.456, 0.406), divided by 255 · (0.229, 0.224, 0.225).

    Outputs:
        Logits `(N, num_classes)`, float32, in training too.

    Raises:
        ValueError: `num_classes` is not an integer of at least 0.
    """

    checkpoint = classifier_files("last_linear", stacked=_STACKED)

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        self.input_shapes = (INPUT_SHAPE,)
        self.layer0 = nn.SequentialCell(
            nn.Conv2d(3, 64, 7, 2, pad_mode="pad", padding=3),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.MaxPool2d(3, 2, pad_mode="same"),
        )
        self.layer1, self.layer2, self.layer3, self.layer4 = stages(_Weighing, BLOCKS_50)
        self.last_linear = last_layer(FEATURES, num_classes, has_bias=False)

    def construct(self, x: Tensor) -> Tensor:
        """Compute logits."""
        x = self.layer2(self.layer1(self.layer0(x)))
        return self.last_linear(global_pool(self.layer4(self.layer3(x))))


class _Weighing(_Bottleneck):
    """Block that weighs the channels of its branch; the first one of a stage projects its input."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__(in_channels, out_channels, stride, groups=32)
        self.se_module = _SqueezeModule(out_channels)
        self.downsample = (
            nn.Identity()
            if in_channels == out_channels
            else nn.SequentialCell(
                nn.Conv2d(in_channels, out_channels, 1, stride), nn.BatchNorm2d(out_channels)
            )
        )

    def construct(self, x: Tensor) -> Tensor:
        return self.relu(self.se_module(self.branch(x)) + self.downsample(x))


class _SqueezeModule(nn.Cell):
    """Weighs the channels of maps by 1×1 convolutions, the first of which adds numbers."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // 16, 1, has_bias=True)
        self.fc2 = nn.Conv2d(channels // 16, channels, 1)

    def construct(self, x: Tensor) -> Tensor:
        means = ops.mean(x, (2, 3), keep_dims=True)
        return x * ops.sigmoid(self.fc2(ops.relu(self.fc1(means))))


class mindcv_resnext50_32x4d(MindcvResNet50):
    """ResNeXt-50 (32x4d) of mindcv, which has one tensor for all groups; see `MindcvResNet50`."""

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__(partial(MindcvBottleneck, width=2, groups=32), num_classes)
