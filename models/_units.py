"""What small networks are made of: convolutions with their normalisation and their activation."""

from mindspore import Tensor, nn, ops


def even_conv(
    in_channels: int,
    out_channels: int,
    size: int,
    stride: int = 1,
    *,
    groups: int = 1,
    has_bias: bool = False,
) -> nn.Conv2d:
    """Convolution padded by `size // 2` zeros on every side."""
    return nn.Conv2d(
        in_channels,
        out_channels,
        size,
        stride,
        pad_mode="pad",
        padding=size // 2,
        group=groups,
        has_bias=has_bias,
    )


def same_conv(
    in_channels: int, out_channels: int, size: int, stride: int = 1, *, groups: int = 1
) -> nn.Conv2d:
    """Convolution padded as MindSpore's "same": an odd zero goes to the bottom and the right."""
    return nn.Conv2d(in_channels, out_channels, size, stride, pad_mode="same", group=groups)


class Unit(nn.Cell):
    """Convolution, batch normalisation and activation, called `conv` and `bn`.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        size: Height and width of the evenly padded convolution.
        stride: Its stride.
        groups: Its groups.
        activation: What follows the normalisation; nothing if it is None.
        eps: Term that the normalisation adds to the variance.
        has_bias: Whether the convolution adds a number to each channel.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        size: int,
        stride: int = 1,
        *,
        groups: int = 1,
        activation: nn.Cell | None = None,
        eps: float = 1e-5,
        has_bias: bool = False,
    ) -> None:
        super().__init__()
        self.conv = even_conv(
            in_channels, out_channels, size, stride, groups=groups, has_bias=has_bias
        )
        self.bn = nn.BatchNorm2d(out_channels, eps=eps)
        self.activation = activation or nn.Identity()

    def construct(self, x: Tensor) -> Tensor:
        """Compute maps of the activated, normalised convolution."""
        return self.activation(self.bn(self.conv(x)))


class GlobalPool(nn.Cell):
    """Average of feature maps `(N, C, H, W)` over their positions, as maps `(N, C, 1, 1)`."""

    def construct(self, x: Tensor) -> Tensor:
        """Compute the averages."""
        return ops.mean(x, (2, 3), keep_dims=True)


def to_multiple(value: float, divisor: int) -> int:
    """Nearest multiple of `divisor`, halves upwards, that is at least 90 % of `value` and not 0."""
    nearest = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return nearest if nearest >= 0.9 * value else nearest + divisor
