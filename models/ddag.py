"""DDAG: visible-infrared person re-identification by part and graph attention."""

from mindspore import Parameter, Tensor, nn, ops
from mindspore.common.initializer import XavierUniform, initializer

from ._arguments import require_counts, require_fractions, require_one_of
from ._checkpoint import Argument, Checkpoint, UnusedCopy
from ._crossmodal import INPUT_SHAPE, TRUNK_NORMS, unit
from ._resnet import FEATURES, ResNet50, global_pool
from ._training import Training

_PARTS = 3
_STAGES = ("layer1", "layer2", "layer3", "layer4")


class DDAG(nn.Cell):
    """Dynamic Dual-Attentive Aggregation Learning for Visible-Infrared Person Re-Identification.

    One trunk takes visible and infrared images alike, so there is no modality argument. The
    similarity of two people is the dot product of their features.

    Source: Ye et al., ECCV 2020, arXiv:2007.09314; `research/cv/DDAG` of mindspore/models, branch
    r1.8. The original also saves two stems and a trunk that it never runs; they are not held here.

    Args:
        low_dim: Accepted because published configurations hold it; the original never uses it.
        class_num: Identities in the training set; 395 for SYSU-MM01, 206 for RegDB.
        drop: Share of the feature that training sets to zero before the graph attention.
        part: 3 to attend to three parts of the body (SYSU-MM01), 0 to leave that out (RegDB).
            The parameters are the same.
        alpha: Slope of LeakyReLU for negative values in the graph attention.
        nheads: Accepted because published configurations hold it. The original computes that many
            hidden graph attention heads, discards their output and does not save them.

    Inputs:
        - **x** - RGB images `(N, 3, 288, 144)`, float32: values of 0 to 255 divided by 255, less
          the channel means (0.485, 0.456, 0.406), divided by (0.229, 0.224, 0.225). Infrared
          images repeat their channel three times.
        - **adj** - Optional in training, ignored in inference: `(N, N)`, float32, above 0 where
          the image of the column is a neighbour of the image of the row. An image should be its
          own neighbour.

    Outputs:
        Inference: `(feat, feat_att)`, the global feature and the one with part attention; each
        `(N, 2048)` float32, every row of unit length. With `part=0` the two are equal.

        Training: `(feat, logits, logits_att)` of shapes `(N, 2048)` not normalised, `(N,
        class_num)` and `(N, class_num)`; with `adj` a fourth output `(N, class_num)`, log
        probabilities of the identities by graph attention. Needs two images or more for its batch
        statistics.

    Raises:
        ValueError: An argument is outside its range, or, with `part=3`, the images are of another
            size.
    """

    checkpoint = Checkpoint(
        class_argument="class_num",
        head=("classifier.weight", "graph_att.out_attention.*"),
        arguments=(Argument("class_num", "classifier.weight", 0),),
        unused=(
            UnusedCopy("thermal_module.thermal.", "resnet50.", ("conv1", "bn1")),
            UnusedCopy("visible_module.visible.", "resnet50.", ("conv1", "bn1")),
            UnusedCopy("base_resnet.base.", "resnet50.", _STAGES),
        ),
    )

    training_outputs = Training(features=(0,), logits=(1, 2))

    def __init__(
        self,
        low_dim: int = 512,
        class_num: int = 395,
        drop: float = 0.2,
        part: int = 3,
        alpha: float = 0.2,
        nheads: int = 4,
    ) -> None:
        low_dim, class_num = require_counts(low_dim=low_dim, class_num=class_num)
        drop, alpha = require_fractions(drop=drop, alpha=alpha)
        (part,) = require_one_of((0, _PARTS), part=part)
        require_counts(0, nheads=nheads)
        super().__init__()
        self.input_shapes = (INPUT_SHAPE,)
        self.part = part
        self.resnet50 = ResNet50(**TRUNK_NORMS)
        self.bottleneck = nn.BatchNorm1d(FEATURES)
        self.classifier = nn.Dense(FEATURES, class_num, has_bias=False)
        self.wpa = _PartAttention()
        self.graph_att = _GraphClassifier(class_num, drop, alpha)

    def construct(self, x: Tensor, adj: Tensor | None = None) -> tuple[Tensor, ...]:
        """Compute the outputs of inference or training, see the class."""
        maps = self.resnet50(x)
        feat = self.bottleneck(global_pool(maps))
        feat_att = self.wpa(maps, feat) if self.part else feat
        if not self.training:
            return unit(feat), unit(feat_att)
        outputs = feat, self.classifier(feat), self.classifier(feat_att)
        return outputs if adj is None else (*outputs, self.graph_att(feat, adj))


