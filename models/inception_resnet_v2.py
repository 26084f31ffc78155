"""Inception-ResNet-v2: classification of pictures by residual blocks of branches.

Source: Szegedy et al., Inception-v4, Inception-ResNet and the Impact of Residual Connections on
Learning, AAAI 2017, arXiv:1602.07261; `research/cv/inception_resnet_v2` of mindspore/models,
branches r1.3 to r1.10.
"""

from dataclasses import replace

from mindspore import Tensor, nn, ops

from ._arguments import require_fractions, require_one_of
from ._checkpoint import Argument
from ._classifier import classifier_files, last_layer
from ._inception import COLUMN3, COLUMN7, ROW3, ROW7, NormalisedScores, Scores, Units
from ._resnet import global_pool

_FEATURES = 1536
"""Channels of the last unit, hence length of a pooled feature."""

_UNITS = Units(eps=1e-3)


class inception_resnet_v2(nn.Cell):  # as the original calls it
    """Inception-ResNet-v2, with the classifier of branches r1.3 and r1.4 or that of later ones.

    The one published file is of the time of the first; it was never seen which it has.

    Args:
        num_classes: Classes; with 0 the output is the pooled feature `(N, 1536)`.
        head_bn: Whether the scores are normalised and become logarithms of probabilities, as in
            r1.3 and r1.4.
        dropout: Share of the pooled feature that training sets to zero.

    Inputs:
        **x** - RGB images `(N, 3, 299, 299)`, float32: values of 0 to 255 divided by 255, then with
        `head_bn` less 0.5 and divided by 0.5, else less (0.485, 0.456, 0.406) and divided by
        (0.229, 0.224, 0.225). The original squashed pictures to 341×341 pixels before it cut out
        the middle.

    Outputs:
        Logits `(N, num_classes)`, with `head_bn` logarithms of probabilities, float32, in training
        too.

    Raises:
        ValueError: An argument is outside its range.
    """

    checkpoint = replace(
        classifier_files(
            "softmax.dense", Argument("head_bn", "softmax.batchnorm.gamma", 0, always=True)
        ),
        head=("softmax.*",),
    )

    def __init__(
        self, num_classes: int = 1000, head_bn: bool = False, dropout: float = 0.2
    ) -> None:
        (head_bn,) = require_one_of((False, True), head_bn=head_bn)
        (dropout,) = require_fractions(dropout=dropout)
        super().__init__()
        self.input_shapes = ((3, 299, 299),)
        self.features = nn.SequentialCell(
            [
                _Stem(),
                *(_BlockA(0.17) for _ in range(10)),
                _ReductionA(),
                *(_BlockB(0.10) for _ in range(20)),
                _ReductionB(),
                *(_BlockC(0.20) for _ in range(9)),
            ]
        )
        self.block8 = _BlockC(1.0, ends_with_relu=False)
        self.conv2d_7b = _UNITS.one(2080, _FEATURES, 1)
        self.dropout = nn.Dropout(p=dropout)
        dense = last_layer(_FEATURES, num_classes)
        normalises = head_bn and num_classes > 0
        self.softmax = NormalisedScores(dense, num_classes) if normalises else Scores(dense)

    def construct(self, x: Tensor) -> Tensor:
        """Compute the output, see the class."""
        x = self.conv2d_7b(self.block8(self.features(x)))
        return self.softmax(self.dropout(global_pool(x)))


