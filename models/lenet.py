"""LeNet-5: classification of handwritten digits."""

from mindspore import Tensor, nn

from ._arguments import require_counts
from ._checkpoint import Argument
from ._classifier import classifier_files, last_layer


class lenet5(nn.Cell):  # as the original calls it
    """LeNet-5 with max-pools and rectified units.

    Source: LeCun et al., Gradient-based learning applied to document recognition, Proceedings of
    the IEEE 86(11), 1998; `official/cv/lenet` of mindspore/models, branches r1.3 to r1.10.

    Args:
        num_classes: Classes; with 0 the output is what the last layer would be given, `(N, 84)`.
        in_channels: Channels of the images.

    Inputs:
        **x** - images `(N, in_channels, 32, 32)`, float32. MNIST: white digits on black,
        enlarged from 28×28; values of 0 to 255 divided by 255, less 0.1307, divided by 0.3081.

    Outputs:
        Logits `(N, num_classes)`, float32, in training too.

    Raises:
        ValueError: An argument is outside its range.
    """

    checkpoint = classifier_files("fc3", Argument("in_channels", "conv1.weight", 1))

    def __init__(self, num_classes: int = 10, in_channels: int = 1) -> None:
        (in_channels,) = require_counts(in_channels=in_channels)
        super().__init__()
        self.input_shapes = ((in_channels, 32, 32),)
        self.conv1 = nn.Conv2d(in_channels, 6, 5, pad_mode="valid")
        self.conv2 = nn.Conv2d(6, 16, 5, pad_mode="valid")
        self.relu = nn.ReLU()
        self.max_pool = nn.MaxPool2d(2, 2)
        self.flatten = nn.Flatten()
        self.fc1 = nn.Dense(16 * 5 * 5, 120)
        self.fc2 = nn.Dense(120, 84)
        self.fc3 = last_layer(84, num_classes)

    def construct(self, x: Tensor) -> Tensor:
        """Compute logits."""
        x = self.max_pool(self.relu(self.conv1(x)))
        x = self.max_pool(self.relu(self.conv2(x)))
        x = self.relu(self.fc1(self.flatten(x)))
        return self.fc3(self.relu(self.fc2(x)))
