"""GhostNet: half of the channels of each map are made of the other half by cheap convolutions.

Source: Han et al., GhostNet: More Features from Cheap Operations, CVPR 2020, arXiv:1911.11907;
`research/cv/ghostnet` of mindspore/models, branches r1.3 to r1.10, and the files of noah-cvlab.
"""

import math

from mindspore import Tensor, nn, ops

from ._arguments import require_fractions
from ._classifier import INPUT_SHAPE, classifier_files, last_layer
from ._squeeze import excite_maps
from ._units import GlobalPool, Unit, to_multiple

_BLOCKS_1X = (
    (3, 16, 16, 0, 1),
    (3, 48, 24, 0, 2),
    (3, 72, 24, 0, 1),
    (5, 72, 40, 20, 2),
    (5, 120, 40, 32, 1),
    (3, 240, 80, 0, 2),
    (3, 200, 80, 0, 1),
    (3, 184, 80, 0, 1),
    (3, 184, 80, 0, 1),
    (3, 480, 112, 120, 1),
    (3, 672, 112, 168, 1),
    (5, 672, 160, 168, 2),
    (5, 960, 160, 0, 1),
    (5, 960, 160, 240, 1),
    (5, 960, 160, 0, 1),
    (5, 960, 160, 240, 1),
)
"""Kernel size, hidden and output channels, values that weigh the hidden ones (0: nothing does) and
stride of each block."""

_STAGES_600M = (
    (3, 1, 28, 1, 1),
    (3, 3, 44, 2, 2),
    (5, 3, 72, 3, 2),
    (3, 6, 140, 1, 2),
    (3, 2.5, 140, 3, 1),
    (3, 6, 196, 3, 1),
    (5, 6, 280, 6, 2),
)
"""Kernel size, expansion, output channels, blocks and first stride."""

Block = tuple[int, int, int, int, int]


class GhostNet(nn.Cell):
    """GhostNet of given blocks.

    Args:
        blocks: Blocks, as above.
        stem: Channels of the first convolution.
        features: Length of the feature that classes are told from.
        activation: What follows normalisations.
        num_classes: Classes; with 0 the output is what the last layer would be given,
            `(N, features)`.
        dropout: Share of that feature which training sets to zero.

    Inputs:
        **x** - RGB images of the size that the network says, float32: values of 0 to 255, less
        255 · (0.485, 0.456, 0.406), divided by 255 · (0.229, 0.224, 0.225).

    Outputs:
        Logits `(N, num_classes)`, float32, in training too.

    Raises:
        ValueError: An argument is outside its range.
    """

    checkpoint = classifier_files("classifier")

    def __init__(
        self,
        blocks: tuple[Block, ...],
        stem: int,
        features: int,
        activation: nn.Cell,
        num_classes: int,
        dropout: float,
    ) -> None:
        (dropout,) = require_fractions(dropout=dropout)
        super().__init__()
        self.conv_stem = nn.Conv2d(3, stem, 3, 2, pad_mode="pad", padding=1)
        self.bn1 = nn.BatchNorm2d(stem)
        self.activation = activation
        cells: list[nn.Cell] = []
        channels, hidden = stem, 0
        for size, hidden, out_channels, weighing, stride in blocks:
            cells.append(
                _Bottleneck(channels, hidden, out_channels, size, stride, weighing, activation)
            )
            channels = out_channels
        cells.append(Unit(channels, hidden, 1, activation=activation))
        self.blocks = nn.SequentialCell(cells)
        self.pool = GlobalPool()
        self.conv_head = nn.Conv2d(hidden, features, 1, has_bias=True)
        self.flatten = nn.Flatten()
        self.dropout = nn.Dropout(p=dropout)
        self.classifier = last_layer(features, num_classes)

    def construct(self, x: Tensor) -> Tensor:
        """Compute logits."""
        x = self.blocks(self.activation(self.bn1(self.conv_stem(x))))
        x = self.flatten(self.activation(self.conv_head(self.pool(x))))
        return self.classifier(self.dropout(x))


class ghostnet_1x(GhostNet):  # as the original calls it
    """GhostNet of width 1, see `GhostNet`: images `(N, 3, 224, 224)`, features of 1280 values."""

    def __init__(self, num_classes: int = 1000, dropout: float = 0.2) -> None:
        super().__init__(_BLOCKS_1X, 16, 1280, nn.ReLU(), num_classes, dropout)
        self.input_shapes = (INPUT_SHAPE,)


class ghostnet_600m(GhostNet):  # as the original calls it
    """GhostNet of 600 million multiplications, see `GhostNet`.

    Hard swish instead of ReLU, and every block weighs its channels. Images `(N, 3, 240, 240)`,
    features of 1400 values. That the images have 240 pixels is what its card says; the published
    evaluation never makes images of that size.
    """

    def __init__(self, num_classes: int = 1000, dropout: float = 0.2) -> None:
        super().__init__(_blocks_600m(), 28, 1400, nn.HSwish(), num_classes, dropout)
        self.input_shapes = ((3, 240, 240),)


def _blocks_600m() -> tuple[Block, ...]:
    blocks: list[Block] = []
    channels = 28
    for size, expansion, out_channels, count, stride in _STAGES_600M:
        for number in range(count):
            hidden = to_multiple(channels * expansion, 8)
            weighing = to_multiple(hidden // 10, 8)
            blocks.append((size, hidden, out_channels, weighing, 1 if number else stride))
            channels = out_channels
    return tuple(blocks)


class _Ghost(nn.Cell):
    """Convolution to half of the channels, and the other half from those, each by itself."""

    def __init__(
        self, in_channels: int, out_channels: int, activation: nn.Cell | None = None
    ) -> None:
        super().__init__()
        half = math.ceil(out_channels / 2)
        self.primary_conv = Unit(in_channels, half, 1, activation=activation)
        self.cheap_operation = Unit(half, half, 3, groups=half, activation=activation)

    def construct(self, x: Tensor) -> Tensor:
        primary = self.primary_conv(x)
        return ops.concat((primary, self.cheap_operation(primary)), 1)


class _Bottleneck(nn.Cell):
    """Residual block that widens and narrows; nothing follows the sum."""

    def __init__(
        self,
        in_channels: int,
        hidden: int,
        out_channels: int,
        size: int,
        stride: int,
        weighing: int,
        activation: nn.Cell,
    ) -> None:
        super().__init__()
        self.ghost1 = _Ghost(in_channels, hidden, activation)
        self.dw = (
            Unit(hidden, hidden, size, stride, groups=hidden) if stride == 2 else nn.Identity()
        )
        self.se = _Squeeze(hidden, weighing) if weighing else nn.Identity()
        self.ghost2 = _Ghost(hidden, out_channels)
        self.shortcut = (
            nn.Identity()
            if stride == 1 and in_channels == out_channels
            else nn.SequentialCell(
                Unit(in_channels, in_channels, size, stride, groups=in_channels),
                Unit(in_channels, out_channels, 1),
            )
        )

    def construct(self, x: Tensor) -> Tensor:
        return self.ghost2(self.se(self.dw(self.ghost1(x)))) + self.shortcut(x)


class _Squeeze(nn.Cell):
    """Weighs the channels of maps by fewer values."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.conv_reduce = nn.Conv2d(channels, width, 1, has_bias=True)
        self.conv_expand = nn.Conv2d(width, channels, 1, has_bias=True)
        self.relu = nn.ReLU()
        self.gate = nn.HSigmoid()

    def construct(self, x: Tensor) -> Tensor:
        return excite_maps(x, self.conv_reduce, self.relu, self.conv_expand, self.gate)
