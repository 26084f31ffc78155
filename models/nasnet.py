"""NASNet: classification of pictures by two kinds of cells that a search found.

Source: Zoph et al., Learning Transferable Architectures for Scalable Image Recognition, CVPR 2018,
arXiv:1707.07012; `official/cv/nasnet` of mindspore/models, branches r1.3 to r1.10.
"""

from mindspore import Tensor, nn, ops

from ._arguments import require_fractions, require_one_of
from ._classifier import INPUT_SHAPE, last_layer
from ._nasnet import EPS, AuxiliaryClassifier, OffsetByOne, Separable, nasnet_files
from ._resnet import global_pool

_FEATURES = 1056
"""Channels of the last cell, hence length of a pooled feature."""


class nasnet_a_mobile(nn.Cell):  # as the original calls it
    """NASNet-A (4 @ 1056).

    Release 1.5 of the original leaves the auxiliary classifier out of the loss, but saves it.

    Args:
        num_classes: Classes; with 0 the output is the pooled feature `(N, 1056)`.
        aux_logits: Whether there is an auxiliary classifier, which training uses. The published
            file has one.
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

    checkpoint = nasnet_files("classifier")

    def __init__(
        self, num_classes: int = 1000, aux_logits: bool = False, dropout: float = 0.5
    ) -> None:
        (aux_logits,) = require_one_of((False, True), aux_logits=aux_logits)
        (dropout,) = require_fractions(dropout=dropout)
        super().__init__()
        self.input_shapes = (INPUT_SHAPE,)
        self.conv0 = nn.SequentialCell(
            nn.Conv2d(3, 32, 3, 2, pad_mode="valid"), nn.BatchNorm2d(32, eps=EPS)
        )
        self.cell_stem_0 = _ReductionCell(32, 32, 11, projects=False)
        self.cell_stem_1 = _ReductionCell(44, 32, 22, halves=True)
        self.cell_0 = _NormalCell(88, 44, 44, halves=True)
        self.cell_1 = _NormalCell(264, 88, 44)
        self.cell_2 = _NormalCell(264, 264, 44)
        self.cell_3 = _NormalCell(264, 264, 44)
        self.reduction_cell_0 = _ReductionCell(264, 264, 88, shifted=True)
        self.cell_6 = _NormalCell(352, 264, 88, halves=True)
        self.cell_7 = _NormalCell(528, 352, 88)
        self.cell_8 = _NormalCell(528, 528, 88)
        self.cell_9 = _NormalCell(528, 528, 88)
        self.has_aux_logits = aux_logits
        if aux_logits:
            self.aux_logits = AuxiliaryClassifier(528, num_classes)
        self.reduction_cell_1 = _ReductionCell(528, 528, 176)
        self.cell_12 = _NormalCell(704, 528, 176, halves=True)
        self.cell_13 = _NormalCell(_FEATURES, 704, 176)
        self.cell_14 = _NormalCell(_FEATURES, _FEATURES, 176)
        self.cell_15 = _NormalCell(_FEATURES, _FEATURES, 176)
        self.relu = nn.ReLU()
        self.dropout = nn.Dropout(p=dropout)
        self.classifier = last_layer(_FEATURES, num_classes)

    def construct(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Compute the outputs of inference or training, see the class."""
        before = self.conv0(x)
        x = self.cell_stem_0(before, before)
        x, before = self.cell_stem_1(x, before), x
        x, before = self.cell_0(x, before), x
        x, before = self.cell_1(x, before), x
        x, before = self.cell_2(x, before), x
        x, before = self.cell_3(x, before), x
        reduced = self.reduction_cell_0(x, before)
        x, before = self.cell_6(reduced, x), reduced
        x, before = self.cell_7(x, before), x
        x, before = self.cell_8(x, before), x
        x, before = self.cell_9(x, before), x
        middle = x
        reduced = self.reduction_cell_1(x, before)
        x, before = self.cell_12(reduced, x), reduced
        x, before = self.cell_13(x, before), x
        x, before = self.cell_14(x, before), x
        x = self.cell_15(x, before)
        logits = self.classifier(self.dropout(global_pool(self.relu(x))))
        if self.training and self.has_aux_logits:
            return logits, self.aux_logits(middle)
        return logits


