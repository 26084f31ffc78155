"""OpenCV's resizing of 8-bit pictures, to the last grey level, with OpenCV or without.

OpenCV computes 8-bit pictures in fixed point: weights are multiples of 1/2048, first along rows, then
along columns, and each kernel rounds the second pass in a way of its own. Networks that were
trained on its pictures want these values. OpenCV is 60 MB, and current wheels need NumPy 2, which
MindSpore 2.10 does not work with; so the same is computed here in NumPy, and OpenCV, where it is
installed, only makes it faster. Its x86 wheels call Intel IPP, which rounds 3 % of bicubic values
differently, unless it is switched off; MindSpore's own operators are built without it.

The first pass is exact in float32, since its sums stay below 2**24, and therefore a product of
matrices: blocks of columns times the few source columns that they see.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]

_ONE = 2048
_BLOCK = 12
_SIZES_KEPT = 256


def resize(plane: Array, size: tuple[int, int], *, kernel: str) -> Array:
    """Resize one channel of a picture as OpenCV does, without IPP.

    Args:
        plane: `(H, W)` uint8.
        size: Height and width to make, in pixels.
        kernel: One of `KERNELS`.

    Returns:
        `size` uint8; `plane` itself if it has that size already.
    """
    if plane.shape == size:
        return plane
    opencv = find_opencv()
    if opencv:
        return _resize_with(opencv, plane, size, kernel)
    taps, second_pass = KERNELS[kernel]
    made = np.empty(size, np.uint8)
    bands = _bands(plane.shape[1], size[1], taps)
    second_pass(_weigh_columns(plane.astype(np.float32), bands), made)
    return made


@cache
def find_opencv() -> Any:
    """The module `cv2`; None where it is not installed."""
    try:
        import cv2
    except ImportError:
        return None
    return cv2


def _resize_with(cv2: Any, plane: Array, size: tuple[int, int], kernel: str) -> Array:
    interpolation = {
        "bilinear": cv2.INTER_LINEAR,
        "bicubic": cv2.INTER_CUBIC,
        "lanczos4": cv2.INTER_LANCZOS4,
    }[kernel]
    had_ipp = cv2.ipp.useIPP()
    cv2.ipp.setUseIPP(False)  # for this thread
    try:
        made: Array = cv2.resize(plane, size[::-1], interpolation=interpolation)
    finally:
        cv2.ipp.setUseIPP(had_ipp)
    return made


class _Band(NamedTuple):
    """Weights of a few neighbouring targets, over the sources that they see."""

    targets: slice
    sources: slice
    weights: Array


def _weigh_columns(plane: Array, bands: tuple[_Band, ...]) -> Array:
    """First pass: `(H, W)` to `(H, W')`, in units of 1/2048 grey level."""
    made = np.empty((len(plane), bands[-1].targets.stop), np.float32)
    for band in bands:
        np.matmul(plane[:, band.sources], band.weights, out=made[:, band.targets])
    return made


def _bilinear_rows(source: Array, target: Array) -> None:
    """Second pass with OpenCV's 16-bit products, each of them truncated."""
    places, weights = _taps(len(source), len(target), _bilinear)
    coarse = source.astype(np.int32)
    coarse >>= 4
    total: Array | int = 2
    for place, weight in zip(places.T, weights.T.astype(np.int32), strict=True):
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
    scaled = weights.T[:, :, None] * np.float32(1 / _ONE**2)
    total = np.take(source, places[:, 3], axis=0, mode="clip")
    total *= scaled[3]
    part = np.empty_like(total)
    for k in (2, 1, 0):
        np.take(source, places[:, k], axis=0, out=part, mode="clip")
        part *= scaled[k]
        total += part
    np.clip(total, 0, 255, out=total)
    np.rint(total, out=target, casting="unsafe")


def _lanczos4_rows(source: Array, target: Array) -> None:
    """Second pass in whole numbers, rounded half up; they exceed float32, not float64."""
    doubles = source.astype(np.float64)
    for band in _bands(len(source), len(target), _lanczos4):
        total = np.matmul(band.weights.T.astype(np.float64) * (1 / _ONE**2), doubles[band.sources])
        total += 0.5
        target[band.targets] = np.clip(total, 0, 255, out=total)  # cut off, like floor


@lru_cache(_SIZES_KEPT)
def _bands(source: int, target: int, taps: Callable[[Array], Array]) -> tuple[_Band, ...]:
    """The weights of `_taps` as small dense matrices."""
    places, weights = _taps(source, target, taps)
    return tuple(
        _band(slice(begin, begin + len(part)), part, weights[begin : begin + len(part)])
        for begin in range(0, target, _BLOCK)
        for part in (places[begin : begin + _BLOCK],)
    )


def _band(targets: slice, places: Array, weights: Array) -> _Band:
    low, high = int(places.min()), int(places.max()) + 1
    cells = (places - low) * len(places) + np.arange(len(places))[:, None]
    # Beyond an edge several taps see the same source, so weights are summed.
    dense = np.bincount(cells.ravel(), weights.ravel(), (high - low) * len(places))
    matrix = dense.reshape(high - low, len(places))
    return _Band(targets, slice(low, high), matrix.astype(np.float32))


@lru_cache(_SIZES_KEPT)
def _taps(source: int, target: int, taps: Callable[[Array], Array]) -> tuple[Array, Array]:
    """Which sources each target sees, and their weights in 1/2048, both `(target, taps)`."""
    centre = ((np.arange(target) + 0.5) * (1 / (target / source)) - 0.5).astype(np.float32)
    left = np.floor(centre)
    weights = np.rint(taps(centre - left) * np.float32(_ONE))
    count = weights.shape[1]
    places = left.astype(np.int64)[:, None] + np.arange(count) - (count // 2 - 1)
    return np.clip(places, 0, source - 1), weights


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


KERNELS: dict[str, tuple[Callable[[Array], Array], Callable[[Array, Array], None]]] = {
    "bilinear": (_bilinear, _bilinear_rows),
    "bicubic": (_bicubic, _bicubic_rows),
    "lanczos4": (_lanczos4, _lanczos4_rows),
}
"""Weights of the taps around a target, and the second pass, by name."""
