"""What lies in the store: files, unfinished downloads and damaged files, and whose they are."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from mindspore_hub._files import is_plain
from mindspore_hub.files.memo import stat_of
from mindspore_hub.files.partial import Version
from mindspore_hub.files.refs import Ref, read_refs
from mindspore_hub.files.store import OWN_FILES, OWN_FOLDERS, Store, is_damaged
from mindspore_hub.hub.card import Card

# A leading dot and a tail behind the extension: what was about to become a `.json`.
_UNFINISHED = re.compile(r"\.?(?P<key>(?P<sha256>[0-9a-f]{64})\.\w+)\.(part|tmp|json\w*)")


class State(str, Enum):
    """What is known of an entry."""

    VERIFIED = "verified"
    """It was hashed, and has not changed since."""
    NOT_VERIFIED = "not verified"
    """It will be hashed at its next use."""
    UNFINISHED = "unfinished"
    """A download is writing it, or was when it ended."""
    DAMAGED = "damaged"
    """It did not match its name and was moved to `corrupt/`."""


@dataclass(frozen=True)
class Entry:
    """Something in the store that takes space.

    Attributes:
        state: What is known of it.
        sha256: Digest that it has, or was to have.
        paths: Its files, the one with the bytes first.
        size: Bytes, without those of what describes it.
        used: Last use as the refs have it, else last change, in seconds since 1970.
        uids: Cards whose file it is, of the catalog and of the refs.
        total: Bytes of the whole file, if it is unfinished and a server announced them.
    """

    state: State
    sha256: str
    paths: tuple[Path, ...]
    size: int
    used: float
    uids: tuple[str, ...] = ()
    total: int | None = None

    @property
    def is_file(self) -> bool:
        """Whether a load would take it."""
        return self.state in {State.VERIFIED, State.NOT_VERIFIED}


def inventory(store: Store, cards: Iterable[Card]) -> list[Entry]:
    """List what lies in a store, in the order of the uids; what nobody wants comes last.

    Args:
        store: The store; nothing in it is changed, and nothing is hashed.
        cards: Cards of the catalog.

    Raises:
        StoreError: A folder cannot be read, or a newer version of this package made the store.
    """
    with store.explained("list", store.home):
        store.check_layout()
        refs = list(read_refs(store.refs))
        found = [*_blobs(store), *_unfinished(store), *_damaged(store)]
    owners = _owners(cards, refs)
    latest: dict[str, float] = {}
    for ref in refs:
        latest[ref.sha256] = max(ref.used, latest.get(ref.sha256, ref.used))
    entries = [
        replace(
            entry,
            uids=tuple(sorted(owners.get(entry.sha256, ()))),
            used=latest.get(entry.sha256, entry.used) if entry.is_file else entry.used,
        )
        for entry in found
    ]
    return sorted(entries, key=lambda entry: (not entry.uids, entry.uids, entry.sha256))


def foreign_size(home: Path) -> int:
    """Bytes of the files under the folder of the store that are not this package's."""
    total = 0
    for folder, folders, names in os.walk(home):
        if Path(folder) == home:
            folders[:] = [name for name in folders if name not in OWN_FOLDERS]
            names[:] = [name for name in names if name not in OWN_FILES]
        total += sum(found.st_size for name in names if (found := _stat(Path(folder, name))))
    return total


def _owners(cards: Iterable[Card], refs: Iterable[Ref]) -> dict[str, set[str]]:
    """Uids by the digest of their file."""
    owners: dict[str, set[str]] = {}
    for card in cards:
        if card.asset:
            owners.setdefault(card.asset.sha256, set()).add(card.uid)
    for ref in refs:
        owners.setdefault(ref.sha256, set()).add(ref.uid)
    return owners


def _blobs(store: Store) -> Iterator[Entry]:
    for folder in _children(store.home / "blobs" / "sha256"):
        for path in _children(folder):
            sha256, found = folder.name + path.name, _stat(path)
            if found and re.fullmatch("[0-9a-f]{2}/[0-9a-f]{62}", f"{folder.name}/{path.name}"):
                known = _is_known(store, sha256, path)
                state = State.VERIFIED if known else State.NOT_VERIFIED
                yield Entry(state, sha256, (path,), found.st_size, found.st_mtime)


def _unfinished(store: Store) -> Iterator[Entry]:
    groups: dict[tuple[str, str], list[Path]] = {}
    for path in _children(store.partial):
        match = _UNFINISHED.fullmatch(path.name)
        if match and is_plain(path):
            groups.setdefault((match["sha256"], match["key"]), []).append(path)
    for (sha256, _), paths in groups.items():
        # The bytes go first: without them, what describes them means nothing.
        paths.sort(key=lambda path: path.suffix not in {".part", ".tmp"})
        stats = [found for path in paths if (found := _stat(path))]
        if stats:
            size = stats[0].st_size if paths[0].suffix in {".part", ".tmp"} else 0
            used = max(found.st_mtime for found in stats)
            total = _total(paths[0].with_suffix(".json"))
            yield Entry(State.UNFINISHED, sha256, tuple(paths), size, used, total=total)


def _damaged(store: Store) -> Iterator[Entry]:
    for path in _children(store.home / "corrupt"):
        found = _stat(path)
        if found and is_damaged(path):
            yield Entry(State.DAMAGED, path.name[:64], (path,), found.st_size, found.st_mtime)


def _children(folder: Path) -> list[Path]:
    """What lies in a folder; nothing, if there is none."""
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _stat(path: Path) -> os.stat_result | None:
    """The stat of a regular file; none for anything else, or if it has just gone."""
    with suppress(OSError):
        found = path.stat()
        return found if stat.S_ISREG(found.st_mode) else None
    return None


def _is_known(store: Store, sha256: str, path: Path) -> bool:
    with suppress(OSError), path.open("rb") as file:
        return store.memo.knows(sha256, stat_of(file.fileno()))
    return False


def _total(facts: Path) -> int | None:
    with suppress(OSError, ValueError, TypeError):
        total = Version(**json.loads(facts.read_bytes())).total
        return total if isinstance(total, int) else None
    return None
