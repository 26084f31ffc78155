"""What the cells of NASNet and PNASNet are made of.

Source: Zoph et al., Learning Transferable Architectures for Scalable Image Recognition, CVPR 2018,
arXiv:1707.07012; Liu et al., Progressive Neural Architecture Search, ECCV 2018, arXiv:1712.00559,
as built by `official/cv/nasnet` and `research/cv/pnasnet` of mindspore/models (r1.3 to r1.10).

Some cells that halve their maps shift them first, by a row and a column of zeros at the top and the
left, and cut the first row and column off the result: that is how the originals repeat the uneven
padding of TensorFlow.
"""

from dataclasses import replace

from mindspore import Tensor, nn, ops

from ._checkpoint import Argument, Checkpoint
from ._classifier import classifier_files, last_layer
from ._resnet import global_pool
from ._units import even_conv

EPS = 1e-3
"""Term that normalisations in cells add to the variance."""


class Separable(nn.Cell):
    """Twice ReLU, a convolution of each channel by itself, one of all, and a normalisation.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        size: Height and width of the convolutions of single channels.
        stride: Stride of the first of them.
        shifted: Whether the maps are shifted around the first half, see above.
    """

    def __init__(
        self, in_channels: int, out_channels: int, size: int, stride: int = 1, shifted: bool = False
    ) -> None:
        super().__init__()
        self.relu = nn.ReLU()
        self.separable_1 = _SeparableConvolution(in_channels, out_channels, size, stride)
        self.bn_sep_1 = nn.BatchNorm2d(out_channels, eps=EPS)
        self.separable_2 = _SeparableConvolution(out_channels, out_channels, size, 1)
        self.bn_sep_2 = nn.BatchNorm2d(out_channels, eps=EPS)
        self.shifted = shifted

    def construct(self, x: Tensor) -> Tensor:
        """Compute maps."""
        x = self.relu(x)
        x = cut(self.separable_1(shift(x))) if self.shifted else self.separable_1(x)
        return self.bn_sep_2(self.separable_2(self.relu(self.bn_sep_1(x))))


class _SeparableConvolution(nn.Cell):
    """Convolution of each channel by itself, then one of all."""

    def __init__(self, in_channels: int, out_channels: int, size: int, stride: int) -> None:
        super().__init__()
        self.depthwise_conv2d = even_conv(
            in_channels, in_channels, size, stride, groups=in_channels
        )
        self.pointwise_conv2d = nn.Conv2d(in_channels, out_channels, 1)

    def construct(self, x: Tensor) -> Tensor:
        return self.pointwise_conv2d(self.depthwise_conv2d(x))


class OffsetByOne(nn.Cell):
    """Maps without their first row and column, with zeros at the bottom and the right instead."""

    def construct(self, x: Tensor) -> Tensor:
        """Compute maps."""
        return cut(ops.pad(x, (0, 1, 0, 1)))


def shift(x: Tensor) -> Tensor:
    """Add a row and a column of zeros at the top and the left."""
    return ops.pad(x, (1, 0, 1, 0))


def cut(x: Tensor) -> Tensor:
    """Take the first row and column away."""
    return x[:, :, 1:, 1:]


class AuxiliaryClassifier(nn.Cell):
    """Feature maps `(N, channels, 14, 14)` to logits that training uses.

    Args:
        channels: Channels of the maps.
        num_classes: Classes; with 0 the output is what the last layer would be given, `(N, 768)`.
    """

    def __init__(self, channels: int, num_classes: int) -> None:
        super().__init__()
        self.relu = nn.ReLU()
        self.avg_pool = nn.AvgPool2d(5, 3)
        self.conv = nn.Conv2d(channels, 128, 1)
        self.bn = nn.BatchNorm2d(128)
        self.conv_1 = nn.Conv2d(128, 768, 4, pad_mode="valid")
        self.bn_1 = nn.BatchNorm2d(768)
        self.fc = last_layer(768, num_classes)

    def construct(self, x: Tensor) -> Tensor:
        """Compute logits."""
        x = self.relu(self.bn(self.conv(self.avg_pool(self.relu(x)))))
        return self.fc(global_pool(self.relu(self.bn_1(self.conv_1(x)))))


def nasnet_files(last: str) -> Checkpoint:
    """Facts about files that training wrote of a cell around the network, `network`.

    Args:
        last: Name of the last layer.
    """
    auxiliary = Argument("aux_logits", "aux_logits.bn.gamma", 0, {128: True})
    return replace(
        classifier_files(last, auxiliary),
        head=(f"{last}.*", "aux_logits.fc.*"),
        prefixes=("network.",),
    )
