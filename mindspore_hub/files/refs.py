"""Which card wanted which file, and when it was last used: `refs/<uid>.json`."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mindspore_hub._files import is_plain, replace
from mindspore_hub.settings import shown_address

_UID = re.compile(r"[\w+-][\w.+-]*(/[\w+-][\w.+-]*)*", re.ASCII)
"""Uids that can be the path of a file and lead nowhere else."""


@dataclass(frozen=True)
class Ref:
    """A card, and the file that was loaded for it.

    Attributes:
        uid: The card.
        sha256: Digest of the file.
        link: Where the card says that it was published, without what may be secret.
        used: When it was last used, in seconds since 1970.
    """

    uid: str
    sha256: str
    link: str
    used: float


def note_use(folder: Path, uid: str, sha256: str, link: str) -> None:
    """Note that the file of a card is used now; where nothing can be written, nothing is noted."""
    if not _UID.fullmatch(uid):
        return
    path = folder / f"{uid}.json"
    text = json.dumps({"sha256": sha256, "link": shown_address(link)})
    with suppress(OSError):
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            os.utime(path)
        else:
            replace(path, text)


def read_refs(folder: Path) -> Iterator[Ref]:
    """What was noted; a ref that cannot be read, and what is no ref, is passed over."""
    for path in sorted(folder.rglob("*.json")):
        uid = path.relative_to(folder).with_suffix("").as_posix()
        if not (_UID.fullmatch(uid) and is_plain(path)):
            continue
        with suppress(OSError, ValueError, TypeError, KeyError):
            facts = json.loads(path.read_bytes())
            yield Ref(uid, str(facts["sha256"]), str(facts["link"]), path.stat().st_mtime)


def forget_use(folder: Path, sha256: str) -> None:
    """Remove the refs to a file.

    Raises:
        OSError: A ref cannot be removed.
    """
    for ref in read_refs(folder):
        if ref.sha256 == sha256:
            (folder / f"{ref.uid}.json").unlink(missing_ok=True)
