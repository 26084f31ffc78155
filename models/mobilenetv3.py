"""MobileNetV3: inverted residual blocks that weigh channels, found by a search.

Source: Howard et al., Searching for MobileNetV3, ICCV 2019, arXiv:1905.02244;
`official/cv/mobilenetv3`, `research/cv/mobilenetv3_large` and `research/cv/mobilenetV3_small_x1_0`
of mindspore/models, branches r1.3 to r1.10. The two large networks are the same.
"""

from mindspore import Tensor, nn

from ._classifier import INPUT_SHAPE, classifier_files, last_conv
from ._squeeze import excite_maps
from ._units import GlobalPool, Unit

_LARGE = (
    (3, 16, 16, False, False, 1),
    (3, 64, 24, False, False, 2),
    (3, 72, 24, False, False, 1),
    (5, 72, 40, True, False, 2),
    (5, 120, 40, True, False, 1),
    (5, 120, 40, True, False, 1),
    (3, 240, 80, False, True, 2),
    (3, 200, 80, False, True, 1),
    (3, 184, 80, False, True, 1),
    (3, 184, 80, False, True, 1),
    (3, 480, 112, True, True, 1),
    (3, 672, 112, True, True, 1),
    (5, 672, 160, True, True, 2),
    (5, 960, 160, True, True, 1),
    (5, 960, 160, True, True, 1),
)
"""Kernel size, hidden and output channels of each block, whether it weighs its channels, whether
it is activated by hard swish rather than ReLU, and its stride, as in Table 1."""

_SMALL = (
    (3, 16, 16, True, False, 2),
    (3, 72, 24, False, False, 2),
    (3, 88, 24, False, False, 1),
    (5, 96, 40, True, True, 2),
    (5, 240, 40, True, True, 1),
    (5, 240, 40, True, True, 1),
    (5, 120, 48, True, True, 1),
    (5, 144, 48, True, True, 1),
    (5, 288, 96, True, True, 2),
    (5, 576, 96, True, True, 1),
    (5, 576, 96, True, True, 1),
)
"""The same of Table 2."""

_FEATURES = 1280
"""Length of the feature that classes are told from; the paper has 1024 in the small network."""


class MobileNetV3(nn.Cell):
    """MobileNetV3 of width 1.

    Args:
        blocks: Blocks, see above.
        num_classes: Classes; with 0 the output is what the last layer would be given,
            `(N, 1280)`.

    Inputs:
        **x** - RGB images `(N, 3, 224, 224)`, float32: values of 0 to 255, less 255 · (0.485,
        0.456, 0.406), divided by 255 · (0.229, 0.224, 0.225).

    Outputs:
        Logits `(N, num_classes)`, float32, in training too.

    Raises:
        ValueError: `num_classes` is not an integer of at least 0.
    """

    checkpoint = classifier_files("output")

    def __init__(
        self, blocks: tuple[tuple[int, int, int, bool, bool, int], ...], num_classes: int
    ) -> None:
        super().__init__()
        self.input_shapes = (INPUT_SHAPE,)
        cells: list[nn.Cell] = [
            nn.Conv2d(3, 16, 3, 2, pad_mode="pad", padding=1),
            nn.BatchNorm2d(16),
            nn.HSwish(),
        ]
        channels = 16
        for block in blocks:
            cells.append(_Block(channels, *block))
            channels = block[2]
        last = 6 * channels
        cells += [nn.Conv2d(channels, last, 1), nn.BatchNorm2d(last), nn.HSwish(), GlobalPool()]
        cells += [nn.Conv2d(last, _FEATURES, 1), nn.HSwish()]
        self.features = nn.SequentialCell(cells)
        self.output = last_conv(_FEATURES, num_classes)

    def construct(self, x: Tensor) -> Tensor:
        """Compute logits."""
        x = self.output(self.features(x))
        return x.reshape(x.shape[:2])


class mobilenetv3_large(MobileNetV3):  # as the original calls it
    """Large MobileNetV3, see `MobileNetV3`."""

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__(_LARGE, num_classes)


class mobilenetv3_small(MobileNetV3):  # as the original calls it
    """Small MobileNetV3, see `MobileNetV3`."""

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__(_SMALL, num_classes)


class _Block(nn.Cell):
    """Inverted residual block; only one that would not widen is without its first convolution."""

    def __init__(
        self,
        in_channels: int,
        size: int,
        hidden: int,
        out_channels: int,
        weighs: bool,
        swishes: bool,
        stride: int,
    ) -> None:
        super().__init__()
        activation = nn.HSwish() if swishes else nn.ReLU()
        self.expand = (
            nn.Identity()
            if hidden == out_channels
            else Unit(in_channels, hidden, 1, activation=activation)
        )
        self.conv1 = Unit(hidden, hidden, size, stride, groups=hidden, activation=activation)
        self.se = _Squeeze(hidden) if weighs else nn.Identity()
        self.conv2 = Unit(hidden, out_channels, 1)
        self.adds_input = stride == 1 and in_channels == out_channels

    def construct(self, x: Tensor) -> Tensor:
        branch = self.conv2(self.se(self.conv1(self.expand(x))))
        return x + branch if self.adds_input else branch


class _Squeeze(nn.Cell):
    """Weighs the channels of maps by about four times fewer values."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        width = -(-(channels // 4) // 8) * 8
        self.conv1 = nn.Conv2d(channels, width, 1, has_bias=True)
        self.conv2 = nn.Conv2d(width, channels, 1, has_bias=True)
        self.relu = nn.ReLU()
        self.gate = nn.HSigmoid()

    def construct(self, x: Tensor) -> Tensor:
        return excite_maps(x, self.conv1, self.relu, self.conv2, self.gate)
