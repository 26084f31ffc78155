"""Inception-v4: classification of pictures by blocks of branches.

Source: Szegedy et al., Inception-v4, Inception-ResNet and the Impact of Residual Connections on
Learning, AAAI 2017, arXiv:1602.07261; `official/cv/inceptionv4` of mindspore/models, branches r1.3
to r1.10, where the file of the network is the same.
"""

from dataclasses import replace

from mindspore import Tensor, nn, ops

from ._arguments import require_fractions
from ._classifier import classifier_files, last_layer
from ._inception import COLUMN3, COLUMN7, ROW3, ROW7, NormalisedScores, Scores, Units
from ._resnet import global_pool

_FEATURES = 1536
"""Channels of the last block, hence length of a pooled feature."""

_UNITS = Units(eps=1e-5)


class inception_v4(nn.Cell):  # as the original calls it
    """Inception-v4, which normalises its pooled feature and its scores.

    Args:
        num_classes: Classes; with 0 the output is the normalised pooled feature `(N, 1536)`.
        dropout: Share of that feature that training sets to zero.

    Inputs:
        **x** - RGB images `(N, 3, 299, 299)`, float32: values of 0 to 255 divided by 255, less
        (0.485, 0.456, 0.406), divided by (0.229, 0.224, 0.225).

    Outputs:
        Logarithms of probabilities `(N, num_classes)`, float32, in training too.

    Raises:
        ValueError: An argument is outside its range.
    """

    checkpoint = replace(classifier_files("softmax.dense"), head=("softmax.*",))

    def __init__(self, num_classes: int = 1000, dropout: float = 0.8) -> None:
        (dropout,) = require_fractions(dropout=dropout)
        super().__init__()
        self.input_shapes = ((3, 299, 299),)
        self.features = nn.SequentialCell(
            [
                _Stem(),
                *(_InceptionA() for _ in range(4)),
                _ReductionA(),
                *(_InceptionB() for _ in range(7)),
                _ReductionB(),
                *(_InceptionC() for _ in range(3)),
            ]
        )
        dense = last_layer(_FEATURES, num_classes)
        self.softmax = NormalisedScores(dense, num_classes) if num_classes else Scores(dense)
        self.bn0 = nn.BatchNorm1d(_FEATURES, eps=1e-3)
        self.dropout = nn.Dropout(p=dropout)

    def construct(self, x: Tensor) -> Tensor:
        """Compute log-probabilities."""
        return self.softmax(self.dropout(self.bn0(global_pool(self.features(x)))))


class _Stem(nn.Cell):
    """Images to maps `(N, 384, 35, 35)`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv2d_1a_3x3 = _UNITS.one(3, 32, 3, stride=2)
        self.conv2d_2a_3x3 = _UNITS.one(32, 32, 3)
        self.conv2d_2b_3x3 = _UNITS.one(32, 64, 3, pad=True)
        self.max_pool = nn.MaxPool2d(3, 2)
        self.mixed_3a_branch_1 = _UNITS.one(64, 96, 3, stride=2)
        self.mixed_4a_branch_0 = nn.SequentialCell(_UNITS.one(160, 64, 1), _UNITS.one(64, 96, 3))
        self.mixed_4a_branch_1 = _UNITS.chain(160, (64, 1), (64, ROW7), (64, COLUMN7))
        self.mixed_4a_branch_1.append(_UNITS.one(64, 96, 3))
        self.mixed_5a_branch_0 = _UNITS.one(192, 192, 3, stride=2)

    def construct(self, x: Tensor) -> Tensor:
        x = self.conv2d_2b_3x3(self.conv2d_2a_3x3(self.conv2d_1a_3x3(x)))
        x = ops.concat((self.max_pool(x), self.mixed_3a_branch_1(x)), 1)
        x = ops.concat((self.mixed_4a_branch_0(x), self.mixed_4a_branch_1(x)), 1)
        return ops.concat((self.mixed_5a_branch_0(x), self.max_pool(x)), 1)


class _Branches(nn.Cell):
    """Branches of one input, side by side."""

    def construct(self, x: Tensor) -> Tensor:
        return ops.concat(
            (self.branch_0(x), self.branch_1(x), self.branch_2(x), self.branch_3(x)), 1
        )


class _InceptionA(_Branches):
    """Maps `(N, 384, 35, 35)` to others."""

    def __init__(self) -> None:
        super().__init__()
        self.branch_0 = _UNITS.one(384, 96, 1)
        self.branch_1 = _UNITS.chain(384, (64, 1), (96, 3))
        self.branch_2 = _UNITS.chain(384, (64, 1), (96, 3), (96, 3))
        self.branch_3 = _UNITS.pooled(384, 96)


class _ReductionA(nn.Cell):
    """Maps `(N, 384, 35, 35)` to `(N, 1024, 17, 17)`."""

    def __init__(self) -> None:
        super().__init__()
        self.branch_0 = _UNITS.one(384, 384, 3, stride=2)
        self.branch_1 = _UNITS.chain(384, (192, 1), (224, 3), (256, 3), halves=True)
        self.max_pool = nn.MaxPool2d(3, 2)

    def construct(self, x: Tensor) -> Tensor:
        return ops.concat((self.branch_0(x), self.branch_1(x), self.max_pool(x)), 1)


class _InceptionB(_Branches):
    """Maps `(N, 1024, 17, 17)` to others."""

    def __init__(self) -> None:
        super().__init__()
        self.branch_0 = _UNITS.one(1024, 384, 1)
        self.branch_1 = _UNITS.chain(1024, (192, 1), (224, ROW7), (256, COLUMN7))
        self.branch_2 = _UNITS.chain(
            1024, (192, 1), (192, COLUMN7), (224, ROW7), (224, COLUMN7), (256, ROW7)
        )
        self.branch_3 = _UNITS.pooled(1024, 128)


class _ReductionB(nn.Cell):
    """Maps `(N, 1024, 17, 17)` to `(N, 1536, 8, 8)`."""

    def __init__(self) -> None:
        super().__init__()
        self.branch_0 = _UNITS.chain(1024, (192, 1), (192, 3), halves=True)
        self.branch_1 = _UNITS.chain(
            1024, (256, 1), (256, ROW7), (320, COLUMN7), (320, 3), halves=True
        )
        self.max_pool = nn.MaxPool2d(3, 2)

    def construct(self, x: Tensor) -> Tensor:
        return ops.concat((self.branch_0(x), self.branch_1(x), self.max_pool(x)), 1)


class _InceptionC(nn.Cell):
    """Maps `(N, 1536, 8, 8)` to others; two branches end in a row and a column of three."""

    def __init__(self) -> None:
        super().__init__()
        self.branch_0 = _UNITS.one(1536, 256, 1)
        self.branch_1 = _UNITS.one(1536, 384, 1)
        self.branch_1_1 = _UNITS.one(384, 256, ROW3)
        self.branch_1_2 = _UNITS.one(384, 256, COLUMN3)
        self.branch_2 = _UNITS.chain(1536, (384, 1), (448, COLUMN3), (512, ROW3))
        self.branch_2_1 = _UNITS.one(512, 256, ROW3)
        self.branch_2_2 = _UNITS.one(512, 256, COLUMN3)
        self.branch_3 = _UNITS.pooled(1536, 256)

    def construct(self, x: Tensor) -> Tensor:
        first, second = self.branch_1(x), self.branch_2(x)
        branches = (
            self.branch_0(x),
            self.branch_1_1(first),
            self.branch_1_2(first),
            self.branch_2_1(second),
            self.branch_2_2(second),
            self.branch_3(x),
        )
        return ops.concat(branches, 1)
