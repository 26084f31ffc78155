"""VehicleNet: vehicle re-identification features learned on four data sets."""

from mindspore import Tensor, nn

from ._arguments import require_counts, require_fractions, require_one_of
from ._checkpoint import Argument, Checkpoint
from ._resnet import FEATURES, ResNet50, global_pool
from ._training import Training


class VehicleNet(nn.Cell):
    """VehicleNet: Learning Robust Visual Representation for Vehicle Re-Identification.

    The published checkpoint is the second training stage, fine-tuned on the 575 identities of
    VeRi-776. Its evaluation adds the outputs for an image and for its mirror image and divides the
    sum by its Euclidean norm.

    Source: Zheng et al., IEEE Transactions on Multimedia 2020, arXiv:2004.06305;
    `research/cv/VehicleNet` of mindspore/models, branch r1.8.

    Args:
        class_num: Identities in the training set.
        droprate: Share of the embedding that training sets to zero before the last layer.
        stride: 1 or 2; accepted because published configurations hold it. The original changes
            the stride of the last stage after its operators were built, so that stage keeps
            stride 2 whatever is asked for, and so it does here.

    Inputs:
        **x** - RGB images `(N, 3, 384, 384)`, float32: values of 0 to 255, less 255 · (0.485,
        0.456, 0.406), divided by 255 · (0.229, 0.224, 0.225).

    Outputs:
        Inference: embedding `(N, 512)`, float32, not normalised.

        Training: logits `(N, class_num)`, float32. Needs two images or more for its batch
        statistics.

    Raises:
        ValueError: An argument is outside its range.
    """

    checkpoint = Checkpoint(
        class_argument="class_num",
        head=("classifier.classifier.*",),
        arguments=(Argument("class_num", "classifier.classifier.weight", 0),),
    )

    training_outputs = Training(features=(), logits=(0,))

    def __init__(self, class_num: int = 575, droprate: float = 0.5, stride: int = 1) -> None:
        (class_num,) = require_counts(class_num=class_num)
        (droprate,) = require_fractions(droprate=droprate)
        require_one_of((1, 2), stride=stride)
        super().__init__()
        self.input_shapes = ((3, 384, 384),)
        self.model = ResNet50(eps=1e-4, last_eps=1e-4)
        self.classifier = _Classifier(class_num, droprate)

    def construct(self, x: Tensor) -> Tensor:
        """Compute the output of inference or training, see the class."""
        return self.classifier(global_pool(self.model(x)))


class _Classifier(nn.Cell):
    """Embedding of a pooled feature; in training the identity logits of the embedding."""

    def __init__(self, class_num: int, droprate: float) -> None:
        super().__init__()
        self.dense = nn.Dense(FEATURES, 512)
        self.bn1 = nn.BatchNorm1d(512)
        self.dropout = nn.Dropout(p=droprate)
        self.classifier = nn.Dense(512, class_num)

    def construct(self, feature: Tensor) -> Tensor:
        embedding = self.bn1(self.dense(feature))
        return self.classifier(self.dropout(embedding)) if self.training else embedding
