"""Res2Net: residual blocks whose 3×3 convolutions each take a quarter of the channels.

Source: Gao et al., Res2Net: A New Multi-scale Backbone Architecture, TPAMI 2021, arXiv:1904.01169;
`research/cv/res2net` of mindspore/models, branches r1.6 to r1.10, where the file of the network is
the same. Stem and shortcuts are those that its authors call v1b, but for the pools.
"""

from mindspore import Tensor, nn, ops

from ._classifier import INPUT_SHAPE, classifier_files, last_layer
from ._resnet import BLOCKS_50, BLOCKS_101, BLOCKS_152, FEATURES, WIDTHS, global_pool
from ._squeeze import excite


class Res2Net(nn.Cell):
    """Res2Net, all of whose normalisations add 1e-4 to the variance.

    Args:
        blocks: Blocks of each stage.
        num_classes: Classes; with 0 the output is the pooled feature `(N, 2048)`.
        weighs: Whether the last blocks of the last two stages weigh their channels (Hu et al.,
            CVPR 2018, arXiv:1709.01507).

    Inputs:
        **x** - RGB images `(N, 3, 224, 224)`, float32, those of CIFAR-10 enlarged to that size.
        ImageNet: values of 0 to 255, less 255 · (0.485, 0.456, 0.406), divided by 255 · (0.229,
        0.224, 0.225). CIFAR-10: values divided by 255, less (0.4914, 0.4822, 0.4465), divided by
        (0.2023, 0.1994, 0.2010).

    Outputs:
        Logits `(N, num_classes)`, float32, in training too. Networks of 1001 classes never saw the
        last one: index 0 is the tench, and index 1000 nothing.

    Raises:
        ValueError: `num_classes` is not an integer of at least 0.
    """

    checkpoint = classifier_files("end_point")

    def __init__(self, blocks: tuple[int, ...], num_classes: int, *, weighs: bool = False) -> None:
        super().__init__()
        self.input_shapes = (INPUT_SHAPE,)
        self.conv1_0 = nn.Conv2d(3, 32, 3, 2, pad_mode="same")
        self.bn1_0 = nn.BatchNorm2d(32, eps=1e-4)
        self.conv1_1 = nn.Conv2d(32, 32, 3, pad_mode="same")
        self.bn1_1 = nn.BatchNorm2d(32, eps=1e-4)
        self.conv1_2 = nn.Conv2d(32, 64, 3, pad_mode="same")
        self.bn1 = nn.BatchNorm2d(64, eps=1e-4)
        self.relu = nn.ReLU()
        self.max_pool = nn.MaxPool2d(3, 2, pad_mode="same")
        self.layer1 = _stage(blocks[0], 64, WIDTHS[0], 1)
        self.layer2 = _stage(blocks[1], WIDTHS[0], WIDTHS[1], 2)
        self.layer3 = _stage(blocks[2], WIDTHS[1], WIDTHS[2], 2, weighs=weighs)
        self.layer4 = _stage(blocks[3], WIDTHS[2], WIDTHS[3], 2, weighs=weighs)
        self.end_point = last_layer(FEATURES, num_classes)

    def construct(self, x: Tensor) -> Tensor:
        """Compute logits."""
        x = self.relu(self.bn1_0(self.conv1_0(x)))
        x = self.relu(self.bn1_1(self.conv1_1(x)))
        x = self.max_pool(self.relu(self.bn1(self.conv1_2(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.end_point(global_pool(x))


class res2net50(Res2Net):
    """Res2Net-50, see `Res2Net`."""

    def __init__(self, num_classes: int = 1001) -> None:
        super().__init__(BLOCKS_50, num_classes)


class res2net101(Res2Net):
    """Res2Net-101, see `Res2Net`."""

    def __init__(self, num_classes: int = 1001) -> None:
        super().__init__(BLOCKS_101, num_classes)


class res2net152(Res2Net):
    """Res2Net-152, see `Res2Net`."""

    def __init__(self, num_classes: int = 1001) -> None:
        super().__init__(BLOCKS_152, num_classes)


class se_res2net50(Res2Net):
    """Res2Net-50 with two blocks that weigh their channels, see `Res2Net`.

    Trained on images of 224×224 pixels and evaluated on 256×256. Its values of 0 to 255 are less
    (123.68, 116.78, 103.94), and not divided.
    """

    def __init__(self, num_classes: int = 1001) -> None:
        super().__init__(BLOCKS_50, num_classes, weighs=True)
        self.input_shapes = ((3, 256, 256),)


def _stage(
    blocks: int, in_channels: int, out_channels: int, stride: int, *, weighs: bool = False
) -> nn.SequentialCell:
    """Blocks of one size of map; the first may halve it, the last may weigh its channels."""
    made: list[nn.Cell] = [_FirstBlock(in_channels, out_channels, stride)]
    made += [_Block(out_channels, out_channels, 1) for _ in range(blocks - 2)]
    last = _Weighing if weighs else _Block
    return nn.SequentialCell([*made, last(out_channels, out_channels, 1)])


class _Block(nn.Cell):
    """Residual block; a 3×3 convolution adds what the one before computed to its own quarter."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        width = out_channels // 4 * 26 // 64
        self.conv1 = nn.Conv2d(in_channels, 4 * width, 1)
        self.bn1 = nn.BatchNorm2d(4 * width, eps=1e-4)
        self.convs = nn.CellList(
            [nn.Conv2d(width, width, 3, stride, pad_mode="same") for _ in range(3)]
        )
        self.bns = nn.CellList([nn.BatchNorm2d(width, eps=1e-4) for _ in range(3)])
        self.conv3 = nn.Conv2d(4 * width, out_channels, 1)
        self.bn3 = nn.BatchNorm2d(out_channels, eps=1e-4)
        self.relu = nn.ReLU()

    def construct(self, x: Tensor) -> Tensor:
        return self.relu(self.branch(x) + x)

    def branch(self, x: Tensor) -> Tensor:
        """Compute what the block adds to its input."""
        x = self.relu(self.bn1(self.conv1(x)))
        return self.bn3(self.conv3(ops.concat(self.parts(ops.chunk(x, 4, 1)), 1)))

    def parts(self, quarters: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Compute the quarters of what the last convolution takes."""
        first = self.relu(self.bns[0](self.convs[0](quarters[0])))
        second = self.relu(self.bns[1](self.convs[1](first + quarters[1])))
        third = self.relu(self.bns[2](self.convs[2](second + quarters[2])))
        return first, second, third, quarters[3]


class _FirstBlock(_Block):
    """First block of a stage: its convolutions add nothing to their quarters, and the last is pooled.

    Its shortcut pools by the largest value, where the paper's authors average.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__(in_channels, out_channels, stride)
        self.avg_pool = nn.AvgPool2d(3, stride, pad_mode="same")
        pool = [nn.MaxPool2d(2, 2, pad_mode="same")] if stride == 2 else []
        self.down_sample_layer = nn.SequentialCell(
            [
                *pool,
                nn.Conv2d(in_channels, out_channels, 1),
                nn.BatchNorm2d(out_channels, eps=1e-4),
            ]
        )

    def construct(self, x: Tensor) -> Tensor:
        return self.relu(self.branch(x) + self.down_sample_layer(x))

    def parts(self, quarters: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        first = self.relu(self.bns[0](self.convs[0](quarters[0])))
        second = self.relu(self.bns[1](self.convs[1](quarters[1])))
        third = self.relu(self.bns[2](self.convs[2](quarters[2])))
        return first, second, third, self.avg_pool(quarters[3])


class _Weighing(_Block):
    """Block that weighs the channels of its branch."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__(in_channels, out_channels, stride)
        self.se_dense_0 = nn.Dense(out_channels, out_channels // 4)
        self.se_dense_1 = nn.Dense(out_channels // 4, out_channels)

    def construct(self, x: Tensor) -> Tensor:
        return self.relu(excite(self.branch(x), self.se_dense_0, self.se_dense_1) + x)
