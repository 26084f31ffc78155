"""EfficientNet: networks whose width, depth and image size were scaled together.

Source: Tan and Le, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, ICML
2019, arXiv:1905.11946; `research/cv/efficientnet-b0` to `-b3` of mindspore/models, branches r1.3
to r1.10, four folders that spell their parameters differently.
"""

import math
from collections.abc import Callable
from functools import partial

from mindspore import Parameter, Tensor, nn
from mindspore.common.initializer import initializer

from ._arguments import require_fractions
from ._classifier import INPUT_SHAPE, classifier_files, last_layer
from ._units import GlobalPool, same_conv, to_multiple

_STAGES = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)
"""Expansion, kernel size, first stride, channels and blocks of each stage of B0, as in Table 1."""

Convolution = Callable[..., nn.Cell]
"""Makes a convolution of its input and output channels, its size, its stride and its groups."""


class EfficientNet(nn.Cell):
    """EfficientNet whose convolutions are padded as MindSpore's "same".

    Blocks have a widening convolution where the paper has none, which is saved and computes
    nothing. The original declares stochastic depth and never applies it.

    Args:
        width: Factor of the channels.
        depth: Factor of the blocks of a stage.
        num_classes: Classes; with 0 the output is the pooled feature, `(N, 1280)` in B0 and B1,
            `(N, 1408)` in B2, `(N, 1536)` in B3.
        dropout: Share of the pooled feature that training sets to zero.
        conv: Convolution without numbers that it adds.
        weighing_conv: Convolution with them, of those that weigh channels.
        narrowing_conv: Convolution that ends a block.

    Inputs:
        **x** - RGB images, float32, of the size that the network says.

    Outputs:
        Logits `(N, num_classes)`, float32, in training too.

    Raises:
        ValueError: An argument is outside its range.
    """

    checkpoint = classifier_files("head.6")

    def __init__(
        self,
        width: float,
        depth: float,
        num_classes: int,
        dropout: float,
        *,
        conv: Convolution,
        weighing_conv: Convolution,
        narrowing_conv: Convolution,
    ) -> None:
        (dropout,) = require_fractions(dropout=dropout)
        super().__init__()
        channels = to_multiple(32 * width, 8)
        self.stem = nn.SequentialCell(conv(3, channels, 3, 2), _norm(channels), nn.SiLU())
        block = partial(
            _Block, conv=conv, weighing_conv=weighing_conv, narrowing_conv=narrowing_conv
        )
        stages = []
        for expansion, size, stride, base, blocks in _STAGES:
            out_channels = to_multiple(base * width, 8)
            first = block(channels, out_channels, size, stride, expansion)
            rest = [
                block(out_channels, out_channels, size, 1, expansion)
                for _ in range(math.ceil(blocks * depth) - 1)
            ]
            stages.append(_Stage([first, *rest]))
            channels = out_channels
        self.blocks = nn.SequentialCell(stages)
        last = to_multiple(1280 * width, 8)
        self.head = nn.SequentialCell(
            conv(channels, last, 1),
            _norm(last),
            nn.SiLU(),
            GlobalPool(),
            nn.Dropout(p=dropout),
            nn.Flatten(),
            last_layer(last, num_classes),
        )

    def construct(self, x: Tensor) -> Tensor:
        """Compute logits."""
        return self.head(self.blocks(self.stem(x)))


class _Stage(nn.Cell):
    """Blocks of one size of map."""

    def __init__(self, blocks: list[nn.Cell]) -> None:
        super().__init__()
        self.layers = nn.SequentialCell(blocks)

    def construct(self, x: Tensor) -> Tensor:
        return self.layers(x)


