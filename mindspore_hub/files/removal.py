"""Remove what shall leave the store.

Whoever is killed in the middle leaves a store that is right: what points to a file goes before the
file, and a file goes at once.
"""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from mindspore_hub.errors import StoreError
from mindspore_hub.files.choice import DAY
from mindspore_hub.files.inventory import Entry, State
from mindspore_hub.files.partial import is_abandoned
from mindspore_hub.files.refs import forget_use
from mindspore_hub.files.store import Store

logger = logging.getLogger(__name__)


def discard(
    store: Store, entries: Iterable[Entry], *, now: float, dry_run: bool = False
) -> Iterator[Entry]:
    """Remove entries, and give each one that is gone.

    What a process is downloading stays, and so does for a day what is unfinished in a store without
    locks, where nobody can know. A file that cannot be removed does not keep others from going.

    Args:
        store: The store.
        entries: What shall go, as `inventory` lists it.
        now: The time, in seconds since 1970.
        dry_run: Remove nothing; give what would go.

    Raises:
        StoreError: Some of them cannot be removed; raised when everything else is gone.
    """
    failures = []
    for sha256, group in _by_digest(entries).items():
        try:
            with store.lock(sha256, wait=False) as locked:
                for entry in group:
                    if _is_free(entry, now, locked=locked) and (dry_run or _remove(store, entry)):
                        yield entry
        except TimeoutError:
            logger.info("Another process is busy with %s…; it is left alone", sha256[:12])
        except StoreError as error:
            failures.append(str(error))
    if failures:
        raise StoreError("\n".join(failures))


def _by_digest(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(entry.sha256, []).append(entry)
    return groups


def _is_free(entry: Entry, now: float, *, locked: bool) -> bool:
    """Whether nobody can be writing it; only a `.part` belongs to the holder of the lock."""
    path = entry.paths[0]
    resumable = locked and path.suffix == ".part" and is_abandoned(path, now)
    return entry.state is not State.UNFINISHED or resumable or now - entry.used >= DAY


def _remove(store: Store, entry: Entry) -> bool:
    """Remove the files of an entry; gives whether there were any left."""
    with store.explained("remove", entry.paths[0]):
        if entry.is_file:
            forget_use(store.refs, entry.sha256)
            store.memo.forget(entry.sha256)
        return sum(_unlink(path) for path in entry.paths) > 0


def _unlink(path: Path) -> bool:
    try:
        if os.name == "nt":
            path.chmod(stat.S_IWRITE)  # Windows removes no file that is read-only
        path.unlink()
    except FileNotFoundError:
        return False
    return True
