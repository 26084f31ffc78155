"""Inception-v3: classification of pictures by blocks of branches.

Source: Szegedy et al., Rethinking the Inception Architecture for Computer Vision, CVPR 2016,
arXiv:1512.00567; `official/cv/inceptionv3` of mindspore/models, branches r1.3 to r1.10, where the
file of the network is the same.
"""

from dataclasses import replace

from mindspore import Tensor, nn, ops

from ._arguments import require_fractions, require_one_of
from ._checkpoint import Argument
from ._classifier import classifier_files, last_layer

_Size = int | tuple[int, int]

_FEATURES = 2048
"""Channels of the last block, hence length of a pooled feature."""


class inception_v3(nn.Cell):  # as the original calls it
    """Inception-v3; its pools do not count what pads the maps.

    Args:
        num_classes: Classes; with 0 the output is the pooled feature `(N, 2048)`.
        aux_logits: Whether there is an auxiliary classifier, which training uses. The published
            file has it. Unlike the paper's it neither normalises nor has a ReLU.
        dropout: Share of the pooled feature that training sets to zero.

    Inputs:
        **x** - RGB images `(N, 3, 299, 299)`, float32: values of 0 to 255 divided by 255, less
        (0.485, 0.456, 0.406), divided by (0.229, 0.224, 0.225). No other size is possible.

    Outputs:
        Logits `(N, num_classes)`, float32. In training with `aux_logits` two of them: those of the
        network and of the auxiliary classifier.

    Raises:
        ValueError: An argument is outside its range.
    """

    checkpoint = replace(
        classifier_files(
            "logits.fc", Argument("aux_logits", "aux_logits.conv2d_0.weight", 0, {128: True})
        ),
        head=("logits.fc.*", "aux_logits.fc.*"),
    )

    def __init__(
        self, num_classes: int = 1000, aux_logits: bool = False, dropout: float = 0.2
    ) -> None:
        (aux_logits,) = require_one_of((False, True), aux_logits=aux_logits)
        (dropout,) = require_fractions(dropout=dropout)
        super().__init__()
        self.input_shapes = ((3, 299, 299),)
        self.Conv2d_1a = _Unit(3, 32, 3, 2, pad_mode="valid")
        self.Conv2d_2a = _Unit(32, 32, 3, pad_mode="valid")
        self.Conv2d_2b = _Unit(32, 64, 3)
        self.Conv2d_3b = _Unit(64, 80, 1)
        self.Conv2d_4a = _Unit(80, 192, 3, pad_mode="valid")
        self.max_pool = nn.MaxPool2d(3, 2)
        self.Mixed_5b = _InceptionA(192, 32)
        self.Mixed_5c = _InceptionA(256, 64)
        self.Mixed_5d = _InceptionA(288, 64)
        self.Mixed_6a = _InceptionB()
        self.Mixed_6b = _InceptionC(128)
        self.Mixed_6c = _InceptionC(160)
        self.Mixed_6d = _InceptionC(160)
        self.Mixed_6e = _InceptionC(192)
        self.Mixed_7a = _InceptionD()
        self.Mixed_7b = _InceptionE(1280)
        self.Mixed_7c = _InceptionE(2048)
        self.has_auxiliary = aux_logits
        if aux_logits:
            self.aux_logits = _Auxiliary(num_classes)
        self.logits = _Logits(num_classes, dropout)

    def construct(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Compute the outputs of inference or training, see the class."""
        x = self.max_pool(self.Conv2d_2b(self.Conv2d_2a(self.Conv2d_1a(x))))
        x = self.max_pool(self.Conv2d_4a(self.Conv2d_3b(x)))
        x = self.Mixed_6a(self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(x))))
        middle = self.Mixed_6e(self.Mixed_6d(self.Mixed_6c(self.Mixed_6b(x))))
        x = self.logits(self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(middle))))
        if self.training and self.has_auxiliary:
            return x, self.aux_logits(middle)
        return x


class _Unit(nn.Cell):
    """Convolution, batch normalisation and ReLU."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        size: _Size,
        stride: int = 1,
        pad_mode: str = "same",
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, size, stride, pad_mode=pad_mode)
        self.bn = nn.BatchNorm2d(out_channels, eps=1e-3, momentum=0.9997)
        self.relu = nn.ReLU()

    def construct(self, x: Tensor) -> Tensor:
        return self.relu(self.bn(self.conv(x)))


def _units(channels: int, *units: tuple[int, _Size]) -> nn.SequentialCell:
    """Units one after the other, each by its output channels and its size."""
    cells = []
    for width, size in units:
        cells.append(_Unit(channels, width, size))
        channels = width
    return nn.SequentialCell(cells)


def _pooled(channels: int, out_channels: int) -> nn.SequentialCell:
    """Average of 3×3 values, and a unit."""
    return nn.SequentialCell(nn.AvgPool2d(3, 1, pad_mode="same"), _Unit(channels, out_channels, 1))


