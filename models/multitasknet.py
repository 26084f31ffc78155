"""MultiTaskNet of PAMTRI: vehicle re-identification, colour and type from pose-aware input."""

from mindspore import Tensor, nn, ops

from ._arguments import require_counts, require_one_of
from ._checkpoint import Argument, Checkpoint
from ._densenet import FEATURES, DenseNetTrunk
from ._resnet import global_pool
from ._training import Training

_HEATMAPS = 36
_SEGMENTS = 13
_KEYPOINTS = 36 * 3


class MultiTaskNet(nn.Cell):
    """PAMTRI: Pose-Aware Multi-Task Learning for Vehicle Re-Identification.

    Source: Tang et al., ICCV 2019, arXiv:2005.00673; `research/cv/PAMTRI/MultiTaskNet` of
    mindspore/models, branch r1.7.

    Args:
        num_vids: Vehicle identities in the training set; 575 for VeRi-776.
        num_vcolors: Colours; used with `multitask`.
        num_vtypes: Vehicle types; used with `multitask`.
        keyptaware: Whether the network takes keypoints.
        heatmapaware: Whether 36 keypoint heatmaps follow the colour channels of an image.
        segmentaware: Whether 13 segment masks follow the colour channels and the heatmaps.
        multitask: Whether the network tells colour and type.

    Inputs:
        - **x** - images `(N, C, 256, 256)`, float32, C = 3 + 36 (`heatmapaware`) + 13
          (`segmentaware`): red, green, blue, heatmaps, masks, with values of 0 to 255 divided by
          255, less (0.485, 0.456, 0.406) for the colours and 0.449 for the rest, divided by
          (0.229, 0.224, 0.225) and 0.226. The original takes this size only; the last layer
          averages over all places of another one.
        - **keypoints** - `(N, 108)`, float32: x, y and confidence of 36 keypoints, x and y in
          pixels of the 256 by 256 image divided by 256, everything less 0.5. Needed with
          `keyptaware`, else ignored.

    Outputs:
        With `multitask` `(y_id, y_color, y_type, f_vid)`, else `(y_id, f)`, all float32: logits
        `(N, num_vids)`, `(N, num_vcolors)`, `(N, num_vtypes)` and the retrieval feature `(N,
        1024)`, not normalised, to be compared by Euclidean distance. Training needs two images or
        more for its batch statistics.

    Raises:
        ValueError: An argument is outside its range, or keypoints are missing or of another shape.
    """

    checkpoint = Checkpoint(
        class_argument="num_vids",
        head=("classifier_vid.*",),
        arguments=(
            Argument("num_vids", "classifier_vid.weight", 0),
            Argument("num_vcolors", "classifier_vcolor.weight", 0),
            Argument("num_vtypes", "classifier_vtype.weight", 0),
            Argument("keyptaware", "fc_vid.weight", 1, {1132: True, 1024: False}),
            Argument(
                "heatmapaware", "base.conv0.weight", 1, {3: False, 16: False, 39: True, 52: True}
            ),
            Argument(
                "segmentaware", "base.conv0.weight", 1, {3: False, 16: True, 39: False, 52: True}
            ),
        ),
    )

    training_outputs = Training(features=(-1,), logits=(0,))

    def __init__(
        self,
        num_vids: int = 575,
        num_vcolors: int = 10,
        num_vtypes: int = 9,
        keyptaware: bool = True,
        heatmapaware: bool = True,
        segmentaware: bool = False,
        multitask: bool = True,
    ) -> None:
        num_vids, num_vcolors, num_vtypes = require_counts(
            num_vids=num_vids, num_vcolors=num_vcolors, num_vtypes=num_vtypes
        )
        keyptaware, heatmapaware, segmentaware, multitask = require_one_of(
            (False, True),
            keyptaware=keyptaware,
            heatmapaware=heatmapaware,
            segmentaware=segmentaware,
            multitask=multitask,
        )
        super().__init__()
        channels = 3 + _HEATMAPS * heatmapaware + _SEGMENTS * segmentaware
        size = FEATURES + _KEYPOINTS * keyptaware
        self.keyptaware = bool(keyptaware)
        self.multitask = bool(multitask)
        self.input_shapes = ((channels, 256, 256), (_KEYPOINTS,))[: 1 + keyptaware]
        self.base = DenseNetTrunk(channels, nn.AvgPool2d)
        self.leaky_relu = nn.LeakyReLU(0.01)
        if multitask:
            self.fc_vid = nn.Dense(size, 1024)
            self.fc_vcolor = nn.Dense(size, 512)
            self.fc_vtype = nn.Dense(size, 512)
        elif keyptaware:
            self.fc = nn.Dense(size, 1024)
        self.classifier_vid = nn.Dense(1024, num_vids)
        if multitask:
            self.classifier_vcolor = nn.Dense(512, num_vcolors)
            self.classifier_vtype = nn.Dense(512, num_vtypes)

    def construct(self, x: Tensor, keypoints: Tensor | None = None) -> tuple[Tensor, ...]:
        """Compute the outputs, see the class."""
        joint = self._join(x, keypoints)
        if not self.multitask:
            f = self.leaky_relu(self.fc(joint)) if self.keyptaware else joint
            return self.classifier_vid(f), f
        f_vid = self.leaky_relu(self.fc_vid(joint))
        f_color = self.leaky_relu(self.fc_vcolor(joint))
        f_type = self.leaky_relu(self.fc_vtype(joint))
        y_color, y_type = self.classifier_vcolor(f_color), self.classifier_vtype(f_type)
        return self.classifier_vid(f_vid), y_color, y_type, f_vid

    def _join(self, x: Tensor, keypoints: Tensor | None) -> Tensor:
        """Image feature, with the keypoints behind it where the network takes them."""
        feature = global_pool(self.base(x))
        if not self.keyptaware:
            return feature
        given = () if keypoints is None else keypoints.shape
        if given[1:] != (_KEYPOINTS,):
            msg = f"keyptaware=True needs keypoints of shape (N, 108), got {given}"
            raise ValueError(msg)
        return ops.concat((feature, keypoints), 1)
