"""Unfinished downloads: `<sha256>.<unique>.part`, with a `.json` beside it that says of what.

Whoever downloads writes to a file that is nobody else's. It is taken up by renaming it, which only
one of several can do, and only by who holds the lock of its digest: without locks nobody can know
whether its owner is still alive.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from mindspore_hub._files import replace


@dataclass(frozen=True)
class Version:
    """Which version of which file the bytes of a partial are from.

    Attributes:
        url: Where they came from, without what is secret in it.
        validator: Strong ETag, or date of the last change; empty where the server gave none.
        total: Size of the whole file in bytes, if it was announced.
    """

    url: str = ""
    validator: str = ""
    total: int | None = None


class Partial:
    """A file that a download is writing, and that a later one can take up.

    Args:
        folder: Where unfinished downloads lie; it exists.
        sha256: Digest of the finished file.
        resumable: Take up what others left, and leave to others what is unfinished; only for who
            holds the lock of the digest.

    Raises:
        OSError: The file cannot be made.
    """

    def __init__(self, folder: Path, sha256: str, *, resumable: bool) -> None:
        suffix = ".part" if resumable else ".tmp"
        self.path = folder / f"{sha256}.{os.urandom(8).hex()}{suffix}"
        self._resumable = resumable
        if resumable:
            self._take_up(folder.glob(f"{sha256}.*{suffix}"))
        self.path.touch()

    @staticmethod
    def is_kept(folder: Path, sha256: str) -> bool:
        """Whether something was left there that a download of this file can take up."""
        return any(folder.glob(f"{sha256}.*.part"))

    @property
    def size(self) -> int:
        """Bytes that are there already."""
        with suppress(OSError):
            return self.path.stat().st_size
        return 0

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
        try:
            return Version(**json.loads(self._facts.read_bytes()))
        except (OSError, ValueError, TypeError):
            return Version()

    def open(self, start: int, version: Version) -> IO[bytes]:
        """Open the file for writing behind its first `start` bytes, and drop those after them.

        Raises:
            OSError: It cannot be opened.
        """
        if version != self.version:
            replace(self._facts, json.dumps(asdict(version)))
        # Unbuffered: what was written outlives the process, and nothing else is counted as done.
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        file = os.fdopen(os.open(self.path, flags, 0o644), "r+b", buffering=0)
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
        by_size = sorted(filter(_is_usable, found), key=_size, reverse=True)
        for longest in by_size[:1]:
            with suppress(OSError):
                longest.with_suffix(".json").rename(self._facts)
            with suppress(OSError):
                longest.rename(self.path)
        for shorter in by_size[1:]:
            _remove(shorter)


def _is_usable(path: Path) -> bool:
    """Whether a file is plain and ours to write."""
    if path.is_symlink() or not path.is_file():
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
