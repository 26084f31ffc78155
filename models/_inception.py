"""Units of Inception-v4 and Inception-ResNet-v2, and how they are put together.

Source: Szegedy et al., Inception-v4, Inception-ResNet and the Impact of Residual Connections on
Learning, AAAI 2017, arXiv:1602.07261, as built by `official/cv/inceptionv4` and
`research/cv/inception_resnet_v2` of mindspore/models (r1.3 to r1.10).
"""

from dataclasses import dataclass

from mindspore import Tensor, nn, ops

Size = int | tuple[int, int]

ROW7, COLUMN7 = (1, 7), (7, 1)
ROW3, COLUMN3 = (1, 3), (3, 1)


@dataclass(frozen=True)
class Units:
    """Makes units and sequences of them, all with one term added to the variance.

    Attributes:
        eps: That term.
    """

    eps: float

    def one(
        self, in_channels: int, out_channels: int, size: Size, *, stride: int = 1, pad: bool = False
    ) -> nn.Cell:
        """Convolution, normalisation and ReLU.

        Args:
            in_channels: Channels of the input.
            out_channels: Channels of the output.
            size: Height and width of the convolution.
            stride: Its stride.
            pad: Whether the output is as large as the input; that of a convolution that is not
                square always is.
        """
        return _Unit(in_channels, out_channels, size, stride, pad, self.eps)

    def chain(self, channels: int, *units: tuple[int, Size], halves: bool = False) -> nn.Cell:
        """Units one after the other, as large as the input.

        Args:
            channels: Channels of the input.
            units: Output channels and size of each.
            halves: Whether the last is not padded and has a stride of 2.
        """
        cells = []
        for number, (width, size) in enumerate(units, 1):
            last = halves and number == len(units)
            cells.append(self.one(channels, width, size, stride=2 if last else 1, pad=not last))
            channels = width
        return nn.SequentialCell(cells)

    def pooled(self, channels: int, out_channels: int) -> nn.Cell:
        """Average of 3×3 values, of which only those in the map count, and a unit."""
        return nn.SequentialCell(
            nn.AvgPool2d(3, 1, pad_mode="same"), self.one(channels, out_channels, 1)
        )


class _Unit(nn.Cell):
    """A unit under the names of the files, where the convolution is in two cells called `conv`."""

    def __init__(
        self, in_channels: int, out_channels: int, size: Size, stride: int, pad: bool, eps: float
    ) -> None:
        super().__init__()
        self.conv = _Convolution(in_channels, out_channels, size, stride, pad, eps)

    def construct(self, x: Tensor) -> Tensor:
        return self.conv(x)


class _Convolution(nn.Cell):
    """Convolution, batch normalisation and ReLU."""

    def __init__(
        self, in_channels: int, out_channels: int, size: Size, stride: int, pad: bool, eps: float
    ) -> None:
        super().__init__()
        pad_mode = "same" if pad or isinstance(size, tuple) else "valid"
        self.conv = nn.Conv2d(in_channels, out_channels, size, stride, pad_mode=pad_mode)
        self.batchnorm = nn.BatchNorm2d(out_channels, eps=eps, momentum=0.997)
        self.relu = nn.ReLU()

    def construct(self, x: Tensor) -> Tensor:
        return self.relu(self.batchnorm(self.conv(x)))


class NormalisedScores(nn.Cell):
    """Features to the logarithm of the probabilities of classes, whose scores are normalised.

    Args:
        dense: Layer from features to scores.
        num_classes: Classes.
    """

    def __init__(self, dense: nn.Cell, num_classes: int) -> None:
        super().__init__()
        self.dense = dense
        self.batchnorm = nn.BatchNorm1d(num_classes)

    def construct(self, x: Tensor) -> Tensor:
        """Compute log-probabilities `(N, num_classes)`, float32."""
        return ops.log_softmax(self.batchnorm(self.dense(x)), -1)


class Scores(nn.Cell):
    """Features to logits.

    Args:
        dense: Layer from features to logits.
    """

    def __init__(self, dense: nn.Cell) -> None:
        super().__init__()
        self.dense = dense

    def construct(self, x: Tensor) -> Tensor:
        """Compute logits `(N, num_classes)`, float32."""
        return self.dense(x)
