"""FaceRecognition: faces to features that are told from many distractors."""

from mindspore import Tensor, nn, ops

from ._arguments import require_counts, require_one_of
from ._checkpoint import Argument, Checkpoint

_WIDTHS = (64, 128, 256, 512)
_BLOCKS = (3, 13, 30, 3)
_NORMS = ("moving_mean", "moving_variance", "gamma", "beta")


class FaceRecognition(nn.Cell):
    """Residual network of 100 layers for faces, by the name FaceResNet in the original.

    Two stages of training have two forms: the first one squeeze-and-excite, a normalisation before
    each block and features of 512 numbers; the second none of these, and 256. The published file
    should be of the second, which the README of the original names for inference. The loss and its
    matrix of classes are not part of the network.

    The original halves the precision of every sum of a block on Ascend; here all is float32.

    Source: `research/cv/FaceRecognition` of mindspore/models, branches r1.3 to r1.10, where the
    networks are the same; its layout is that of ArcFace, arXiv:1801.07698.

    Args:
        emb_size: Length of a feature.
        use_se: Whether blocks weigh their channels (squeeze-and-excite).
        pre_bn: Whether blocks and head normalise their input.
        inference: Whether the head leaves out the normalisation of features that the loss was
            trained with, as the published evaluation does. Training needs False.

    Inputs:
        **x** - RGB images `(N, 3, 112, 112)` of aligned faces, float32: values of 0 to 255 divided
        by 255, less 0.5, divided by 0.5.

    Outputs:
        Feature `(N, emb_size)`, float32, not normalised, to be compared by cosine. Training needs
        two images or more for its batch statistics.

    Raises:
        ValueError: An argument is outside its range.
    """

    checkpoint = Checkpoint(
        arguments=(
            Argument("emb_size", "head.fc1.weight", 0),
            Argument("use_se", "layer1.layers.0.se.fc1.weight", 0, {4: True}),
            Argument("pre_bn", "layer1.layers.0.bn1.gamma", 0, {64: True}),
        ),
        prefixes=("network.backbone.",),
        leftovers=("network.margin_fc.weight", *(f"head.bn2.{leaf}" for leaf in _NORMS)),
    )

    def __init__(
        self,
        emb_size: int = 256,
        use_se: bool = False,
        pre_bn: bool = False,
        inference: bool = True,
    ) -> None:
        (emb_size,) = require_counts(emb_size=emb_size)
        use_se, pre_bn, inference = require_one_of(
            (False, True), use_se=use_se, pre_bn=pre_bn, inference=inference
        )
        super().__init__()
        self.input_shapes = ((3, 112, 112),)
        self.conv1 = nn.Conv2d(3, 64, 3, pad_mode="pad", padding=1)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.layer1, self.layer2, self.layer3, self.layer4 = [
            _Stage(count, channels, width, use_se=bool(use_se), pre_bn=bool(pre_bn))
            for count, channels, width in zip(_BLOCKS, (64, *_WIDTHS), _WIDTHS, strict=False)
        ]
        self.head = _Head(emb_size, pre_bn=bool(pre_bn), inference=bool(inference))

    def construct(self, x: Tensor) -> Tensor:
        """Compute features."""
        x = self.relu(self.bn1(self.conv1(x)))
        return self.head(self.layer4(self.layer3(self.layer2(self.layer1(x)))))


class _Stage(nn.Cell):
    """Blocks, and the projection that is the shortcut of the first."""

    def __init__(
        self, count: int, in_channels: int, width: int, *, use_se: bool, pre_bn: bool
    ) -> None:
        super().__init__()
        self.downsample = _Projection(in_channels, width)
        blocks = [
            _Block(width if number else in_channels, width, 1 if number else 2, use_se, pre_bn)
            for number in range(count)
        ]
        self.layers = nn.CellList(blocks)

    def construct(self, x: Tensor) -> Tensor:
        shortcut = self.downsample(x)
        for block in self.layers:
            x = block(x) + shortcut
            shortcut = x
        return x


class _Projection(nn.Cell):
    """1×1 convolution to half the height and width, normalised."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 1, 2, pad_mode="valid")
        self.bn1 = nn.BatchNorm2d(out_channels)

    def construct(self, x: Tensor) -> Tensor:
        return self.bn1(self.conv1(x))


class _Block(nn.Cell):
    """What a block adds to its shortcut: two 3×3 convolutions, the second with the stride."""

    def __init__(
        self, in_channels: int, out_channels: int, stride: int, use_se: bool, pre_bn: bool
    ) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_channels) if pre_bn else nn.Identity()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, pad_mode="pad", padding=1)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, stride, pad_mode="pad", padding=1)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.se = _ChannelWeights(out_channels) if use_se else nn.Identity()

    def construct(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn2(self.conv1(self.bn1(x))))
        return self.se(self.bn3(self.conv2(x)))


class _ChannelWeights(nn.Cell):
    """Maps, each channel times a weight between 0 and 1 that the means of all channels give."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Dense(channels, channels // 16)
        self.relu = nn.ReLU()
        self.fc2 = nn.Dense(channels // 16, channels)

    def construct(self, x: Tensor) -> Tensor:
        # Row by row: one long sum loses digits, and 49 blocks multiply what is lost.
        means = ops.mean(ops.mean(x, 3), 2)
        weights = ops.sigmoid(self.fc2(self.relu(self.fc1(means))))
        return x * weights.reshape(*weights.shape, 1, 1)


class _Head(nn.Cell):
    """Maps `(N, 512, 7, 7)` to features."""

    def __init__(self, emb_size: int, *, pre_bn: bool, inference: bool) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(512) if pre_bn else nn.Identity()
        self.dropout = nn.Dropout(p=0.6)
        self.flatten = nn.Flatten()
        self.fc1 = nn.Dense(512 * 7 * 7, emb_size)
        self.bn2 = nn.Identity() if inference else nn.BatchNorm1d(emb_size)

    def construct(self, x: Tensor) -> Tensor:
        return self.bn2(self.fc1(self.flatten(self.dropout(self.bn1(x)))))
