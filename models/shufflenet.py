"""ShuffleNet: classification of pictures by grouped or split convolutions whose channels are mixed.

Source: Zhang et al., ShuffleNet: An Extremely Efficient Convolutional Neural Network for Mobile
Devices, CVPR 2018, arXiv:1707.01083; Ma et al., ShuffleNet V2: Practical Guidelines for Efficient
CNN Architecture Design, ECCV 2018, arXiv:1807.11164; `official/cv/shufflenetv1` and
`official/cv/shufflenetv2` of mindspore/models, branches r1.3 to r1.10.
"""

from mindspore import Tensor, nn, ops

from ._arguments import require_fractions, require_one_of
from ._checkpoint import Argument
from ._classifier import INPUT_SHAPE, classifier_files, last_layer
from ._resnet import global_pool
from ._units import even_conv

_BLOCKS = (4, 8, 4)
"""Blocks of each stage, the first of which halves height and width."""

_WIDTHS_V1 = {
    "0.5x": (12, (120, 240, 480)),
    "1.0x": (24, (240, 480, 960)),
    "1.5x": (24, (360, 720, 1440)),
    "2.0x": (48, (480, 960, 1920)),
}
"""Channels of the first convolution and of each stage with three groups, by the size."""

_WIDTHS_V2 = {
    "0.5x": ((48, 96, 192), 1024),
    "1.0x": ((116, 232, 464), 1024),
    "1.5x": ((176, 352, 704), 1024),
    "2.0x": ((244, 488, 976), 2048),
}
"""Channels of each stage and of the last convolution, by the size."""

_GROUPS = 3


class shufflenetv1(nn.Cell):  # as the original calls it
    """ShuffleNet with three groups.

    Args:
        num_classes: Classes; with 0 the output is the pooled feature, `(N, 1920)` for "2.0x". The
            original calls it `n_class`.
        model_size: Width: "0.5x", "1.0x", "1.5x" or "2.0x". The published files have "2.0x".

    Inputs:
        **x** - RGB images `(N, 3, 224, 224)`, float32: the centre of a picture whose shorter side
        was made 239 pixels long, values of 0 to 255, less 255 · (0.485, 0.456, 0.406), divided by
        255 · (0.229, 0.224, 0.225).

    Outputs:
        Logits `(N, num_classes)`, float32, in training too.

    Raises:
        ValueError: An argument is outside its range.
    """

    checkpoint = classifier_files(
        "classifier",
        Argument(
            "model_size",
            "features.3.branch_main_2.3.gamma",
            0,
            {widths[0]: size for size, (_, widths) in _WIDTHS_V1.items()},
        ),
    )

    def __init__(self, num_classes: int = 1000, model_size: str = "2.0x") -> None:
        (model_size,) = require_one_of(_WIDTHS_V1, model_size=model_size)
        super().__init__()
        self.input_shapes = (INPUT_SHAPE,)
        channels, widths = _WIDTHS_V1[model_size]
        self.first_conv = _unit(3, channels, 3, 2)
        self.max_pool = nn.MaxPool2d(3, 2, pad_mode="same")
        cells: list[nn.Cell] = []
        for blocks, width in zip(_BLOCKS, widths, strict=True):
            for number in range(blocks):
                groups = _GROUPS if cells else 1
                cells.append(_GroupedBlock(channels, width, 1 if number else 2, groups))
                channels = width
        self.features = nn.SequentialCell(cells)
        self.classifier = last_layer(channels, num_classes)

    def construct(self, x: Tensor) -> Tensor:
        """Compute logits."""
        x = self.features(self.max_pool(self.first_conv(x)))
        return self.classifier(global_pool(x))


class _GroupedBlock(nn.Cell):
    """Bottleneck of grouped convolutions; one that halves the maps adds channels to its input."""

    def __init__(self, in_channels: int, out_channels: int, stride: int, groups: int) -> None:
        super().__init__()
        width = out_channels // 4
        added = out_channels - in_channels if stride == 2 else out_channels
        self.branch_main_1 = nn.SequentialCell(
            _GroupedConvolution(in_channels, width, groups), nn.BatchNorm2d(width), nn.ReLU()
        )
        self.branch_main_2 = nn.SequentialCell(
            even_conv(width, width, 3, stride, groups=width),
            nn.BatchNorm2d(width),
            _GroupedConvolution(width, added, _GROUPS),
            nn.BatchNorm2d(added),
        )
        self.relu = nn.ReLU()
        self.halves = stride == 2
        self.avg_pool = nn.AvgPool2d(3, 2, pad_mode="same")

    def construct(self, x: Tensor) -> Tensor:
        branch = self.branch_main_2(_shuffle(self.branch_main_1(x)))
        if self.halves:
            return self.relu(ops.concat((self.avg_pool(x), branch), 1))
        return self.relu(x + branch)


