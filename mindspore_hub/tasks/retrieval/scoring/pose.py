"""Key points of vehicles from heatmaps, and how right they are.

Source: PoseEstNet in research/cv/PAMTRI, whose output is an input of MultiTaskNet. The network
itself is not part of this package. It gives heatmaps `(N, 36, 64, 64)`, in which joints i and i +
18 are mirror images of each other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mindspore_hub.errors import FeaturesError

Array = npt.NDArray[Any]

GROUPS = {
    "Wheel": (0, 1, 18, 19),
    "Fender": (*range(2, 10), *range(20, 28)),
    "Back": (10, 11, 28, 29),
    "Front": (16, 17, 34, 35),
    "WindshieldBack": (12, 13, 30, 31),
    "WindshieldFront": (14, 15, 32, 33),
}
"""Joints whose percentages are quoted together."""

_PIXELS = 200
"""Pixels of an image that a scale of 1 stands for."""


def average_flipped(heatmaps: Array, flipped: Array) -> Array:
    """Mean of heatmaps of images and of heatmaps of their mirror images.

    Args:
        heatmaps: `(N, J, H, W)`, J even.
        flipped: What the network makes of the mirrored images, `(N, J, H, W)`.
    """
    joints = np.roll(np.arange(heatmaps.shape[1]), heatmaps.shape[1] // 2)
    back = flipped[:, joints, :, ::-1].astype(np.float32)
    # The original moves mirrored maps one column to the right, since they lie beside the others.
    back[..., 1:] = back[..., :-1].copy()
    return np.asarray((heatmaps.astype(np.float32) + back) * np.float32(0.5))


def crop_affine(center: Array, scale: Array, *, size: int = 256) -> Array:
    """Affine maps `(N, 2, 3)` from places in the images to places in square crops.

    Args:
        center: Centre of each crop in pixels, `(N, 2)`.
        scale: Width and height of each crop in units of 200 pixels, `(N, 2)`; the width counts.
        size: Side of a crop in pixels.
    """
    factor = size / (scale[:, 0].astype(np.float64) * _PIXELS)
    moved = size * 0.5 - center * factor[:, None]
    return np.concatenate([factor[:, None, None] * np.eye(2), moved[..., None]], axis=2)


def decode(heatmaps: Array, *, center: Array, scale: Array) -> tuple[Array, Array]:
    """Places of key points in the images.

    Args:
        heatmaps: `(N, J, H, W)`, H equal to W.
        center: Centre of each crop in pixels, `(N, 2)`.
        scale: Width and height of each crop in units of 200 pixels, `(N, 2)`; the width counts.

    Returns:
        Places `(N, J, 2)` as x and y in pixels, and confidences `(N, J)`.
    """
    size = heatmaps.shape[-1]
    flat = heatmaps.reshape(*heatmaps.shape[:2], -1)
    peak = flat.argmax(axis=2)
    confidence = flat.max(axis=2)
    places = np.stack([peak % size, peak // size], axis=-1).astype(np.float32)
    places *= (confidence > 0)[..., None]
    places += _quarter_steps(heatmaps, places)
    step = scale[:, :1, None] * (_PIXELS / size)
    moved = (places - size * 0.5) * step + center[:, None]
    return moved.astype(np.float32), confidence


def _quarter_steps(heatmaps: Array, places: Array) -> Array:
    """A quarter of a pixel towards the larger neighbour, except at the border."""
    last = heatmaps.shape[-1] - 1
    x, y = places.astype(np.int64).transpose(2, 0, 1)
    inside = (x > 1) & (x < last) & (y > 1) & (y < last)
    x, y = np.clip(x, 1, last - 1), np.clip(y, 1, last - 1)
    image, joint = np.indices(x.shape)
    across = heatmaps[image, joint, y, x + 1] - heatmaps[image, joint, y, x - 1]
    down = heatmaps[image, joint, y + 1, x] - heatmaps[image, joint, y - 1, x]
    return np.asarray(0.25 * np.sign(np.stack([across, down], axis=-1)) * inside[..., None])


def pck(
    predicted: Array, places: Array, visible: Array, *, sizes: Array | None = None
) -> dict[str, float]:
    """Percentages of correct key points, by group, and their mean.

    Without sizes, the numbers are the published ones, in which the error includes the
    difference of confidence and visibility, an image counts as large as the root of the number
    of images, and `Mean@0.1` is at 0.11. With sizes, errors are distances, and thresholds 0.5 and
    0.1 of a quarter of the size of each image's vehicle.

    Args:
        predicted: x, y and confidence, `(N, J, 3)`.
        places: x and y of the truth, `(N, J, 2)`.
        visible: 1 where a key point can be seen, 0 elsewhere, `(N, J)`.
        sizes: Size of each vehicle in pixels, such as the root of its area, `(N,)`.

    Raises:
        FeaturesError: No key point is visible.
    """
    if not visible.any():
        msg = "No key point is visible, so none can be right; look at the visibility flags."
        raise FeaturesError(msg)
    errors = np.sum((predicted[..., :2] - places) ** 2, axis=-1)
    if sizes is None:
        errors = np.sqrt(errors + (predicted[..., 2] - visible) ** 2)
        sizes, fine = np.full(len(errors), len(errors) ** 0.5), 0.11
    else:
        errors, fine = np.sqrt(errors), 0.1
    relative = errors / (0.25 * sizes[:, None])
    seen = np.count_nonzero(visible, axis=0)
    share = {
        limit: 100
        * np.count_nonzero((relative <= limit) & (visible > 0), axis=0)
        / np.maximum(seen, 1)
        for limit in (0.5, fine)
    }
    groups = {name: float(share[0.5][list(joints)].mean()) for name, joints in GROUPS.items()}
    weights = seen / seen.sum()
    return {
        **groups,
        "Mean": float(share[0.5] @ weights),
        "Mean@0.1": float(share[fine] @ weights),
    }
