"""Write files so that nobody ever reads half of one, and read nothing but files."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}

_OPENING = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a file for reading, unless it is a pipe, a device or the like, which may never end.

    Raises:
        OSError: It cannot be opened, or is not a regular file.
    """
    # Opening a device may do something, so it is looked at first; a pipe may take its place then.
    _require_regular(Path(path).stat(), path)
    file = os.fdopen(os.open(path, os.O_RDONLY | _OPENING), "rb")
    try:
        _require_regular(os.fstat(file.fileno()), path)
    except OSError:
        file.close()
        raise
    return file


def _require_regular(found: os.stat_result, path: str | os.PathLike[str]) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "something else")
        number = errno.EISDIR if stat.S_ISDIR(found.st_mode) else errno.EINVAL
        raise OSError(number, f"it is {kind}, not a regular file", os.fspath(path))


def replace(path: Path, content: str | bytes) -> None:
    """Write a file as a whole or not at all; one that is there keeps its mode.

    Args:
        path: The file; its folder is made where there is none.
        content: Its bytes, or a text that becomes UTF-8 with its line ends as they are.

    Raises:
        OSError: It cannot be written; what was there is untouched.
    """
    import tempfile

    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content.encode("utf-8") if isinstance(content, str) else content)
        _install(Path(temporary), path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path for the block to write to, in a folder of its own; then rename it to `path`.

    For content that is large, or written by others who want a path. If the block raises, what was
    at `path` is untouched.

    Args:
        path: The file; its folder is made where there is none.

    Raises:
        OSError: It cannot be written, or the block wrote no file.
    """
    import tempfile

    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}") as folder:
        temporary = Path(folder) / path.name
        yield temporary
        _install(temporary, path)


def _install(temporary: Path, path: Path) -> None:
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    temporary.chmod(mode)
    temporary.replace(path)
