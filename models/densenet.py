"""DenseNet: classification of pictures by layers that see the outputs of all before them.

Source: Huang et al., Densely Connected Convolutional Networks, CVPR 2017, arXiv:1608.06993;
`official/cv/densenet` of mindspore/models, branches r1.3 to r1.10, where the file of the network is
the same.
"""

from mindspore import Tensor, nn, ops

from ._classifier import INPUT_SHAPE, classifier_files, last_layer
from ._densenet import FEATURES, DenseBlock, DenseNetTrunk, Transition
from ._resnet import global_pool

_FILES = classifier_files("head.fc", prefixes=("network.",))
"""The cell that trains the original calls it `network`, and its optimizer was made before."""


class densenet121(nn.Cell):  # as the original calls it
    """DenseNet-121 that halves its maps by max-pools, where the paper averages.

    Args:
        num_classes: Classes; with 0 the output is the pooled feature `(N, 1024)`.

    Inputs:
        **x** - RGB images `(N, 3, 224, 224)`, float32: values of 0 to 255, less 255 · (0.485,
        0.456, 0.406), divided by 255 · (0.229, 0.224, 0.225). The originals squashed pictures to
        256×256 pixels before they cut out the middle.

    Outputs:
        Logits `(N, num_classes)`, float32, in training too.

    Raises:
        ValueError: `num_classes` is not an integer of at least 0.
    """

    checkpoint = _FILES

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        self.input_shapes = (INPUT_SHAPE,)
        self.backbone = _Backbone(DenseNetTrunk(3, nn.MaxPool2d))
        self.head = _Head(FEATURES, num_classes)

    def construct(self, x: Tensor) -> Tensor:
        """Compute logits."""
        return self.head(self.backbone(x))


class densenet100(nn.Cell):  # as the original calls it
    """DenseNet-100 for small images, which averages where it halves its maps.

    Nobody published a file of it.

    Args:
        num_classes: Classes; with 0 the output is the pooled feature `(N, 342)`.

    Inputs:
        **x** - RGB images `(N, 3, 32, 32)`, float32: values of 0 to 255 divided by 255, less
        (0.4914, 0.4822, 0.4465), divided by (0.2023, 0.1994, 0.2010).

    Outputs:
        Logits `(N, num_classes)`, float32, in training too.

    Raises:
        ValueError: `num_classes` is not an integer of at least 0.
    """

    checkpoint = _FILES

    def __init__(self, num_classes: int = 10) -> None:
        super().__init__()
        self.input_shapes = ((3, 32, 32),)
        self.backbone = _Backbone(_Small())
        self.head = _Head(342, num_classes)

    def construct(self, x: Tensor) -> Tensor:
        """Compute logits."""
        return self.head(self.backbone(x))


class _Backbone(nn.Cell):
    """A trunk under the name that the files give it."""

    def __init__(self, features: nn.Cell) -> None:
        super().__init__()
        self.features = features

    def construct(self, x: Tensor) -> Tensor:
        return self.features(x)


class _Small(nn.Cell):
    """Trunk of DenseNet-100: small images to maps `(N, 342, 8, 8)`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv0 = nn.Conv2d(3, 24, 3, pad_mode="pad", padding=1)
        self.norm0 = nn.BatchNorm2d(24)
        self.relu = nn.ReLU()
        self.denseblock1 = DenseBlock(16, 24, 12)
        self.transition1 = Transition(216, nn.AvgPool2d)
        self.denseblock2 = DenseBlock(16, 108, 12)
        self.transition2 = Transition(300, nn.AvgPool2d)
        self.denseblock3 = DenseBlock(16, 150, 12)
        self.norm5 = nn.BatchNorm2d(342)

    def construct(self, x: Tensor) -> Tensor:
        x = self.relu(self.norm0(self.conv0(x)))
        x = self.transition1(self.denseblock1(x))
        x = self.transition2(self.denseblock2(x))
        return self.norm5(self.denseblock3(x))


class _Head(nn.Cell):
    """Maps of a last normalisation to logits."""

    def __init__(self, features: int, num_classes: int) -> None:
        super().__init__()
        self.fc = last_layer(features, num_classes)

    def construct(self, x: Tensor) -> Tensor:
        return self.fc(global_pool(ops.relu(x)))
