"""metric_learn: ResNet-50 embedding of products by a triplet or quadruplet loss."""

from mindspore import Tensor, nn

from ._arguments import require_counts
from ._checkpoint import Argument, Checkpoint
from ._resnet import FEATURES, ResNet50, global_pool
from ._training import Training


class metric_learn(ResNet50):  # the name that cards and checkpoints give the network
    """Deep metric learning on Stanford Online Products.

    Images of one product lie close to each other; compare embeddings of unit length by Euclidean
    distance. The published checkpoints were trained with a triplet or quadruplet loss on the
    embedding alone; the head that they hold classifies nothing.

    Source: Song et al., Deep Metric Learning via Lifted Structured Feature Embedding, CVPR 2016,
    arXiv:1511.06452 (data set and protocol); `research/cv/metric_learn` of mindspore/models,
    branch r1.8.

    Args:
        class_num: Classes of the head; 5184 in all published configurations.

    Inputs:
        **x** - images `(N, 3, 224, 224)` with channels in the order blue, green, red, float32:
        values of 0 to 255 divided by 255, less (0.485, 0.456, 0.406), divided by (0.229, 0.224,
        0.225). The statistics are those of red, green and blue: the published checkpoints were
        trained with the channels that way round.

    Outputs:
        Inference: embedding `(N, 2048)`, float32, not negative, not normalised.

        Training: `(embedding, logits)` of shapes `(N, 2048)` and `(N, class_num)`, both float32:
        the one for a loss on distances, the other for a classifier.

    Raises:
        ValueError: `class_num` is not a positive integer.
    """

    checkpoint = Checkpoint(
        class_argument="class_num",
        head=("head.*",),
        arguments=(Argument("class_num", "head.weight", 0),),
        renames={"weight": "head.weight", "bias": "head.bias"},
    )

    training_outputs = Training(features=(0,), logits=(1,))

    def __init__(self, class_num: int = 5184) -> None:
        (class_num,) = require_counts(class_num=class_num)
        super().__init__(eps=1e-4, last_eps=1e-4)
        self.input_shapes = ((3, 224, 224),)
        self.head = nn.Dense(FEATURES, class_num)

    def construct(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Compute the outputs of inference or training, see the class."""
        embedding = global_pool(self.maps(x))
        return (embedding, self.head(embedding)) if self.training else embedding
