"""SKNet: residual blocks that choose between two sizes of convolution.

Source: Li et al., Selective Kernel Networks, CVPR 2019, arXiv:1903.06586; `research/cv/sknet` of
mindspore/models, branches r1.5 to r1.10.
"""

from mindspore import Tensor, nn, ops

from ._arguments import require_one_of
from ._checkpoint import Argument
from ._classifier import INPUT_SHAPE, classifier_files, last_layer
from ._grouped import GroupedConvolution
from ._resnet import BLOCKS_50, FEATURES, global_pool, stages

_GROUPS = 32
"""Groups of the convolutions that are chosen from."""


class sknet50(nn.Cell):  # as the original calls it
    """SKNet-50. Its grouped convolutions have a tensor for each group; one of all fits too.

    Args:
        num_classes: Classes; with 0 the output is the pooled feature `(N, 2048)`.
        second_kernel: 5 for a second convolution of 5×5, as in branches r1.5 and r1.6, or 3 for one
            of 3×3 that takes every other value, as in later ones. The published file is of the time
            of the first.

    Inputs:
        **x** - RGB images `(N, 3, 224, 224)`, float32, those of CIFAR-10 enlarged to that size:
        values of 0 to 255 divided by 255, less (0.4914, 0.4822, 0.4465), divided by (0.2023,
        0.1994, 0.2010).

    Outputs:
        Logits `(N, num_classes)`, float32, in training too.

    Raises:
        ValueError: An argument is outside its range.
    """

    checkpoint = classifier_files(
        "fc",
        Argument("second_kernel", "layer1.0.feas.2.convs.1.0.convs.0.weight", 2, {3: 3, 5: 5}),
        stacked={f"convs.{n}.0.weight": f"convs.{n}.0.convs.{{}}.weight" for n in range(2)},
    )

    def __init__(self, num_classes: int = 10, second_kernel: int = 5) -> None:
        (second_kernel,) = require_one_of((3, 5), second_kernel=second_kernel)
        super().__init__()
        self.input_shapes = (INPUT_SHAPE,)
        self.basic_conv = nn.SequentialCell(
            nn.Conv2d(3, 64, 7, 2, pad_mode="pad", padding=3),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.MaxPool2d(3, 2, pad_mode="same"),
        )

        def unit(in_channels: int, out_channels: int, stride: int) -> nn.Cell:
            return _Unit(in_channels, out_channels, stride, second_kernel)

        self.layer1, self.layer2, self.layer3, self.layer4 = stages(unit, BLOCKS_50)
        self.fc = last_layer(FEATURES, num_classes)

    def construct(self, x: Tensor) -> Tensor:
        """Compute logits."""
        x = self.layer2(self.layer1(self.basic_conv(x)))
        return self.fc(global_pool(self.layer4(self.layer3(x))))


class _Unit(nn.Cell):
    """Residual block, in which no ReLU follows a normalisation outside of the choice."""

    def __init__(
        self, in_channels: int, out_channels: int, stride: int, second_kernel: int
    ) -> None:
        super().__init__()
        width = out_channels // 2
        self.feas = nn.SequentialCell(
            nn.Conv2d(in_channels, width, 1),
            nn.BatchNorm2d(width),
            _SelectiveKernel(width, stride, second_kernel),
            nn.BatchNorm2d(width),
            nn.Conv2d(width, out_channels, 1),
            nn.BatchNorm2d(out_channels),
        )
        self.shortcut = (
            nn.Identity()
            if in_channels == out_channels
            else nn.SequentialCell(
                nn.Conv2d(in_channels, out_channels, 1, stride), nn.BatchNorm2d(out_channels)
            )
        )
        self.relu = nn.ReLU()

    def construct(self, x: Tensor) -> Tensor:
        return self.relu(self.feas(x) + self.shortcut(x))


class _SelectiveKernel(nn.Cell):
    """Two convolutions of one input, summed by weights for each channel."""

    def __init__(self, channels: int, stride: int, second_kernel: int) -> None:
        super().__init__()
        second = {3: {"size": 3, "dilation": 2}, 5: {"size": 5}}[second_kernel]
        self.convs = nn.CellList(
            [_branch(channels, stride, size=3), _branch(channels, stride, **second)]
        )
        width = max(channels // 16, 32)
        self.fc = nn.Dense(channels, width)
        self.fcs = nn.CellList([nn.Dense(width, channels) for _ in range(2)])

    def construct(self, x: Tensor) -> Tensor:
        first, second = self.convs[0](x), self.convs[1](x)
        common = self.fc(global_pool(first + second))
        scores = ops.stack((self.fcs[0](common), self.fcs[1](common)), 1)
        shares = ops.softmax(scores, 1).expand_dims(-1).expand_dims(-1)
        return shares[:, 0] * first + shares[:, 1] * second


def _branch(channels: int, stride: int, *, size: int, dilation: int = 1) -> nn.SequentialCell:
    """Grouped convolution, normalisation and ReLU."""
    return nn.SequentialCell(
        GroupedConvolution(channels, channels, size, stride, groups=_GROUPS, dilation=dilation),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
    )
