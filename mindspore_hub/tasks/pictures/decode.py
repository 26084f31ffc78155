"""Pictures of any kind, as three channels of 8 bits, and which files of a folder are some."""

from __future__ import annotations

import logging
import os
import struct
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from mindspore_hub import _files
from mindspore_hub._text import and_more, count
from mindspore_hub.errors import PictureError

Array = np.ndarray[Any, Any]

Picture = str | os.PathLike[str] | Image.Image | Array
"""A file, a Pillow image, or uint8 `(H, W, 3)` in R, G, B or `(H, W)` grey."""

FORMATS = (
    *("JPEG", "MPO", "PNG", "BMP", "GIF", "TIFF", "WEBP", "JPEG2000", "AVIF", "HEIF", "PPM"),
    *("TGA", "DIB", "ICO", "CUR", "ICNS", "PCX", "DCX", "PSD", "QOI", "SGI", "SUN", "DDS", "BLP"),
    *("FTEX", "FITS", "FLI", "GBR", "IM", "IMT", "MCIDAS", "MSP", "PCD", "PIXAR", "SPIDER"),
    *("XBM", "XPM", "XVTHUMB"),
)
"""Formats that are read, by Pillow's names: those that it decodes by itself, and HEIF, where a plugin
for it was registered. EPS is not one of them, for which Pillow starts Ghostscript; nor is IPTC, which
may hold EPS; nor those for which other libraries have to be called."""

_EIGHT_BITS = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA"})

_INTEGERS = {1: "B", 3: "H", 4: "I", 6: "b", 7: "B", 8: "h", 9: "i"}
"""Whole numbers among the types of EXIF, for `struct`."""

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What turns a picture upright, by the value of its tag."""

logger = logging.getLogger(__name__)

_PICTURE_LIKE = frozenset(
    {
        *(".heic", ".heics", ".heif", ".heifs", ".hif", ".avif", ".avifs", ".webp", ".jxl", ".jp2"),
        *(".jxr", ".wdp", ".hdp", ".jls", ".bpg", ".flif", ".exr", ".hdr", ".dpx", ".pam", ".xcf"),
        *(".svg", ".svgz", ".eps", ".ps", ".ai", ".wmf", ".emf", ".kra"),
        *(".dng", ".raw", ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".sr2", ".srf", ".srw"),
        *(".orf", ".rw2", ".rwl", ".raf", ".pef", ".x3f", ".3fr", ".iiq", ".kdc", ".dcr", ".mrw"),
    }
)
"""Endings that people take for those of pictures; some are read, as far as the installed Pillow can."""

_NAMED = 5


def formats() -> list[str]:
    """Those of `FORMATS` that the installed Pillow and its plugins read."""
    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


@contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[Image.Image]:
    """Open the file of a picture, whatever it is called; nothing else in the package opens one.

    Raises:
        PictureError: It is not a regular file, in none of `FORMATS`, or the block cannot decode it.
    """
    with (
        _reading(os.fspath(path)),
        _files.open_regular(path) as file,
        Image.open(file, formats=formats()) as image,
    ):
        # Pillow's reader of TIFF looks for an orientation there, and fails if it is not text.
        image.info.pop("xmp", None)
        yield image


def as_rgb(picture: Picture, *, library: str) -> Image.Image:
    """A picture as the library of the original decodes it, in mode RGB, or a PictureError.

    `pillow` takes three channels only, `mindspore` and `opencv` make grey three times and leave alpha
    out, `opencv` turns it upright.
    """
    if isinstance(picture, np.ndarray):
        return _require_mode(_from_array(picture), library, f"an array {picture.shape}")
    if isinstance(picture, Image.Image):
        with _reading("a Pillow image"):
            if picture.format is not None and picture.format not in FORMATS:  # not decoded yet
                msg = (
                    f"a Pillow image of the format {picture.format} is not decoded here, since other "
                    "programs may have to be started for that; give `image.copy()`."
                )
                raise PictureError(msg)
            return _decode(picture, library, "a Pillow image")
    if isinstance(picture, str | os.PathLike):
        with opened(picture) as image:
            return _decode(image, library, os.fspath(picture))
    msg = (
        f"A picture is a path, a Pillow image or a uint8 array, but {type(picture).__name__} was "
        "given; np.asarray(..., np.uint8) makes an array of other things."
    )
    raise PictureError(msg)


def as_maps(maps: Any, count: int, *, used: Sequence[bool] | None = None) -> Array:
    """Grey pictures of one kind, `(count, H, W)` uint8; those that are not used are black, and not read.

    Maps are a folder with the files `00.jpg`, `01.jpg` and so on, or the array itself.

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
    with opened(path) as image:
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
    if library == "opencv":
        method = _UPRIGHT.get(_orientation(image))
        image = image if method is None else image.transpose(method)
    return _require_mode(image, library, name)


