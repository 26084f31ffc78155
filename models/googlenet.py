"""GoogLeNet: classification of pictures by inception blocks.

Source: Szegedy et al., Going Deeper with Convolutions, CVPR 2015, arXiv:1409.4842, with the batch
normalisation of Ioffe and Szegedy, ICML 2015, arXiv:1502.03167; `official/cv/googlenet` of
mindspore/models, branches r1.3 to r1.10, where the file of the network is the same;
`configs/googlenet` of mindcv.
"""

from dataclasses import replace

from mindspore import Tensor, nn, ops

from ._arguments import require_fractions, require_one_of
from ._checkpoint import Argument
from ._classifier import INPUT_SHAPE, classifier_files, last_layer
from ._resnet import global_pool

_BLOCKS = {
    "3a": (192, 64, 96, 128, 16, 32, 32),
    "3b": (256, 128, 128, 192, 32, 96, 64),
    "4a": (480, 192, 96, 208, 16, 48, 64),
    "4b": (512, 160, 112, 224, 24, 64, 64),
    "4c": (512, 128, 128, 256, 24, 64, 64),
    "4d": (512, 112, 144, 288, 32, 64, 64),
    "4e": (528, 256, 160, 320, 32, 128, 128),
    "5a": (832, 256, 160, 320, 32, 128, 128),
    "5b": (832, 384, 192, 384, 48, 128, 128),
}
"""Channels of each block: those of its input and of its six units, in the order of Table 1."""

_FEATURES = 1024
"""Channels of the last block, hence length of a pooled feature."""


class googlenet(nn.Cell):  # as the original calls it
    """GoogLeNet with batch normalisation, without auxiliary classifiers.

    Its large convolutions are 3×3 and not the paper's 5×5. The original has a dropout that is
    never applied.

    Args:
        num_classes: Classes; with 0 the output is the pooled feature `(N, 1024)`.

    Inputs:
        **x** - RGB images `(N, 3, 224, 224)`, float32. ImageNet: values of 0 to 255, less 255 ·
        (0.485, 0.456, 0.406), divided by 255 · (0.229, 0.224, 0.225). CIFAR-10: values divided
        by 255, less (0.4914, 0.4822, 0.4465), divided by (0.2023, 0.1994, 0.2010).

    Outputs:
        Logits `(N, num_classes)`, float32, in training too.

    Raises:
        ValueError: `num_classes` is not an integer of at least 0.
    """

    checkpoint = classifier_files("classifier")

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        self.input_shapes = (INPUT_SHAPE,)
        self.conv1 = _Unit(3, 64, 7, 2)
        self.conv2 = _Unit(64, 64, 1)
        self.conv3 = _Unit(64, 192, 3)
        self.max_pool = nn.MaxPool2d(3, 2, pad_mode="same")
        self.last_max_pool = nn.MaxPool2d(2, 2, pad_mode="same")
        for name, channels in _BLOCKS.items():
            setattr(self, f"block{name}", _Inception(*channels))
        self.classifier = last_layer(_FEATURES, num_classes)

    def construct(self, x: Tensor) -> Tensor:
        """Compute logits."""
        x = self.max_pool(self.conv1(x))
        x = self.max_pool(self.conv3(self.conv2(x)))
        x = self.max_pool(self.block3b(self.block3a(x)))
        x = self.block4c(self.block4b(self.block4a(x)))
        x = self.last_max_pool(self.block4e(self.block4d(x)))
        return self.classifier(global_pool(self.block5b(self.block5a(x))))


class _Unit(nn.Cell):
    """Convolution, batch normalisation and ReLU."""

    def __init__(self, in_channels: int, out_channels: int, size: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, size, stride, pad_mode="same")
        self.bn = nn.BatchNorm2d(out_channels, eps=1e-3)
        self.relu = nn.ReLU()

    def construct(self, x: Tensor) -> Tensor:
        return self.relu(self.bn(self.conv(x)))


class _Inception(nn.Cell):
    """Four branches of one input, side by side."""

    def __init__(self, channels: int, a: int, b: int, c: int, d: int, e: int, f: int) -> None:
        super().__init__()
        self.b1 = _Unit(channels, a, 1)
        self.b2 = nn.SequentialCell(_Unit(channels, b, 1), _Unit(b, c, 3))
        self.b3 = nn.SequentialCell(_Unit(channels, d, 1), _Unit(d, e, 3))
        self.max_pool = nn.MaxPool2d(3, 1, pad_mode="same")
        self.b4 = _Unit(channels, f, 1)

    def construct(self, x: Tensor) -> Tensor:
        return ops.concat((self.b1(x), self.b2(x), self.b3(x), self.b4(self.max_pool(x))), 1)


