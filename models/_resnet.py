"""ResNet-50 trunk of the re-identification and metric learning networks.

Source: He et al., Deep Residual Learning for Image Recognition, CVPR 2016, arXiv:1512.03385, as
built by `research/cv/{MVD,DDAG,VehicleNet,metric_learn}` of mindspore/models (r1.5 to r1.9). It
differs from the usual ImageNet trunk in its padding: every convolution and the max-pool pad as
`pad_mode="same"`, which for even sizes adds the extra row and column at the bottom and the right.
"""

from mindspore import Tensor, nn, ops

FEATURES = 2048
"""Channels of the last stage, hence length of a pooled feature."""

_STAGES = ((3, 256, 1), (4, 512, 2), (6, 1024, 2), (3, FEATURES, 2))
"""Blocks, output channels and stride of each stage."""


class ResNet50(nn.Cell):
    """Image to feature map.

    Args:
        eps: Term added to the variance in every batch normalisation but the last of a block.
        last_eps: The same in the last batch normalisation of a block.
        last_momentum: Share of the running statistics that the last batch normalisation of a
            block keeps in a training step; the others keep 0.9.

    Inputs:
        Normalised images `(N, 3, H, W)`, float32.

    Outputs:
        Feature maps `(N, 2048, ceil(H / 32), ceil(W / 32))`, float32.
    """

    def __init__(self, *, eps: float, last_eps: float, last_momentum: float = 0.9) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, pad_mode="same")
        self.bn1 = nn.BatchNorm2d(64, eps=eps)
        self.relu = nn.ReLU()
        self.max_pool = nn.MaxPool2d(3, 2, pad_mode="same")
        norms = {"eps": eps, "last_eps": last_eps, "last_momentum": last_momentum}
        channels = 64
        for number, (blocks, width, stride) in enumerate(_STAGES, 1):
            first = _Bottleneck(channels, width, stride, **norms)
            rest = [_Bottleneck(width, width, 1, **norms) for _ in range(blocks - 1)]
            setattr(self, f"layer{number}", nn.SequentialCell([first, *rest]))
            channels = width

    def construct(self, x: Tensor) -> Tensor:
        """Compute feature maps."""
        x = self.max_pool(self.relu(self.bn1(self.conv1(x))))
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))


class _Bottleneck(nn.Cell):
    """Residual block of a 1×1, a 3×3 and a 1×1 convolution."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int,
        *,
        eps: float,
        last_eps: float,
        last_momentum: float,
    ) -> None:
        super().__init__()
        width = out_channels // 4
        self.conv1 = nn.Conv2d(in_channels, width, 1)
        self.bn1 = nn.BatchNorm2d(width, eps=eps)
        self.conv2 = nn.Conv2d(width, width, 3, stride, pad_mode="same")
        self.bn2 = nn.BatchNorm2d(width, eps=eps)
        self.conv3 = nn.Conv2d(width, out_channels, 1)
        self.bn3 = nn.BatchNorm2d(out_channels, eps=last_eps, momentum=last_momentum)
        self.relu = nn.ReLU()
        self.down_sample_layer = (
            nn.Identity()
            if in_channels == out_channels
            else nn.SequentialCell(
                nn.Conv2d(in_channels, out_channels, 1, stride, pad_mode="same"),
                nn.BatchNorm2d(out_channels, eps=eps),
            )
        )

    def construct(self, x: Tensor) -> Tensor:
        branch = self.relu(self.bn1(self.conv1(x)))
        branch = self.relu(self.bn2(self.conv2(branch)))
        branch = self.bn3(self.conv3(branch))
        return self.relu(branch + self.down_sample_layer(x))


def global_pool(maps: Tensor) -> Tensor:
    """Average feature maps `(N, C, H, W)` over their positions: `(N, C)`."""
    return ops.mean(maps, (2, 3))
