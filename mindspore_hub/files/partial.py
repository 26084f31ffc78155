"""Unfinished downloads: `<sha256>.<unique>.part`, with a `.json` beside it that says of what.

Whoever downloads writes to a file that is nobody else's. It is taken up by renaming it, which only
one of several can do, and only by who holds the lock of its digest: without locks nobody can know
whether its owner is still alive. A lock may reach no further than the running kernel, whose name is
in that of the file; what another one's process writes is left to it until it is silent. Should a file
be taken from a live owner all the same, the owner notices, and writes nothing more to it.

The lock saves work, and nothing rests on it. Some file systems have no locks, some keep them for one
machine, and some grant them to everybody who asks. One that does not keep off even its own process
counts as none.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import logging
import os
import platform
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING

from mindspore_hub._files import is_plain, replace

if TYPE_CHECKING:
    from typing_extensions import Buffer

logger = logging.getLogger(__name__)

PATIENCE = 3.0
"""Seconds of waiting for a lock before a warning says so."""

REMINDER = 60.0
"""Seconds between two warnings."""

SILENCE = 30.0
"""Seconds without a change after which another machine's process counts as dead; it notices if not."""

_OWNER = re.compile(r"[0-9a-f]{64}\.(?P<kernel>[0-9a-f]{8})_[0-9a-f]{16}")
"""Name of a file whose owner's kernel is known, without its extension."""


@dataclass(frozen=True)
class Version:
    """Which version of which file the bytes of a partial are from, without what is secret in its URL.

    `validator` is a strong ETag, or the date of the last change, if the server gave one; `total` is the
    size of the whole file in bytes, if it was announced.
    """

    url: str = ""
    validator: str = ""
    total: int | None = None


class Partial:
    """A file that a download is writing, and that a later one can take up.

    Only who holds the lock of the digest may make it `resumable`: then it takes up what others left in
    `folder`, which exists, and leaves to others what is unfinished.
    """

    def __init__(self, folder: str | os.PathLike[str], sha256: str, *, resumable: bool) -> None:
        suffix = ".part" if resumable else ".tmp"
        self.path = Path(folder) / f"{sha256}.{_kernel()}_{os.urandom(8).hex()}{suffix}"
        self._resumable = resumable
        if resumable:
            self._take_up(Path(folder).glob(f"{sha256}.*{suffix}"))
        self.path.touch()

    @staticmethod
    def is_kept(folder: str | os.PathLike[str], sha256: str) -> bool:
        """Whether something was left there that a download of this file can take up."""
        return any(Path(folder).glob(f"{sha256}.*.part"))

    @property
    def size(self) -> int:
        """Bytes that are there already."""
        return _size(self.path)

    @property
    def is_whole(self) -> bool:
        """Whether all bytes that were announced are there."""
        return self.size > 0 and self.size == self.version.total

    @property
    def _facts(self) -> Path:
        return self.path.with_suffix(".json")

    @property
    def version(self) -> Version:
        """What the bytes that are there belong to."""
        return version_in(self._facts)

    def open(self, start: int, version: Version) -> IO[bytes]:
        """Open the file for writing behind its first `start` bytes, and drop those after them.

        Writing raises `FileNotFoundError` once somebody else has taken it up or removed it.
        """
        if version != self.version:
            replace(self._facts, json.dumps(asdict(version)))
        file = _Owned(self.path)
        file.truncate(start)
        file.seek(start)
        return file

    def discard(self) -> None:
        """Remove the file, and what is known of it."""
        _remove(self.path)

    def leave(self) -> None:
        """End the work: keep what can be taken up, remove the rest."""
        if not self._resumable or not self.size:
            self.discard()

    def _take_up(self, found: Iterable[Path]) -> None:
        """Give the longest file that others left our name, and remove the shorter ones."""
        usable = [path for path in found if is_abandoned(path, time.time()) and _is_usable(path)]
        by_size = sorted(usable, key=_size, reverse=True)
        for longest in by_size[:1]:
            with suppress(OSError):
                longest.with_suffix(".json").rename(self._facts)
            with suppress(OSError):
                longest.rename(self.path)
        for shorter in by_size[1:]:
            _remove(shorter)


