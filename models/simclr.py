"""SimCLR: features of pictures that were learned without labels, and a classifier of them.

Source: Chen et al., A Simple Framework for Contrastive Learning of Visual Representations, ICML
2020, arXiv:2002.05709; `official/cv/simclr` of mindspore/models, branches r1.3 to r1.10, where the
networks are the same.
"""

from functools import partial

from mindspore import Tensor, nn

from ._arguments import require_counts
from ._checkpoint import Argument, Checkpoint
from ._resnet import BLOCKS_50, FEATURES, Bottleneck, global_pool, stages


class SimCLR(nn.Cell):
    """Encoder of small pictures, and the head that its training compares views with.

    Args:
        project_dim: Length of a projection.

    Inputs:
        **x** - RGB images `(N, 3, 32, 32)`, float32, with values of 0 to 255 as they are.

    Outputs:
        `(h, z)`, in training too: the feature `(N, 2048)`, float32, not negative, not normalised,
        and its projection `(N, project_dim)`, float32, for a loss that compares two views of each
        image. Training needs two images or more for its batch statistics.

    Raises:
        ValueError: `project_dim` is not a positive integer.
    """

    checkpoint = Checkpoint(
        arguments=(Argument("project_dim", "end_point.weight", 0),), prefixes=()
    )

    def __init__(self, project_dim: int = 128) -> None:
        (project_dim,) = require_counts(project_dim=project_dim)
        super().__init__()
        self.input_shapes = ((3, 32, 32),)
        self.encoder = _Encoder()
        self.dense1 = nn.Dense(FEATURES, FEATURES)
        self.relu = nn.ReLU()
        self.end_point = nn.Dense(FEATURES, project_dim)

    def construct(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Compute features and projections."""
        h = self.encoder(x)
        return h, self.end_point(self.relu(self.dense1(h)))


class LinearClassifier(nn.Cell):
    """Classes from the features of `SimCLR`, without which it is of no use.

    Args:
        num_classes: Classes; 10 for CIFAR-10.

    Inputs:
        **h** - features `(N, 2048)`, float32.

    Outputs:
        Logits `(N, num_classes)`, float32, in training too.

    Raises:
        ValueError: `num_classes` is not a positive integer.
    """

    checkpoint = Checkpoint(
        class_argument="num_classes",
        head=("model.*",),
        arguments=(Argument("num_classes", "model.weight", 0),),
        prefixes=(
            "train_net.netwithloss._backbone.",
            "train_net.network._backbone.",
            "netwithloss._backbone.",
        ),
    )

    def __init__(self, num_classes: int = 10) -> None:
        (num_classes,) = require_counts(num_classes=num_classes)
        super().__init__()
        self.input_shapes = ((FEATURES,),)
        self.model = nn.Dense(FEATURES, num_classes)

    def construct(self, h: Tensor) -> Tensor:
        """Compute logits."""
        return self.model(h)


class _Encoder(nn.Cell):
    """ResNet-50 whose stem keeps the size of small pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 3, pad_mode="same")
        self.bn1 = nn.BatchNorm2d(64, eps=1e-4)
        self.relu = nn.ReLU()
        block = partial(Bottleneck, eps=1e-4, last_eps=1e-4)
        self.layer1, self.layer2, self.layer3, self.layer4 = stages(block, BLOCKS_50)

    def construct(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(x)))
        return global_pool(self.layer4(self.layer3(self.layer2(self.layer1(x)))))
