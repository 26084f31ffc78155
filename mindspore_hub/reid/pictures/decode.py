"""Pictures of any kind, as three channels of 8 bits."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageOps

from mindspore_hub.errors import PictureError
from mindspore_hub.reid.pictures import opencv

Array = np.ndarray[Any, Any]

Picture = str | os.PathLike[str] | Image.Image | Array
"""A file, a Pillow image, or uint8 `(H, W, 3)` in R, G, B or `(H, W)` grey."""

_THREE_CHANNELS = frozenset({"RGB"})
_EIGHT_BITS = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA"})

_ORIENTATION = 0x0112

_BROKEN = (
    *(OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, RuntimeError),
    *(struct.error, zlib.error, Image.DecompressionBombError),
)
"""What Pillow raises about files that are no pictures, or no longer."""


def as_rgb(picture: Picture, *, library: str) -> Image.Image:
    """A picture as the library of the original decodes it, in mode RGB.

    Args:
        picture: The picture.
        library: `pillow` takes three channels only, `mindspore` and `opencv` make grey three times
            and leave alpha out, `opencv` turns it upright.

    Raises:
        PictureError: It cannot be read, or the library does not take pictures of its kind.
    """
    if isinstance(picture, np.ndarray):
        return _require_mode(_from_array(picture), library, f"an array {picture.shape}")
    if isinstance(picture, Image.Image):
        with _reading("a Pillow image"):
            return _decode(picture, library, "a Pillow image")
    if isinstance(picture, str | os.PathLike):
        with _reading(picture), Image.open(picture) as image:
            return _decode(image, library, str(picture))
    msg = (
        f"A picture is a path, a Pillow image or a uint8 array, but {type(picture).__name__} was "
        "given; np.asarray(..., np.uint8) makes an array of other things."
    )
    raise PictureError(msg)


class Pixels(NamedTuple):
    """A picture as an array.

    Attributes:
        values: `(H, W, 3)` uint8.
        order: Which channel is which, `RGB` or `BGR`.
    """

    values: Array
    order: str

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.values.shape[0], self.values.shape[1]


def as_pixels(picture: Picture, *, library: str) -> Pixels:
    """What `as_rgb` makes, as an array, in the order of channels that is there soonest."""
    cv2 = opencv.find()
    if cv2 and isinstance(picture, str | os.PathLike):
        decoded = _decode_jpeg(cv2, Path(picture))
        if decoded is not None:
            return Pixels(decoded, "BGR")
    return Pixels(np.asarray(as_rgb(picture, library=library)), "RGB")


def _decode_jpeg(cv2: Any, path: Path) -> Array | None:
    """The pixels of a common JPEG file; what others are, or what is wrong with them, Pillow knows."""
    with _reading(path):
        data = path.read_bytes()
        with Image.open(BytesIO(data)) as image:
            common = image.format == "JPEG" and image.mode in {"L", "RGB"}
            upright = image.getexif().get(_ORIENTATION, 1) == 1
    return opencv.decode_jpeg(cv2, data) if common and upright else None


def as_maps(maps: Any, count: int, *, used: Sequence[bool] | None = None) -> Array:
    """Grey pictures of one kind, `(count, H, W)` uint8.

    Args:
        maps: A folder with the files `00.jpg`, `01.jpg` and so on, or the array itself.
        count: How many there are.
        used: Which of them are; the others are black and not read.

    Raises:
        PictureError: They cannot be read, are not that many, or of several sizes.
    """
    used = used if used is not None else [True] * count
    if isinstance(maps, np.ndarray):
        if maps.dtype != np.uint8 or maps.ndim != 3 or len(maps) != count or not maps.size:
            msg = f"Maps must be uint8 ({count}, H, W), but are {maps.dtype} {maps.shape}."
            raise PictureError(msg)
        seen: Array = maps * np.asarray(used, np.uint8)[:, None, None]
        return seen
    if not isinstance(maps, str | os.PathLike):
        msg = f"Maps are a folder or a uint8 array, but {type(maps).__name__} was given."
        raise PictureError(msg)
    files = [Path(maps) / f"{number:02d}.jpg" for number in range(count)]
    read = [_grey(file) if use else None for file, use in zip(files, used, strict=True)]
    sizes = {plane.shape for plane in read if plane is not None}
    if len(sizes) > 1:
        msg = f"{maps} holds pictures of the sizes {sorted(sizes)}; one size is expected."
        raise PictureError(msg)
    black = np.zeros(sizes.pop() if sizes else (1, 1), np.uint8)
    return np.stack([black if plane is None else plane for plane in read])


def _grey(path: Path) -> Array:
    with _reading(path), Image.open(path) as image:
        if image.mode != "L":
            msg = f"{path} has the mode {image.mode}; maps are 8-bit grey pictures, mode L."
            raise PictureError(msg)
        return np.asarray(image)


def _from_array(array: Array) -> Image.Image:
    fits = array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3)
    if array.dtype != np.uint8 or not fits or not array.size:
        msg = (
            f"An array must be uint8 (H, W, 3) in R, G, B or (H, W), with values of 0 to 255, but "
            f"is {array.dtype} {array.shape}; several pictures are (N, H, W, 3) or a list."
        )
        raise PictureError(msg)
    return Image.fromarray(array)


def _decode(image: Image.Image, library: str, name: str) -> Image.Image:
    image.load()
    if library == "opencv" and image.getexif().get(_ORIENTATION, 1) != 1:
        image = ImageOps.exif_transpose(image)
    return _require_mode(image, library, name)


def _require_mode(image: Image.Image, library: str, name: str) -> Image.Image:
    if image.mode not in (_THREE_CHANNELS if library == "pillow" else _EIGHT_BITS):
        taken = "three channels" if library == "pillow" else "one to four channels of 8 bits"
        msg = (
            f"{name} has the mode {image.mode}, but the network takes pictures of {taken}; if three "
            'equal channels are what you want, convert it with `image.convert("RGB")`.'
        )
        raise PictureError(msg)
    return image if image.mode == "RGB" else image.convert("RGB")


@contextmanager
def _reading(name: Any) -> Iterator[None]:
    """Whatever Pillow raises about a file becomes an error that names it."""
    try:
        yield
    except PictureError:
        raise
    except _BROKEN as error:
        msg = f"{name} cannot be read as a picture: {error}; is it whole, and a picture?"
        raise PictureError(msg) from error
