"""ResNeSt: residual blocks whose convolutions in two halves are weighed against each other.

Source: Zhang et al., ResNeSt: Split-Attention Networks, CVPR Workshops 2022, arXiv:2004.08955;
`research/cv/ResNeSt50` of mindspore/models, branches r1.3 to r1.10.
"""

from mindspore import Tensor, nn, ops

from ._classifier import classifier_files, last_layer
from ._grouped import GroupedConvolution
from ._resnet import BLOCKS_50, FEATURES, ZeroPaddedMaxPool, global_pool, stages


class resnest50(nn.Cell):  # as the original calls it
    """ResNeSt-50, of radix 2 and cardinality 1.

    Args:
        num_classes: Classes; with 0 the output is the pooled feature `(N, 2048)`.

    Inputs:
        **x** - RGB images `(N, 3, 256, 256)`, float32: values of 0 to 255, less 255 · (0.485,
        0.456, 0.406), divided by 255 · (0.229, 0.224, 0.225). The original squashed pictures to
        320×320 pixels before it cut out the middle.

    Outputs:
        Logits `(N, num_classes)`, float32, in training too.

    Raises:
        ValueError: `num_classes` is not an integer of at least 0.
    """

    checkpoint = classifier_files("fc")

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        self.input_shapes = ((3, 256, 256),)
        self.conv1 = nn.SequentialCell(
            nn.Conv2d(3, 32, 3, 2, pad_mode="pad", padding=1),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.Conv2d(32, 32, 3, pad_mode="pad", padding=1),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.Conv2d(32, 64, 3, pad_mode="pad", padding=1),
        )
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.max_pool = ZeroPaddedMaxPool()
        self.layer1, self.layer2, self.layer3, self.layer4 = stages(_Block, BLOCKS_50)
        self.fc = last_layer(FEATURES, num_classes)

    def construct(self, x: Tensor) -> Tensor:
        """Compute logits."""
        x = self.max_pool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(global_pool(x))


class _Block(nn.Cell):
    """Residual block that halves its map by an average, which counts the zeros around the map."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        width = out_channels // 4
        self.conv1 = nn.Conv2d(in_channels, width, 1)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = _SplitAttention(width)
        self.halves = stride > 1
        self.avg_pool = nn.AvgPool2d(3, stride)
        self.conv3 = nn.Conv2d(width, out_channels, 1)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU()
        self.downsample = (
            nn.Identity()
            if in_channels == out_channels
            else nn.SequentialCell(
                nn.AvgPool2d(stride, stride),
                nn.Conv2d(in_channels, out_channels, 1),
                nn.BatchNorm2d(out_channels),
            )
        )

    def construct(self, x: Tensor) -> Tensor:
        branch = self.conv2(self.relu(self.bn1(self.conv1(x))))
        if self.halves:
            branch = self.avg_pool(ops.pad(branch, (1, 1, 1, 1)))
        return self.relu(self.bn3(self.conv3(branch)) + self.downsample(x))


class _SplitAttention(nn.Cell):
    """Two convolutions, each of half the channels, summed by weights for each channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        width = max(channels // 2, 32)
        self.conv = GroupedConvolution(channels, 2 * channels, 3, groups=2)
        self.bn0 = nn.BatchNorm2d(2 * channels)
        self.fc1 = GroupedConvolution(channels, width, 1)
        self.bn1 = nn.BatchNorm2d(width)
        self.fc2 = GroupedConvolution(width, 2 * channels, 1)
        self.relu = nn.ReLU()

    def construct(self, x: Tensor) -> Tensor:
        first, second = ops.chunk(self.relu(self.bn0(self.conv(x))), 2, 1)
        means = ops.mean(first + second, (2, 3), keep_dims=True)
        scores = self.fc2(self.relu(self.bn1(self.fc1(means))))
        shares = ops.softmax(scores.reshape((scores.shape[0], 2, -1, 1, 1)), 1)
        return shares[:, 0] * first + shares[:, 1] * second