class _Cell(nn.Cell):
    """What brings two inputs of a cell to the same width and size.

    Args:
        channels: Channels of the first input.
        before: Channels of the second, which comes from the cell before that of the first.
        width: Channels to which both are brought.
        halves: Whether the second is twice as high and wide as the first.
        projects: Whether the second, where it is not, is convolved at all.
    """

    def __init__(
        self, channels: int, before: int, width: int, *, halves: bool, projects: bool = True
    ) -> None:
        super().__init__()
        self.halves = halves
        if not halves:
            self.conv_prev_1x1 = _unit(before, width) if projects else nn.Identity()
        self.conv_1x1 = _unit(channels, width)
        if halves:
            self.path_1 = nn.SequentialCell(nn.MaxPool2d(1, 2), nn.Conv2d(before, width // 2, 1))
            self.path_2 = nn.SequentialCell(
                OffsetByOne(), nn.MaxPool2d(1, 2), nn.Conv2d(before, width - width // 2, 1)
            )
            self.final_path_bn = nn.BatchNorm2d(width, eps=EPS)
        self.relu = nn.ReLU()

    def align(self, before: Tensor) -> Tensor:
        """Bring the second input to the width and the size of the first."""
        if not self.halves:
            return self.conv_prev_1x1(before)
        before = self.relu(before)
        return self.final_path_bn(ops.concat((self.path_1(before), self.path_2(before)), 1))


class _NormalCell(_Cell):
    """Cell that keeps height and width: `width` · 6 channels."""

    def __init__(self, channels: int, before: int, width: int, *, halves: bool = False) -> None:
        super().__init__(channels, before, width, halves=halves)
        self.comb_iter_0_left = Separable(width, width, 5)
        self.comb_iter_0_right = Separable(width, width, 3)
        self.comb_iter_1_left = Separable(width, width, 5)
        self.comb_iter_1_right = Separable(width, width, 3)
        self.comb_iter_4_left = Separable(width, width, 3)
        self.avg_pool = nn.AvgPool2d(3, 1, pad_mode="same")

    def construct(self, x: Tensor, before: Tensor) -> Tensor:
        left, right = self.align(before), self.conv_1x1(x)
        averages = self.avg_pool(left)
        sums = (
            left,
            self.comb_iter_0_left(right) + self.comb_iter_0_right(left),
            self.comb_iter_1_left(left) + self.comb_iter_1_right(left),
            self.avg_pool(right) + left,
            averages + averages,
            self.comb_iter_4_left(right) + right,
        )
        return ops.concat(sums, 1)


class _ReductionCell(_Cell):
    """Cell that halves height and width: `width` · 4 channels.

    Where it is `shifted`, maps are shifted around its convolutions, but not around its pools.
    """

    def __init__(
        self,
        channels: int,
        before: int,
        width: int,
        *,
        halves: bool = False,
        projects: bool = True,
        shifted: bool = False,
    ) -> None:
        super().__init__(channels, before, width, halves=halves, projects=projects)
        left = width if projects else before
        self.comb_iter_0_left = Separable(width, width, 5, 2, shifted)
        self.comb_iter_0_right = Separable(left, width, 7, 2, shifted)
        self.comb_iter_1_right = Separable(left, width, 7, 2, shifted)
        self.comb_iter_2_right = Separable(left, width, 5, 2, shifted)
        self.comb_iter_4_left = Separable(width, width, 3, 1, shifted)
        self.max_pool = nn.MaxPool2d(3, 2, pad_mode="same")
        self.halving_avg_pool = nn.AvgPool2d(3, 2, pad_mode="same")
        self.avg_pool = nn.AvgPool2d(3, 1, pad_mode="same")

    def construct(self, x: Tensor, before: Tensor) -> Tensor:
        left, right = self.align(before), self.conv_1x1(x)
        largest = self.max_pool(right)
        first = self.comb_iter_0_left(right) + self.comb_iter_0_right(left)
        second = largest + self.comb_iter_1_right(left)
        sums = (
            second,
            self.halving_avg_pool(right) + self.comb_iter_2_right(left),
            self.avg_pool(first) + second,
            self.comb_iter_4_left(first) + largest,
        )
        return ops.concat(sums, 1)


def _unit(in_channels: int, out_channels: int) -> nn.SequentialCell:
    """ReLU, a 1×1 convolution and a normalisation."""
    return nn.SequentialCell(
        nn.ReLU(), nn.Conv2d(in_channels, out_channels, 1), nn.BatchNorm2d(out_channels, eps=EPS)
    )
