"""MnasNet: inverted residual blocks found by a search that measured time on a telephone.

Source: Tan et al., MnasNet: Platform-Aware Neural Architecture Search for Mobile, CVPR 2019,
arXiv:1807.11626; `research/cv/mnasnet` of mindspore/models, branches r1.3 to r1.10.
"""

from mindspore import Tensor, nn

from ._classifier import INPUT_SHAPE, classifier_files, last_layer
from ._resnet import global_pool
from ._units import Unit, even_conv

_STAGES = (
    (3, 24, 3, 2, 3),
    (3, 40, 3, 2, 5),
    (6, 80, 3, 2, 5),
    (6, 96, 2, 1, 3),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
"""Expansion, channels, blocks, first stride and kernel size of each stage."""

_FEATURES = 1280
"""Channels of the last convolution, hence length of a pooled feature."""


class mnasnet(nn.Cell):  # as the original calls it
    """MnasNet, about the paper's A1 without what weighs channels.

    Its first convolution adds numbers, and its second block has a 3×3 convolution where the paper
    has a 1×1. The original has 1000 classes always.

    Args:
        num_classes: Classes; with 0 the output is the pooled feature `(N, 1280)`.

    Inputs:
        **x** - RGB images `(N, 3, 224, 224)`, float32: the centre of a picture whose shorter side
        was made 255 pixels long, values of 0 to 255, less 127.5, divided by 127.5.

    Outputs:
        Logits `(N, num_classes)`, float32, in training too.

    Raises:
        ValueError: `num_classes` is not an integer of at least 0.
    """

    checkpoint = classifier_files("fc")

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        self.input_shapes = (INPUT_SHAPE,)
        cells: list[nn.Cell] = [Unit(3, 32, 3, 2, activation=nn.ReLU(), has_bias=True), _Second()]
        channels = 16
        for expansion, width, blocks, stride, size in _STAGES:
            for number in range(blocks):
                first = stride if number == 0 else 1
                cells.append(_InvertedResidual(channels, width, size, first, expansion))
                channels = width
        self.features = nn.SequentialCell(cells)
        self.conv1 = nn.SequentialCell(
            nn.Conv2d(channels, _FEATURES, 1), nn.BatchNorm2d(_FEATURES), nn.ReLU()
        )
        self.fc = last_layer(_FEATURES, num_classes)

    def construct(self, x: Tensor) -> Tensor:
        """Compute logits."""
        return self.fc(global_pool(self.conv1(self.features(x))))


class _Second(nn.Cell):
    """Convolution of each channel by itself, then one of all, without activation."""

    def __init__(self) -> None:
        super().__init__()
        self.sequence = nn.SequentialCell(
            even_conv(32, 32, 3, groups=32),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            even_conv(32, 16, 3),
            nn.BatchNorm2d(16),
        )

    def construct(self, x: Tensor) -> Tensor:
        return self.sequence(x)


class _InvertedResidual(nn.Cell):
    """Block that widens, convolves each channel by itself and narrows without activation."""

    def __init__(
        self, in_channels: int, out_channels: int, size: int, stride: int, expansion: int
    ) -> None:
        super().__init__()
        hidden = expansion * in_channels
        self.conv = nn.SequentialCell(
            nn.Conv2d(in_channels, hidden, 1),
            nn.BatchNorm2d(hidden),
            nn.ReLU(),
            even_conv(hidden, hidden, size, stride, groups=hidden),
            nn.BatchNorm2d(hidden),
            nn.ReLU(),
            nn.Conv2d(hidden, out_channels, 1),
            nn.BatchNorm2d(out_channels),
        )
        self.adds_input = stride == 1 and in_channels == out_channels

    def construct(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.adds_input else self.conv(x)
