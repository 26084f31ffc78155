"""Wide ResNets: classification of small pictures by few residual blocks of many channels.

Source: Zagoruyko and Komodakis, Wide Residual Networks, BMVC 2016, arXiv:1605.07146;
`research/cv/wideresnet` (wideresnet) and `research/cv/autoaugment` (wrn, of Cubuk et al.,
AutoAugment: Learning Augmentation Policies from Data, CVPR 2019, arXiv:1805.09501) of
mindspore/models, branches r1.3 to r1.10. The two are different networks.
"""

from mindspore import Tensor, nn, ops

from ._arguments import require_counts, require_fractions
from ._checkpoint import Argument
from ._classifier import classifier_files, last_layer
from ._resnet import global_pool

_INPUT_SHAPE = (3, 32, 32)


class wideresnet(nn.Cell):  # as the original calls it
    """WideResNet, whose first convolution is normalised, and whose others add numbers.

    Args:
        num_classes: Classes; with 0 the output is the pooled feature, `(N, 64 * widen_factor)`.
        depth: Layers with weights: 4, and 6 for each block of a group.
        widen_factor: Channels of a group, in multiples of 16, 32 and 64.
        dropout: Share of values inside a block that training sets to zero.

    Inputs:
        **x** - RGB images `(N, 3, 32, 32)`, float32: values of 0 to 255, less (0.4914, 0.4822,
        0.4465), divided by (0.2023, 0.1994, 0.2010). They are not divided by 255 before, so that
        they reach 1258: the published checkpoint was trained with them that way.

    Outputs:
        Logits `(N, num_classes)`, float32, in training too.

    Raises:
        ValueError: An argument is outside its range.
    """

    checkpoint = classifier_files(
        "linear", Argument("widen_factor", "linear.weight", 1, {64 * n: n for n in range(1, 33)})
    )

    def __init__(
        self,
        num_classes: int = 10,
        depth: int = 40,
        widen_factor: int = 10,
        dropout: float = 0.3,
    ) -> None:
        depth, widen_factor = require_counts(depth=depth, widen_factor=widen_factor)
        (dropout,) = require_fractions(dropout=dropout)
        if depth < 10 or (depth - 4) % 6:
            msg = f"depth must be 4 more than a multiple of 6, got {depth}"
            raise ValueError(msg)
        super().__init__()
        self.input_shapes = (_INPUT_SHAPE,)
        widths = [16 * widen_factor, 32 * widen_factor, 64 * widen_factor]

        def group(in_channels: int, out_channels: int, stride: int) -> nn.SequentialCell:
            rest = [
                _Block(out_channels, out_channels, 1, dropout) for _ in range((depth - 10) // 6)
            ]
            return nn.SequentialCell([_Block(in_channels, out_channels, stride, dropout), *rest])

        self.conv1 = nn.Conv2d(3, 16, 3, pad_mode="same")
        self.conv2 = group(16, widths[0], 1)
        self.conv3 = group(widths[0], widths[1], 2)
        self.conv4 = group(widths[1], widths[2], 2)
        self.bn = nn.BatchNorm2d(widths[2])
        self.linear = last_layer(widths[2], num_classes)
        self.bn1 = nn.BatchNorm2d(16)
        self.relu = nn.ReLU()

    def construct(self, x: Tensor) -> Tensor:
        """Compute logits."""
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.conv4(self.conv3(self.conv2(x)))
        return self.linear(global_pool(self.relu(self.bn(x))))


class _Block(nn.Cell):
    """Residual block that normalises before it convolves; its shortcut takes the input as it is."""

    def __init__(self, in_channels: int, out_channels: int, stride: int, dropout: float) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, pad_mode="same", has_bias=True)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, pad_mode="same", has_bias=True)
        self.relu = nn.ReLU()
        self.dropout = nn.Dropout(p=dropout)
        self.shortcut = (
            nn.Identity()
            if in_channels == out_channels
            else nn.SequentialCell(
                nn.Conv2d(in_channels, out_channels, 1, stride, pad_mode="same", has_bias=True)
            )
        )

    def construct(self, x: Tensor) -> Tensor:
        branch = self.conv1(self.dropout(self.relu(self.bn1(x))))
        return self.conv2(self.relu(self.bn2(branch))) + self.shortcut(x)