class _Stem(nn.Cell):
    """Images to maps `(N, 320, 35, 35)`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv2d_1a = _UNITS.one(3, 32, 3, stride=2)
        self.conv2d_2a = _UNITS.one(32, 32, 3)
        self.conv2d_2b = _UNITS.one(32, 64, 3, pad=True)
        self.max_pool = nn.MaxPool2d(3, 2)
        self.conv2d_3b = _UNITS.one(64, 80, 1)
        self.conv2d_4a = _UNITS.one(80, 192, 3)
        self.mixed_5b = _Mixed5b()

    def construct(self, x: Tensor) -> Tensor:
        x = self.max_pool(self.conv2d_2b(self.conv2d_2a(self.conv2d_1a(x))))
        return self.mixed_5b(self.max_pool(self.conv2d_4a(self.conv2d_3b(x))))


class _Mixed5b(nn.Cell):
    """Maps of 192 channels to as large ones of 320."""

    def __init__(self) -> None:
        super().__init__()
        self.branch0 = _UNITS.one(192, 96, 1)
        self.branch1 = _UNITS.chain(192, (48, 1), (64, 5))
        self.branch2 = _UNITS.chain(192, (64, 1), (96, 3), (96, 3))
        self.branch3 = _UNITS.pooled(192, 64)

    def construct(self, x: Tensor) -> Tensor:
        return ops.concat((self.branch0(x), self.branch1(x), self.branch2(x), self.branch3(x)), 1)


class _Residual(nn.Cell):
    """Adds a share of what its branches compute; the convolution of that has nothing behind it."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale
        self.relu = nn.ReLU()

    def construct(self, x: Tensor) -> Tensor:
        return self.relu(self.scale * self.conv2d(self.branches(x)) + x)

    def branches(self, x: Tensor) -> Tensor:
        """Compute the branches, side by side."""
        return ops.concat((self.branch0(x), self.branch1(x)), 1)


class _BlockA(_Residual):
    """Block of maps `(N, 320, 35, 35)`."""

    def __init__(self, scale: float) -> None:
        super().__init__(scale)
        self.branch0 = _UNITS.one(320, 32, 1)
        self.branch1 = _UNITS.chain(320, (32, 1), (32, 3))
        self.branch2 = _UNITS.chain(320, (32, 1), (48, 3), (64, 3))
        self.conv2d = nn.Conv2d(128, 320, 1)

    def branches(self, x: Tensor) -> Tensor:
        return ops.concat((self.branch0(x), self.branch1(x), self.branch2(x)), 1)


class _ReductionA(nn.Cell):
    """Maps `(N, 320, 35, 35)` to `(N, 1088, 17, 17)`."""

    def __init__(self) -> None:
        super().__init__()
        self.branch0 = _UNITS.one(320, 384, 3, stride=2)
        self.branch1 = _UNITS.chain(320, (256, 1), (256, 3), (384, 3), halves=True)
        self.max_pool = nn.MaxPool2d(3, 2)

    def construct(self, x: Tensor) -> Tensor:
        return ops.concat((self.branch0(x), self.branch1(x), self.max_pool(x)), 1)


class _BlockB(_Residual):
    """Block of maps `(N, 1088, 17, 17)`."""

    def __init__(self, scale: float) -> None:
        super().__init__(scale)
        self.branch0 = _UNITS.one(1088, 192, 1)
        self.branch1 = _UNITS.chain(1088, (128, 1), (160, ROW7), (192, COLUMN7))
        self.conv2d = nn.Conv2d(384, 1088, 1)


class _ReductionB(nn.Cell):
    """Maps `(N, 1088, 17, 17)` to `(N, 2080, 8, 8)`."""

    def __init__(self) -> None:
        super().__init__()
        self.branch0 = _UNITS.chain(1088, (256, 1), (384, 3), halves=True)
        self.branch1 = _UNITS.chain(1088, (256, 1), (288, 3), halves=True)
        self.branch2 = _UNITS.chain(1088, (256, 1), (288, 3), (320, 3), halves=True)
        self.max_pool = nn.MaxPool2d(3, 2)

    def construct(self, x: Tensor) -> Tensor:
        return ops.concat((self.branch0(x), self.branch1(x), self.branch2(x), self.max_pool(x)), 1)


class _BlockC(_Residual):
    """Block of maps `(N, 2080, 8, 8)`; the last has no ReLU behind the sum."""

    def __init__(self, scale: float, *, ends_with_relu: bool = True) -> None:
        super().__init__(scale)
        self.branch0 = _UNITS.one(2080, 192, 1)
        self.branch1 = _UNITS.chain(2080, (192, 1), (224, ROW3), (256, COLUMN3))
        self.conv2d = nn.Conv2d(448, 2080, 1)
        if not ends_with_relu:
            self.relu = nn.Identity()
