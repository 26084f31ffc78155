"""What the store records of its files: which were hashed already, which card used them, and pins.

A file whose stat has not changed need not be hashed again. The memo of a digest,
`verified/<sha256>.json`, lists the stats of the files, here and in extra caches, that had it. A stat
is noted only once it is older than the clock's granularity: otherwise a file written twice within one
tick of the clock would pass with its second content.

The ref of a card, `refs/<uid>.json`, says which file was loaded for it; its time is that of the last use.

A pin, `pins/<digits>.json`, has the whole digest of a file of which only the first digits are published.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from mindspore_hub._files import is_plain, replace
from mindspore_hub.settings import shown_address

_SETTLED = 2.0
"""Seconds after which a change of the file cannot leave its times as they are; FAT counts in 2 s."""

_KEPT = 16
"""Stats per digest; the oldest are forgotten."""

_UID = re.compile(r"[\w+-][\w.+-]*(/[\w+-][\w.+-]*)*", re.ASCII)
"""Uids that can be the path of a file and lead nowhere else."""

_SHA256 = re.compile("[0-9a-f]{64}")

Stat: TypeAlias = tuple[int, int, int, int, int]
"""Device, inode, size in bytes, and the times of the last change of content and of inode in ns."""


def stat_of(descriptor: int) -> Stat:
    """The stat of an open file, as far as a change of its content would change it."""
    found = os.fstat(descriptor)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


class Memo:
    """Stats of files that were hashed; if `folder` cannot be read or written, files are hashed again."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path(folder)

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


@dataclass(frozen=True)
class Ref:
    """A card, and the file that was loaded for it.

    `link` is where it was published, without what may be secret; `used` is the time of the last use, in
    seconds since 1970.
    """

    uid: str
    sha256: str
    link: str
    used: float


def note_use(folder: str | os.PathLike[str], uid: str, sha256: str, link: str) -> None:
    """Note that the file of a card is used now; where nothing can be written, nothing is noted."""
    if not _UID.fullmatch(uid):
        return
    path = Path(folder, f"{uid}.json")
    text = json.dumps({"sha256": sha256, "link": shown_address(link)})
    with suppress(OSError):
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            os.utime(path)
        else:
            replace(path, text)


def note_pin(
    folder: str | os.PathLike[str], digits: str, sha256: str, links: Iterable[str]
) -> None:
    """Pin the file whose digest begins with `digits`, and that these links lead to, to its digest.

    Raises:
        StoreError: It cannot be written.
    """
    date = time.strftime("%Y-%m-%d", time.gmtime())
    known = list(dict.fromkeys(map(shown_address, links)))
    text = json.dumps({"sha256": sha256, "date": date, "links": known}, indent=1)
    replace(Path(folder, f"{digits}.json"), text)


def read_pin(folder: str | os.PathLike[str], digits: str, link: str) -> str | None:
    """Digest that the file with these first digits is pinned to; None if it is not.

    A pin counts for the links that it was made for: two files may begin with the same digits.
    """
    with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
        pin = json.loads(Path(folder, f"{digits}.json").read_bytes())
        sha256: str = pin["sha256"]
        is_for_it = sha256.startswith(digits) and shown_address(link) in pin["links"]
        return sha256 if is_for_it and _SHA256.fullmatch(sha256) else None
    return None


def read_refs(folder: str | os.PathLike[str]) -> Iterator[Ref]:
    """What was noted; what cannot be read, and what is not a ref, is passed over."""
    folder = Path(folder)
    for path in sorted(folder.rglob("*.json")):
        uid = path.relative_to(folder).with_suffix("").as_posix()
        if not (_UID.fullmatch(uid) and is_plain(path)):
            continue
        with suppress(OSError, ValueError, TypeError, KeyError):
            facts = json.loads(path.read_bytes())
            yield Ref(uid, str(facts["sha256"]), str(facts["link"]), path.stat().st_mtime)


def forget_use(folder: str | os.PathLike[str], sha256: str) -> None:
    """Remove the refs to a file, or raise an OSError."""
    for ref in read_refs(folder):
        if ref.sha256 == sha256:
            Path(folder, f"{ref.uid}.json").unlink(missing_ok=True)