class mindcv_googlenet(nn.Cell):
    """GoogLeNet of mindcv: the paper's, without normalisation and numbers that convolutions add.

    Args:
        num_classes: Classes; with 0 the output is the pooled feature `(N, 1024)`.
        aux_logits: Whether there are two auxiliary classifiers, which training uses. The
            published file has none.
        drop_rate: Share of the pooled feature that training sets to zero.
        drop_rate_aux: The same in the auxiliary classifiers.

    Inputs:
        **x** - RGB images `(N, 3, 224, 224)`, float32: values of 0 to 255, less 255 · (0.485,
        0.456, 0.406), divided by 255 · (0.229, 0.224, 0.225).

    Outputs:
        Logits `(N, num_classes)`, float32. In training with `aux_logits` three of them: those of
        the network, of the second and of the first auxiliary classifier.

    Raises:
        ValueError: An argument is outside its range.
    """

    checkpoint = replace(
        classifier_files("classifier", Argument("aux_logits", "aux1.fc1.bias", 0, {1024: True})),
        head=("classifier.*", "aux[12].fc2.*"),
    )

    def __init__(
        self,
        num_classes: int = 1000,
        aux_logits: bool = False,
        drop_rate: float = 0.2,
        drop_rate_aux: float = 0.7,
    ) -> None:
        (aux_logits,) = require_one_of((False, True), aux_logits=aux_logits)
        (drop_rate, drop_rate_aux) = require_fractions(
            drop_rate=drop_rate, drop_rate_aux=drop_rate_aux
        )
        super().__init__()
        self.input_shapes = (INPUT_SHAPE,)
        self.conv1 = _PlainUnit(3, 64, 7, 2)
        self.conv2 = _PlainUnit(64, 64, 1)
        self.conv3 = _PlainUnit(64, 192, 3)
        self.max_pool = nn.MaxPool2d(3, 2, pad_mode="same")
        self.last_max_pool = nn.MaxPool2d(2, 2, pad_mode="same")
        for name, channels in _BLOCKS.items():
            setattr(self, f"inception{name}", _PlainInception(*channels))
        self.aux_logits = aux_logits
        if aux_logits:
            self.aux1 = _Auxiliary(_BLOCKS["4b"][0], num_classes, drop_rate_aux)
            self.aux2 = _Auxiliary(_BLOCKS["4e"][0], num_classes, drop_rate_aux)
        self.dropout = nn.Dropout(p=drop_rate)
        self.classifier = last_layer(_FEATURES, num_classes)

    def construct(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor, Tensor]:
        """Compute the outputs of inference or training, see the class."""
        x = self.max_pool(self.conv1(x))
        x = self.max_pool(self.conv3(self.conv2(x)))
        x = self.max_pool(self.inception3b(self.inception3a(x)))
        first = self.inception4a(x)
        second = self.inception4d(self.inception4c(self.inception4b(first)))
        x = self.last_max_pool(self.inception4e(second))
        x = self.classifier(self.dropout(global_pool(self.inception5b(self.inception5a(x)))))
        if self.training and self.aux_logits:
            return x, self.aux2(second), self.aux1(first)
        return x


class _PlainUnit(nn.Cell):
    """Convolution and ReLU."""

    def __init__(self, in_channels: int, out_channels: int, size: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, size, stride, pad_mode="same")
        self.relu = nn.ReLU()

    def construct(self, x: Tensor) -> Tensor:
        return self.relu(self.conv(x))


class _PlainInception(nn.Cell):
    """Four branches of one input, side by side."""

    def __init__(self, channels: int, a: int, b: int, c: int, d: int, e: int, f: int) -> None:
        super().__init__()
        self.b1 = _PlainUnit(channels, a, 1)
        self.b2 = nn.SequentialCell(_PlainUnit(channels, b, 1), _PlainUnit(b, c, 3))
        self.b3 = nn.SequentialCell(_PlainUnit(channels, d, 1), _PlainUnit(d, e, 5))
        self.b4 = nn.SequentialCell(nn.MaxPool2d(3, 1, pad_mode="same"), _PlainUnit(channels, f, 1))

    def construct(self, x: Tensor) -> Tensor:
        return ops.concat((self.b1(x), self.b2(x), self.b3(x), self.b4(x)), 1)


class _Auxiliary(nn.Cell):
    """Classifier of a map `(N, in_channels, 14, 14)` in the midst of the network."""

    def __init__(self, in_channels: int, num_classes: int, drop_rate: float) -> None:
        super().__init__()
        self.avg_pool = nn.AvgPool2d(5, 3)
        self.conv = _PlainUnit(in_channels, 128, 1)
        self.flatten = nn.Flatten()
        self.fc1 = nn.Dense(128 * 4 * 4, 1024)
        self.relu = nn.ReLU()
        self.dropout = nn.Dropout(p=drop_rate)
        self.fc2 = last_layer(1024, num_classes)

    def construct(self, x: Tensor) -> Tensor:
        x = self.flatten(self.conv(self.avg_pool(x)))
        return self.fc2(self.dropout(self.relu(self.fc1(x))))
