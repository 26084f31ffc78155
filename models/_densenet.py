"""DenseNet-121 trunk of MultiTaskNet.

Source: Huang et al., Densely Connected Convolutional Networks, CVPR 2017, arXiv:1608.06993, as
built by `research/cv/PAMTRI/MultiTaskNet` of mindspore/models, branch r1.7.
"""

from collections import OrderedDict

from mindspore import Tensor, nn, ops

FEATURES = 1024
"""Channels of the last block, hence length of a pooled feature."""

_GROWTH = 32
_BLOCKS = (6, 12, 24, 16)


class DenseNet121(nn.Cell):
    """Image to pooled feature.

    Args:
        in_channels: Channels of the image.

    Inputs:
        Images `(N, in_channels, H, W)`, float32.

    Outputs:
        Features `(N, 1024)`, float32: the mean over the positions of the last normalisation, which
        no ReLU follows.
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.conv0 = nn.Conv2d(in_channels, 64, 7, 2, pad_mode="pad", padding=3)
        self.norm0 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.max_pool = nn.MaxPool2d(3, 2, pad_mode="same")
        self.denseblock1 = _DenseBlock(_BLOCKS[0], 64)
        self.transition1 = _Transition(256)
        self.denseblock2 = _DenseBlock(_BLOCKS[1], 128)
        self.transition2 = _Transition(512)
        self.denseblock3 = _DenseBlock(_BLOCKS[2], 256)
        self.transition3 = _Transition(1024)
        self.denseblock4 = _DenseBlock(_BLOCKS[3], 512)
        self.norm5 = nn.BatchNorm2d(FEATURES)

    def construct(self, x: Tensor) -> Tensor:
        """Compute pooled features."""
        x = self.max_pool(self.relu(self.norm0(self.conv0(x))))
        x = self.transition1(self.denseblock1(x))
        x = self.transition2(self.denseblock2(x))
        x = self.transition3(self.denseblock3(x))
        return ops.mean(self.norm5(self.denseblock4(x)), (2, 3))


class _DenseBlock(nn.Cell):
    """Layers that each append `_GROWTH` channels to what they are given."""

    def __init__(self, layers: int, channels: int) -> None:
        super().__init__()
        self.cell_list = nn.CellList(
            [_DenseLayer(channels + _GROWTH * index) for index in range(layers)]
        )

    def construct(self, x: Tensor) -> Tensor:
        for layer in self.cell_list:
            x = ops.concat((x, layer(x)), 1)
        return x


class _DenseLayer(nn.Cell):
    """The channels that one layer appends."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, 4 * _GROWTH, 1)
        self.norm2 = nn.BatchNorm2d(4 * _GROWTH)
        self.conv2 = nn.Conv2d(4 * _GROWTH, _GROWTH, 3, pad_mode="pad", padding=1)
        self.relu = nn.ReLU()

    def construct(self, x: Tensor) -> Tensor:
        x = self.conv1(self.relu(self.norm1(x)))
        return self.conv2(self.relu(self.norm2(x)))


class _Transition(nn.Cell):
    """Half the channels at half the size."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.features = nn.SequentialCell(
            OrderedDict(
                norm=nn.BatchNorm2d(channels),
                relu=nn.ReLU(),
                conv=nn.Conv2d(channels, channels // 2, 1),
                pool=nn.AvgPool2d(2, 2),
            )
        )

    def construct(self, x: Tensor) -> Tensor:
        return self.features(x)
