"""Which files were hashed already: a file whose stat has not changed need not be hashed again.

The memo of a digest lists the stats of the files, here and in extra caches, that had it. A stat is
noted only once it is older than the clock's granularity: a file written twice within one tick of the
clock would else pass with its second content.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from mindspore_hub._files import replace

_SETTLED = 2.0
"""Seconds after which a change of the file cannot leave its times as they are; FAT counts in 2 s."""

_KEPT = 16
"""Stats per digest; the oldest are forgotten."""

Stat: TypeAlias = tuple[int, int, int, int, int]
"""Device, inode, size in bytes, and the times of the last change of content and of inode in ns."""


def stat_of(descriptor: int) -> Stat:
    """The stat of an open file, as far as a change of its content would change it."""
    found = os.fstat(descriptor)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


class Memo:
    """Stats of files that were hashed.

    Args:
        folder: Where the memo is kept; a folder that cannot be read or written means that files
            are hashed again.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def knows(self, sha256: str, stat: Stat) -> bool:
        """Whether a file with this stat had this digest when it was hashed."""
        return stat in self._read(sha256)

    def note(self, sha256: str, stat: Stat) -> None:
        """Note that a file with this stat has this digest."""
        if max(stat[3:]) / 1e9 > time.time() - _SETTLED:
            return
        stats = [known for known in self._read(sha256) if known[:2] != stat[:2]]
        with suppress(OSError):
            replace(self._folder / f"{sha256}.json", json.dumps([*stats, stat][-_KEPT:]))

    def forget(self, sha256: str) -> None:
        """Drop what is known of this digest."""
        with suppress(OSError):
            (self._folder / f"{sha256}.json").unlink()

    def _read(self, sha256: str) -> list[Stat]:
        try:
            stats = json.loads((self._folder / f"{sha256}.json").read_bytes())
            return [tuple(stat) for stat in stats]
        except (OSError, ValueError, TypeError):
            return []
