"""What the ResNets of mindcv share: stem, head and the way padding and names go.

Source: `mindcv/models/resnet.py` of mindspore-lab/mindcv, version 0.3.0. Convolutions pad evenly on
all sides, the max-pool does not.
"""

from collections.abc import Callable

from mindspore import Tensor, nn

from ._classifier import INPUT_SHAPE, classifier_files, last_layer
from ._resnet import BLOCKS_50, FEATURES, global_pool, stages


class MindcvResNet50(nn.Cell):
    """ResNet-50 of mindcv.

    Args:
        block: Makes a block of its input channels, its output channels and its stride.
        num_classes: Classes; with 0 the output is the pooled feature.

    Inputs:
        **x** - RGB images `(N, 3, 224, 224)`, float32: values of 0 to 255, less 255 · (0.485,
        0.456, 0.406), divided by 255 · (0.229, 0.224, 0.225).

    Outputs:
        Logits `(N, num_classes)`, float32, in training too.
    """

    checkpoint = classifier_files("classifier")

    def __init__(self, block: Callable[[int, int, int], nn.Cell], num_classes: int) -> None:
        super().__init__()
        self.input_shapes = (INPUT_SHAPE,)
        self.conv1 = nn.Conv2d(3, 64, 7, 2, pad_mode="pad", padding=3)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.max_pool = nn.MaxPool2d(3, 2, pad_mode="same")
        self.layer1, self.layer2, self.layer3, self.layer4 = stages(block, BLOCKS_50)
        self.classifier = last_layer(FEATURES, num_classes)

    def construct(self, x: Tensor) -> Tensor:
        """Compute logits."""
        x = self.max_pool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.classifier(global_pool(x))


class MindcvBottleneck(nn.Cell):
    """Residual block of a 1×1, a 3×3 and a 1×1 convolution; the 3×3 has the stride.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        stride: Of the 3×3 convolution and the projection.
        width: Channels of the 3×3 convolution for each four of the output.
        groups: Groups of the 3×3 convolution.
    """

    def __init__(
        self, in_channels: int, out_channels: int, stride: int, *, width: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        width *= out_channels // 4
        self.conv1 = nn.Conv2d(in_channels, width, 1)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, pad_mode="pad", padding=1, group=groups)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out_channels, 1)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU()
        self.down_sample = (
            nn.Identity()
            if in_channels == out_channels
            else nn.SequentialCell(
                nn.Conv2d(in_channels, out_channels, 1, stride), nn.BatchNorm2d(out_channels)
            )
        )

    def construct(self, x: Tensor) -> Tensor:
        branch = self.relu(self.bn1(self.conv1(x)))
        branch = self.relu(self.bn2(self.conv2(branch)))
        branch = self.bn3(self.conv3(branch))
        return self.relu(branch + self.down_sample(x))
