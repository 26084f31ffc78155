"""Pictures of clients, which are not trusted, and thumbnails of those below the gallery's root."""

from __future__ import annotations

import functools
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from mindspore_hub.errors import PictureError
from mindspore_hub.tasks.pictures.decode import as_rgb, opened

FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "BMP", "GIF", "TIFF", "AVIF")
"""Formats that are taken from clients: those that cameras, phones and browsers write."""

SIDE = 320
"""Pixels of the longer side of a thumbnail, at most."""

_THUMBNAILS = 1024


def read(data: bytes, *, pixels: int) -> Image.Image:
    """Open the picture that a client sent, and look at its size; it is not decoded yet.

    Raises:
        PictureError: It is in no format that is taken, or has more pixels.
    """
    with _reading(pixels):
        image = Image.open(io.BytesIO(data), formats=[f for f in FORMATS if f in _known()])
        image.info.pop("xmp", None)  # in which Pillow's reader of TIFF looks for an orientation
    _require_size(image, pixels)
    return image


def thumbnail(root: Path, name: str, *, pixels: int) -> bytes:
    """The picture `name` below a folder as a small JPEG, upright.

    Raises:
        PictureError: It is not below the folder, not there, or cannot be read.
    """
    folder, file = root.resolve(), (root / name).resolve()
    if not file.is_relative_to(folder) or not file.is_file():
        msg = f"There is no picture {name!r} below the root of the gallery."
        raise PictureError(msg)
    stat = file.stat()
    return _thumbnail(str(file), stat.st_mtime_ns, stat.st_size, pixels)


@functools.lru_cache(_THUMBNAILS)
def _thumbnail(file: str, changed: int, size: int, pixels: int) -> bytes:
    """A thumbnail; when the file was changed, and its size, make it another one."""
    with opened(file) as image:
        _require_size(image, pixels)
        image.draft("RGB", (SIDE, SIDE))
        picture = as_rgb(image, library="opencv")
    picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=85)
    return stream.getvalue()


@functools.cache
def _known() -> frozenset[str]:
    Image.init()
    return frozenset(Image.OPEN)


def _require_size(image: Image.Image, pixels: int) -> None:
    if image.width * image.height > pixels:
        msg = (
            f"It has {image.width} x {image.height} pixels, but at most {pixels:,} are taken; make it "
            "smaller."
        )
        raise PictureError(msg)


@contextmanager
def _reading(pixels: int) -> Iterator[None]:
    try:
        yield
    except Image.DecompressionBombError as error:
        msg = f"It has many more pixels than the {pixels:,} that are taken; make it smaller."
        raise PictureError(msg) from error
    except Exception as error:  # readers of damaged data trip over anything
        msg = (
            "It cannot be read as a picture: it is in none of the formats that are taken, "
            f"{', '.join(FORMATS)}; is it whole, and a picture?"
        )
        raise PictureError(msg) from error
