"""OpenCV, where it is installed: the same values as without it, sooner."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@cache
def find() -> Any:
    """The module `cv2`; None where it is not installed."""
    try:
        import cv2
    except ImportError:
        return None
    return cv2


def resize(cv2: Any, pixels: Array, size: tuple[int, int], *, kernel: str) -> Array:
    """What `mindspore_hub.tasks.pictures.resize.resize` makes.

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