class wrn(nn.Cell):  # as the original calls it
    """WideResNet-28-10 whose shortcuts have no weights, and lead around blocks, groups and all.

    Args:
        num_classes: Classes; with 0 the output is the pooled feature, `(N, 4 * wrn_size)`.
        wrn_size: Channels of the first group, half those of the second and a quarter of the third.
        in_channels: Channels of an image.

    Inputs:
        **x** - images `(N, in_channels, 32, 32)`, float32, RGB for CIFAR-10: values of 0 to 255
        divided by 255, less (0.4914, 0.4822, 0.4465), divided by (0.2023, 0.1994, 0.2010).

    Outputs:
        Logits `(N, num_classes)`, float32, in training too.

    Raises:
        ValueError: An argument is outside its range.
    """

    checkpoint = classifier_files(
        "fc",
        Argument("wrn_size", "rg1.rb.conv1.weight", 0),
        Argument("in_channels", "conv1.weight", 1),
    )

    def __init__(self, num_classes: int = 10, wrn_size: int = 160, in_channels: int = 3) -> None:
        wrn_size, in_channels = require_counts(wrn_size=wrn_size, in_channels=in_channels)
        if wrn_size < 16:
            msg = f"wrn_size must be at least 16, got {wrn_size}"
            raise ValueError(msg)
        super().__init__()
        self.input_shapes = ((in_channels, 32, 32),)
        self.conv1 = nn.Conv2d(in_channels, 16, 3, pad_mode="same")
        self.rg1 = _Group(16, wrn_size, 1)
        self.rg2 = _Group(wrn_size, 2 * wrn_size, 2)
        self.rg3 = _Group(2 * wrn_size, 4 * wrn_size, 2)
        self.shortcut = _shortcut(16, 4 * wrn_size, 4)
        self.bn = nn.BatchNorm2d(4 * wrn_size)
        self.relu = nn.ReLU()
        self.fc = last_layer(4 * wrn_size, num_classes)

    def construct(self, x: Tensor) -> Tensor:
        """Compute logits."""
        first = self.conv1(x)
        x = self.rg3(self.rg2(self.rg1(first))) + self.shortcut(first)
        return self.fc(global_pool(self.relu(self.bn(x))))


class _Group(nn.Cell):
    """Four blocks, and a shortcut around them."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.rb = _PoolingBlock(in_channels, out_channels, stride, shares=stride == 1)
        self.rbs = nn.SequentialCell(
            [_PoolingBlock(out_channels, out_channels, 1) for _ in range(3)]
        )
        self.shortcut = _shortcut(in_channels, out_channels, stride)

    def construct(self, x: Tensor) -> Tensor:
        return self.rbs(self.rb(x)) + self.shortcut(x)


class _PoolingBlock(nn.Cell):
    """Residual block that normalises before it convolves, with a shortcut without weights.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        stride: Of the first convolution and of the shortcut.
        shares: Whether the shortcut takes the normalised input.
    """

    def __init__(
        self, in_channels: int, out_channels: int, stride: int, *, shares: bool = False
    ) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, pad_mode="same")
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, pad_mode="same")
        self.relu = nn.ReLU()
        self.shares = shares
        self.shortcut = _shortcut(in_channels, out_channels, stride)

    def construct(self, x: Tensor) -> Tensor:
        activated = self.relu(self.bn1(x))
        branch = self.conv2(self.relu(self.bn2(self.conv1(activated))))
        return branch + self.shortcut(activated if self.shares else x)


def _shortcut(in_channels: int, out_channels: int, stride: int) -> nn.Cell:
    """Maps at the size and with the channels of what they are added to."""
    if in_channels == out_channels and stride == 1:
        return nn.Identity()
    return _PaddedPool(in_channels, out_channels, stride)


class _PaddedPool(nn.Cell):
    """Averages of maps, with channels of zeros on both sides."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        before = (out_channels - in_channels) // 2
        self.padding = (0, 0, 0, 0, before, out_channels - in_channels - before)
        self.pool = nn.AvgPool2d(stride, stride)

    def construct(self, x: Tensor) -> Tensor:
        return ops.pad(self.pool(x), self.padding)
