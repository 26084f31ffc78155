"""Tiny Darknet: classification of pictures by a small chain of convolutions."""

from mindspore import Tensor, nn

from ._arguments import require_counts
from ._checkpoint import Argument, Checkpoint
from ._classifier import INPUT_SHAPE
from ._resnet import global_pool
from ._units import Unit


class tinydarknet(nn.Cell):  # as the original calls it
    """Tiny Darknet with the slope of MindSpore's leaky ReLU, 0.2, where Darknet has 0.1.

    Its last convolution makes a map for each class, normalised and activated as all others. The
    original has 1000 classes always, whatever it is asked for.

    Source: J. Redmon, Darknet: Open Source Neural Networks in C, 2013 to 2016;
    `official/cv/tinydarknet` of mindspore/models, branches r1.3 to r1.10.

    Args:
        num_classes: Classes; with 0 the output is the pooled feature `(N, 128)`.

    Inputs:
        **x** - RGB images `(N, 3, 224, 224)`, float32: values of 0 to 255, less 255 · (0.485,
        0.456, 0.406), divided by 255 · (0.229, 0.224, 0.225).

    Outputs:
        Scores `(N, num_classes)`, float32, in training too: averages of the activated maps.

    Raises:
        ValueError: `num_classes` is not an integer of at least 0.
    """

    checkpoint = Checkpoint(
        "num_classes",
        ("conv16.*",),
        (Argument("num_classes", "conv16.conv.weight", 0),),
        prefixes=(),
    )

    def __init__(self, num_classes: int = 1000) -> None:
        (num_classes,) = require_counts(0, num_classes=num_classes)
        super().__init__()
        self.input_shapes = (INPUT_SHAPE,)
        self.conv1 = _unit(3, 16, 3)
        self.conv2 = _unit(16, 32, 3)
        self.conv3 = _unit(32, 16, 1)
        self.conv4 = _unit(16, 128, 3)
        self.conv5 = _unit(128, 16, 1)
        self.conv6 = _unit(16, 128, 3)
        self.conv7 = _unit(128, 32, 1)
        self.conv8 = _unit(32, 256, 3)
        self.conv9 = _unit(256, 32, 1)
        self.conv10 = _unit(32, 256, 3)
        self.conv11 = _unit(256, 64, 1)
        self.conv12 = _unit(64, 512, 3)
        self.conv13 = _unit(512, 64, 1)
        self.conv14 = _unit(64, 512, 3)
        self.conv15 = _unit(512, 128, 1)
        self.conv16 = _unit(128, num_classes, 1) if num_classes else nn.Identity()
        self.max_pool = nn.MaxPool2d(2, 2, pad_mode="same")

    def construct(self, x: Tensor) -> Tensor:
        """Compute scores."""
        x = self.max_pool(self.conv1(x))
        x = self.max_pool(self.conv2(x))
        x = self.conv4(self.conv3(x))
        x = self.max_pool(self.conv6(self.conv5(x)))
        x = self.conv8(self.conv7(x))
        x = self.max_pool(self.conv10(self.conv9(x)))
        x = self.conv12(self.conv11(x))
        x = self.conv14(self.conv13(x))
        return global_pool(self.conv16(self.conv15(x)))


def _unit(in_channels: int, out_channels: int, size: int) -> Unit:
    return Unit(in_channels, out_channels, size, activation=nn.LeakyReLU(0.2), eps=1e-3)
