"""DenseNet trunks, of the classifiers and of MultiTaskNet.

Source: Huang et al., Densely Connected Convolutional Networks, CVPR 2017, arXiv:1608.06993, as
built by `official/cv/densenet` (branches r1.3 to r1.10) and `research/cv/PAMTRI/MultiTaskNet`
(r1.7) of mindspore/models. They differ in their first and their halving layers.
"""

from collections import OrderedDict

from mindspore import Tensor, nn, ops

FEATURES = 1024
"""Channels of the last block of a DenseNet-121, hence length of a pooled feature."""

GROWTH_121 = 32
"""Channels that each layer of a DenseNet-121 appends."""

BLOCKS_121 = (6, 12, 24, 16)
"""Layers of each block of a DenseNet-121."""


class DenseNetTrunk(nn.Cell):
    """Image to feature map.

    Args:
        in_channels: Channels of the image.
        pool: Kind of the pools that halve the map between two blocks, such as `nn.AvgPool2d`.

    Inputs:
        Images `(N, in_channels, H, W)`, float32.

    Outputs:
        Feature maps `(N, 1024, H / 32, W / 32)`, float32, as the last normalisation gives them: no
        ReLU follows.
    """

    def __init__(self, in_channels: int, pool: type[nn.Cell]) -> None:
        super().__init__()
        self.conv0 = nn.Conv2d(in_channels, 64, 7, 2, pad_mode="pad", padding=3)
        self.norm0 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.max_pool = nn.MaxPool2d(3, 2, pad_mode="same")
        self.denseblock1 = DenseBlock(BLOCKS_121[0], 64, GROWTH_121)
        self.transition1 = Transition(256, pool)
        self.denseblock2 = DenseBlock(BLOCKS_121[1], 128, GROWTH_121)
        self.transition2 = Transition(512, pool)
        self.denseblock3 = DenseBlock(BLOCKS_121[2], 256, GROWTH_121)
        self.transition3 = Transition(1024, pool)
        self.denseblock4 = DenseBlock(BLOCKS_121[3], 512, GROWTH_121)
        self.norm5 = nn.BatchNorm2d(FEATURES)

    def construct(self, x: Tensor) -> Tensor:
        """Compute feature maps."""
        x = self.max_pool(self.relu(self.norm0(self.conv0(x))))
        x = self.transition1(self.denseblock1(x))
        x = self.transition2(self.denseblock2(x))
        x = self.transition3(self.denseblock3(x))
        return self.norm5(self.denseblock4(x))


class DenseBlock(nn.Cell):
    """Layers that each append `growth` channels to what they are given."""

    def __init__(self, layers: int, channels: int, growth: int) -> None:
        super().__init__()
        self.cell_list = nn.CellList(
            [_DenseLayer(channels + growth * index, growth) for index in range(layers)]
        )

    def construct(self, x: Tensor) -> Tensor:
        for layer in self.cell_list:
            x = ops.concat((x, layer(x)), 1)
        return x


class _DenseLayer(nn.Cell):
    """The channels that one layer appends."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, 4 * growth, 1)
        self.norm2 = nn.BatchNorm2d(4 * growth)
        self.conv2 = nn.Conv2d(4 * growth, growth, 3, pad_mode="pad", padding=1)
        self.relu = nn.ReLU()

    def construct(self, x: Tensor) -> Tensor:
        x = self.conv1(self.relu(self.norm1(x)))
        return self.conv2(self.relu(self.norm2(x)))


class Transition(nn.Cell):
    """Half the channels at half the size."""

    def __init__(self, channels: int, pool: type[nn.Cell]) -> None:
        super().__init__()
        self.features = nn.SequentialCell(
            OrderedDict(
                norm=nn.BatchNorm2d(channels),
                relu=nn.ReLU(),
                conv=nn.Conv2d(channels, channels // 2, 1),
                pool=pool(2, 2),
            )
        )

    def construct(self, x: Tensor) -> Tensor:
        return self.features(x)