class _GroupedConvolution(nn.Cell):
    """1×1 convolution in groups of channels, computed at once, with a parameter for each group."""

    def __init__(self, in_channels: int, out_channels: int, groups: int) -> None:
        super().__init__()
        self.groups = groups
        self.convs = nn.CellList(
            [nn.Conv2d(in_channels // groups, out_channels // groups, 1) for _ in range(groups)]
        )

    def construct(self, x: Tensor) -> Tensor:
        weight = ops.concat([conv.weight for conv in self.convs])
        return ops.conv2d(x, weight, groups=self.groups)


def _shuffle(x: Tensor) -> Tensor:
    """Give each group every third channel: all of remainder 0 first, then of 1, then of 2."""
    count, channels, height, width = x.shape
    x = x.reshape(count, channels // _GROUPS, _GROUPS, height * width)
    return x.swapaxes(1, 2).reshape(count, channels, height, width)


class shufflenetv2(nn.Cell):  # as the original calls it
    """ShuffleNet V2.

    Between two blocks channels are mixed by what the second takes: even ones pass, odd ones it
    convolves. The branch r1.5 of the original evaluates on a GPU, with images of values of 0 to 1
    in BGR that are not normalised; the published files are those of Ascend.

    Args:
        num_classes: Classes; with 0 the output is the pooled feature, `(N, 1024)` except for
            "2.0x". The original calls it `n_class`.
        model_size: Width: "0.5x", "1.0x", "1.5x" or "2.0x". The published files have "1.0x".
        dropout: Share of the pooled feature that training sets to zero in "2.0x".

    Inputs:
        **x** - RGB images `(N, 3, 224, 224)`, float32: the centre of a picture whose shorter side
        was made 256 pixels long, values divided by 255, less (0.485, 0.456, 0.406), divided by
        (0.229, 0.224, 0.225).

    Outputs:
        Logits `(N, num_classes)`, float32, in training too; the last layer adds no numbers.

    Raises:
        ValueError: An argument is outside its range.
    """

    checkpoint = classifier_files(
        "classifier.0",
        Argument(
            "model_size",
            "features.0.branch_main.0.weight",
            0,
            {widths[0] // 2: size for size, (widths, _) in _WIDTHS_V2.items()},
        ),
    )

    def __init__(
        self, num_classes: int = 1000, model_size: str = "1.0x", dropout: float = 0.2
    ) -> None:
        (model_size,) = require_one_of(_WIDTHS_V2, model_size=model_size)
        (dropout,) = require_fractions(dropout=dropout)
        super().__init__()
        self.input_shapes = (INPUT_SHAPE,)
        widths, last = _WIDTHS_V2[model_size]
        channels = 24
        self.first_conv = _unit(3, channels, 3, 2)
        self.max_pool = nn.MaxPool2d(3, 2, pad_mode="same")
        cells: list[nn.Cell] = []
        for blocks, width in zip(_BLOCKS, widths, strict=True):
            cells.append(_HalvingBlock(channels, width))
            cells += [_SplitBlock(width) for _ in range(blocks - 1)]
            channels = width
        self.features = nn.SequentialCell(cells)
        self.conv_last = _unit(channels, last, 1)
        self.dropout = nn.Dropout(p=dropout) if model_size == "2.0x" else nn.Identity()
        self.classifier = nn.SequentialCell(last_layer(last, num_classes, has_bias=False))

    def construct(self, x: Tensor) -> Tensor:
        """Compute logits."""
        x = self.features(self.max_pool(self.first_conv(x)))
        return self.classifier(self.dropout(global_pool(self.conv_last(x))))


class _HalvingBlock(nn.Cell):
    """Block of two branches of one input, each of which halves height and width."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        added = out_channels - in_channels
        self.branch_main = _branch(in_channels, out_channels // 2, added, 2)
        self.branch_proj = nn.SequentialCell(
            even_conv(in_channels, in_channels, 3, 2, groups=in_channels),
            nn.BatchNorm2d(in_channels),
            nn.Conv2d(in_channels, in_channels, 1),
            nn.BatchNorm2d(in_channels),
            nn.ReLU(),
        )

    def construct(self, x: Tensor) -> Tensor:
        return ops.concat((self.branch_proj(x), self.branch_main(x)), 1)


class _SplitBlock(nn.Cell):
    """Block that passes the even channels and convolves the odd ones."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.branch_main = _branch(channels // 2, channels // 2, channels // 2, 1)

    def construct(self, x: Tensor) -> Tensor:
        count, channels, height, width = x.shape
        pairs = x.reshape(count, channels // 2, 2, height, width)
        return ops.concat((pairs[:, :, 0], self.branch_main(pairs[:, :, 1])), 1)


def _branch(in_channels: int, width: int, out_channels: int, stride: int) -> nn.SequentialCell:
    """A 1×1 convolution, one of each channel by itself and another 1×1 convolution."""
    return nn.SequentialCell(
        nn.Conv2d(in_channels, width, 1),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        even_conv(width, width, 3, stride, groups=width),
        nn.BatchNorm2d(width),
        nn.Conv2d(width, out_channels, 1),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
    )


def _unit(in_channels: int, out_channels: int, size: int, stride: int = 1) -> nn.SequentialCell:
    """Convolution, batch normalisation and ReLU."""
    return nn.SequentialCell(
        even_conv(in_channels, out_channels, size, stride),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
    )
