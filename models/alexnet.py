"""AlexNet: classification of pictures."""

from mindspore import Tensor, nn

from ._arguments import require_fractions
from ._classifier import classifier_files, last_layer


class alexnet(nn.Cell):  # as the original calls it
    """AlexNet without groups and local normalisation, with channels of its own.

    Two sizes of images lead to the same 6×6 maps, so the network does not say which it takes:
    the published files for ImageNet were trained on 224×224, those for CIFAR-10 on 227×227. From
    r1.5 on, the original for ImageNet also normalises the images, which here comes before it.

    Source: Krizhevsky et al., ImageNet Classification with Deep Convolutional Neural Networks,
    NIPS 2012; `official/cv/alexnet` of mindspore/models, branches r1.3 to r1.10.

    Args:
        num_classes: Classes; with 0 the output is what the last layer would be given,
            `(N, 4096)`.
        dropout: Share of each hidden layer's values that training sets to zero.

    Inputs:
        **x** - RGB images `(N, 3, 224, 224)` or `(N, 3, 227, 227)`, float32. ImageNet: values of
        0 to 255, less 255 · (0.485, 0.456, 0.406), divided by 255 · (0.229, 0.224, 0.225).
        CIFAR-10: values divided by 255, less (0.4914, 0.4822, 0.4465), divided by (0.2023,
        0.1994, 0.2010).

    Outputs:
        Logits `(N, num_classes)`, float32, in training too.

    Raises:
        ValueError: An argument is outside its range.
    """

    checkpoint = classifier_files("fc3")

    def __init__(self, num_classes: int = 1000, dropout: float = 0.35) -> None:
        (dropout,) = require_fractions(dropout=dropout)
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 11, 4, pad_mode="same", has_bias=True)
        self.conv2 = nn.Conv2d(64, 128, 5, pad_mode="same", has_bias=True)
        self.conv3 = nn.Conv2d(128, 192, 3, pad_mode="same", has_bias=True)
        self.conv4 = nn.Conv2d(192, 256, 3, pad_mode="same", has_bias=True)
        self.conv5 = nn.Conv2d(256, 256, 3, pad_mode="same", has_bias=True)
        self.relu = nn.ReLU()
        self.max_pool = nn.MaxPool2d(3, 2)
        self.flatten = nn.Flatten()
        self.fc1 = nn.Dense(256 * 6 * 6, 4096)
        self.fc2 = nn.Dense(4096, 4096)
        self.fc3 = last_layer(4096, num_classes)
        self.dropout = nn.Dropout(p=dropout)

    def construct(self, x: Tensor) -> Tensor:
        """Compute logits."""
        x = self.max_pool(self.relu(self.conv1(x)))
        x = self.max_pool(self.relu(self.conv2(x)))
        x = self.relu(self.conv4(self.relu(self.conv3(x))))
        x = self.flatten(self.max_pool(self.relu(self.conv5(x))))
        x = self.dropout(self.relu(self.fc1(x)))
        return self.fc3(self.dropout(self.relu(self.fc2(x))))
