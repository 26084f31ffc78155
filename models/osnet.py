"""OSNet: person re-identification by features of several scales."""

from mindspore import Tensor, nn, ops

from ._classifier import classifier_files, last_layer
from ._resnet import ZeroPaddedMaxPool, global_pool

FEATURES = 512
"""Length of a feature."""


class OSNet(nn.Cell):
    """Omni-Scale Feature Learning for Person Re-Identification, at its full width.

    Every block looks at its input through chains of one to four light 3×3 convolutions, whose
    sums are weighted by one gate that the four share.

    Source: Zhou et al., ICCV 2019, arXiv:1905.00953; `research/cv/osnet` of mindspore/models,
    branches r1.3 to r1.10, where the networks are the same.

    Args:
        num_classes: Identities in the training set: 751 for Market-1501, 702 for DukeMTMC-reID,
            1041 for MSMT17. With 0 training gives the feature too.

    Inputs:
        **x** - RGB images `(N, 3, 256, 128)`, float32: values of 0 to 255 divided by 255, less
        (0.485, 0.456, 0.406), divided by (0.229, 0.224, 0.225).

    Outputs:
        Inference: feature `(N, 512)`, float32, not negative, not normalised, to be compared by
        Euclidean distance (MSMT17: by cosine).

        Training: logits `(N, num_classes)`, float32. Needs two images or more for its batch
        statistics.

    Raises:
        ValueError: `num_classes` is not an integer of at least 0.
    """

    checkpoint = classifier_files("classifier")

    def __init__(self, num_classes: int = 751) -> None:
        super().__init__()
        self.input_shapes = ((3, 256, 128),)
        self.conv1 = _Convolution(3, 64, 7, 2)
        self.max_pool = ZeroPaddedMaxPool()
        self.conv2 = nn.SequentialCell(_Block(64, 256), _Block(256, 256), _Reduction(256))
        self.conv3 = nn.SequentialCell(_Block(256, 384), _Block(384, 384), _Reduction(384))
        self.conv4 = nn.SequentialCell(_Block(384, 512), _Block(512, 512))
        self.conv5 = _Convolution(512, 512)
        self.fc = nn.SequentialCell(nn.Dense(512, FEATURES), nn.BatchNorm1d(FEATURES), nn.ReLU())
        self.classifier = last_layer(FEATURES, num_classes)

    def construct(self, x: Tensor) -> Tensor:
        """Compute the output of inference or training, see the class."""
        x = self.max_pool(self.conv1(x))
        x = self.conv5(self.conv4(self.conv3(self.conv2(x))))
        feature = self.fc(global_pool(x))
        return self.classifier(feature) if self.training else feature


class _Convolution(nn.Cell):
    """Convolution, batch normalisation and perhaps ReLU."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        size: int = 1,
        stride: int = 1,
        *,
        relu: bool = True,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels, out_channels, size, stride, pad_mode="pad", padding=size // 2
        )
        self.bn = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU() if relu else nn.Identity()

    def construct(self, x: Tensor) -> Tensor:
        return self.relu(self.bn(self.conv(x)))


class _LightConvolution(nn.Cell):
    """3×3 convolution in two steps: across channels, then within each."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 1)
        self.conv2 = nn.Conv2d(channels, channels, 3, pad_mode="pad", padding=1, group=channels)
        self.bn = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU()

    def construct(self, x: Tensor) -> Tensor:
        return self.relu(self.bn(self.conv2(self.conv1(x))))


class _Gate(nn.Cell):
    """Maps, each channel times a weight between 0 and 1 that the means of all channels give."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // 16, 1, has_bias=True)
        self.relu = nn.ReLU()
        self.fc2 = nn.Conv2d(channels // 16, channels, 1, has_bias=True)

    def construct(self, x: Tensor) -> Tensor:
        means = ops.mean(x, (2, 3), keep_dims=True)
        return x * ops.sigmoid(self.fc2(self.relu(self.fc1(means))))


class _Block(nn.Cell):
    """Residual block of four streams of different scale."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        width = out_channels // 4
        self.conv1 = _Convolution(in_channels, width)
        self.conv2a = _LightConvolution(width)
        self.conv2b = _chain(2, width)
        self.conv2c = _chain(3, width)
        self.conv2d = _chain(4, width)
        self.gate = _Gate(width)
        self.conv3 = _Convolution(width, out_channels, relu=False)
        self.downsample = (
            nn.Identity()
            if in_channels == out_channels
            else _Convolution(in_channels, out_channels, relu=False)
        )
        self.relu = nn.ReLU()

    def construct(self, x: Tensor) -> Tensor:
        narrow = self.conv1(x)
        streams = (
            self.gate(self.conv2a(narrow))
            + self.gate(self.conv2b(narrow))
            + self.gate(self.conv2c(narrow))
            + self.gate(self.conv2d(narrow))
        )
        return self.relu(self.conv3(streams) + self.downsample(x))


def _chain(count: int, channels: int) -> nn.SequentialCell:
    return nn.SequentialCell([_LightConvolution(channels) for _ in range(count)])


class _Reduction(nn.SequentialCell):
    """1×1 convolution to maps of half the height and width."""

    def __init__(self, channels: int) -> None:
        super().__init__(_Convolution(channels, channels), nn.AvgPool2d(2, 2))