class _InceptionA(nn.Cell):
    """Maps to as large ones of 224 channels and those of the pooled branch."""

    def __init__(self, channels: int, pooled: int) -> None:
        super().__init__()
        self.branch0 = _Unit(channels, 64, 1)
        self.branch1 = _units(channels, (48, 1), (64, 5))
        self.branch2 = _units(channels, (64, 1), (96, 3), (96, 3))
        self.branch_pool = _pooled(channels, pooled)

    def construct(self, x: Tensor) -> Tensor:
        return ops.concat(
            (self.branch0(x), self.branch1(x), self.branch2(x), self.branch_pool(x)), 1
        )


class _InceptionB(nn.Cell):
    """Maps of 288 channels to half as large ones of 768."""

    def __init__(self) -> None:
        super().__init__()
        self.branch0 = _Unit(288, 384, 3, 2, pad_mode="valid")
        self.branch1 = _units(288, (64, 1), (96, 3))
        self.branch1.append(_Unit(96, 96, 3, 2, pad_mode="valid"))
        self.max_pool = nn.MaxPool2d(3, 2)

    def construct(self, x: Tensor) -> Tensor:
        return ops.concat((self.branch0(x), self.branch1(x), self.max_pool(x)), 1)


class _InceptionC(nn.Cell):
    """Maps of 768 channels to as large ones, by columns and rows of seven."""

    def __init__(self, width: int) -> None:
        super().__init__()
        row, column = (1, 7), (7, 1)
        self.branch0 = _Unit(768, 192, 1)
        self.branch1 = _units(768, (width, 1), (width, row), (192, column))
        self.branch2 = _units(
            768, (width, 1), (width, column), (width, row), (width, column), (192, row)
        )
        self.branch_pool = _pooled(768, 192)

    def construct(self, x: Tensor) -> Tensor:
        return ops.concat(
            (self.branch0(x), self.branch1(x), self.branch2(x), self.branch_pool(x)), 1
        )


class _InceptionD(nn.Cell):
    """Maps of 768 channels to half as large ones of 1280."""

    def __init__(self) -> None:
        super().__init__()
        self.branch0 = _units(768, (192, 1))
        self.branch0.append(_Unit(192, 320, 3, 2, pad_mode="valid"))
        self.branch1 = _units(768, (192, 1), (192, (1, 7)), (192, (7, 1)))
        self.branch1.append(_Unit(192, 192, 3, 2, pad_mode="valid"))
        self.max_pool = nn.MaxPool2d(3, 2)

    def construct(self, x: Tensor) -> Tensor:
        return ops.concat((self.branch0(x), self.branch1(x), self.max_pool(x)), 1)


class _InceptionE(nn.Cell):
    """Maps to as large ones of 2048 channels; two branches end in a row and a column of three."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        row, column = (1, 3), (3, 1)
        self.branch0 = _Unit(channels, 320, 1)
        self.branch1 = _Unit(channels, 384, 1)
        self.branch1_a = _Unit(384, 384, row)
        self.branch1_b = _Unit(384, 384, column)
        self.branch2 = _units(channels, (448, 1), (384, 3))
        self.branch2_a = _Unit(384, 384, row)
        self.branch2_b = _Unit(384, 384, column)
        self.branch_pool = _pooled(channels, 192)

    def construct(self, x: Tensor) -> Tensor:
        first, second = self.branch1(x), self.branch2(x)
        branches = (
            self.branch0(x),
            self.branch1_a(first),
            self.branch1_b(first),
            self.branch2_a(second),
            self.branch2_b(second),
            self.branch_pool(x),
        )
        return ops.concat(branches, 1)


class _Auxiliary(nn.Cell):
    """Classifier of maps `(N, 768, 17, 17)` in the midst of the network."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.avg_pool = nn.AvgPool2d(5, 3)
        self.conv2d_0 = nn.Conv2d(768, 128, 1)
        self.conv2d_1 = nn.Conv2d(128, 768, 5, pad_mode="valid")
        self.flatten = nn.Flatten()
        self.fc = last_layer(768, num_classes)

    def construct(self, x: Tensor) -> Tensor:
        return self.fc(self.flatten(self.conv2d_1(self.conv2d_0(self.avg_pool(x)))))


class _Logits(nn.Cell):
    """Classifier of maps `(N, 2048, 8, 8)`."""

    def __init__(self, num_classes: int, dropout: float) -> None:
        super().__init__()
        self.avg_pool = nn.AvgPool2d(8)
        self.dropout = nn.Dropout(p=dropout)
        self.flatten = nn.Flatten()
        self.fc = last_layer(_FEATURES, num_classes)

    def construct(self, x: Tensor) -> Tensor:
        return self.fc(self.flatten(self.dropout(self.avg_pool(x))))
