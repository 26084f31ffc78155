"""Write files so that nobody ever reads half of one, and read nothing but files.

Every output that a user names goes through here: links are followed, new files get the mode that the
umask leaves, and what is not a regular file, such as a pipe or `/dev/stdout`, is written to as it is.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from mindspore_hub.errors import HubError, OutputError, StoreError

_SHOWN = 128
"""Bytes of a file's name in those of its temporary files; file systems take 255."""

_NO_WAITING = getattr(os, "O_NONBLOCK", 0)
"""Open a pipe at once, or fail if nobody reads from it; Windows does not have it."""

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}

_OPENING = _NO_WAITING | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a file for reading; an OSError for a pipe, a device or the like, which may never end."""
    # Opening a device may do something, so it is looked at first; a pipe may take its place then.
    _refuse_irregular(Path(path).stat(), path)
    file = os.fdopen(os.open(path, os.O_RDONLY | _OPENING), "rb")
    try:
        _refuse_irregular(os.fstat(file.fileno()), path)
    except OSError:
        file.close()
        raise
    return file


def read_regular(path: str | os.PathLike[str]) -> bytes:
    """All of a file, as `open_regular` opens it."""
    with open_regular(path) as file:
        return file.read()


def _refuse_irregular(found: os.stat_result, path: str | os.PathLike[str]) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "something else")
        number = errno.EISDIR if stat.S_ISDIR(found.st_mode) else errno.EINVAL
        raise OSError(number, f"it is {kind}, not a regular file", os.fspath(path))


def replace(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Write a file as a whole or not at all; one that is there keeps its mode, and a link stays.

    Its folder is made where there is none. What is not a regular file is written to. A text becomes
    UTF-8 with its line ends as they are.

    Raises:
        OutputError: A folder, a socket or a pipe that nobody reads has this name, or the text cannot
            be UTF-8.
        StoreError: It cannot be written; what was there is untouched.
    """
    path = Path(path)
    data = _encoded(content, path) if isinstance(content, str) else content
    with naming(path):
        goal = _goal(path)
        if goal is None:
            with _open_as_it_is(path) as device:
                device.write(data)
            return
        goal.parent.mkdir(parents=True, exist_ok=True)
        temporary = goal.with_name(f"{_prefix(goal)}{os.urandom(4).hex()}")
        with temporary.open("xb") as file:
            try:
                file.write(data)
                file.close()
                _install(temporary, goal)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a path for the block to write to, in a folder of its own; then rename it to `path`.

    For content that is large, or written by others who want a path. If the block raises, what was
    at `path` is untouched; all else is as in `replace`.

    Raises:
        OutputError: A folder, a socket or a pipe that nobody reads has this name.
        StoreError: It cannot be written, or the block wrote no file.
    """
    import shutil
    import tempfile

    path = Path(path)
    with naming(path), ExitStack() as stack:
        goal = _goal(path)
        place = None if goal is None else goal.parent
        # Opened at once, so that nothing is computed for a pipe that nobody reads.
        device = None if goal else stack.enter_context(_open_as_it_is(path))
        if place:
            place.mkdir(parents=True, exist_ok=True)
        folder = stack.enter_context(tempfile.TemporaryDirectory(dir=place, prefix=_prefix(path)))
        mode = mode_of_new_files(Path(folder))
        temporary = Path(folder) / path.name
        yield temporary
        if goal:
            temporary.chmod(mode)
            _install(temporary, goal)
        elif device:
            with temporary.open("rb") as file:
                shutil.copyfileobj(file, device)


def is_plain(path: str | os.PathLike[str]) -> bool:
    """Whether a path is that of a regular file itself, and of no link to one."""
    try:
        return stat.S_ISREG(Path(path).lstat().st_mode)
    except OSError:
        return False


def exists(path: Path) -> bool:
    """Whether there is anything at a path; nothing is at one that the system refuses."""
    try:
        return path.exists()
    except (OSError, ValueError):  # a name too long for the system, or with a NUL
        return False


def is_file(path: Path) -> bool:
    """Whether there is a file at a path; none is at one that the system refuses."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


