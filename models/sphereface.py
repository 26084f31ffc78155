"""SphereFace: faces to features that an angular margin holds apart."""

import math

from mindspore import Parameter, Tensor, nn, ops
from mindspore.common.initializer import XavierUniform, initializer

from ._arguments import require_counts
from ._checkpoint import Argument, Checkpoint

FEATURES = 512
"""Length of a feature."""

MARGIN = 4
"""By how many times the angle to the own class counts."""

_CONVOLUTIONS = {64: 3, 128: 5, 256: 9, 512: 3}
"""Convolutions of each stage by their output channels."""


class SphereFace(nn.Cell):
    """Deep Hypersphere Embedding for Face Recognition: 20 layers, none of them normalised.

    Source: Liu et al., CVPR 2017, arXiv:1704.08063; `official/cv/sphereface` of mindspore/models,
    branches r1.6 to r1.10, where the networks are the same.

    Args:
        num_classes: Identities in the training set; 10574 for CASIA-WebFace.

    Inputs:
        **x** - images `(N, 3, 112, 96)` of aligned faces with channels in the order blue, green,
        red, float32: values of 0 to 255, less 127.5, divided by 128.

    Outputs:
        Inference: feature `(N, 512)`, float32, not normalised, to be compared by cosine.

        Training: `(cosines, margins)`, both `(N, num_classes)`, float32: the length of the feature
        times the cosine of its angle θ to each class, and times ψ(θ), which falls with the angle
        as cos(4 θ) does at first. A loss takes `margins` for the own class, and blends in
        `cosines` as long as training is young.

    Raises:
        ValueError: `num_classes` is not a positive integer.
    """

    checkpoint = Checkpoint(
        class_argument="num_classes",
        head=("fc6.weight",),
        arguments=(Argument("num_classes", "fc6.weight", 1),),
        prefixes=("network.",),
    )

    def __init__(self, num_classes: int = 10574) -> None:
        (num_classes,) = require_counts(num_classes=num_classes)
        super().__init__()
        self.input_shapes = ((3, 112, 96),)
        channels = 3
        for stage, (width, count) in enumerate(_CONVOLUTIONS.items(), 1):
            for number in range(1, count + 1):
                stride = 2 if number == 1 else 1
                convolution = nn.Conv2d(channels, width, 3, stride, pad_mode="pad", padding=1)
                setattr(self, f"conv{stage}_{number}", convolution)
                setattr(self, f"relu{stage}_{number}", nn.PReLU(width))
                channels = width
        self.flatten = nn.Flatten()
        self.fc5 = nn.Dense(512 * 7 * 6, FEATURES)
        self.fc6 = _Angles(num_classes)

    def construct(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Compute the output of inference or training, see the class."""
        x = self.relu1_1(self.conv1_1(x))
        x = x + self.relu1_3(self.conv1_3(self.relu1_2(self.conv1_2(x))))
        x = self.relu2_1(self.conv2_1(x))
        x = x + self.relu2_3(self.conv2_3(self.relu2_2(self.conv2_2(x))))
        x = x + self.relu2_5(self.conv2_5(self.relu2_4(self.conv2_4(x))))
        x = self.relu3_1(self.conv3_1(x))
        x = x + self.relu3_3(self.conv3_3(self.relu3_2(self.conv3_2(x))))
        x = x + self.relu3_5(self.conv3_5(self.relu3_4(self.conv3_4(x))))
        x = x + self.relu3_7(self.conv3_7(self.relu3_6(self.conv3_6(x))))
        x = x + self.relu3_9(self.conv3_9(self.relu3_8(self.conv3_8(x))))
        x = self.relu4_1(self.conv4_1(x))
        x = x + self.relu4_3(self.conv4_3(self.relu4_2(self.conv4_2(x))))
        feature = self.fc5(self.flatten(x))
        return self.fc6(feature) if self.training else feature


class _Angles(nn.Cell):
    """Features to their angles to the classes, which are columns of a matrix."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.weight = Parameter(initializer(XavierUniform(), (FEATURES, num_classes)))

    def construct(self, feature: Tensor) -> tuple[Tensor, Tensor]:
        squares = ops.square(self.weight).sum(0, keepdims=True)
        classes = self.weight / ops.sqrt(ops.maximum(squares, 1e-5))
        length = ops.sqrt(ops.square(feature).sum(1, keepdims=True))
        cosine = ops.clamp(ops.matmul(feature, classes) / length, -1, 1)
        fourfold = 8 * cosine**4 - 8 * cosine**2 + 1
        turns = ops.floor(ops.stop_gradient(MARGIN * ops.acos(cosine) / math.pi))
        sign = 1 - 2 * (turns - 2 * ops.floor(turns / 2))
        return cosine * length, (sign * fourfold - 2 * turns) * length
