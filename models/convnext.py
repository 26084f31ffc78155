"""ConvNeXt: classification of pictures by convolutions that are put together like a transformer.

Source: Liu et al., A ConvNet for the 2020s, CVPR 2022, arXiv:2201.03545; `research/cv/convnext` of
mindspore/models, branches r1.7 to r1.10, where the file of the network is the same.
"""

from itertools import pairwise

from mindspore import Parameter, Tensor, nn
from mindspore.common.initializer import initializer

from ._arguments import require_fractions
from ._classifier import INPUT_SHAPE, classifier_files, last_layer
from ._resnet import global_pool
from ._transformer import DropPath, drop_rates

_DEPTHS, _WIDTHS = (3, 3, 9, 3), (96, 192, 384, 768)
"""Blocks and channels of each stage."""


class convnext_tiny(nn.Cell):  # as the original calls it
    """ConvNeXt-T. Its GELU is the approximation by a tanh.

    Args:
        num_classes: Classes; with 0 the output is the normalised pooled feature `(N, 768)`.
        drop_path: Share of the samples that the last block does not change in training; it grows
            from 0 at the first block.

    Inputs:
        **x** - RGB images `(N, 3, 224, 224)`, float32: values of 0 to 255, less 255 · (0.485,
        0.456, 0.406), divided by 255 · (0.229, 0.224, 0.225).

    Outputs:
        Logits `(N, num_classes)`, float32, in training too.

    Raises:
        ValueError: An argument is outside its range.
    """

    checkpoint = classifier_files("head", prefixes=("model.",))

    def __init__(self, num_classes: int = 1000, drop_path: float = 0.1) -> None:
        (drop_path,) = require_fractions(drop_path=drop_path)
        super().__init__()
        self.input_shapes = (INPUT_SHAPE,)
        stem = nn.SequentialCell(
            nn.Conv2d(3, _WIDTHS[0], 4, 4, pad_mode="same", has_bias=True), _ChannelNorm(_WIDTHS[0])
        )
        halving = [
            nn.SequentialCell(
                _ChannelNorm(before),
                nn.Conv2d(before, width, 2, 2, pad_mode="same", has_bias=True),
            )
            for before, width in pairwise(_WIDTHS)
        ]
        self.downsample_layers = nn.CellList([stem, *halving])
        rates = iter(drop_rates(drop_path, sum(_DEPTHS)))
        self.stages = nn.CellList(
            [
                nn.SequentialCell([_Block(width, next(rates)) for _ in range(depth)])
                for width, depth in zip(_WIDTHS, _DEPTHS, strict=True)
            ]
        )
        self.norm = nn.LayerNorm((_WIDTHS[-1],), epsilon=1e-6)
        self.head = last_layer(_WIDTHS[-1], num_classes)

    def construct(self, x: Tensor) -> Tensor:
        """Compute logits."""
        for index, stage in enumerate(self.stages):
            x = stage(self.downsample_layers[index](x))
        return self.head(self.norm(global_pool(x)))


class _ChannelNorm(nn.LayerNorm):
    """Normalisation of maps `(N, C, H, W)` over their channels."""

    def __init__(self, channels: int) -> None:
        super().__init__((channels,), epsilon=1e-6)

    def construct(self, x: Tensor) -> Tensor:
        return super().construct(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)


class _Block(nn.Cell):
    """Residual block of a 7×7 convolution of each channel and an MLP for each place."""

    def __init__(self, width: int, drop_path: float) -> None:
        super().__init__()
        self.gamma = Parameter(initializer(1e-6, (width,)))
        self.dwconv = nn.Conv2d(width, width, 7, pad_mode="same", group=width, has_bias=True)
        self.norm = nn.LayerNorm((width,), epsilon=1e-6)
        self.pwconv1 = nn.Dense(width, 4 * width)
        self.gelu = nn.GELU(approximate=True)
        self.pwconv2 = nn.Dense(4 * width, width)
        self.drop_path = DropPath(drop_path)

    def construct(self, x: Tensor) -> Tensor:
        branch = self.norm(self.dwconv(x).transpose(0, 2, 3, 1))
        branch = self.gamma * self.pwconv2(self.gelu(self.pwconv1(branch)))
        return x + self.drop_path(branch.transpose(0, 3, 1, 2))
