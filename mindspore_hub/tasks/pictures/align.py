"""Faces to their places: similarity maps by five points, and pictures drawn through them as OpenCV does.

Sources: research/cv/arcface (branches r1.3 to r1.9) and official/cv/sphereface (r1.6 to r1.10). Both cut
faces out of pictures before a network sees them, each in a way of its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mindspore_hub.errors import PictureError

Array = np.ndarray[Any, Any]

REFERENCES = np.array(
    [
        [30.2946, 51.6963],
        [65.5318, 51.5014],
        [48.0252, 71.7366],
        [33.5493, 92.3655],
        [62.7299, 92.2041],
    ]
)
"""Places x, y of left eye, right eye, nose, left and right corner of the mouth, in 112 × 96 pixels."""

_SHIFT = 8
"""Columns that pictures of 112 × 112 pixels have more on the left."""

_BITS = 10
_STEPS = 32


def arcface_face(pixels: Array, points: Array) -> Array:
    """Cut a face out of a picture as ArcFace does for IJB-B and IJB-C.

    The map is the similarity, without reflection, that takes the points nearest to the references
    (Umeyama 1991).

    Args:
        pixels: uint8 `(H, W, 3)`.
        points: `(5, 2)`: x and y of the points of `REFERENCES`, in pixels.

    Returns:
        uint8 `(112, 112, 3)`, black where the picture has nothing.

    Raises:
        PictureError: The points are not five different ones.
    """
    points = _five(points)
    references = REFERENCES + np.array([_SHIFT, 0])
    return warp(pixels, _similarity(points, references), (112, 112))


def sphereface_face(pixels: Array, points: Array) -> Array:
    """Cut a face out of a picture as SphereFace does; arguments and errors are those of `arcface_face`.

    A similarity takes the references to the points, and its inverse draws the picture. Another one is
    made of mirrored references; it counts if it fits the mirrored references better, to which, as the
    original has it, the first one is compared as well.

    Returns:
        float32 `(112, 96, 3)` of 0 to 255, with the channels of the picture.
    """
    points = _five(points)
    mirrored = REFERENCES * [-1, 1]
    maps = [
        _inverse(_least_squares(REFERENCES, points)),
        _inverse(_least_squares(mirrored, points)),
    ]
    maps[1] = maps[1] * [[-1], [1]]
    gaps = [np.linalg.norm(points @ of[:, :2].T + of[:, 2] - mirrored) for of in maps]
    return warp(pixels.astype(np.float32), maps[int(gaps[0] > gaps[1])], (112, 96))


def _five(points: Array) -> Array:
    points = np.asarray(points, np.float64)
    if points.shape != (5, 2) or not np.isfinite(points).all() or not np.ptp(points, axis=0).any():
        msg = f"A face needs x and y of five different points, (5, 2), but got {points.tolist()}."
        raise PictureError(msg)
    return points


def _similarity(source: Array, target: Array) -> Array:
    """Similarity `(2, 3)` without reflection that takes points nearest to others."""
    means = source.mean(0), target.mean(0)
    centred = source - means[0], target - means[1]
    left, stretch, right = np.linalg.svd(centred[1].T @ centred[0] / len(source))
    signs = np.array([1, np.sign(np.linalg.det(left) * np.linalg.det(right))])
    turn = left @ np.diag(signs) @ right
    scale = (stretch * signs).sum() / np.square(centred[0]).sum(1).mean()
    return np.column_stack([scale * turn, means[1] - scale * turn @ means[0]])


def _least_squares(source: Array, target: Array) -> Array:
    """Similarity `(2, 3)`: u = p x + q y + r, v = p y - q x + s, by least squares."""
    x, y = source.T
    zeros, ones = np.zeros(len(x)), np.ones(len(x))
    rows = np.concatenate([np.stack([x, y, ones, zeros], 1), np.stack([y, -x, zeros, ones], 1)])
    p, q, r, s = np.linalg.lstsq(rows, target.T.reshape(-1), rcond=None)[0]
    return np.array([[p, q, r], [-q, p, s]])


def _inverse(matrix: Array) -> Array:
    return np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))[:2]


def warp(pixels: Array, matrix: Array, size: tuple[int, int]) -> Array:
    """Draw a picture through an affine map, bilinear, as OpenCV's `warpAffine` does.

    Places in the picture are multiples of 1/32, weights of 8-bit pictures of 1/32768.

    Args:
        pixels: uint8 or float32 `(H, W, C)`.
        matrix: `(2, 3)`, from places x, y of the picture to those of the result.
        size: Height and width of the result, which is 0 where the picture has nothing.
    """
    back = _inverse(matrix)
    one = 1 << _BITS
    rows, columns = np.arange(size[0])[:, None], np.arange(size[1])
    half = one // _STEPS // 2
    places = [
        (
            np.rint((m[1] * rows + m[2]) * one).astype(np.int64)
            + half
            + np.rint(m[0] * columns * one).astype(np.int64)
        )
        >> (_BITS - 5)
        for m in back
    ]
    (left, top), (right, down) = [at // _STEPS for at in places], [at % _STEPS for at in places]
    padded = np.pad(pixels, ((1, 1), (1, 1), (0, 0)))
    found = np.zeros((*size, pixels.shape[2]), np.float64)
    weights = {
        (y, x): ((down if y else _STEPS - down) * (right if x else _STEPS - right))[..., None]
        for y in (0, 1)
        for x in (0, 1)
    }
    for (y, x), weight in weights.items():
        at = [
            np.clip(of + step + 1, 0, end + 1)
            for of, step, end in zip((top, left), (y, x), pixels.shape[:2], strict=True)
        ]
        found += weight * padded[at[0], at[1]].astype(np.float64)
    found /= _STEPS * _STEPS
    levels = np.floor(found + 0.5) if pixels.dtype == np.uint8 else found
    made: Array = levels.astype(pixels.dtype)
    return made
