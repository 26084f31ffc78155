"""OpenCV's resizing of 8-bit pictures, to the last grey level, with OpenCV or without.

OpenCV computes 8-bit pictures in fixed point: weights are multiples of 1/2048, first along rows, then
along columns, and each kernel rounds the second pass in a way of its own. Networks that were
trained on its pictures want these values. OpenCV is 60 MB, and current wheels need NumPy 2, which
MindSpore 2.10 does not work with; so the same is computed here in NumPy, and OpenCV, where it is
installed, only makes it faster.

The first pass is exact in float32, since its sums stay below 2**24, and therefore a product of
matrices: blocks of columns times the few source columns that they see.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache, partial
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

_ONE = 2048
_BLOCK = 12
_BLOCK_OF_LINES = 6
_SIZES_KEPT = 128
_STEP = 16

_DOUBT = 1e-3
"""Grey levels; weights of either pass sum up to less than 2, so float32 errs by half of it."""


def look_up(pixels: Array, channel: int, *, table: Array, made: Array) -> None:
    """Put into `made`, `(H, W)`, what a table of 256 float32 has for a channel of `(H, W, C)`."""
    cv2 = find_opencv()
    if cv2:
        cv2.LUT(cv2.extractChannel(pixels, channel), table, dst=made)
    else:
        np.take(table, pixels[:, :, channel], out=made, mode="clip")


def resize(pixels: Array, size: tuple[int, int], *, kernel: str) -> Array:
    """Resize uint8 `(H, W, C)` or `(H, W)` to a height and width, as OpenCV does without IPP.

    What has that size already is returned as it is. The kernel is one of `KERNELS`.
    """
    if pixels.shape[:2] == size:
        return pixels
    cv2 = find_opencv()
    # OpenCV computes the last columns of other bicubic pictures in another precision.
    if cv2 and (kernel != "bicubic" or size[1] % _STEP == 0):
        return _resize_by(cv2, pixels, size, kernel=kernel)
    channels = pixels.reshape(*pixels.shape[:2], -1)
    return KERNELS[kernel](channels, size).reshape(*size, *pixels.shape[2:])


def resize_floats(values: Array, size: tuple[int, int]) -> Array:
    """Resize float32 `(H, W, C)` to a height and width, as OpenCV's bilinear interpolation does."""
    cv2 = find_opencv()
    if cv2:
        made: Array = cv2.resize(values, size[::-1], interpolation=cv2.INTER_LINEAR)
        return made
    for axis, target in ((1, size[1]), (0, size[0])):
        left, share = _centres(values.shape[axis], target)
        last = values.shape[axis] - 1
        one, other = (np.take(values, np.clip(left + n, 0, last), axis) for n in (0, 1))
        weight = share[:, None, None] if axis == 0 else share[:, None]
        values = one * (1 - weight) + other * weight
    return values


def _resize_planes(
    pixels: Array,
    size: tuple[int, int],
    taps: Callable[[Array], Array],
    second_pass: Callable[[Array, Array], None],
) -> Array:
    """One channel after another, along rows first."""
    made = np.empty((pixels.shape[2], *size), np.uint8)
    for plane, target in zip(np.moveaxis(pixels, 2, 0), made, strict=True):
        floats = plane.astype(np.float32, order="C")
        weighed = np.empty((len(floats), size[1]), np.float32)
        for targets, sources, weights in _bands(floats.shape[1], size[1], taps, block=_BLOCK):
            np.matmul(floats[:, sources], weights, out=weighed[:, targets])
        second_pass(weighed, target)
    return np.moveaxis(made, 0, 2)


def _bilinear_rows(source: Array, target: Array) -> None:
    """Second pass with OpenCV's 16-bit products, each of them truncated."""
    places, weights = _taps(len(source), len(target), _bilinear)
    coarse = (source * np.float32(_ONE / 16)).astype(np.int32)
    total: Array | int = 2
    for place, weight in zip(places.T, (weights * _ONE).T.astype(np.int32), strict=True):
        if weight.any():
            part = np.take(coarse, place, axis=0, mode="clip")
            part *= weight[:, None]
            part >>= 16
            part += total
            total = part
    target[...] = total >> 2


def _bicubic_rows(source: Array, target: Array) -> None:
    """Second pass in float32, last tap first: the order decides how ties are rounded."""
    places, weights = _taps(len(source), len(target), _bicubic)
    columns = weights.T[:, :, None]
    total = np.take(source, places[:, 3], axis=0, mode="clip")
    total *= columns[3]
    part = np.empty_like(total)
    for k in (2, 1, 0):
        np.take(source, places[:, k], axis=0, out=part, mode="clip")
        part *= columns[k]
        total += part
    np.clip(total, 0, 255, out=total)
    np.rint(total, out=target, casting="unsafe")


def _resize_lanczos4(pixels: Array, size: tuple[int, int]) -> Array:
    """Both passes in whole numbers, rounded half up: columns first, which keeps channels together.

    Sums of the second pass exceed float32, so that what lies close to a half is computed again.
    """
    height, width, channels = pixels.shape
    lines = pixels.reshape(height, -1)
    weighed = np.empty((size[0], lines.shape[1]), np.float32)
    for targets, sources, weights in _bands(height, size[0], _lanczos4, block=_BLOCK_OF_LINES):
        np.matmul(weights.T, lines[sources].astype(np.float32), out=weighed[targets])
    total = np.empty((size[0], size[1] * channels), np.float32)
    bands = _bands(width, size[1], _lanczos4, block=_BLOCK_OF_LINES, channels=channels)
    for targets, sources, weights in bands:
        np.matmul(weighed[:, sources], weights, out=total[:, targets])
    made = _cut_off(total + (0.5 - _DOUBT))
    unsure = np.flatnonzero(made != _cut_off(total + (0.5 + _DOUBT)))
    row, column, channel = np.unravel_index(unsure, (*size, channels))
    places, weights = _taps(width, size[1], _lanczos4)
    seen = weighed[row[:, None], places[column] * channels + channel[:, None]]
    made.flat[unsure] = _cut_off((seen * weights[column].astype(np.float64)).sum(axis=1) + 0.5)
    return made.reshape(*size, channels)


