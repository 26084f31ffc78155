"""Xception: classification of pictures by separable convolutions.

Source: Chollet, Xception: Deep Learning with Depthwise Separable Convolutions, CVPR 2017,
arXiv:1610.02357; `official/cv/xception` of mindspore/models, branches r1.3 to r1.10, where the file
of the network is the same.
"""

from itertools import pairwise

from mindspore import Tensor, nn

from ._arguments import require_fractions
from ._classifier import classifier_files, last_layer

_FEATURES = 2048
"""Channels of the last convolution, hence length of a pooled feature."""


class xception(nn.Cell):  # as the original calls it
    """Xception.

    Args:
        num_classes: Classes; with 0 the output is the pooled feature `(N, 2048)`.
        dropout: Share of the pooled feature that training sets to zero.

    Inputs:
        **x** - RGB images `(N, 3, 299, 299)`, float32: values of 0 to 255, less 127.5, divided by
        127.5. No other size is possible.

    Outputs:
        Logits `(N, num_classes)`, float32, in training too.

    Raises:
        ValueError: An argument is outside its range.
    """

    checkpoint = classifier_files("fc")

    def __init__(self, num_classes: int = 1000, dropout: float = 0.5) -> None:
        (dropout,) = require_fractions(dropout=dropout)
        super().__init__()
        self.input_shapes = ((3, 299, 299),)
        self.conv1 = nn.Conv2d(3, 32, 3, 2, pad_mode="valid")
        self.bn1 = nn.BatchNorm2d(32)
        self.conv2 = nn.Conv2d(32, 64, 3, pad_mode="valid")
        self.bn2 = nn.BatchNorm2d(64)
        self.block1 = _Block((64, 128, 128), 2, starts_with_relu=False)
        self.block2 = _Block((128, 256, 256), 2)
        self.block3 = _Block((256, 728, 728), 2)
        for number in range(4, 12):
            setattr(self, f"block{number}", _Block((728, 728, 728, 728), 1))
        self.block12 = _Block((728, 728, 1024), 2)
        self.conv3 = _Separable(1024, 1536)
        self.bn3 = nn.BatchNorm2d(1536)
        self.conv4 = _Separable(1536, _FEATURES)
        self.bn4 = nn.BatchNorm2d(_FEATURES)
        self.relu = nn.ReLU()
        self.avg_pool = nn.AvgPool2d(10)
        self.dropout = nn.Dropout(p=dropout)
        self.flatten = nn.Flatten()
        self.fc = last_layer(_FEATURES, num_classes)

    def construct(self, x: Tensor) -> Tensor:
        """Compute logits."""
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        x = self.block3(self.block2(self.block1(x)))
        x = self.block7(self.block6(self.block5(self.block4(x))))
        x = self.block11(self.block10(self.block9(self.block8(x))))
        x = self.relu(self.bn3(self.conv3(self.block12(x))))
        x = self.relu(self.bn4(self.conv4(x)))
        return self.fc(self.flatten(self.dropout(self.avg_pool(x))))


class _Separable(nn.Cell):
    """3×3 convolution of each channel by itself, and a 1×1 convolution of all."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(
            in_channels, in_channels, 3, pad_mode="pad", padding=1, group=in_channels
        )
        self.pointwise = nn.Conv2d(in_channels, out_channels, 1)

    def construct(self, x: Tensor) -> Tensor:
        return self.pointwise(self.conv1(x))


class _Block(nn.Cell):
    """Residual block of separable convolutions, each after a ReLU, with no ReLU after the sum.

    Args:
        channels: Those of the input and of each convolution.
        stride: 1, or 2 for a max-pool at the end that halves the map, and a projection beside it.
        starts_with_relu: Whether a ReLU is before the first convolution too.
    """

    def __init__(
        self, channels: tuple[int, ...], stride: int, *, starts_with_relu: bool = True
    ) -> None:
        super().__init__()
        self.projects = stride > 1
        if self.projects:
            self.skip = nn.Conv2d(channels[0], channels[-1], 1, stride, pad_mode="valid")
            self.skipbn = nn.BatchNorm2d(channels[-1])
        cells: list[nn.Cell] = []
        for before, after in pairwise(channels):
            cells += [nn.ReLU(), _Separable(before, after), nn.BatchNorm2d(after)]
        if not starts_with_relu:
            del cells[0]
        if self.projects:
            cells.append(nn.MaxPool2d(3, stride, pad_mode="same"))
        self.rep = nn.SequentialCell(cells)

    def construct(self, x: Tensor) -> Tensor:
        return self.rep(x) + (self.skipbn(self.skip(x)) if self.projects else x)
