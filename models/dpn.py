"""DPN: residual and dense paths side by side.

Source: Chen et al., Dual Path Networks, NeurIPS 2017, arXiv:1707.01629; `official/cv/dpn` of
mindspore/models, branches r1.3 to r1.10.
"""

from collections import OrderedDict

from mindspore import Tensor, nn, ops

from ._classifier import INPUT_SHAPE, classifier_files, last_layer
from ._grouped import Group
from ._resnet import global_pool

_GROUPS = 32
"""Groups of the 3×3 convolutions."""

_STAGES = ((3, 256, 16, 96), (4, 512, 32, 192), (20, 1024, 24, 384), (3, 2048, 128, 768))
"""Of each stage: blocks, residual channels, dense channels that a block adds, those inside of it."""


class dpn92(nn.Cell):  # as the original calls it
    """DPN-92, all of whose normalisations add 1e-3 to the variance.

    Its grouped convolutions have a tensor for each of their 32 groups, as in the published file.
    Files that releases from r1.7 wrote on CPUs and GPUs have one of all, and fit too.

    Args:
        num_classes: Classes; with 0 the output is the pooled feature `(N, 2688)`.

    Inputs:
        **x** - RGB images `(N, 3, 224, 224)`, float32: values of 0 to 255, less 255 · (0.485,
        0.456, 0.406), divided by 255 · (0.229, 0.224, 0.225). The original squashed pictures to
        256×256 pixels before it cut out the middle.

    Outputs:
        Logits `(N, num_classes)`, float32, in training too.

    Raises:
        ValueError: `num_classes` is not an integer of at least 0.
    """

    checkpoint = classifier_files("classifier", stacked={"conv2.weight": "conv2.{}.weight"})

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        self.input_shapes = (INPUT_SHAPE,)
        self.features, channels = _features()
        self.conv5_x = _Last(channels)
        self.classifier = last_layer(channels, num_classes)

    def construct(self, x: Tensor) -> Tensor:
        """Compute logits."""
        return self.classifier(global_pool(self.conv5_x(self.features(x))))


def _features() -> tuple[nn.SequentialCell, int]:
    """Images to maps `(N, 2688, 7, 7)`, and how many channels those have."""
    cells: OrderedDict[str, nn.Cell] = OrderedDict(conv1=_Stem())
    channels, path = 64, 0
    for number, (blocks, residual, growth, width) in enumerate(_STAGES, 2):
        for index in range(1, blocks + 1):
            first = index == 1
            stride = 2 if first and number > 2 else 1
            cells[f"conv{number}_{index}"] = _Block(
                channels, residual, growth, width, stride, projects=first
            )
            path = 3 * growth if first else path + growth
            channels = residual + path
    return nn.SequentialCell(cells), channels


class _Stem(nn.Cell):
    """Images to maps `(N, 64, 56, 56)`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 64, 7, 2, pad_mode="pad", padding=3)
        self.norm = nn.BatchNorm2d(64, eps=1e-3)
        self.relu = nn.ReLU()
        self.max_pool = nn.MaxPool2d(3, 2, pad_mode="same")

    def construct(self, x: Tensor) -> Tensor:
        return self.max_pool(self.relu(self.norm(self.conv(x))))


class _Last(nn.Cell):
    """Normalisation of the last maps."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, eps=1e-3)
        self.relu = nn.ReLU()

    def construct(self, x: Tensor) -> Tensor:
        return self.relu(self.norm(x))


class _Block(nn.Cell):
    """Adds to the first channels of a map, and appends to it.

    Args:
        channels: Channels of the input.
        residual: How many of the output are sums; they are the first.
        growth: How many are appended.
        width: Channels of the grouped convolution.
        stride: Of the grouped convolution and the projections.
        projects: Whether the output has projections of the input, and not the input itself.
    """

    def __init__(
        self, channels: int, residual: int, growth: int, width: int, stride: int, *, projects: bool
    ) -> None:
        super().__init__()
        self.residual, self.projects = residual, projects
        self.relu = nn.ReLU()
        if projects:
            self.c1x1_w_bn = nn.BatchNorm2d(channels, eps=1e-3)
            self.c1x1_w_r = nn.Conv2d(channels, residual, 1, stride)
            self.c1x1_w_d = nn.Conv2d(channels, 2 * growth, 1, stride)
        self.layers = _Layers(channels, residual, growth, width, stride)

    def construct(self, x: Tensor) -> Tensor:
        added, appended = self.layers(x)
        if self.projects:
            projected = self.relu(self.c1x1_w_bn(x))
            first, rest = self.c1x1_w_r(projected), self.c1x1_w_d(projected)
        else:
            first, rest = x[:, : self.residual], x[:, self.residual :]
        return ops.concat((first + added, rest, appended), 1)


class _Layers(nn.Cell):
    """What a block adds to a map, and what it appends."""

    def __init__(self, channels: int, residual: int, growth: int, width: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.relu = nn.ReLU()
        self.bn1 = nn.BatchNorm2d(channels, eps=1e-3)
        self.conv1 = nn.Conv2d(channels, width, 1)
        self.bn2 = nn.BatchNorm2d(width, eps=1e-3)
        group = width // _GROUPS
        self.conv2 = nn.CellList([Group(group, group, 3) for _ in range(_GROUPS)])
        self.bn3 = nn.BatchNorm2d(width, eps=1e-3)
        self.conv3_r = nn.Conv2d(width, residual, 1)
        self.conv3_d = nn.Conv2d(width, growth, 1)

    def construct(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.relu(self.bn2(self.conv1(self.relu(self.bn1(x)))))
        weight = ops.concat([group.weight for group in self.conv2])
        x = ops.conv2d(x, weight, stride=self.stride, pad_mode="pad", padding=1, groups=_GROUPS)
        x = self.relu(self.bn3(x))
        return self.conv3_r(x), self.conv3_d(x)
