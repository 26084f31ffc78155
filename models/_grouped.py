"""Convolutions in groups of channels whose files hold a tensor for each group.

Ascend, where the published files were written, computed the groups one by one, and kept to that form
where there is one group. Here all are computed at once.
"""

import math

from mindspore import Parameter, Tensor, nn, ops
from mindspore.common.initializer import HeUniform, initializer


class Group(nn.Cell):
    """Weights of one group, with the initial values of `nn.Conv2d`.

    Args:
        in_channels: Channels that the group takes.
        out_channels: Channels that it gives.
        size: Height and width of the convolution.
    """

    def __init__(self, in_channels: int, out_channels: int, size: int) -> None:
        super().__init__()
        shape = (out_channels, in_channels, size, size)
        self.weight = Parameter(initializer(HeUniform(math.sqrt(5)), shape))


class GroupedConvolution(nn.Cell):
    """Convolution in groups of channels, padded evenly on all sides, with a parameter for each.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        size: Height and width of the convolution, odd.
        stride: Its stride.
        groups: Groups of the channels.
        dilation: Distance of neighbours among the values that it sums.

    Inputs:
        Feature maps `(N, in_channels, H, W)`, float32.

    Outputs:
        Feature maps `(N, out_channels, ceil(H / stride), ceil(W / stride))`, float32.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        size: int,
        stride: int = 1,
        *,
        groups: int = 1,
        dilation: int = 1,
    ) -> None:
        super().__init__()
        self.groups, self.stride, self.dilation = groups, stride, dilation
        self.padding = dilation * (size // 2)
        self.convs = nn.CellList(
            [Group(in_channels // groups, out_channels // groups, size) for _ in range(groups)]
        )

    def construct(self, x: Tensor) -> Tensor:
        """Compute feature maps."""
        return ops.conv2d(
            x,
            ops.concat([group.weight for group in self.convs]),
            stride=self.stride,
            pad_mode="pad",
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
        )