def _orientation(image: Image.Image) -> int:
    """The orientation that EXIF tags say; 1 where there is none, or none that can be read.

    Pillow has it only where all tags before it are sound, and writes all of them when it turns a picture.
    """
    try:
        exif = _exif(image)
        order = {b"II": "<", b"MM": ">"}[exif[:2]]
        (begin,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, begin)
        for place in range(begin + 2, begin + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(f"{order}HH", exif, place)
            if tag == 0x0112:  # the orientation
                value: int = struct.unpack_from(f"{order}{_INTEGERS[kind]}", exif, place + 8)[0]
                return value
    except (LookupError, ValueError, struct.error):
        return 1
    return 1


def _exif(image: Image.Image) -> bytes:
    """The tags of a picture, as they are stored; ImageMagick writes them to PNG files as text."""
    found = image.info.get("exif")
    text = image.info.get("Raw profile type exif")
    if found is None and isinstance(text, str):
        found = bytes.fromhex("".join(text.split("\n")[3:]))
    return found.removeprefix(b"Exif\0\0") if isinstance(found, bytes) else b""


def _require_mode(image: Image.Image, library: str, name: str) -> Image.Image:
    if not all(image.size):
        msg = f"{name} has the size {image.size[0]} x {image.size[1]}, so no pixel; leave it out."
        raise PictureError(msg)
    if image.mode not in ({"RGB"} if library == "pillow" else _EIGHT_BITS):
        taken = "three channels" if library == "pillow" else "one to four channels of 8 bits"
        msg = (
            f"{name} has the mode {image.mode}, but the network takes pictures of {taken}; "
            f"{_advice(image.mode)}"
        )
        raise PictureError(msg)
    return image if image.mode == "RGB" else image.convert("RGB")


def _advice(mode: str) -> str:
    """What makes another kind of picture of one, without spoiling it."""
    if mode.startswith("I;16"):
        scaled = "Image.fromarray((np.asarray(image) // 257).astype(np.uint8))"
        return f"scale its 16 bits to 8 first, such as with `{scaled}`."
    if mode in {"I", "F"}:
        scaled = "np.interp(np.asarray(image), (low, high), (0, 255)).astype(np.uint8)"
        return (
            "scale its values to 8 bits first by the range that they have, such as with "
            f"`Image.fromarray({scaled})`."
        )
    if mode in {"1", "L", "LA"}:
        return 'if three equal channels are what you want, convert it with `image.convert("RGB")`.'
    return '`image.convert("RGB")` gives its colours in three channels of 8 bits.'


@contextmanager
def _reading(name: str) -> Iterator[None]:
    """Whatever Pillow raises about a file becomes an error that names it."""
    try:
        yield
    except PictureError:
        raise
    except Exception as error:  # readers of damaged data trip over anything
        reason = f"{str(error) or type(error).__name__}; is it whole, and a picture?"
        if isinstance(error, UnidentifiedImageError):
            reason = (
                "it is in none of the formats that are read, such as JPEG, PNG, BMP, GIF, TIFF and "
                "WebP; is it whole, and a picture?"
            )
        elif isinstance(error, OSError) and error.errno:
            reason = f"{error.strerror}."
        msg = f"{name} cannot be read as a picture: {reason}"
        raise PictureError(msg) from error


def pictures_below(folder: Path) -> list[str]:
    """Pictures at every depth, by path below the folder; hidden files and folders are left out.

    Links to folders are followed, each real folder once. What looks like a picture and is left out is
    counted in a warning; a PictureError says that there is none, or that a folder cannot be read.
    """
    readable = {*formats(), "MPO"}  # which is JPEG, to begin with
    endings = {name for name, kind in Image.registered_extensions().items() if kind in readable}
    found: list[str] = []
    unread: Counter[str] = Counter()
    odd: list[str] = []
    for parent, names in _walk(folder):
        below = parent.relative_to(folder)
        for name in names:
            ending = Path(name).suffix.lower()
            if ending in endings:
                there = found if (parent / name).is_file() else odd
                there.append((below / name).as_posix())
            elif ending in _PICTURE_LIKE:
                unread[ending] += 1
    _warn(folder, unread, sorted(odd))
    if not found:
        msg = f"{folder} holds no pictures; files such as .jpg, .png and .bmp are looked for."
        raise PictureError(msg)
    return sorted(found)


def _walk(folder: Path) -> Iterator[tuple[Path, list[str]]]:
    """Folders and the names of their files, each once, however many links lead to it.

    What lies below by itself is met before what links lead to, so that it goes by its own path.
    """
    met: set[tuple[int, int]] = set()
    waiting = deque([folder])
    while waiting:
        for parent, folders, names in os.walk(waiting.popleft(), onerror=_refuse):
            state = Path(parent).stat()
            if (state.st_dev, state.st_ino) in met:
                folders.clear()
                continue
            met.add((state.st_dev, state.st_ino))
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            below = (Path(parent, name) for name in folders)
            waiting += [path for path in below if path.is_symlink()]
            yield Path(parent), [name for name in names if not name.startswith(".")]


def _warn(folder: Path, unread: Counter[str], odd: list[str]) -> None:
    if unread:
        logger.warning(
            "%s: left out %s that cannot be read as a picture: %s; save as PNG or JPEG what you need",
            folder,
            count(unread.total(), "file"),
            ", ".join(f"{ending} ({number})" for ending, number in sorted(unread.items())),
        )
    if odd:
        logger.warning(
            "%s: left out what is not a regular file, such as a link to nothing or a pipe: %s",
            *(folder, and_more(odd, _NAMED)),
        )


def _refuse(error: OSError) -> None:
    msg = f"{error.filename} cannot be searched for pictures: {error.strerror}."
    raise PictureError(msg) from error
