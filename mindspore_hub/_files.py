"""Write files so that nobody ever reads half of one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from stat import S_ISREG


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


def is_plain(path: Path) -> bool:
    """Whether a path is that of a regular file itself, and of no link to one."""
    try:
        return S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def _install(temporary: Path, path: Path) -> None:
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    temporary.chmod(mode)
    temporary.replace(path)
