"""ResNetV2: residual blocks that normalise before they convolve.

Source: He et al., Identity Mappings in Deep Residual Networks, ECCV 2016, arXiv:1603.05027;
`research/cv/resnetv2` of mindspore/models, branches r1.3 to r1.10; `configs/resnetv2` and
`configs/bit` of mindcv.
"""

from mindspore import Tensor, nn, ops

from ._arguments import require_counts
from ._classifier import INPUT_SHAPE, classifier_files, last_layer
from ._mindcv_resnet import MindcvResNet50
from ._resnet import (
    BLOCKS_50,
    BLOCKS_101,
    BLOCKS_152,
    FEATURES,
    ZeroPaddedMaxPool,
    global_pool,
    stages,
)


class ResNetV2(nn.Cell):
    """ResNetV2 for small images; no normalisation follows its last block.

    Args:
        blocks: Blocks of each stage.
        num_classes: Classes; with 0 the output is the pooled feature `(N, 2048)`.

    Inputs:
        **x** - RGB images `(N, 3, 32, 32)`, float32: values of 0 to 255 divided by 255, less
        (0.4914, 0.4822, 0.4465), divided by (0.2023, 0.1994, 0.2010). Larger images are computed
        with, but the published checkpoints never saw any.

    Outputs:
        Logits `(N, num_classes)`, float32, in training too.

    Raises:
        ValueError: `num_classes` is not an integer of at least 0.
    """

    checkpoint = classifier_files("linear")

    def __init__(self, blocks: tuple[int, ...], num_classes: int) -> None:
        super().__init__()
        self.input_shapes = ((3, 32, 32),)
        # The original takes this one if it is to save memory, and has both whatever it takes.
        self.conv1 = nn.Conv2d(3, 64, 7, 2, pad_mode="same")
        self.conv2 = nn.Conv2d(3, 64, 3, pad_mode="pad", padding=1)
        self.layer1, self.layer2, self.layer3, self.layer4 = stages(_ShortcutBlock, blocks)
        self.linear = last_layer(FEATURES, num_classes)

    def construct(self, x: Tensor) -> Tensor:
        """Compute logits."""
        x = self.layer2(self.layer1(self.conv2(x)))
        return self.linear(global_pool(self.layer4(self.layer3(x))))


class resnetv2_50(ResNetV2):
    """ResNetV2-50, see `ResNetV2`."""

    def __init__(self, num_classes: int = 10) -> None:
        super().__init__(BLOCKS_50, num_classes)


class resnetv2_101(ResNetV2):
    """ResNetV2-101, see `ResNetV2`."""

    def __init__(self, num_classes: int = 10) -> None:
        super().__init__(BLOCKS_101, num_classes)


class resnetv2_152(ResNetV2):
    """ResNetV2-152, see `ResNetV2`."""

    def __init__(self, num_classes: int = 10) -> None:
        super().__init__(BLOCKS_152, num_classes)


class _Block(nn.Cell):
    """What bottlenecks that normalise first have in common."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        width = out_channels // 4
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, width, 1)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, pad_mode="pad", padding=1)
        self.bn3 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out_channels, 1)
        self.relu = nn.ReLU()
        self.projects = in_channels != out_channels

    def branch(self, activated: Tensor) -> Tensor:
        """Compute what the block adds, from its normalised input."""
        x = self.relu(self.bn2(self.conv1(activated)))
        return self.conv3(self.relu(self.bn3(self.conv2(x))))


class _ShortcutBlock(_Block):
    """Block whose shortcut, where it projects, takes the normalised input."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__(in_channels, out_channels, stride)
        if self.projects:
            self.shortcut = nn.SequentialCell(
                nn.Conv2d(in_channels, out_channels, 1, stride, pad_mode="same")
            )

    def construct(self, x: Tensor) -> Tensor:
        activated = self.relu(self.bn1(x))
        return self.branch(activated) + (self.shortcut(activated) if self.projects else x)


