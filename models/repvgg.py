"""RepVGG: classification of pictures by blocks that could become single convolutions.

Source: Ding et al., RepVGG: Making VGG-style ConvNets Great Again, CVPR 2021, arXiv:2101.03697;
`research/cv/repvgg` of mindspore/models, branches r1.8 to r1.10, where the file of the network is the
same.
"""

from mindspore import Tensor, nn

from ._classifier import INPUT_SHAPE, classifier_files, last_layer
from ._grouped import GroupedConvolution
from ._resnet import global_pool

_BLOCKS, _WIDTHS = (1, 2, 4, 14, 1), (48, 48, 96, 192, 1280)
"""Blocks and channels of each stage."""

_RENAMES = {
    f"stage{name}.{branch}.0.weight": f"stage{name}.{branch}.0.convs.0.weight"
    for name in ["0", *(f"{n}.{index}" for n in range(1, 5) for index in range(_BLOCKS[n]))]
    for branch in ("rbr_dense", "rbr_1x1")
}
"""What a GPU saves by other names than Ascend, where the published file was written."""


class repvgg_a0(nn.Cell):  # as the original calls it
    """RepVGG-A0 in the form that is trained: each block has two or three branches.

    Args:
        num_classes: Classes; with 0 the output is the pooled feature `(N, 1280)`.

    Inputs:
        **x** - RGB images `(N, 3, 224, 224)`, float32: values of 0 to 255, less 255 · (0.485,
        0.456, 0.406), divided by 255 · (0.229, 0.224, 0.225).

    Outputs:
        Logits `(N, num_classes)`, float32, in training too.

    Raises:
        ValueError: `num_classes` is not an integer of at least 0.
    """

    checkpoint = classifier_files("linear", prefixes=("model.",), renames=_RENAMES)

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        self.input_shapes = (INPUT_SHAPE,)
        self.stage0 = _Block(3, _WIDTHS[0], 2)
        for number in range(1, 5):
            width = _WIDTHS[number]
            first = _Block(_WIDTHS[number - 1], width, 2)
            rest = [_Block(width, width, 1) for _ in range(_BLOCKS[number] - 1)]
            setattr(self, f"stage{number}", nn.SequentialCell([first, *rest]))
        self.linear = last_layer(_WIDTHS[-1], num_classes)

    def construct(self, x: Tensor) -> Tensor:
        """Compute logits."""
        x = self.stage2(self.stage1(self.stage0(x)))
        return self.linear(global_pool(self.stage4(self.stage3(x))))


class _Block(nn.Cell):
    """Sum of a normalised 3×3 and 1×1 convolution, and of the normalised input where that fits."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.has_identity = in_channels == out_channels and stride == 1
        if self.has_identity:
            self.rbr_identity = nn.BatchNorm2d(in_channels)
        self.rbr_dense = nn.SequentialCell(
            GroupedConvolution(in_channels, out_channels, 3, stride), nn.BatchNorm2d(out_channels)
        )
        self.rbr_1x1 = nn.SequentialCell(
            GroupedConvolution(in_channels, out_channels, 1, stride), nn.BatchNorm2d(out_channels)
        )
        self.relu = nn.ReLU()

    def construct(self, x: Tensor) -> Tensor:
        total = self.rbr_dense(x) + self.rbr_1x1(x)
        if self.has_identity:
            total = total + self.rbr_identity(x)
        return self.relu(total)
