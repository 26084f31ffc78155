"""PNASNet: classification of pictures by one kind of cell that a search found step by step.

Source: Liu et al., Progressive Neural Architecture Search, ECCV 2018, arXiv:1712.00559;
`research/cv/pnasnet` of mindspore/models, branches r1.3 to r1.10.
"""

from collections import OrderedDict

from mindspore import Tensor, nn, ops

from ._arguments import require_fractions, require_one_of
from ._classifier import INPUT_SHAPE, last_layer
from ._nasnet import EPS, AuxiliaryClassifier, OffsetByOne, Separable, cut, nasnet_files, shift
from ._resnet import global_pool

_FEATURES = 1080
"""Channels of the last cell, hence length of a pooled feature."""


class pnasnet5_mobile(nn.Cell):  # as the original calls it
    """PNASNet-5 for telephones.

    Args:
        num_classes: Classes; with 0 the output is the pooled feature `(N, 1080)`.
        aux_logits: Whether there is an auxiliary classifier, which training uses. The published
            files have one.
        dropout: Share of the pooled feature that training sets to zero.

    Inputs:
        **x** - RGB images `(N, 3, 224, 224)`, float32: values of 0 to 255 divided by 255, less
        0.5, divided by 0.5.

    Outputs:
        Logits `(N, num_classes)`, float32. In training with `aux_logits` two of them: those of
        the network and of the auxiliary classifier.

    Raises:
        ValueError: An argument is outside its range.
    """

    checkpoint = nasnet_files("last_linear")

    def __init__(
        self, num_classes: int = 1000, aux_logits: bool = False, dropout: float = 0.5
    ) -> None:
        (aux_logits,) = require_one_of((False, True), aux_logits=aux_logits)
        (dropout,) = require_fractions(dropout=dropout)
        super().__init__()
        self.input_shapes = (INPUT_SHAPE,)
        self.conv_0 = nn.SequentialCell(
            OrderedDict(
                conv=nn.Conv2d(3, 32, 3, 2, pad_mode="valid"), bn=nn.BatchNorm2d(32, eps=EPS)
            )
        )
        self.cell_stem_0 = _Cell(32, 32, 13, stride=2, projects=False)
        self.cell_stem_1 = _Cell(32, 65, 27, stride=2, halves=True)
        self.cell_0 = _Cell(65, 135, 54, halves=True)
        self.cell_1 = _Cell(135, 270, 54)
        self.cell_2 = _Cell(270, 270, 54)
        self.cell_3 = _Cell(270, 270, 108, stride=2, shifted=True)
        self.cell_4 = _Cell(270, 540, 108, halves=True)
        self.cell_5 = _Cell(540, 540, 108)
        self.has_aux_logits = aux_logits
        if aux_logits:
            self.aux_logits = AuxiliaryClassifier(540, num_classes)
        self.cell_6 = _Cell(540, 540, 216, stride=2)
        self.cell_7 = _Cell(540, _FEATURES, 216, halves=True)
        self.cell_8 = _Cell(_FEATURES, _FEATURES, 216)
        self.relu = nn.ReLU()
        self.dropout = nn.Dropout(p=dropout)
        self.last_linear = last_layer(_FEATURES, num_classes)

    def construct(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Compute the outputs of inference or training, see the class."""
        before = self.conv_0(x)
        x = self.cell_stem_0(before, before)
        before, x = x, self.cell_stem_1(before, x)
        before, x = x, self.cell_0(before, x)
        before, x = x, self.cell_1(before, x)
        before, x = x, self.cell_2(before, x)
        before, x = x, self.cell_3(before, x)
        before, x = x, self.cell_4(before, x)
        before, x = x, self.cell_5(before, x)
        middle = x
        before, x = x, self.cell_6(before, x)
        before, x = x, self.cell_7(before, x)
        x = self.cell_8(before, x)
        logits = self.last_linear(self.dropout(global_pool(self.relu(x))))
        if self.training and self.has_aux_logits:
            return logits, self.aux_logits(middle)
        return logits


class _Cell(nn.Cell):
    """Five sums of the outputs of the two cells before it: `width` · 5 channels.

    Args:
        before: Channels of the output of the cell before the last.
        channels: Channels of the output of the last cell.
        width: Channels of each sum.
        stride: By how much the sums are smaller than the last output.
        halves: Whether the output before the last is twice as high and wide as the last.
        projects: Whether it, where it is not, is convolved before the sums.
        shifted: Whether maps are shifted around convolutions and pools.
    """

    def __init__(
        self,
        before: int,
        channels: int,
        width: int,
        *,
        stride: int = 1,
        halves: bool = False,
        projects: bool = True,
        shifted: bool = False,
    ) -> None:
        super().__init__()
        if halves:
            self.conv_prev_1x1 = _Halved(before, width)
        else:
            self.conv_prev_1x1 = _unit(before, width) if projects else nn.Identity()
        self.conv_1x1 = _unit(channels, width)
        left = width if projects else before
        self.comb_iter_0_left = Separable(left, width, 5, stride, shifted)
        self.comb_iter_0_right = (
            nn.Identity()
            if projects
            else nn.SequentialCell(
                OrderedDict(conv=nn.Conv2d(left, width, 1), bn=nn.BatchNorm2d(width, eps=EPS))
            )
        )
        self.comb_iter_1_left = Separable(width, width, 7, stride, shifted)
        self.comb_iter_2_left = Separable(width, width, 5, stride, shifted)
        self.comb_iter_2_right = Separable(width, width, 3, stride, shifted)
        self.comb_iter_3_left = Separable(width, width, 3)
        self.comb_iter_4_left = Separable(left, width, 3, stride, shifted)
        self.comb_iter_4_right = nn.Identity() if stride == 1 else _unit(width, width, stride)
        self.max_pool = nn.MaxPool2d(3, stride, pad_mode="same")
        self.shifted = shifted

    def construct(self, before: Tensor, x: Tensor) -> Tensor:
        left, right = self.conv_prev_1x1(before), self.conv_1x1(x)
        largest = self.pool(right)
        third = self.comb_iter_2_left(right) + self.comb_iter_2_right(right)
        sums = (
            self.comb_iter_0_left(left) + self.comb_iter_0_right(self.pool(left)),
            self.comb_iter_1_left(right) + largest,
            third,
            self.comb_iter_3_left(third) + largest,
            self.comb_iter_4_left(left) + self.comb_iter_4_right(right),
        )
        return ops.concat(sums, 1)

    def pool(self, x: Tensor) -> Tensor:
        """Take the largest of 3×3 values."""
        return cut(self.max_pool(shift(x))) if self.shifted else self.max_pool(x)


class _Halved(nn.Cell):
    """Every second value of maps, and every second one of the others, side by side."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        half = out_channels // 2
        self.relu = nn.ReLU()
        self.path_1 = nn.SequentialCell(
            OrderedDict(pool=nn.MaxPool2d(1, 2), conv=nn.Conv2d(in_channels, half, 1))
        )
        self.path_2 = nn.SequentialCell(
            OffsetByOne(), nn.MaxPool2d(1, 2), nn.Conv2d(in_channels, out_channels - half, 1)
        )
        self.final_path_bn = nn.BatchNorm2d(out_channels, eps=EPS)

    def construct(self, x: Tensor) -> Tensor:
        x = self.relu(x)
        return self.final_path_bn(ops.concat((self.path_1(x), self.path_2(x)), 1))


def _unit(in_channels: int, out_channels: int, stride: int = 1) -> nn.SequentialCell:
    """ReLU, a 1×1 convolution and a normalisation."""
    return nn.SequentialCell(
        OrderedDict(
            relu=nn.ReLU(),
            conv=nn.Conv2d(in_channels, out_channels, 1, stride),
            bn=nn.BatchNorm2d(out_channels, eps=EPS),
        )
    )
