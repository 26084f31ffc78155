"""MobileNet: classification of pictures by depthwise separable convolutions.

Source: Howard et al., MobileNets: Efficient Convolutional Neural Networks for Mobile Vision
Applications, 2017, arXiv:1704.04861; `official/cv/mobilenetv1` of mindspore/models, branches r1.3
to r1.10, where the file of the network is the same; `configs/mobilenetv1` of mindcv.
"""

from mindspore import Tensor, nn

from ._classifier import INPUT_SHAPE, classifier_files, last_layer
from ._resnet import global_pool
from ._units import same_conv

_BLOCKS = (
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (1024, 2),
    (1024, 1),
)
"""Channels and stride of each block, as in Table 1."""


class mobilenetv1(nn.Cell):  # as the original calls it
    """MobileNet of width 1, padded as MindSpore's "same".

    Its own parameter names begin with `network.`: that is not a prefix that training left.

    Args:
        num_classes: Classes; with 0 the output is the pooled feature `(N, 1024)`. The original
            calls it `class_num`.

    Inputs:
        **x** - RGB images `(N, 3, 224, 224)`, float32. ImageNet: values of 0 to 255, less 255 ·
        (0.485, 0.456, 0.406), divided by 255 · (0.229, 0.224, 0.225). CIFAR-10: enlarged from
        32×32 pixels, values divided by 255, less (0.4914, 0.4822, 0.4465), divided by (0.2023,
        0.1994, 0.2010).

    Outputs:
        Logits `(N, num_classes)`, float32, in training too. Networks of 1001 classes never saw
        the last one: index 0 is the tench, and index 1000 nothing.

    Raises:
        ValueError: `num_classes` is not an integer of at least 0.
    """

    checkpoint = classifier_files("fc")

    def __init__(self, num_classes: int = 1001) -> None:
        super().__init__()
        self.input_shapes = (INPUT_SHAPE,)
        cells = [_unit(3, 32, 3, 2)]
        channels = 32
        for width, stride in _BLOCKS:
            cells.append(_unit(channels, channels, 3, stride, groups=channels))
            cells.append(_unit(channels, width, 1))
            channels = width
        self.network = nn.SequentialCell(cells)
        self.fc = last_layer(channels, num_classes)

    def construct(self, x: Tensor) -> Tensor:
        """Compute logits."""
        return self.fc(global_pool(self.network(x)))


def _unit(
    in_channels: int, out_channels: int, size: int, stride: int = 1, groups: int = 1
) -> nn.SequentialCell:
    """Convolution, batch normalisation and bounded ReLU."""
    return nn.SequentialCell(
        same_conv(in_channels, out_channels, size, stride, groups=groups),
        nn.BatchNorm2d(out_channels),
        nn.ReLU6(),
    )
