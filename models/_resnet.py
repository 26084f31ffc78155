"""ResNet trunks with the padding that MindSpore calls "same", and what other ResNets share with them.

Source: He et al., Deep Residual Learning for Image Recognition, CVPR 2016, arXiv:1512.03385, as
built by `official/cv/resnet` and `research/cv/{MVD,DDAG,VehicleNet,metric_learn}` of
mindspore/models (r1.3 to r1.10). They differ from the usual ImageNet trunk in their padding: every
convolution and the max-pool pad as `pad_mode="same"`, which for even sizes adds the extra row and
column at the bottom and the right.
"""

from collections.abc import Callable
from functools import partial

from mindspore import Tensor, nn, ops

FEATURES = 2048
"""Channels of the last stage, hence length of a pooled feature."""

WIDTHS = (256, 512, 1024, FEATURES)
"""Output channels of the stages of a ResNet of bottlenecks."""

BLOCKS_50, BLOCKS_101, BLOCKS_152 = (3, 4, 6, 3), (3, 4, 23, 3), (3, 8, 36, 3)
"""Blocks of each stage, by the layers of the network."""


class ResNet(nn.Cell):
    """Image to feature map.

    Args:
        block: Makes a block of its input channels, its output channels and its stride.
        blocks: Blocks of each stage.
        eps: Term added to the variance in the first batch normalisation.

    Inputs:
        Normalised images `(N, 3, H, W)`, float32.

    Outputs:
        Feature maps `(N, 2048, ceil(H / 32), ceil(W / 32))`, float32.
    """

    def __init__(
        self, block: Callable[[int, int, int], nn.Cell], blocks: tuple[int, ...], *, eps: float
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, pad_mode="same")
        self.bn1 = nn.BatchNorm2d(64, eps=eps)
        self.relu = nn.ReLU()
        self.max_pool = nn.MaxPool2d(3, 2, pad_mode="same")
        self.layer1, self.layer2, self.layer3, self.layer4 = stages(block, blocks)

    def construct(self, x: Tensor) -> Tensor:
        """Compute feature maps."""
        return self.maps(x)

    def maps(self, x: Tensor) -> Tensor:
        """Compute feature maps.

        Classes of this one call it: in GRAPH mode, `super()` is that of the class of the network, even
        in a method that it inherits, which would call itself then.
        """
        x = self.max_pool(self.relu(self.bn1(self.conv1(x))))
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))


class ResNet50(ResNet):
    """ResNet-50 trunk of the re-identification and metric learning networks.

    Args:
        eps: Term added to the variance in every batch normalisation but the last of a block.
        last_eps: The same in the last batch normalisation of a block.
        last_momentum: Share of the running statistics that the last batch normalisation of a
            block keeps in a training step; the others keep 0.9.

    Inputs:
        Normalised images `(N, 3, H, W)`, float32.

    Outputs:
        Feature maps `(N, 2048, ceil(H / 32), ceil(W / 32))`, float32.
    """

    def __init__(self, *, eps: float, last_eps: float, last_momentum: float = 0.9) -> None:
        block = partial(Bottleneck, eps=eps, last_eps=last_eps, last_momentum=last_momentum)
        super().__init__(block, BLOCKS_50, eps=eps)


class Bottleneck(nn.Cell):
    """Residual block of a 1×1, a 3×3 and a 1×1 convolution; the 3×3 has the stride."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int,
        *,
        eps: float,
        last_eps: float,
        last_momentum: float = 0.9,
        pad_mode: str = "same",
    ) -> None:
        super().__init__()
        width, padding = out_channels // 4, 1 if pad_mode == "pad" else 0
        self.conv1 = nn.Conv2d(in_channels, width, 1)
        self.bn1 = nn.BatchNorm2d(width, eps=eps)
        self.conv2 = nn.Conv2d(width, width, 3, stride, pad_mode=pad_mode, padding=padding)
        self.bn2 = nn.BatchNorm2d(width, eps=eps)
        self.conv3 = nn.Conv2d(width, out_channels, 1)
        self.bn3 = nn.BatchNorm2d(out_channels, eps=last_eps, momentum=last_momentum)
        self.relu = nn.ReLU()
        self.down_sample_layer = (
            nn.Identity()
            if in_channels == out_channels
            else nn.SequentialCell(
                nn.Conv2d(in_channels, out_channels, 1, stride, pad_mode="same"),
                nn.BatchNorm2d(out_channels, eps=eps),
            )
        )

    def construct(self, x: Tensor) -> Tensor:
        return self.relu(self.branch(x) + self.down_sample_layer(x))

    def branch(self, x: Tensor) -> Tensor:
        """Compute what the block adds to its input."""
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        return self.bn3(self.conv3(x))


def stages(
    block: Callable[[int, int, int], nn.Cell],
    blocks: tuple[int, ...],
    widths: tuple[int, ...] = WIDTHS,
    channels: int = 64,
    strides: tuple[int, ...] = (1, 2, 2, 2),
) -> list[nn.SequentialCell]:
    """Make the stages of a ResNet.

    Args:
        block: Makes a block of its input channels, its output channels and its stride.
        blocks: Blocks of each stage.
        widths: Output channels of each stage.
        channels: Input channels of the first.
        strides: Stride of the first block of each stage.
    """
    made = []
    for count, width, stride in zip(blocks, widths, strides, strict=True):
        first = block(channels, width, stride)
        rest = [block(width, width, 1) for _ in range(count - 1)]
        made.append(nn.SequentialCell([first, *rest]))
        channels = width
    return made


class ZeroPaddedMaxPool(nn.Cell):
    """Largest of 3×3 values at every second place, with a ring of zeros that may be the largest."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = nn.MaxPool2d(3, 2)

    def construct(self, x: Tensor) -> Tensor:
        return self.pool(ops.pad(x, (1, 1, 1, 1)))


def global_pool(maps: Tensor) -> Tensor:
    """Average feature maps `(N, C, H, W)` over their positions: `(N, C)`."""
    return ops.mean(maps, (2, 3))
