"""SE-ResNet: ResNets that weigh their channels.

Source: Hu et al., Squeeze-and-Excitation Networks, CVPR 2018, arXiv:1709.01507;
`official/cv/resnet` (se_resnet50) and `research/cv/SE-Net` (senet_resnet50) of mindspore/models,
branches r1.3 to r1.10; `configs/senet` of mindcv. The three are different networks.
"""

from functools import partial

from mindspore import Tensor, nn

from ._classifier import INPUT_SHAPE, classifier_files, last_layer
from ._resnet import BLOCKS_50, FEATURES, Bottleneck, ResNet, global_pool, stages
from ._squeeze import excite

_NORMS = {"eps": 1e-4, "last_eps": 1e-4}
"""Batch normalisation of a bottleneck: terms added to the variances."""


class se_resnet50(nn.Cell):
    """ResNet-50 with a stem of three convolutions and two blocks that weigh their channels.

    Trained on images of 224×224 pixels and evaluated on 256×256.

    Args:
        num_classes: Classes; with 0 the output is the pooled feature `(N, 2048)`.

    Inputs:
        **x** - RGB images `(N, 3, 256, 256)`, float32: values of 0 to 255, less (123.68, 116.78,
        103.94).

    Outputs:
        Logits `(N, num_classes)`, float32, in training too. The published network never saw the
        last of its 1001 classes: index 0 is the tench, and index 1000 nothing.

    Raises:
        ValueError: `num_classes` is not an integer of at least 0.
    """

    checkpoint = classifier_files("end_point")

    def __init__(self, num_classes: int = 1001) -> None:
        super().__init__()
        self.input_shapes = ((3, 256, 256),)
        self.conv1_0 = nn.Conv2d(3, 32, 3, 2, pad_mode="same")
        self.bn1_0 = nn.BatchNorm2d(32, eps=1e-4)
        self.conv1_1 = nn.Conv2d(32, 32, 3, pad_mode="same")
        self.bn1_1 = nn.BatchNorm2d(32, eps=1e-4)
        self.conv1_2 = nn.Conv2d(32, 64, 3, pad_mode="same")
        self.bn1 = nn.BatchNorm2d(64, eps=1e-4)
        self.relu = nn.ReLU()
        self.max_pool = nn.MaxPool2d(3, 2, pad_mode="same")
        self.layer1 = _stage(3, 64, 256, 1)
        self.layer2 = _stage(4, 256, 512, 2)
        self.layer3 = _stage(6, 512, 1024, 2, _Weighing)
        self.layer4 = _stage(3, 1024, FEATURES, 2, _Weighing)
        self.end_point = last_layer(FEATURES, num_classes)

    def construct(self, x: Tensor) -> Tensor:
        """Compute logits."""
        x = self.relu(self.bn1_0(self.conv1_0(x)))
        x = self.relu(self.bn1_1(self.conv1_1(x)))
        x = self.max_pool(self.relu(self.bn1(self.conv1_2(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.end_point(global_pool(x))


def _stage(
    blocks: int,
    in_channels: int,
    out_channels: int,
    stride: int,
    last: type[Bottleneck] = Bottleneck,
) -> nn.SequentialCell:
    """Blocks of one size of map; the first may halve it, the last may weigh its channels."""
    made = [
        _Halving(in_channels, out_channels)
        if stride == 2
        else Bottleneck(in_channels, out_channels, stride, **_NORMS)
    ]
    made += [Bottleneck(out_channels, out_channels, 1, **_NORMS) for _ in range(blocks - 2)]
    return nn.SequentialCell([*made, last(out_channels, out_channels, 1, **_NORMS)])


class _Halving(nn.Cell):
    """Bottleneck that halves height and width by max-pools, and not by a stride."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        width = out_channels // 4
        self.conv1 = nn.Conv2d(in_channels, width, 1)
        self.bn1 = nn.BatchNorm2d(width, eps=1e-4)
        self.e2 = nn.SequentialCell(
            nn.Conv2d(width, width, 3, pad_mode="same"),
            nn.BatchNorm2d(width, eps=1e-4),
            nn.ReLU(),
            nn.MaxPool2d(2, 2, pad_mode="same"),
        )
        self.conv3 = nn.Conv2d(width, out_channels, 1)
        self.bn3 = nn.BatchNorm2d(out_channels, eps=1e-4)
        self.relu = nn.ReLU()
        self.down_sample_layer = nn.SequentialCell(
            nn.MaxPool2d(2, 2, pad_mode="same"),
            nn.Conv2d(in_channels, out_channels, 1),
            nn.BatchNorm2d(out_channels, eps=1e-4),
        )

    def construct(self, x: Tensor) -> Tensor:
        branch = self.e2(self.relu(self.bn1(self.conv1(x))))
        return self.relu(self.bn3(self.conv3(branch)) + self.down_sample_layer(x))


class _Weighing(Bottleneck):
    """Bottleneck that weighs the channels of its branch, with layers of its own."""

    def __init__(self, in_channels: int, out_channels: int, stride: int, **norms: float) -> None:
        super().__init__(in_channels, out_channels, stride, **norms)
        self.se_dense_0 = nn.Dense(out_channels, out_channels // 4)
        self.se_dense_1 = nn.Dense(out_channels // 4, out_channels)

    def construct(self, x: Tensor) -> Tensor:
        branch = excite(self.branch(x), self.se_dense_0, self.se_dense_1)
        return self.relu(branch + self.down_sample_layer(x))


class senet_resnet50(ResNet):
    """SE-ResNet-50 of the folder SE-Net: every block weighs its channels.

    Args:
        num_classes: Classes; with 0 the output is the pooled feature `(N, 2048)`.

    Inputs:
        **x** - RGB images `(N, 3, 224, 224)`, float32: values of 0 to 255, less 255 · (0.485,
        0.456, 0.406), divided by 255 · (0.229, 0.224, 0.225).

    Outputs:
        Logits `(N, num_classes)`, float32, in training too. The published network never saw the
        last of its 1001 classes: index 0 is the tench, and index 1000 nothing.

    Raises:
        ValueError: `num_classes` is not an integer of at least 0.
    """

    checkpoint = classifier_files("end_point")

    def __init__(self, num_classes: int = 1001) -> None:
        super().__init__(partial(_WeighingBySe, **_NORMS), BLOCKS_50, eps=1e-4)
        self.input_shapes = (INPUT_SHAPE,)
        self.end_point = last_layer(FEATURES, num_classes)

    def construct(self, x: Tensor) -> Tensor:
        """Compute logits."""
        return self.end_point(global_pool(self.maps(x)))


class _WeighingBySe(Bottleneck):
    """Bottleneck that weighs the channels of its branch, with a cell for it."""

    def __init__(self, in_channels: int, out_channels: int, stride: int, **norms: float) -> None:
        super().__init__(in_channels, out_channels, stride, **norms)
        self.se = _Squeeze(out_channels)

    def construct(self, x: Tensor) -> Tensor:
        return self.relu(self.se(self.branch(x)) + self.down_sample_layer(x))


class _Squeeze(nn.Cell):
    """Weighs the channels of maps by four times fewer values."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.se_dense_0 = nn.Dense(channels, channels // 4)
        self.se_dense_1 = nn.Dense(channels // 4, channels)

    def construct(self, x: Tensor) -> Tensor:
        return excite(x, self.se_dense_0, self.se_dense_1)


class mindcv_seresnet18(nn.Cell):
    """SE-ResNet-18 of mindcv.

    Args:
        num_classes: Classes; with 0 the output is the pooled feature `(N, 512)`.

    Inputs:
        **x** - RGB images `(N, 3, 224, 224)`, float32: values of 0 to 255, less 255 · (0.485,
        0.456, 0.406), divided by 255 · (0.229, 0.224, 0.225).

    Outputs:
        Logits `(N, num_classes)`, float32, in training too.

    Raises:
        ValueError: `num_classes` is not an integer of at least 0.
    """

    checkpoint = classifier_files("classifier")

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        self.input_shapes = (INPUT_SHAPE,)
        self.layer0 = nn.SequentialCell(
            nn.Conv2d(3, 64, 7, 2, pad_mode="pad", padding=3),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.MaxPool2d(3, 2, pad_mode="same"),
        )
        widths = (64, 128, 256, 512)
        self.layer1, self.layer2, self.layer3, self.layer4 = stages(_Basic, (2, 2, 2, 2), widths)
        self.classifier = last_layer(512, num_classes)

    def construct(self, x: Tensor) -> Tensor:
        """Compute logits."""
        x = self.layer2(self.layer1(self.layer0(x)))
        return self.classifier(global_pool(self.layer4(self.layer3(x))))


class _Basic(nn.Cell):
    """Residual block of two 3×3 convolutions that weighs the channels of its branch."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, pad_mode="pad", padding=1)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, pad_mode="pad", padding=1)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU()
        self.se_module = _SqueezeModule(out_channels)
        self.downsample = (
            nn.Identity()
            if in_channels == out_channels
            else nn.SequentialCell(
                nn.Conv2d(in_channels, out_channels, 1, stride), nn.BatchNorm2d(out_channels)
            )
        )

    def construct(self, x: Tensor) -> Tensor:
        branch = self.relu(self.bn1(self.conv1(x)))
        branch = self.se_module(self.bn2(self.conv2(branch)))
        return self.relu(branch + self.downsample(x))


class _SqueezeModule(nn.Cell):
    """Weighs the channels of maps by sixteen times fewer values, at least eight."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        width = max(channels // 16, 8)
        self.conv_reduce = nn.Dense(channels, width)
        self.conv_expand = nn.Dense(width, channels)

    def construct(self, x: Tensor) -> Tensor:
        return excite(x, self.conv_reduce, self.conv_expand)
