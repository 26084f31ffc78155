"""What networks share that name the class of a picture: their last layer and their files."""

from typing import Any

from mindspore import nn

from ._arguments import require_counts
from ._checkpoint import Argument, Checkpoint

INPUT_SHAPE = (3, 224, 224)
"""Channels, height and width of a picture, in pixels, of most networks trained on ImageNet."""


def last_layer(features: int, num_classes: int, *, has_bias: bool = True) -> nn.Cell:
    """Layer from features `(N, features)` to logits `(N, num_classes)`, both float32.

    Args:
        features: Length of a feature.
        num_classes: Classes; with 0 the layer gives the features as they are.
        has_bias: Whether a number is added to each logit.

    Raises:
        ValueError: `num_classes` is not an integer of at least 0.
    """
    (num_classes,) = require_counts(0, num_classes=num_classes)
    return nn.Dense(features, num_classes, has_bias=has_bias) if num_classes else nn.Identity()


def last_conv(channels: int, num_classes: int) -> nn.Cell:
    """Layer from maps `(N, channels, H, W)` to maps of logits `(N, num_classes, H, W)`.

    Args:
        channels: Channels of the maps.
        num_classes: Classes; with 0 the layer gives the maps as they are.

    Raises:
        ValueError: `num_classes` is not an integer of at least 0.
    """
    (num_classes,) = require_counts(0, num_classes=num_classes)
    return nn.Conv2d(channels, num_classes, 1, has_bias=True) if num_classes else nn.Identity()


def classifier_files(
    last: str, *arguments: Argument, prefixes: tuple[str, ...] = (), **facts: Any
) -> Checkpoint:
    """Facts about the files of a classifier: a last layer that has its classes.

    Args:
        last: Name of the last layer.
        arguments: What else the shapes in a file determine.
        prefixes: What names in a file may begin with.
        facts: What else there is to say, see `Checkpoint`.
    """
    classes = Argument("num_classes", f"{last}.weight", 0)
    return Checkpoint(
        "num_classes", (f"{last}.*",), (classes, *arguments), prefixes=prefixes, **facts
    )