class _Owned(io.FileIO):
    """A file that is written only while its path leads to it: who has taken it up may have hashed it.

    It is unbuffered: what was written outlives the process, and nothing else is counted as done.
    """

    def __init__(self, path: Path) -> None:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        super().__init__(path, "r+", opener=lambda name, _: os.open(name, flags, 0o644))
        self._path = path

    def write(self, data: Buffer) -> int:
        if not os.path.samestat(os.fstat(self.fileno()), self._path.stat()):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self._path))
        return super().write(data)


def version_in(facts: Path) -> Version:
    """What is known of the bytes of a partial, from the file that describes it."""
    try:
        return Version(**json.loads(facts.read_bytes()))
    except (OSError, ValueError, TypeError):
        return Version()


def is_abandoned(path: str | os.PathLike[str], now: float) -> bool:
    """Whether nobody can be writing a partial any more, for who holds the lock of its digest.

    `path` is the partial or what describes it; `now` is in seconds since 1970.
    """
    owner = _OWNER.match(Path(path).name)
    if not owner or owner["kernel"] == _kernel():
        return True
    with suppress(OSError):
        return now - Path(path).stat().st_mtime >= SILENCE
    return False


@cache
def _kernel() -> str:
    """Name of the running kernel: the processes that share it share its locks, too."""
    try:
        name = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
    except OSError:  # not Linux
        name = platform.node()
    return hashlib.sha256(name.encode()).hexdigest()[:8]


def _is_usable(path: Path) -> bool:
    """Whether a file is plain, ours to write, and has a name that is given here."""
    if not (is_plain(path) and re.fullmatch(r"[0-9a-f]{64}\.\w+", path.stem, re.ASCII)):
        return False
    with suppress(OSError):  # who was killed just before the last rename left it read-only
        path.chmod(0o644)
    return os.access(path, os.W_OK)


def _remove(path: Path) -> None:
    for file in (path, path.with_suffix(".json")):
        with suppress(OSError):
            file.unlink()


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0


@contextmanager
def locked(path: str | os.PathLike[str], *, wait: bool, name: str) -> Iterator[bool]:
    """Hold off others who want the same lock, where that is possible; gives whether they are held off.

    The system drops the lock of a process that is killed, and what goes wrong with a lock is not an
    error: the block runs without it. Who waits, however long, is warned now and then that `name` is
    waited for.

    Raises:
        TimeoutError: Another process holds it, and `wait` is false.
    """
    path = Path(path)
    with ExitStack() as stack:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = _open_lock(stack, path)
            is_free = _wait(descriptor, path, name) if wait else _try(descriptor)
            keeps_off = is_free and not _try(_open_lock(stack, path))
        except OSError as error:
            logger.debug("No lock %s (%s); going on without", path, error)
            is_free, keeps_off = True, False
        if not is_free:
            raise TimeoutError(path)
        yield keeps_off


def _open_lock(stack: ExitStack, path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    stack.callback(_release, descriptor)
    return descriptor


def _try(descriptor: int) -> bool:
    from filelock import lock_descriptor

    return lock_descriptor(descriptor, blocking=False)


def _wait(descriptor: int, path: Path, name: str) -> bool:
    begin = time.monotonic()
    due = begin + PATIENCE
    while not _try(descriptor):
        now = time.monotonic()
        if now >= due:
            logger.warning(
                "Still waiting for %s after %.0f s: another process, here or on another machine, holds "
                "the lock %s. If it hangs, end it; or press Ctrl-C and point MSHUB_HOME to another "
                "folder.",
                name,
                now - begin,
                path,
            )
            due = now + REMINDER
        time.sleep(0.05)
    return True


def _release(descriptor: int) -> None:
    """Give up the lock; where the system cannot, closing the file does."""
    from filelock import unlock_descriptor

    for step in (unlock_descriptor, os.close):
        with suppress(OSError):
            step(descriptor)
