"""Deepsort: what people look like, to follow them through a film."""

from mindspore import Tensor, nn, ops

from ._arguments import require_one_of
from ._classifier import classifier_files, last_layer
from ._resnet import stages

FEATURES = 128
"""Length of a feature."""


class Deepsort(nn.Cell):
    """Appearance network of the tracker Deep SORT.

    Source: Wojke et al., Simple Online and Realtime Tracking with a Deep Association Metric, ICIP
    2017, arXiv:1703.07402; `official/cv/Deepsort` of mindspore/models, branches r1.5 to r1.10,
    where the networks are the same.

    Args:
        num_classes: Identities in the training set; 751 for Market-1501.
        reid: What inference gives. `dense`: the feature as it is, which suits retrieval. `batch`:
            each of its numbers divided by the Euclidean norm of this number over all images of the
            call, as the original tracker does, so that features depend on the other images.
            `norm`: the feature after `bn1`, as the original exports it.

    Inputs:
        **x** - images `(N, 3, 128, 64)`, float32: values of 0 to 255 divided by 255, less (0.485,
        0.456, 0.406), divided by (0.229, 0.224, 0.225). The original trains with channels in the
        order red, green, blue, and tracks with blue, green, red and the same numbers.

    Outputs:
        Inference: feature `(N, 128)`, float32, not normalised, to be compared by cosine.

        Training: logits `(N, num_classes)`, float32, or what they would be told from if
        `num_classes` is 0. Needs two images or more for its batch statistics.

    Raises:
        ValueError: `num_classes` is not an integer of at least 0, or `reid` none of its values.
    """

    checkpoint = classifier_files("classifier")

    def __init__(self, num_classes: int = 751, reid: str = "dense") -> None:
        (self.reid,) = require_one_of(("dense", "batch", "norm"), reid=reid)
        super().__init__()
        self.input_shapes = ((3, 128, 64),)
        self.conv = nn.SequentialCell(
            nn.Conv2d(3, 32, 3, has_bias=True),
            nn.BatchNorm2d(32),
            nn.ELU(),
            nn.Conv2d(32, 32, 3, has_bias=True),
            nn.BatchNorm2d(32),
            nn.ELU(),
            nn.MaxPool2d(3, 2, pad_mode="same"),
        )
        self.layer1, self.layer2, self.layer3 = stages(
            _Block, (2, 2, 2), (32, 64, 128), 32, (1, 2, 2)
        )
        self.flatten = nn.Flatten()
        self.dropout = nn.Dropout(p=0.4)
        self.dense = nn.Dense(128 * 16 * 8, FEATURES)
        self.bn1 = nn.BatchNorm1d(FEATURES)
        self.elu = nn.ELU()
        self.batch_norm = nn.BatchNorm1d(FEATURES)  # saved, and never computed with
        self.classifier = last_layer(FEATURES, num_classes)

    def construct(self, x: Tensor) -> Tensor:
        """Compute the output of inference or training, see the class."""
        x = self.layer3(self.layer2(self.layer1(self.conv(x))))
        feature = self.dense(self.dropout(self.flatten(x)))
        if self.training:
            return self.classifier(self.elu(self.bn1(feature)))
        if self.reid == "batch":
            return feature / ops.sqrt(ops.square(feature).sum(0, keepdims=True))
        return self.bn1(feature) if self.reid == "norm" else feature


class _Block(nn.Cell):
    """Residual block of two 3×3 convolutions."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, pad_mode="pad", padding=1)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, pad_mode="pad", padding=1)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.downsample = (
            nn.Identity()
            if stride == 1
            else nn.SequentialCell(
                nn.Conv2d(in_channels, out_channels, 1, stride), nn.BatchNorm2d(out_channels)
            )
        )

    def construct(self, x: Tensor) -> Tensor:
        branch = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(branch + self.downsample(x))
