"""MVD: visible-infrared person re-identification by variational distillation."""

from collections import OrderedDict

from mindspore import Tensor, nn, ops

from ._arguments import require_counts, require_fractions
from ._checkpoint import Argument, Checkpoint
from ._crossmodal import INPUT_SHAPE, TRUNK_NORMS, unit
from ._resnet import FEATURES, ResNet50, global_pool
from ._training import Training


class MVD(nn.Cell):
    """Farewell to Mutual Information: Variational Distillation for Cross-Modal Person Re-ID.

    Three ResNet-50 trunks look at a person image: `rgb_backbone` at its colours, `ir_backbone` at
    its grey version and `shared_backbone` at both. There is no modality switch, visible and
    infrared images take the same path. The retrieval feature is the concatenation of the four
    outputs; the similarity of two people is the dot product of theirs, at most 4.

    Source: Tian et al., CVPR 2021, arXiv:2104.02862; `research/cv/MVD` of mindspore/models, branch
    r1.9.

    Args:
        num_class: Identities in the training set; 395 for SYSU-MM01, 206 for RegDB.
        drop: Accepted because published configurations hold it; the original never uses it.
        z_dim: Length of the distilled representation.

    Inputs:
        **x** - RGB images `(N, 3, 288, 144)`, float32: values of 0 to 255 divided by 255, less
        the channel means (0.485, 0.456, 0.406), divided by (0.229, 0.224, 0.225). Infrared
        images repeat their channel three times.

    Outputs:
        Inference: `(v, v_ms, i, i_ms)`, the features of the colour trunk, the shared trunk on
        colours, the grey trunk and the shared trunk on grey; each `(N, 2048)` float32, every row
        of unit length.

        Training: eight pairs in the order v, its distillation, v_ms, its distillation, i, its
        distillation, i_ms, its distillation. A feature's pair is (feature `(N, 2048)` not
        normalised, logits `(N, num_class)`), a distillation's is (representation `(N, z_dim)`,
        logits `(N, num_class)`). Needs two images or more for its batch statistics.

    Raises:
        ValueError: An argument is outside its range.
    """

    checkpoint = Checkpoint(
        class_argument="num_class",
        head=("*_backbone.*.classifier.*", "*_bottleneck.classifier.4.*"),
        arguments=(
            Argument("num_class", "rgb_backbone.visible.classifier.weight", 0),
            Argument("z_dim", "rgb_bottleneck.bottleneck.model.6.weight", 0),
        ),
    )

    training_outputs = Training(features=(0, 4, 8, 12), logits=(1, 3, 5, 7, 9, 11, 13, 15))

    def __init__(self, num_class: int = 395, drop: float = 0.2, z_dim: int = 512) -> None:
        (num_class,) = require_counts(num_class=num_class)
        (z_dim,) = require_counts(2, z_dim=z_dim)
        require_fractions(drop=drop)
        super().__init__()
        self.input_shapes = (INPUT_SHAPE,)
        self.rgb_backbone = _named("visible", _Branch(num_class))
        self.ir_backbone = _named("thermal", _Branch(num_class))
        self.shared_backbone = _named("base", _Branch(num_class))
        self.rgb_bottleneck = _Distillation(num_class, z_dim)
        self.ir_bottleneck = _Distillation(num_class, z_dim)
        self.shared_bottleneck = _Distillation(num_class, z_dim)

    def construct(self, x: Tensor) -> tuple[Tensor, ...] | tuple[tuple[Tensor, Tensor], ...]:
        """Compute the outputs of inference or training, see the class."""
        grey = _grey(x)
        v = self.rgb_backbone(x)
        v_ms = self.shared_backbone(x)
        i = self.ir_backbone(grey)
        i_ms = self.shared_backbone(grey)
        if not self.training:
            return unit(v), unit(v_ms), unit(i), unit(i_ms)
        v_distilled = self.rgb_bottleneck(v[0])
        v_ms_distilled = self.shared_bottleneck(v_ms[0])
        i_distilled = self.ir_bottleneck(i[0])
        i_ms_distilled = self.shared_bottleneck(i_ms[0])
        return v, v_distilled, v_ms, v_ms_distilled, i, i_distilled, i_ms, i_ms_distilled


class _Branch(ResNet50):
    """Trunk with a normalised feature; in training also the identity logits of the feature."""

    def __init__(self, num_class: int) -> None:
        super().__init__(**TRUNK_NORMS)
        self.bottleneck = nn.BatchNorm1d(FEATURES)
        self.classifier = nn.Dense(FEATURES, num_class)

    def construct(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        feature = self.bottleneck(global_pool(self.maps(x)))
        return (feature, self.classifier(feature)) if self.training else feature


class _Distillation(nn.Cell):
    """Information bottleneck behind a feature: a representation and its identity logits."""

    def __init__(self, num_class: int, z_dim: int) -> None:
        super().__init__()
        self.bottleneck = _named(
            "model",
            nn.SequentialCell(
                nn.Dense(FEATURES, 1000),
                nn.BatchNorm1d(1000),
                nn.ReLU(),
                nn.Dense(1000, 500),
                nn.BatchNorm1d(500),
                nn.ReLU(),
                nn.Dense(500, z_dim),
            ),
        )
        self.classifier = nn.SequentialCell(
            nn.Dense(z_dim, z_dim // 2),
            nn.BatchNorm1d(z_dim // 2),
            nn.LeakyReLU(0.1),
            nn.Dropout(p=0.5),
            nn.Dense(z_dim // 2, num_class),
        )

    def construct(self, feature: Tensor) -> tuple[Tensor, Tensor]:
        representation = self.bottleneck(feature)
        return representation, self.classifier(representation)


def _named(name: str, cell: nn.Cell) -> nn.SequentialCell:
    """Wrap `cell` to put `name` before its parameter names, as in the published files."""
    return nn.SequentialCell(OrderedDict({name: cell}))


def _grey(x: Tensor) -> Tensor:
    """Weigh the channels of `x` `(N, 3, H, W)` into three equal ones.

    The weight of blue is 0.1440 and not the 0.1140 of ITU-R BT.601: so the published checkpoints
    were trained.
    """
    grey = 0.2989 * x[:, 0:1] + 0.5870 * x[:, 1:2] + 0.1440 * x[:, 2:3]
    return ops.concat((grey, grey, grey), 1)