@contextmanager
def naming(path: str | os.PathLike[str]) -> Iterator[None]:
    """Let errors of the system that occur while an output is written become StoreErrors that name it."""
    try:
        yield
    except HubError:
        raise
    except OSError as error:
        msg = (
            f"{path} cannot be written: {reason(error)}. Make room there, or choose another place."
        )
        failure = StoreError(msg)
        failure.errno = error.errno  # for callers who know a remedy
        raise failure from error


def reason(error: OSError) -> str:
    """What the system says, without the file that it says it of."""
    if error.strerror or error.errno is None:
        return error.strerror or str(error)
    return os.strerror(error.errno)


def is_replaceable(path: Path) -> bool:
    """Whether a path leads to a file that writing would replace, and not to a pipe or the like."""
    return is_file(path) and _descriptor(path) is None


def require_file(path: str | os.PathLike[str]) -> None:
    """Raise an OutputError if an output is there and no regular file, parts of which cannot be kept."""
    with naming(path):
        if _goal(Path(path)) is None:
            msg = f"{path} is not a regular file, so no part of it could be kept; name a file."
            raise OutputError(msg)


def _encoded(text: str, path: Path) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:  # of file names in another encoding
        name = text[: error.end].rsplit(maxsplit=1)[-1]
        msg = f"{path} was not written: {name} is not UTF-8; rename the file that is called so."
        raise OutputError(msg) from error


def _prefix(path: Path) -> str:
    return f".{os.fsencode(path.name)[:_SHOWN].decode(errors='ignore')}"


def _goal(path: Path) -> Path | None:
    """The file that a path leads to; None if it leads to what is there and is not a regular file.

    An OutputError says that it is a folder.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:  # a new file, or a link to one
        mode = stat.S_IFREG
    if stat.S_ISDIR(mode):
        msg = f"{path} is a folder; give the name of a file."
        raise OutputError(msg)
    if not stat.S_ISREG(mode) or _descriptor(path) is not None:
        return None
    return path.resolve() if path.is_symlink() else path


def _descriptor(path: Path) -> int | None:
    """Number of the open file of this process that a path means: 1 of `/dev/stdout`."""
    descriptors = {os.path.realpath(folder) for folder in ("/dev/fd", "/proc/thread-self/fd")}
    for _ in range(40):  # as many links as Linux follows
        if path.name.isdigit() and os.path.realpath(path.parent) in descriptors:
            return int(path.name)
        if not path.is_symlink():
            break
        path = path.parent / path.readlink()
    return None


def _open_as_it_is(path: Path) -> IO[bytes]:
    """Open a pipe that somebody reads, a device or an open file of this process for writing."""
    number = _descriptor(path)
    if number is not None:
        # Opened anew by its name, a file would be written from its beginning.
        return os.fdopen(os.dup(number), "wb")
    try:
        descriptor = os.open(path, os.O_WRONLY | _NO_WAITING)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        msg = f"{path} is a pipe that nobody reads, or a socket; start its reader, or name a file."
        raise OutputError(msg) from error
    if _NO_WAITING:
        os.set_blocking(descriptor, True)
    return os.fdopen(descriptor, "wb")


def mode_of_new_files(folder: str | os.PathLike[str]) -> int:
    """What the umask leaves of 0666; it cannot be asked for without being set for all threads."""
    probe = Path(folder) / f".{os.urandom(4).hex()}"
    probe.touch()
    mode = probe.stat().st_mode & 0o777
    probe.unlink()
    return mode


def _install(temporary: Path, goal: Path) -> None:
    if goal.exists():
        temporary.chmod(goal.stat().st_mode & 0o777)
    temporary.replace(goal)
