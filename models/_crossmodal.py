"""What the visible-infrared person re-identification networks MVD and DDAG share."""

from mindspore import Tensor, ops

INPUT_SHAPE = (3, 288, 144)
"""Channels, height and width of a person image, in pixels."""

TRUNK_NORMS = {"eps": 1e-5, "last_eps": 1e-3, "last_momentum": 0.997}
"""Batch normalisation of their ResNet-50; the last one of a block has settings of its own."""


def unit(features: Tensor) -> Tensor:
    """Divide each row of `features` `(N, C)` by its Euclidean norm."""
    return features / ops.sqrt(ops.square(features).sum(1, keepdims=True))