class mindcv_resnetv2_50(MindcvResNet50):
    """ResNetV2-50 of mindcv, see `MindcvResNet50`; no normalisation follows its last block."""

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__(_DownSamplingBlock, num_classes)


class _DownSamplingBlock(_Block):
    """Block whose shortcut, where it projects, takes the normalised input and normalises again."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__(in_channels, out_channels, stride)
        if self.projects:
            self.down_sample = nn.SequentialCell(
                nn.Conv2d(in_channels, out_channels, 1, stride), nn.BatchNorm2d(out_channels)
            )

    def construct(self, x: Tensor) -> Tensor:
        activated = self.relu(self.bn1(x))
        return self.branch(activated) + (self.down_sample(activated) if self.projects else x)


class mindcv_bit_resnet50(nn.Cell):
    """Big Transfer's ResNet-50 of mindcv: group normalisation and standardised weights.

    Source: Kolesnikov et al., Big Transfer (BiT): General Visual Representation Learning, ECCV
    2020, arXiv:1912.11370; standardised weights: Qiao et al., arXiv:1903.10520.

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

    checkpoint = classifier_files("classifier")

    def __init__(self, num_classes: int = 1000) -> None:
        (num_classes,) = require_counts(0, num_classes=num_classes)
        super().__init__()
        self.input_shapes = (INPUT_SHAPE,)
        self.conv1 = _StandardisedConvolution(3, 64, 7, 2, pad_mode="pad", padding=3)
        self.max_pool = ZeroPaddedMaxPool()
        self.layer1, self.layer2, self.layer3, self.layer4 = stages(_BitBlock, BLOCKS_50)
        self.gn = nn.GroupNorm(32, FEATURES)
        self.relu = nn.ReLU()
        self.classifier = (
            nn.Conv2d(FEATURES, num_classes, 1, has_bias=True) if num_classes else nn.Identity()
        )

    def construct(self, x: Tensor) -> Tensor:
        """Compute logits."""
        x = self.layer2(self.layer1(self.max_pool(self.conv1(x))))
        x = self.relu(self.gn(self.layer4(self.layer3(x))))
        x = self.classifier(ops.mean(x, (2, 3), keep_dims=True))
        return x.reshape(x.shape[:2])


class _BitBlock(nn.Cell):
    """Bottleneck of standardised convolutions that normalises first."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        width = out_channels // 4
        self.gn1 = nn.GroupNorm(32, in_channels)
        self.conv1 = _StandardisedConvolution(in_channels, width, 1)
        self.gn2 = nn.GroupNorm(32, width)
        self.conv2 = _StandardisedConvolution(width, width, 3, stride, pad_mode="pad", padding=1)
        self.gn3 = nn.GroupNorm(32, width)
        self.conv3 = _StandardisedConvolution(width, out_channels, 1)
        self.relu = nn.ReLU()
        self.projects = in_channels != out_channels
        if self.projects:
            self.down_sample = nn.SequentialCell(
                _StandardisedConvolution(in_channels, out_channels, 1, stride)
            )

    def construct(self, x: Tensor) -> Tensor:
        activated = self.relu(self.gn1(x))
        branch = self.relu(self.gn2(self.conv1(activated)))
        branch = self.conv3(self.relu(self.gn3(self.conv2(branch))))
        return branch + (self.down_sample(activated) if self.projects else x)


class _StandardisedConvolution(nn.Conv2d):
    """Convolution whose weights of an output channel are made to have mean 0 and variance 1."""

    def construct(self, x: Tensor) -> Tensor:
        centred = self.weight - self.weight.mean((1, 2, 3), keep_dims=True)
        variance = ops.square(centred).mean((1, 2, 3), keep_dims=True)
        weight = centred / ops.sqrt(variance + 1e-10)
        return ops.conv2d(
            x, weight, stride=self.stride, pad_mode=self.pad_mode, padding=self.padding
        )
