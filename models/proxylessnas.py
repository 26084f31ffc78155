"""ProxylessNAS: inverted residual blocks found by a search on the task itself.

Source: Cai et al., ProxylessNAS: Direct Neural Architecture Search on Target Task and Hardware, ICLR
2019, arXiv:1812.00332; `research/cv/proxylessnas` of mindspore/models, branches r1.3 to r1.10.
"""

from collections import OrderedDict

from mindspore import Tensor, nn

from ._classifier import INPUT_SHAPE, classifier_files, last_layer
from ._resnet import global_pool
from ._units import Unit

_STAGES = (
    ((3, 1, 16, 1),),
    ((5, 3, 32, 2), (3, 3, 32, 1), None, None),
    ((7, 3, 40, 2), (3, 3, 40, 1), (5, 3, 40, 1), (5, 3, 40, 1)),
    (
        (7, 6, 80, 2),
        (5, 3, 80, 1),
        (5, 3, 80, 1),
        (5, 3, 80, 1),
        (5, 6, 96, 1),
        (5, 3, 96, 1),
        (5, 3, 96, 1),
        (5, 3, 96, 1),
    ),
    ((7, 6, 192, 2), (7, 6, 192, 1), (7, 3, 192, 1), (7, 3, 192, 1), (7, 6, 320, 1)),
)
"""Kernel size, expansion, channels and stride of each unit; None where the search left nothing."""

_FEATURES = 1280
"""Channels of the last convolution, hence length of a pooled feature."""


class proxylessnas_mobile(nn.Cell):  # as the original calls it
    """ProxylessNAS for telephones.

    Args:
        num_classes: Classes; with 0 the output is the pooled feature `(N, 1280)`.

    Inputs:
        **x** - RGB images `(N, 3, 224, 224)`, float32: values of 0 to 255 divided by 255, less
        (0.485, 0.456, 0.406), divided by (0.229, 0.224, 0.225).

    Outputs:
        Logits `(N, num_classes)`, float32, in training too.

    Raises:
        ValueError: `num_classes` is not an integer of at least 0.
    """

    checkpoint = classifier_files("output")

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        self.input_shapes = (INPUT_SHAPE,)
        self.features = _Features()
        self.output = last_layer(_FEATURES, num_classes)

    def construct(self, x: Tensor) -> Tensor:
        """Compute logits."""
        return self.output(global_pool(self.features(x)))


class _Features(nn.Cell):
    """Images to feature maps `(N, 1280, 7, 7)`."""

    def __init__(self) -> None:
        super().__init__()
        self.init_block = Unit(3, 32, 3, 2, activation=nn.ReLU6(), eps=1e-3)
        self.stage1 = _Stage(32, _STAGES[0])
        self.stage2 = _Stage(16, _STAGES[1])
        self.stage3 = _Stage(32, _STAGES[2])
        self.stage4 = _Stage(40, _STAGES[3])
        self.stage5 = _Stage(96, _STAGES[4])
        self.final_block = Unit(320, _FEATURES, 1, activation=nn.ReLU6(), eps=1e-3)

    def construct(self, x: Tensor) -> Tensor:
        x = self.stage2(self.stage1(self.init_block(x)))
        return self.final_block(self.stage5(self.stage4(self.stage3(x))))


class _Stage(nn.SequentialCell):
    """Units of one stage, which are called `unit1` and so on."""

    def __init__(
        self, in_channels: int, units: tuple[tuple[int, int, int, int] | None, ...]
    ) -> None:
        cells: OrderedDict[str, nn.Cell] = OrderedDict()
        for number, unit in enumerate(units, 1):
            if unit:
                cells[f"unit{number}"] = _Unit(in_channels, *unit)
                in_channels = unit[2]
        super().__init__(cells)


class _Unit(nn.Cell):
    """Inverted residual block; it adds its input where that has the shape of its output."""

    def __init__(
        self, in_channels: int, size: int, expansion: int, out_channels: int, stride: int
    ) -> None:
        super().__init__()
        self.body = _Body(in_channels, out_channels, size, stride, expansion)
        self.adds_input = stride == 1 and in_channels == out_channels

    def construct(self, x: Tensor) -> Tensor:
        return x + self.body(x) if self.adds_input else self.body(x)


class _Body(nn.Cell):
    """What widens, convolves each channel by itself and narrows without activation."""

    def __init__(
        self, in_channels: int, out_channels: int, size: int, stride: int, expansion: int
    ) -> None:
        super().__init__()
        hidden = expansion * in_channels
        self.bc_conv = (
            Unit(in_channels, hidden, 1, activation=nn.ReLU6(), eps=1e-3)
            if expansion > 1
            else nn.Identity()
        )
        self.dw_conv = Unit(
            hidden, hidden, size, stride, groups=hidden, activation=nn.ReLU6(), eps=1e-3
        )
        self.pw_conv = Unit(hidden, out_channels, 1, eps=1e-3)

    def construct(self, x: Tensor) -> Tensor:
        return self.pw_conv(self.dw_conv(self.bc_conv(x)))
