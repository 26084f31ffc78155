"""FaceRecognitionForTracking: small pictures of faces to features of a small network."""

from mindspore import Tensor, nn, ops

from ._arguments import require_counts, require_one_of
from ._checkpoint import Argument, Checkpoint

_STAGES = {
    12: ((1, 1, 1, 1), (16, 32, 64, 128)),
    20: ((1, 2, 4, 1), (64, 128, 256, 512)),
    36: ((2, 4, 4, 2), (32, 64, 128, 256)),
    64: ((3, 7, 16, 3), (64, 128, 256, 512)),
}
"""Blocks and channels of each stage by the layers of the network."""

_NORMS = ("last_bn", "last_bn_sub")


class FaceRecognitionForTracking(nn.Cell):
    """Network that tells whose face it is, by the name SphereNet in the original.

    The loss and its matrix of classes are not part of the network.

    Source: `research/cv/FaceRecognitionForTracking` of mindspore/models, branches r1.3 to r1.10,
    where the networks are the same.

    Args:
        num_layers: 12, 20, 36 or 64.
        feature_dim: Length of a feature.
        last_norm: Normalisation of features, of the two that every file holds. The original trains
            `last_bn` on Ascend, where the published file comes from, and `last_bn_sub` elsewhere;
            the mean of the other one in a file is 0.

    Inputs:
        **x** - RGB images `(N, 3, 96, 64)` of faces, float32: values of 0 to 255 divided by 255,
        less 0.5, divided by 0.5.

    Outputs:
        Feature `(N, feature_dim)`, float32, of unit length, in training too. Training needs two
        images or more for its batch statistics.

    Raises:
        ValueError: An argument is outside its range.
    """

    checkpoint = Checkpoint(
        arguments=(Argument("feature_dim", "fc.weight", 0),),
        prefixes=("model.",),
        leftovers=("head.weight",),
    )

    def __init__(
        self, num_layers: int = 12, feature_dim: int = 128, last_norm: str = "last_bn"
    ) -> None:
        (num_layers,) = require_one_of(tuple(_STAGES), num_layers=num_layers)
        (last_norm,) = require_one_of(_NORMS, last_norm=last_norm)
        (feature_dim,) = require_counts(feature_dim=feature_dim)
        super().__init__()
        self.input_shapes = ((3, 96, 64),)
        blocks, widths = _STAGES[num_layers]
        self.layer1, self.layer2, self.layer3, self.layer4 = [
            _Stage(count, channels, width)
            for count, channels, width in zip(blocks, (3, *widths), widths, strict=False)
        ]
        self.flatten = nn.Flatten()
        self.fc = nn.Dense(widths[-1] * 6 * 4, feature_dim)
        self.last_bn = nn.BatchNorm1d(feature_dim)
        self.last_bn_sub = nn.BatchNorm2d(feature_dim)
        self.ascend = last_norm == _NORMS[0]

    def construct(self, x: Tensor) -> Tensor:
        """Compute features."""
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        feature = self.fc(self.flatten(x))
        if self.ascend:
            feature = self.last_bn(feature)
        else:
            feature = self.last_bn_sub(feature[..., None, None])[..., 0, 0]
        return feature / ops.sqrt(ops.square(feature).sum(1, keepdims=True))


class _Stage(nn.Cell):
    """Convolution to half the height and width, and blocks."""

    def __init__(self, count: int, in_channels: int, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, width, 3, 2, pad_mode="pad", padding=1, has_bias=True)
        self.bn = nn.BatchNorm2d(width)
        self.relu = nn.ReLU()
        self.layers = nn.SequentialCell([_Block(width) for _ in range(count)])

    def construct(self, x: Tensor) -> Tensor:
        return self.layers(self.relu(self.bn(self.conv(x))))


class _Block(nn.Cell):
    """Residual block of two 3×3 convolutions, the second rectified before the sum."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, pad_mode="pad", padding=1)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, pad_mode="pad", padding=1)
        self.bn2 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU()

    def construct(self, x: Tensor) -> Tensor:
        branch = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(branch))) + x
