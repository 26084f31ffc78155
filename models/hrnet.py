"""HRNet: classification of pictures by maps of four sizes that learn from each other.

Source: Wang et al., Deep High-Resolution Representation Learning for Visual Recognition, TPAMI 2021,
arXiv:1908.07919; `research/cv/HRNetW48_cls` of mindspore/models, branches r1.3 to r1.10, where the
file of the network is the same.
"""

from mindspore import Tensor, nn, ops

from ._classifier import INPUT_SHAPE, classifier_files, last_layer
from ._resnet import FEATURES, global_pool

_WIDTHS = (48, 96, 192, 384)
"""Channels of the maps, from the largest to the smallest."""


class hrnet_w48(nn.Cell):  # as the original calls it
    """HRNet-W48. It enlarges maps by repetition, where the paper's authors interpolate.

    Args:
        num_classes: Classes; with 0 the output is the pooled feature `(N, 2048)`.

    Inputs:
        **x** - RGB images `(N, 3, H, W)`, float32, H and W multiples of 32, 224 in the original:
        values of 0 to 255, less 255 · (0.485, 0.456, 0.406), divided by 255 · (0.229, 0.224, 0.225).

    Outputs:
        Logits `(N, num_classes)`, float32, in training too.

    Raises:
        ValueError: `num_classes` is not an integer of at least 0.
    """

    checkpoint = classifier_files("classifier")

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        self.input_shapes = (INPUT_SHAPE,)
        self.conv1 = nn.Conv2d(3, 64, 3, 2, pad_mode="pad", padding=1)
        self.bn1 = nn.BatchNorm2d(64)
        self.conv2 = nn.Conv2d(64, 64, 3, 2, pad_mode="pad", padding=1)
        self.bn2 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.layer1 = nn.SequentialCell(
            _Bottleneck(64, 256), *(_Bottleneck(256, 256) for _ in range(3))
        )
        self.transition1 = nn.CellList(
            [_unit(256, _WIDTHS[0]), nn.SequentialCell(_unit(256, _WIDTHS[1], 2))]
        )
        self.stage2 = nn.CellList([_Module(2)])
        self.transition2 = _transition(2)
        self.stage3 = nn.CellList([_Module(3) for _ in range(4)])
        self.transition3 = _transition(3)
        self.stage4 = nn.CellList([_Module(4) for _ in range(3)])
        self.incre_modules = nn.CellList(
            [nn.SequentialCell(_Bottleneck(w, 128 * 2**n)) for n, w in enumerate(_WIDTHS)]
        )
        self.downsamp_modules = nn.CellList(
            [_unit(128 * 2**n, 256 * 2**n, 2, has_bias=True) for n in range(3)]
        )
        self.final_layer = nn.SequentialCell(
            nn.Conv2d(1024, FEATURES, 1, has_bias=True), nn.BatchNorm2d(FEATURES), nn.ReLU()
        )
        self.classifier = last_layer(FEATURES, num_classes)

    def construct(self, x: Tensor) -> Tensor:
        """Compute logits."""
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer1(self.relu(self.bn2(self.conv2(x))))
        maps = (self.transition1[0](x), self.transition1[1](x))
        for module in self.stage2:
            maps = module(maps)
        maps = (*maps, self.transition2[2](maps[1]))
        for module in self.stage3:
            maps = module(maps)
        maps = (*maps, self.transition3[3](maps[2]))
        for module in self.stage4:
            maps = module(maps)
        x = self.incre_modules[0](maps[0])
        for index in range(3):
            x = self.incre_modules[index + 1](maps[index + 1]) + self.downsamp_modules[index](x)
        return self.classifier(global_pool(self.final_layer(x)))


def _unit(
    in_channels: int, out_channels: int, stride: int = 1, *, has_bias: bool = False
) -> nn.SequentialCell:
    """3×3 convolution, normalisation and ReLU."""
    return nn.SequentialCell(
        nn.Conv2d(
            in_channels, out_channels, 3, stride, pad_mode="pad", padding=1, has_bias=has_bias
        ),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
    )


def _transition(maps: int) -> nn.CellList:
    """The step to one more map, which is made of the smallest; the others stay as they are."""
    step = nn.SequentialCell(_unit(_WIDTHS[maps - 1], _WIDTHS[maps], 2))
    return nn.CellList([*(nn.Identity() for _ in range(maps)), step])


class _Bottleneck(nn.Cell):
    """Residual block of a 1×1, a 3×3 and a 1×1 convolution."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        width = out_channels // 4
        self.conv1 = nn.Conv2d(in_channels, width, 1)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, pad_mode="pad", padding=1)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out_channels, 1)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU()
        self.downsample = (
            nn.Identity()
            if in_channels == out_channels
            else nn.SequentialCell(
                nn.Conv2d(in_channels, out_channels, 1), nn.BatchNorm2d(out_channels)
            )
        )

    def construct(self, x: Tensor) -> Tensor:
        branch = self.relu(self.bn1(self.conv1(x)))
        branch = self.relu(self.bn2(self.conv2(branch)))
        return self.relu(self.bn3(self.conv3(branch)) + self.downsample(x))


class _Basic(nn.Cell):
    """Residual block of two 3×3 convolutions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, pad_mode="pad", padding=1)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, pad_mode="pad", padding=1)
        self.bn2 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU()

    def construct(self, x: Tensor) -> Tensor:
        branch = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(branch)) + x)


class _Module(nn.Cell):
    """Blocks of each map, and then each map with what all others tell it."""

    def __init__(self, maps: int) -> None:
        super().__init__()
        self.branches = nn.CellList(
            [nn.SequentialCell([_Basic(width) for _ in range(4)]) for width in _WIDTHS[:maps]]
        )
        self.fuse_layers = nn.CellList(
            [nn.CellList([_fusion(source, to) for source in range(maps)]) for to in range(maps)]
        )
        self.relu = nn.ReLU()

    def construct(self, maps: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        computed = ()
        for index, branch in enumerate(self.branches):
            computed += (branch(maps[index]),)
        fused = ()
        for layers in self.fuse_layers:
            total = layers[0](computed[0])
            for source in range(1, len(computed)):
                total = total + layers[source](computed[source])
            fused += (self.relu(total),)
        return fused


def _fusion(source: int, to: int) -> nn.Cell:
    """What one map tells another, at the size and with the channels of that."""
    if source == to:
        return nn.Identity()
    if source > to:
        return nn.SequentialCell(
            nn.Conv2d(_WIDTHS[source], _WIDTHS[to], 1),
            nn.BatchNorm2d(_WIDTHS[to]),
            _Enlarged(2 ** (source - to)),
        )
    steps = [_unit(_WIDTHS[source], _WIDTHS[source], 2) for _ in range(to - source - 1)]
    last = nn.SequentialCell(
        nn.Conv2d(_WIDTHS[source], _WIDTHS[to], 3, 2, pad_mode="pad", padding=1),
        nn.BatchNorm2d(_WIDTHS[to]),
    )
    return nn.SequentialCell([*steps, last])


class _Enlarged(nn.Cell):
    """Maps `(N, C, H, W)` whose values are repeated in both directions."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def construct(self, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        x = ops.tile(x.reshape((n, c, h, 1, w, 1)), (1, 1, 1, self.times, 1, self.times))
        return x.reshape((n, c, h * self.times, w * self.times))