def _cut_off(levels: Array) -> Array:
    """The whole numbers below, within grey levels; the array is written to."""
    return np.clip(levels, 0, 255, out=levels).astype(np.uint8)


@lru_cache(_SIZES_KEPT)
def _bands(
    source: int, target: int, taps: Callable[[Array], Array], *, block: int, channels: int = 1
) -> list[tuple[slice, slice, Array]]:
    """The weights of `_taps` as small dense matrices, over columns of several channels each.

    Each is after a few neighbouring targets, and the sources that these see.
    """
    places_of, weights_of = _taps(source, target, taps)
    bands = []
    for begin in range(0, target, block):
        places, weights = places_of[begin : begin + block], weights_of[begin : begin + block]
        low, high = int(places.min()), int(places.max()) + 1
        cells = (places - low) * len(places) + np.arange(len(places))[:, None]
        # Beyond an edge several taps see the same source, so weights are summed.
        dense = np.bincount(cells.ravel(), weights.ravel(), (high - low) * len(places))
        matrix = dense.reshape(high - low, len(places)).astype(np.float32)
        targets = slice(begin * channels, (begin + len(places)) * channels)
        sources = slice(low * channels, high * channels)
        bands.append((targets, sources, np.kron(matrix, np.eye(channels, dtype=np.float32))))
    return bands


@lru_cache(_SIZES_KEPT)
def _taps(source: int, target: int, taps: Callable[[Array], Array]) -> tuple[Array, Array]:
    """Which sources each target sees, and their weights, both `(target, taps)`."""
    left, share = _centres(source, target)
    weights = np.rint(taps(share) * np.float32(_ONE)) / np.float32(_ONE)
    count = weights.shape[1]
    places = left[:, None] + np.arange(count) - (count // 2 - 1)
    return np.clip(places, 0, source - 1), weights


def _centres(source: int, target: int) -> tuple[Array, Array]:
    """The source to the left of each target's centre, and how far on towards the next it is."""
    centre = ((np.arange(target) + 0.5) * (1 / (target / source)) - 0.5).astype(np.float32)
    left = np.floor(centre)
    return left.astype(np.int64), centre - left


def _bilinear(x: Array) -> Array:
    return np.stack([1 - x, x], axis=1)


def _bicubic(x: Array) -> Array:
    """Keys's cubic convolution (1981) with a = -0.75, term by term in float32."""
    a = np.float32(-0.75)
    outer = ((a * (x + 1) - 5 * a) * (x + 1) + 8 * a) * (x + 1) - 4 * a
    inner = ((a + 2) * x - (a + 3)) * x * x + 1
    y = 1 - x
    next_ = ((a + 2) * y - (a + 3)) * y * y + 1
    return np.stack([outer, inner, next_, 1 - outer - inner - next_], axis=1)


def _lanczos4(x: Array) -> Array:
    """Lanczos's window over eight taps, normalised; factors that all taps share are left out."""
    distance = (x[:, None] + np.float32(3)) - np.arange(8, dtype=np.float32)
    angle = np.where(np.abs(distance) < 1e-6, 1, distance).astype(np.float64) * (np.pi / 4)
    values = np.sin(angle) * (-1.0) ** np.arange(8) / angle**2
    # A target on a source sees nothing else: its weight is endless before it is normalised.
    values = np.where(np.abs(distance) < 1e-6, 1e30, values).astype(np.float32)
    total: Array = np.add.accumulate(values, axis=1)[:, -1:]  # in order, as rounding depends on it
    weights: Array = values * (np.float32(1) / total)
    return weights


KERNELS: dict[str, Callable[[Array, tuple[int, int]], Array]] = {
    "bilinear": partial(_resize_planes, taps=_bilinear, second_pass=_bilinear_rows),
    "bicubic": partial(_resize_planes, taps=_bicubic, second_pass=_bicubic_rows),
    "lanczos4": _resize_lanczos4,
}
"""What resizes `(H, W, C)`, by name."""


@cache
def find_opencv() -> Any:
    """The module `cv2`; None where it is not installed."""
    try:
        import cv2
    except ImportError:
        return None
    return cv2


def _resize_by(cv2: Any, pixels: Array, size: tuple[int, int], *, kernel: str) -> Array:
    """What `resize` makes, by OpenCV.

    The x86 wheels call Intel IPP, which rounds 3 % of bicubic values differently, unless it is
    switched off; MindSpore's own operators are built without it.
    """
    interpolation = {
        "bilinear": cv2.INTER_LINEAR,
        "bicubic": cv2.INTER_CUBIC,
        "lanczos4": cv2.INTER_LANCZOS4,
    }[kernel]
    had_ipp = cv2.ipp.useIPP()
    cv2.ipp.setUseIPP(False)  # for this thread
    try:
        made: Array = cv2.resize(pixels, size[::-1], interpolation=interpolation)
    finally:
        cv2.ipp.setUseIPP(had_ipp)
    return made
