"""SqueezeNet: classification of pictures by few parameters.

Source: Iandola et al., SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model
size, 2016, arXiv:1602.07360; `official/cv/squeezenet` and `research/cv/squeezenet1_1` of
mindspore/models, branches r1.3 to r1.10, where the files of the networks are the same.
"""

from mindspore import Tensor, nn, ops

from ._arguments import require_fractions
from ._classifier import classifier_files, last_conv
from ._resnet import global_pool

_FEATURES = 512
"""Channels of the last block, hence length of a pooled feature."""


class _SqueezeNet(nn.Cell):
    """What the SqueezeNets have in common: no normalisation, and numbers that convolutions add.

    Args:
        num_classes: Classes; with 0 the output is the pooled feature `(N, 512)`.
        dropout: Share of the values of the last block that training sets to zero.

    Inputs:
        **x** - RGB images `(N, 3, 227, 227)`, float32. ImageNet: the centre of a picture made
        256×256 pixels large whatever its shape, values of 0 to 255, less 255 · (0.485, 0.456,
        0.406), divided by 255 · (0.229, 0.224, 0.225). CIFAR-10: enlarged from 32×32 pixels,
        values divided by 255, less (0.4914, 0.4822, 0.4465), divided by (0.2023, 0.1994, 0.2010).

    Outputs:
        Scores `(N, num_classes)`, float32, in training too. A ReLU comes before the average of
        their maps, so that none is negative and many are 0.

    Raises:
        ValueError: An argument is outside its range.
    """

    def __init__(self, dropout: float) -> None:
        (dropout,) = require_fractions(dropout=dropout)
        super().__init__()
        self.input_shapes = ((3, 227, 227),)
        self.dropout = nn.Dropout(p=dropout)
        self.relu = nn.ReLU()

    def classify(self, maps: Tensor, last: nn.Cell) -> Tensor:
        """Compute scores from the maps of the last block, which no ReLU changes."""
        return global_pool(self.relu(last(self.dropout(maps))))


class squeezenet(_SqueezeNet):  # as the original calls it
    """SqueezeNet 1.0, see `_SqueezeNet`; no block adds its input to its output."""

    checkpoint = classifier_files("final_conv")

    def __init__(self, num_classes: int = 1000, dropout: float = 0.5) -> None:
        super().__init__(dropout)
        self.features = nn.SequentialCell(
            nn.Conv2d(3, 96, 7, 2, pad_mode="valid", has_bias=True),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
            _Fire(96, 16, 64),
            _Fire(128, 16, 64),
            _Fire(128, 32, 128),
            nn.MaxPool2d(3, 2),
            _Fire(256, 32, 128),
            _Fire(256, 48, 192),
            _Fire(384, 48, 192),
            _Fire(384, 64, 256),
            nn.MaxPool2d(3, 2),
            _Fire(512, 64, 256),
        )
        self.final_conv = last_conv(_FEATURES, num_classes)

    def construct(self, x: Tensor) -> Tensor:
        """Compute scores."""
        return self.classify(self.features(x), self.final_conv)


class squeezenet1_1(_SqueezeNet):
    """SqueezeNet 1.1, see `_SqueezeNet`: a smaller first convolution and earlier pools."""

    checkpoint = classifier_files("final_conv")

    def __init__(self, num_classes: int = 1000, dropout: float = 0.5) -> None:
        super().__init__(dropout)
        self.features = nn.SequentialCell(
            nn.Conv2d(3, 64, 3, 2, pad_mode="pad", padding=1, has_bias=True),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
            _Fire(64, 16, 64),
            _Fire(128, 16, 64),
            nn.MaxPool2d(3, 2),
            _Fire(128, 32, 128),
            _Fire(256, 32, 128),
            nn.MaxPool2d(3, 2),
            _Fire(256, 48, 192),
            _Fire(384, 48, 192),
            _Fire(384, 64, 256),
            _Fire(512, 64, 256),
        )
        self.final_conv = last_conv(_FEATURES, num_classes)

    def construct(self, x: Tensor) -> Tensor:
        """Compute scores."""
        return self.classify(self.features(x), self.final_conv)


class squeezenet_residual(_SqueezeNet):
    """SqueezeNet 1.0 with simple bypass, see `_SqueezeNet`: every second block adds its input."""

    checkpoint = classifier_files("conv10")

    def __init__(self, num_classes: int = 1000, dropout: float = 0.5) -> None:
        super().__init__(dropout)
        self.conv1 = nn.Conv2d(3, 96, 7, 2, pad_mode="valid", has_bias=True)
        self.max_pool = nn.MaxPool2d(3, 2)
        self.fire2 = _Fire(96, 16, 64)
        self.fire3 = _Fire(128, 16, 64)
        self.fire4 = _Fire(128, 32, 128)
        self.fire5 = _Fire(256, 32, 128)
        self.fire6 = _Fire(256, 48, 192)
        self.fire7 = _Fire(384, 48, 192)
        self.fire8 = _Fire(384, 64, 256)
        self.fire9 = _Fire(512, 64, 256)
        self.conv10 = last_conv(_FEATURES, num_classes)

    def construct(self, x: Tensor) -> Tensor:
        """Compute scores."""
        x = self.fire2(self.max_pool(self.relu(self.conv1(x))))
        x = self.max_pool(self.fire4(x + self.fire3(x)))
        x = self.fire6(x + self.fire5(x))
        x = self.max_pool(self.fire8(x + self.fire7(x)))
        return self.classify(x + self.fire9(x), self.conv10)


class _Fire(nn.Cell):
    """Few channels, from which a 1×1 and a 3×3 convolution make many side by side."""

    def __init__(self, in_channels: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(in_channels, squeezed, 1, has_bias=True)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1, has_bias=True)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, pad_mode="same", has_bias=True)
        self.relu = nn.ReLU()

    def construct(self, x: Tensor) -> Tensor:
        x = self.relu(self.squeeze(x))
        return ops.concat((self.relu(self.expand1x1(x)), self.relu(self.expand3x3(x))), 1)
