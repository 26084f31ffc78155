"""PCB and RPP: person re-identification by parts of the body, from top to bottom.

Source: Sun et al., Beyond Part Models: Person Retrieval with Refined Part Pooling, ECCV 2018,
arXiv:1711.09349; `research/cv/pcb_rpp` of mindspore/models, branches r1.7 to r1.10, where the
networks are the same.
"""

from functools import partial

from mindspore import Tensor, nn, ops

from ._arguments import require_counts, require_one_of
from ._checkpoint import Argument, Checkpoint
from ._resnet import BLOCKS_50, FEATURES, Bottleneck, ZeroPaddedMaxPool, stages

PARTS = 6
"""Parts of a person."""

LOCAL = 256
"""Length of the feature of a part from which its classes are told."""

_GROUP = 8


class PCB(nn.Cell):
    """Part-based Convolutional Baseline, and with Refined Part Pooling.

    Args:
        num_classes: Identities in the training set; 751 for Market-1501.
        refined: Whether the network learns which place belongs to which part (RPP); else the parts
            are stripes of equal height.

    Inputs:
        **x** - RGB images `(N, 3, 384, 128)`, float32: values of 0 to 255 divided by 255, less
        (0.485, 0.456, 0.406), divided by (0.229, 0.224, 0.225).

    Outputs:
        Inference: `(g, h)`, two features: `(N, 12288)` and `(N, 1536)`, float32, each with the six
        parts of its first channel, then of its second, and so on. Every part has unit length, so
        that the features have the length √6. The published evaluation compares `g` by dot product.

        Training: logits of each of the six parts, a tuple of six `(N, num_classes)`, float32. Needs
        two images or more for its batch statistics.

    Raises:
        ValueError: An argument is outside its range, or images are of another size.
    """

    checkpoint = Checkpoint(
        class_argument="num_classes",
        head=tuple(f"instance{part}.*" for part in range(PARTS)),
        arguments=(
            Argument("num_classes", "instance0.weight", 0),
            Argument("refined", "local_mask.weight", 0, {PARTS: True}),
        ),
        prefixes=("network.",),
    )

    def __init__(self, num_classes: int = 751, refined: bool = False) -> None:
        (num_classes,) = require_counts(num_classes=num_classes)
        (refined,) = require_one_of((False, True), refined=refined)
        super().__init__()
        self.input_shapes = ((3, 384, 128),)
        self.base = _Trunk()
        self.local_mask = _RefinedPool() if refined else nn.AvgPool2d((4, 8), (4, 8))
        self.dropout = nn.Dropout(p=0.5)
        self.local_conv = nn.Conv2d(FEATURES, LOCAL, 1)
        self.feat_bn2d = nn.BatchNorm2d(LOCAL)
        self.relu = nn.ReLU()
        for part in range(PARTS):
            setattr(self, f"instance{part}", nn.Dense(LOCAL, num_classes))

    def construct(self, x: Tensor) -> tuple[Tensor, ...]:
        """Compute the outputs of inference or training, see the class."""
        maps = self.base(x)
        if maps.shape[2:] != (24, 8):
            msg = f"images must be (N, 3, 384, 128) for maps of (24, 8), got {maps.shape[2:]}"
            raise ValueError(msg)
        parts = self.local_mask(maps)
        local = self.local_conv(self.dropout(parts))
        if not self.training:
            return _units(parts), _units(local)
        local = self.relu(self.feat_bn2d(local))[..., 0]
        return (
            self.instance0(local[..., 0]),
            self.instance1(local[..., 1]),
            self.instance2(local[..., 2]),
            self.instance3(local[..., 3]),
            self.instance4(local[..., 4]),
            self.instance5(local[..., 5]),
        )


class _RefinedPool(nn.Conv2d):
    """Maps to parts, each the mean over all places by the share that a convolution gives them."""

    def __init__(self) -> None:
        super().__init__(FEATURES // _GROUP, PARTS, 1, has_bias=True)
        self.dropout = nn.Dropout(p=0.5)

    def construct(self, maps: Tensor) -> Tensor:
        count, channels, height, width = maps.shape
        grouped = self.dropout(maps).reshape(count, channels // _GROUP, _GROUP, height, width)
        means = grouped.mean(2)
        means = means - ops.mean(means, (2, 3), keep_dims=True)
        shares = ops.softmax(super().construct(means), 1).reshape(count, PARTS, height * width)
        places = maps.reshape(count, channels, height * width)
        parts = ops.matmul(places, shares.swapaxes(1, 2)) * (PARTS / (height * width))
        return parts.expand_dims(3)


class _Trunk(nn.Cell):
    """ResNet-50 that pads evenly on all sides and whose last stage keeps the size of its maps."""

    def __init__(self) -> None:
        super().__init__()
        block = partial(Bottleneck, eps=1e-5, last_eps=1e-5, pad_mode="pad")
        self.conv1 = nn.Conv2d(3, 64, 7, 2, pad_mode="pad", padding=3)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.max_pool = ZeroPaddedMaxPool()
        self.layer1, self.layer2, self.layer3, self.layer4 = stages(
            block, BLOCKS_50, strides=(1, 2, 2, 1)
        )
        self.end_point = nn.Dense(FEATURES, 1000)  # saved, and never computed with

    def construct(self, x: Tensor) -> Tensor:
        x = self.max_pool(self.relu(self.bn1(self.conv1(x))))
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))


def _units(parts: Tensor) -> Tensor:
    """Parts `(N, C, 6, 1)` of unit length, as rows `(N, C * 6)`."""
    norms = ops.sqrt(ops.square(parts).sum(1, keepdims=True))
    return (parts / norms).reshape(parts.shape[0], -1)
