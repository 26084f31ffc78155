"""VGG: classification of pictures by 3×3 convolutions.

Source: Simonyan and Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition,
ICLR 2015, arXiv:1409.1556; `official/cv/vgg16` and `research/cv/vgg19` of mindspore/models,
branches r1.3 to r1.10; `configs/vgg` of mindcv.
"""

from mindspore import Tensor, nn

from ._arguments import require_fractions, require_one_of
from ._checkpoint import Argument
from ._classifier import INPUT_SHAPE, classifier_files, last_layer

_CHANNELS = (64, 128, 256, 512, 512)
"""Output channels of the convolutions between two max-pools."""

_CONVOLUTIONS = {13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
"""How many convolutions there are before each max-pool, by the layers of the network."""


class VGG(nn.Cell):
    """VGG without numbers that its convolutions would add.

    Args:
        depth: Layers with weights: 13, 16 or 19.
        num_classes: Classes; with 0 the output is what the last layer would be given,
            `(N, 4096)`.
        batch_norm: Whether a batch normalisation follows each convolution.
        dropout: Share of each hidden layer's values that training sets to zero; 0.5 for
            ImageNet, 0 for CIFAR-10.

    Inputs:
        **x** - RGB images `(N, 3, 224, 224)`, float32, those of CIFAR-10 enlarged to that size.
        ImageNet: values of 0 to 255, less 255 · (0.485, 0.456, 0.406), divided by 255 · (0.229,
        0.224, 0.225). CIFAR-10: values divided by 255, less (0.4465, 0.4822, 0.4914), divided by
        (0.2010, 0.1994, 0.2023). The statistics are those of blue, green and red: the published
        checkpoints were trained with them that way round.

    Outputs:
        Logits `(N, num_classes)`, float32, in training too.

    Raises:
        ValueError: An argument is outside its range.
    """

    checkpoint = classifier_files(
        "classifier.6", Argument("batch_norm", "layers.1.gamma", 0, {_CHANNELS[0]: True})
    )

    def __init__(self, depth: int, num_classes: int, batch_norm: bool, dropout: float) -> None:
        super().__init__()
        self.input_shapes = (INPUT_SHAPE,)
        self.layers = _convolutions(depth, batch_norm)
        self.flatten = nn.Flatten()
        self.classifier = _classifier(num_classes, dropout)

    def construct(self, x: Tensor) -> Tensor:
        """Compute logits."""
        return self.classifier(self.flatten(self.layers(x)))


class MindcvVGG(nn.Cell):
    """VGG of mindcv: that without normalisation, with another name for its convolutions.

    Args:
        depth: Layers with weights: 13, 16 or 19.
        num_classes: Classes; with 0 the output is what the last layer would be given,
            `(N, 4096)`.
        dropout: Share of each hidden layer's values that training sets to zero.

    Inputs:
        **x** - RGB images of ImageNet as for `VGG`.

    Outputs:
        Logits `(N, num_classes)`, float32, in training too.

    Raises:
        ValueError: An argument is outside its range.
    """

    checkpoint = classifier_files("classifier.6")

    def __init__(self, depth: int, num_classes: int, dropout: float) -> None:
        super().__init__()
        self.input_shapes = (INPUT_SHAPE,)
        self.features = _convolutions(depth, batch_norm=False)
        self.flatten = nn.Flatten()
        self.classifier = _classifier(num_classes, dropout)

    def construct(self, x: Tensor) -> Tensor:
        """Compute logits."""
        return self.classifier(self.flatten(self.features(x)))


class vgg16(VGG):
    """VGG-16, see `VGG`."""

    def __init__(
        self, num_classes: int = 1000, batch_norm: bool = False, dropout: float = 0.5
    ) -> None:
        super().__init__(16, num_classes, batch_norm, dropout)


class vgg19(VGG):
    """VGG-19, see `VGG`."""

    def __init__(
        self, num_classes: int = 1000, batch_norm: bool = False, dropout: float = 0.5
    ) -> None:
        super().__init__(19, num_classes, batch_norm, dropout)


class mindcv_vgg13(MindcvVGG):
    """VGG-13 of mindcv, see `MindcvVGG`."""

    def __init__(self, num_classes: int = 1000, dropout: float = 0.5) -> None:
        super().__init__(13, num_classes, dropout)


class mindcv_vgg19(MindcvVGG):
    """VGG-19 of mindcv, see `MindcvVGG`."""

    def __init__(self, num_classes: int = 1000, dropout: float = 0.5) -> None:
        super().__init__(19, num_classes, dropout)


def _convolutions(depth: int, batch_norm: bool) -> nn.SequentialCell:
    """Images to maps `(N, 512, 7, 7)`; every operator has a number, those without weights too."""
    (batch_norm,) = require_one_of((False, True), batch_norm=batch_norm)
    cells: list[nn.Cell] = []
    before = 3
    for channels, count in zip(_CHANNELS, _CONVOLUTIONS[depth], strict=True):
        for _ in range(count):
            cells.append(nn.Conv2d(before, channels, 3, pad_mode="pad", padding=1))
            cells.extend([nn.BatchNorm2d(channels)] if batch_norm else [])
            cells.append(nn.ReLU())
            before = channels
        cells.append(nn.MaxPool2d(2, 2))
    return nn.SequentialCell(cells)


def _classifier(num_classes: int, dropout: float) -> nn.SequentialCell:
    """Values of a map `(N, 25088)` to logits."""
    (dropout,) = require_fractions(dropout=dropout)
    return nn.SequentialCell(
        nn.Dense(512 * 7 * 7, 4096),
        nn.ReLU(),
        nn.Dropout(p=dropout),
        nn.Dense(4096, 4096),
        nn.ReLU(),
        nn.Dropout(p=dropout),
        last_layer(4096, num_classes),
    )
