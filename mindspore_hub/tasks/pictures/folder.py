"""Which files of a folder are pictures."""

from __future__ import annotations

import logging
import os
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from mindspore_hub._text import count
from mindspore_hub.errors import PictureError
from mindspore_hub.tasks.pictures.decode import formats

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


def pictures_below(folder: Path) -> list[str]:
    """Pictures at every depth, by path below the folder; hidden files and folders are left out.

    Links to folders are followed, each real folder once. What looks like a picture and is left out is
    counted in a warning.

    Args:
        folder: The folder.

    Raises:
        PictureError: There is no picture, or a folder cannot be read.
    """
    endings = _endings()
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
    _warn_of_unread(folder, unread)
    _warn_of_odd(folder, sorted(odd))
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


def _warn_of_unread(folder: Path, unread: Counter[str]) -> None:
    if unread:
        logger.warning(
            "%s: left out %s that cannot be read as a picture: %s; save as PNG or JPEG what you need",
            folder,
            count(unread.total(), "file"),
            ", ".join(f"{ending} ({number})" for ending, number in sorted(unread.items())),
        )


def _warn_of_odd(folder: Path, odd: list[str]) -> None:
    if odd:
        more = f" and {len(odd) - _NAMED} more" if len(odd) > _NAMED else ""
        logger.warning(
            "%s: left out what is not a regular file, such as a link to nothing or a pipe: %s%s",
            *(folder, ", ".join(odd[:_NAMED]), more),
        )


def _endings() -> set[str]:
    """Endings of the names of pictures that the installed Pillow decodes."""
    readable = {*formats(), "MPO"}  # which is JPEG, to begin with
    return {name for name, kind in Image.registered_extensions().items() if kind in readable}


def _refuse(error: OSError) -> None:
    msg = f"{error.filename} cannot be searched for pictures: {error.strerror}."
    raise PictureError(msg) from error