class _PartAttention(nn.Cell):
    """Intra-modality weighted-part aggregation (IWPA)."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = Parameter(initializer(1 / _PARTS, (_PARTS,)))
        # The windows overlap: rows 0 to 4, 2 to 6 and 4 to 8 of a 9×5 map, as on Ascend, where
        # the published checkpoints were trained.
        self.pool = nn.AvgPool2d((5, 5), (2, 1))
        self.fc1 = nn.Conv2d(FEATURES, FEATURES, 1)
        self.fc2 = nn.Conv2d(FEATURES, FEATURES, 1)
        self.fc3 = nn.Conv2d(FEATURES, FEATURES, 1)
        self.bottleneck = nn.BatchNorm1d(FEATURES)

    def construct(self, maps: Tensor, feat: Tensor) -> Tensor:
        if maps.shape[2:] != (9, 5):
            msg = f"part=3 needs (N, 3, 288, 144) images for maps of (9, 5), got {maps.shape[2:]}"
            raise ValueError(msg)
        parts = self.pool(maps)
        query = self.fc1(parts).squeeze(3)
        key = self.fc2(parts).squeeze(3)
        value = self.fc3(parts).squeeze(3)
        attention = ops.softmax(ops.matmul(query.swapaxes(1, 2), key), -1)
        refined = ops.matmul(value, attention.swapaxes(1, 2))
        return self.bottleneck((refined * self.part_weights()).sum(2) + feat)

    def part_weights(self) -> Tensor:
        """Weights of the parts, `(3,)`: positive, of sum 1.

        The original overwrites its gate by the softmax of the gate in every call, so that its
        output depends on how many batches went before, and the gate drifts to 1/3. Here the gate
        stays as it is: the output equals that of the original's first call, and of every call
        where the gate is 1/3 already. The published SYSU-MM01 files should hold 1/3, because each
        was written after a whole evaluation.
        """
        return ops.softmax(self.gate, -1)


class _GraphClassifier(nn.Cell):
    """Identity log probabilities of the images of a batch that attend to their neighbours."""

    def __init__(self, class_num: int, drop: float, alpha: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(p=drop)
        self.out_attention = _GraphAttention(class_num, alpha)

    def construct(self, feat: Tensor, adj: Tensor) -> Tensor:
        return ops.log_softmax(ops.elu(self.out_attention(self.dropout(feat), adj)), -1)


class _GraphAttention(nn.Cell):
    """Graph attention layer: Velickovic et al., ICLR 2018, arXiv:1710.10903, equation 3."""

    def __init__(self, class_num: int, alpha: float) -> None:
        super().__init__()
        self.class_num = class_num
        self.W = Parameter(initializer(XavierUniform(), (FEATURES, class_num)))
        self.a = Parameter(initializer(XavierUniform(), (2 * class_num, 1)))
        self.leaky_relu = nn.LeakyReLU(alpha)

    def construct(self, feat: Tensor, adj: Tensor) -> Tensor:
        hidden = ops.matmul(feat, self.W)
        of_row = ops.matmul(hidden, self.a[: self.class_num])
        of_column = ops.matmul(hidden, self.a[self.class_num :])
        scores = self.leaky_relu(of_row + of_column.swapaxes(0, 1))
        attention = ops.softmax(ops.masked_fill(scores, adj <= 0, -1e9), -1)
        return ops.matmul(attention, hidden)