class _Block(nn.Cell):
    """Inverted residual block that weighs channels by a quarter of those of its input."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        size: int,
        stride: int,
        expansion: int,
        *,
        conv: Convolution,
        weighing_conv: Convolution,
        narrowing_conv: Convolution,
    ) -> None:
        super().__init__()
        hidden = expansion * in_channels
        self.expands = expansion > 1
        self.expand_conv = nn.SequentialCell(conv(in_channels, hidden, 1), _norm(hidden), nn.SiLU())
        self.depth_wise_conv = nn.SequentialCell(
            conv(hidden, hidden, size, stride, groups=hidden), _norm(hidden), nn.SiLU()
        )
        self.se = _Squeeze(hidden, in_channels // 4, weighing_conv)
        self.project_conv = nn.SequentialCell(
            narrowing_conv(hidden, out_channels, 1), _norm(out_channels)
        )
        self.adds_input = stride == 1 and in_channels == out_channels

    def construct(self, x: Tensor) -> Tensor:
        branch = self.expand_conv(x) if self.expands else x
        branch = self.project_conv(self.se(self.depth_wise_conv(branch)))
        return x + branch if self.adds_input else branch


class _Squeeze(nn.Cell):
    """Weighs the channels of maps by fewer values."""

    def __init__(self, channels: int, width: int, conv: Convolution) -> None:
        super().__init__()
        self.se = nn.SequentialCell(
            GlobalPool(),
            conv(channels, width, 1),
            nn.SiLU(),
            conv(width, channels, 1),
            nn.Sigmoid(),
        )

    def construct(self, x: Tensor) -> Tensor:
        return x * self.se(x)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.99)


class _WithBias(nn.Cell):
    """Convolution with a number for each channel, which only those that weigh channels add."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        size: int,
        stride: int = 1,
        *,
        groups: int = 1,
        adds: bool = False,
    ) -> None:
        super().__init__()
        self.bias = Parameter(initializer("zeros", (1, out_channels, 1, 1)))
        self.conv = same_conv(in_channels, out_channels, size, stride, groups=groups)
        self.adds = adds

    def construct(self, x: Tensor) -> Tensor:
        return self.conv(x) + self.bias if self.adds else self.conv(x)


class efficientnet_b0(EfficientNet):  # as the original calls it
    """EfficientNet-B0, see `EfficientNet`.

    Inputs:
        **x** - RGB images `(N, 3, 224, 224)`, float32: the centre of a picture whose shorter side
        was made 255 pixels long, values of 0 to 255, less 127.5, divided by 127.5.
    """

    def __init__(self, num_classes: int = 1000, dropout: float = 0.2) -> None:
        super().__init__(
            1.0,
            1.0,
            num_classes,
            dropout,
            conv=same_conv,
            weighing_conv=partial(nn.Conv2d, has_bias=True),
            narrowing_conv=same_conv,
        )
        self.input_shapes = (INPUT_SHAPE,)


class efficientnet_b1(EfficientNet):  # as the original calls it
    """EfficientNet-B1, see `EfficientNet`; every convolution has numbers to add, most add none.

    Inputs:
        **x** - RGB images `(N, 3, 240, 240)`, float32: the centre of a picture whose shorter side
        was made 256 pixels long, values of 0 to 255, less 255 · (0.485, 0.456, 0.406), divided by
        255 · (0.229, 0.224, 0.225).
    """

    def __init__(self, num_classes: int = 1000, dropout: float = 0.2) -> None:
        super().__init__(
            1.0,
            1.1,
            num_classes,
            dropout,
            conv=_WithBias,
            weighing_conv=partial(_WithBias, adds=True),
            narrowing_conv=_WithBias,
        )
        self.input_shapes = ((3, 240, 240),)


class efficientnet_b2(EfficientNet):  # as the original calls it
    """EfficientNet-B2, see `EfficientNet`; convolutions as in B1, but for those that end a block.

    Inputs:
        **x** - RGB images `(N, 3, 260, 260)`, float32: the centre of a picture whose shorter side
        was made 280 pixels long, values of 0 to 255, less 127.5, divided by 127.5.
    """

    def __init__(self, num_classes: int = 1000, dropout: float = 0.3) -> None:
        super().__init__(
            1.1,
            1.2,
            num_classes,
            dropout,
            conv=_WithBias,
            weighing_conv=partial(_WithBias, adds=True),
            narrowing_conv=same_conv,
        )
        self.input_shapes = ((3, 260, 260),)


class efficientnet_b3(EfficientNet):  # as the original calls it
    """EfficientNet-B3, see `EfficientNet`; convolutions as in B1.

    Inputs:
        **x** - RGB images `(N, 3, 300, 300)`, float32: the centre of a picture whose shorter side
        was made 320 pixels long, values of 0 to 255, less 255 · (0.485, 0.456, 0.406), divided by
        255 · (0.229, 0.224, 0.225).
    """

    def __init__(self, num_classes: int = 1000, dropout: float = 0.3) -> None:
        super().__init__(
            1.2,
            1.4,
            num_classes,
            dropout,
            conv=_WithBias,
            weighing_conv=partial(_WithBias, adds=True),
            narrowing_conv=_WithBias,
        )
        self.input_shapes = ((3, 300, 300),)
