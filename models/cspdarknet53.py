"""CSPDarknet-53: residual stages that half of their input passes by."""

from mindspore import Tensor, nn, ops

from ._classifier import INPUT_SHAPE, classifier_files, last_layer
from ._resnet import global_pool
from ._units import same_conv

_FEATURES = 1024
"""Channels of the last stage, hence length of a pooled feature."""


class cspdarknet53(nn.Cell):  # as the original calls it
    """CSPDarknet-53, padded as MindSpore's "same" and activated by Mish.

    Its own parameter names begin with `backbone.` and `head.`. The original computes its last layer
    in float16, and evaluates in float16 throughout; here all is float32.

    Source: Wang et al., CSPNet: A New Backbone that can Enhance Learning Capability of CNN, CVPR
    Workshops 2020, arXiv:1911.11929; Bochkovskiy et al., YOLOv4, 2020, arXiv:2004.10934;
    `official/cv/cspdarknet53` of mindspore/models, branches r1.3 to r1.10.

    Args:
        num_classes: Classes; with 0 the output is the pooled feature `(N, 1024)`.

    Inputs:
        **x** - RGB images `(N, 3, 224, 224)`, float32: the centre of a picture made 256×256
        pixels large whatever its shape, values of 0 to 255, less 255 · (0.485, 0.456, 0.406),
        divided by 255 · (0.229, 0.224, 0.225).

    Outputs:
        Logits `(N, num_classes)`, float32, in training too.

    Raises:
        ValueError: `num_classes` is not an integer of at least 0.
    """

    checkpoint = classifier_files("head.fc")

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        self.input_shapes = (INPUT_SHAPE,)
        self.backbone = _Backbone()
        self.head = _Head(num_classes)

    def construct(self, x: Tensor) -> Tensor:
        """Compute logits."""
        return self.head(self.backbone(x))


class _Backbone(nn.Cell):
    """Images to feature maps `(N, 1024, 7, 7)`.

    A stage halves the maps, and two 1×1 convolutions each make half of its channels; the first
    half goes through residual blocks and another 1×1 convolution before both are joined.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv0 = _unit(3, 32, 3)
        self.conv1 = _unit(32, 64, 3, 2)
        self.conv2 = _unit(64, 64, 1)
        self.conv3 = _unit(64, 32, 1)
        self.conv4 = _unit(32, 64, 3)
        self.conv5 = _unit(64, 64, 1)
        self.conv6 = _unit(64, 64, 1)
        self.conv7 = _unit(128, 64, 1)
        self.conv8 = _unit(64, 128, 3, 2)
        self.conv9 = _unit(128, 64, 1)
        self.conv10 = _unit(64, 64, 1)
        self.conv11 = _unit(128, 64, 1)
        self.conv12 = _unit(128, 128, 1)
        self.conv13 = _unit(128, 256, 3, 2)
        self.conv14 = _unit(256, 128, 1)
        self.conv15 = _unit(128, 128, 1)
        self.conv16 = _unit(256, 128, 1)
        self.conv17 = _unit(256, 256, 1)
        self.conv18 = _unit(256, 512, 3, 2)
        self.conv19 = _unit(512, 256, 1)
        self.conv20 = _unit(256, 256, 1)
        self.conv21 = _unit(512, 256, 1)
        self.conv22 = _unit(512, 512, 1)
        self.conv23 = _unit(512, 1024, 3, 2)
        self.conv24 = _unit(1024, 512, 1)
        self.conv25 = _unit(512, 512, 1)
        self.conv26 = _unit(1024, 512, 1)
        self.conv27 = _unit(1024, _FEATURES, 1)
        self.layer2 = nn.SequentialCell([_Residual(64) for _ in range(2)])
        self.layer3 = nn.SequentialCell([_Residual(128) for _ in range(8)])
        self.layer4 = nn.SequentialCell([_Residual(256) for _ in range(8)])
        self.layer5 = nn.SequentialCell([_Residual(512) for _ in range(4)])

    def construct(self, x: Tensor) -> Tensor:
        x = self.conv1(self.conv0(x))
        branch = self.conv2(x)
        branch = self.conv5(branch + self.conv4(self.conv3(branch)))
        x = self.conv8(self.conv7(ops.concat((branch, self.conv6(x)), 1)))
        branch = self.conv10(self.layer2(self.conv9(x)))
        x = self.conv13(self.conv12(ops.concat((branch, self.conv11(x)), 1)))
        branch = self.conv15(self.layer3(self.conv14(x)))
        x = self.conv18(self.conv17(ops.concat((branch, self.conv16(x)), 1)))
        branch = self.conv20(self.layer4(self.conv19(x)))
        x = self.conv23(self.conv22(ops.concat((branch, self.conv21(x)), 1)))
        branch = self.conv25(self.layer5(self.conv24(x)))
        return self.conv27(ops.concat((branch, self.conv26(x)), 1))


class _Head(nn.Cell):
    """Feature maps to logits."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.fc = last_layer(_FEATURES, num_classes)

    def construct(self, x: Tensor) -> Tensor:
        return self.fc(global_pool(x))


class _Residual(nn.Cell):
    """Block of a 1×1 and a 3×3 convolution; nothing follows the sum."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = _unit(channels, channels, 1)
        self.conv2 = _unit(channels, channels, 3)

    def construct(self, x: Tensor) -> Tensor:
        return x + self.conv2(self.conv1(x))


def _unit(in_channels: int, out_channels: int, size: int, stride: int = 1) -> nn.SequentialCell:
    """Convolution, batch normalisation and Mish."""
    return nn.SequentialCell(
        same_conv(in_channels, out_channels, size, stride),
        nn.BatchNorm2d(out_channels),
        nn.Mish(),
    )
