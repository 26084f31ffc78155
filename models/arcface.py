"""ArcFace: faces to features that an additive angular margin holds apart."""

from mindspore import Tensor, nn

from ._checkpoint import Checkpoint
from ._resnet import stages

FEATURES = 512
"""Length of a feature."""


class ArcFace(nn.Cell):
    """Additive Angular Margin Loss for Deep Face Recognition: IResNet-100.

    The loss and its matrix of classes are not part of the network; files hold them, and loading
    leaves them out.

    Source: Deng et al., CVPR 2019, arXiv:1801.07698; `research/cv/arcface` of mindspore/models,
    branches r1.3 to r1.9, where the networks are the same.

    Inputs:
        **x** - RGB images `(N, 3, 112, 112)` of aligned faces, float32: values of 0 to 255 divided
        by 255, less 0.5, divided by 0.5.

    Outputs:
        Feature `(N, 512)`, float32, not normalised, in training too. Published figures compare
        the sums of the features of an image and its mirror image, divided by their length.
        Training needs two images or more for its batch statistics.
    """

    checkpoint = Checkpoint(prefixes=(), leftovers=("mp_weight",))

    def __init__(self) -> None:
        super().__init__()
        self.input_shapes = ((3, 112, 112),)
        self.conv1 = nn.Conv2d(3, 64, 3, pad_mode="pad", padding=1)
        self.bn1 = nn.BatchNorm2d(64)
        self.prelu = nn.PReLU(64)
        self.layer1, self.layer2, self.layer3, self.layer4 = stages(
            _Block, (3, 13, 30, 3), (64, 128, 256, 512), strides=(2, 2, 2, 2)
        )
        self.bn2 = nn.BatchNorm2d(512)
        self.flatten = nn.Flatten()
        self.fc = nn.Dense(512 * 7 * 7, FEATURES)
        self.features = nn.BatchNorm1d(FEATURES)
        self.features.gamma.requires_grad = False  # stays 1

    def construct(self, x: Tensor) -> Tensor:
        """Compute features."""
        x = self.prelu(self.bn1(self.conv1(x)))
        x = self.bn2(self.layer4(self.layer3(self.layer2(self.layer1(x)))))
        return self.features(self.fc(self.flatten(x)))


class _Block(nn.Cell):
    """Residual block of two 3×3 convolutions, the second with the stride; nothing after the sum."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, pad_mode="pad", padding=1)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.prelu = nn.PReLU(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, stride, pad_mode="pad", padding=1)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.downsample = (
            nn.Identity()
            if stride == 1
            else nn.SequentialCell(
                nn.Conv2d(in_channels, out_channels, 1, stride), nn.BatchNorm2d(out_channels)
            )
        )

    def construct(self, x: Tensor) -> Tensor:
        branch = self.prelu(self.bn2(self.conv1(self.bn1(x))))
        return self.bn3(self.conv2(branch)) + self.downsample(x)
