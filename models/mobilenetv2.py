"""MobileNetV2: classification of pictures by inverted residual blocks with linear bottlenecks.

Source: Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, CVPR 2018,
arXiv:1801.04381; `official/cv/mobilenetv2` of mindspore/models, branches r1.3 to r1.10;
`configs/mobilenetv2` of mindcv.
"""

from mindspore import Tensor, nn

from ._classifier import INPUT_SHAPE, classifier_files, last_layer
from ._resnet import global_pool
from ._units import even_conv

_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""Expansion, channels, blocks and first stride of each stage, as in Table 2."""

_FEATURES = 1280
"""Channels of the last convolution, hence length of a pooled feature."""


class mobilenetv2(nn.Cell):  # as the original calls it
    """MobileNetV2 of width 1.

    Release 1.3 of the original has its last layer in a sequence and calls it `head.1`; the file
    of all releases is one, and either name is accepted. The original evaluates with a Softmax
    behind the logits from r1.6 on, which is not part of the network.

    Args:
        num_classes: Classes; with 0 the output is the pooled feature `(N, 1280)`.

    Inputs:
        **x** - RGB images `(N, 3, 224, 224)`, float32: the centre of a picture made 256×256
        pixels large whatever its shape, values of 0 to 255, less 255 · (0.485, 0.456, 0.406),
        divided by 255 · (0.229, 0.224, 0.225).

    Outputs:
        Logits `(N, num_classes)`, float32, in training too.

    Raises:
        ValueError: `num_classes` is not an integer of at least 0.
    """

    checkpoint = classifier_files(
        "dense", renames={"head.1.weight": "dense.weight", "head.1.bias": "dense.bias"}
    )

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        self.input_shapes = (INPUT_SHAPE,)
        cells: list[nn.Cell] = [_Unit(3, 32, 3, 2)]
        channels = 32
        for expansion, width, blocks, stride in _STAGES:
            for number in range(blocks):
                first = stride if number == 0 else 1
                cells.append(_InvertedResidual(channels, width, first, expansion))
                channels = width
        cells.append(_Unit(channels, _FEATURES, 1))
        self.features = nn.SequentialCell(cells)
        self.dense = last_layer(_FEATURES, num_classes)

    def construct(self, x: Tensor) -> Tensor:
        """Compute logits."""
        return self.dense(global_pool(self.features(x)))


class _Unit(nn.Cell):
    """Convolution, batch normalisation and bounded ReLU."""

    def __init__(
        self, in_channels: int, out_channels: int, size: int, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        self.features = nn.SequentialCell(
            even_conv(in_channels, out_channels, size, stride, groups=groups),
            nn.BatchNorm2d(out_channels),
            nn.ReLU6(),
        )

    def construct(self, x: Tensor) -> Tensor:
        return self.features(x)


class _InvertedResidual(nn.Cell):
    """Block that widens, convolves each channel by itself and narrows without activation."""

    def __init__(self, in_channels: int, out_channels: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = expansion * in_channels
        cells: list[nn.Cell] = [_Unit(in_channels, hidden, 1)] if expansion > 1 else []
        cells += [
            _Unit(hidden, hidden, 3, stride, groups=hidden),
            nn.Conv2d(hidden, out_channels, 1),
            nn.BatchNorm2d(out_channels),
        ]
        self.conv = nn.SequentialCell(cells)
        self.adds_input = stride == 1 and in_channels == out_channels

    def construct(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.adds_input else self.conv(x)
