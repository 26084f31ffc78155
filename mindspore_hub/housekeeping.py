"""What may leave the store, and what in it is whole.

`prunable` and `meant` decide, `discard` and `check` act. Whoever is killed in the middle leaves a
store that is right: what points to a file goes before the file, and a file goes at once.
"""

from __future__ import annotations

import logging
import os
import re
import stat
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mindspore_hub._progress import Progress
from mindspore_hub.cache import Store
from mindspore_hub.catalog import Catalog
from mindspore_hub.errors import AmbiguousNameError, HubError, StoreError, UnknownNameError
from mindspore_hub.inventory import Entry, State
from mindspore_hub.memo import Memo
from mindspore_hub.refs import forget_use

logger = logging.getLogger(__name__)

DAY = 86400.0
"""Seconds for which nothing is taken for abandoned unless its lock says so."""

_PREFIX = re.compile("[0-9a-f]{8,64}")


@dataclass(frozen=True)
class Checked:
    """A file that was hashed.

    Attributes:
        sha256: The digest that it has to have.
        path: Where it lies, or lay.
        size: Bytes.
        error: Why it cannot be used; none if it is whole.
    """

    sha256: str
    path: Path
    size: int
    error: HubError | None


def prunable(
    entries: Iterable[Entry],
    *,
    now: float,
    older_than: float | None = None,
    kept: Container[str] = (),
) -> list[Entry]:
    """Choose what is not needed: all that is no whole file, and files that nobody wants.

    A file that no card and no ref names is kept for a day: it may have just been downloaded.

    Args:
        entries: What lies in the store.
        now: The time, in seconds since 1970.
        older_than: Seconds after whose passing without a use a file is not needed.
        kept: Digests of files that are needed however long they were not used.
    """
    return [
        entry
        for entry in entries
        if not entry.is_file
        or (entry.sha256 not in kept and now - entry.used >= _patience(entry, older_than))
    ]


def _patience(entry: Entry, older_than: float | None) -> float:
    """Seconds without a use after which a file is not needed."""
    unwanted = float("inf") if entry.uids else DAY
    return unwanted if older_than is None else min(older_than, unwanted)


def meant(name: str, entries: Iterable[Entry], catalog: Catalog) -> set[str]:
    """Find the digests that a name means; the store need not have them.

    Args:
        name: Any name of a card, the uid of a card that a file of the store was loaded for, or a
            sha256 or at least its first 8 digits.
        entries: What lies in the store.
        catalog: The cards.

    Raises:
        UnknownNameError: It means nothing.
        AmbiguousNameError: Several digests begin like this, or several cards have that name.
        CardError: The file at a path is no readable card.
    """
    entries = list(entries)
    if found := _beginning(name.lower(), entries, catalog):
        return found
    by_ref = {entry.sha256 for entry in entries if name in entry.uids}
    try:
        card = catalog.resolve(name)
    except UnknownNameError:
        if by_ref:
            return by_ref
        raise
    of_card = {entry.sha256 for entry in entries if card.uid in entry.uids}
    return of_card | ({card.asset.sha256} if card.asset else set())


def _beginning(prefix: str, entries: Iterable[Entry], catalog: Catalog) -> set[str]:
    if not _PREFIX.fullmatch(prefix):
        return set()
    known = {entry.sha256 for entry in entries}
    known |= {card.asset.sha256 for card in catalog.cards if card.asset}
    found = {sha256 for sha256 in known if sha256.startswith(prefix)}
    if len(found) > 1:
        choices = "\n".join(f"  {sha256}" for sha256 in sorted(found))
        msg = f"{prefix!r} begins several digests; give more digits of one of them:\n{choices}"
        raise AmbiguousNameError(msg)
    return found


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
    resumable = locked and entry.paths[0].suffix == ".part"
    return entry.state is not State.UNFINISHED or resumable or now - entry.used >= DAY


def _remove(store: Store, entry: Entry) -> bool:
    """Remove the files of an entry; gives whether there were any left."""
    with store.explained("remove", entry.paths[0]):
        if entry.is_file:
            forget_use(store.home / "refs", entry.sha256)
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


def check(
    stores: Sequence[Store], digests: Iterable[str], *, memo: Memo, progress: Progress
) -> Iterator[Checked]:
    """Hash every copy of these files, whatever the memo knows, and note there what is whole.

    A damaged file in a store of one's own is moved to `corrupt/`.

    Args:
        stores: Where they may lie; a file that is nowhere is passed over.
        digests: Which files.
        memo: Stats of files that were hashed.
        progress: Called with bytes done and bytes in total.
    """
    copies = [(store, sha256, size) for sha256 in digests for store, size in _sizes(stores, sha256)]
    done, total = 0, sum(size for _, _, size in copies)
    for store, sha256, size in copies:
        note = _onward(progress, done, total)
        done += size
        error: HubError | None = None
        try:
            found = store.open(sha256)
            if not found:
                continue
            with found:
                before = found.stat
                found.expect(found.digest(note), before, memo)
        except HubError as problem:
            memo.forget(sha256)
            error = problem
        yield Checked(sha256, store.blob(sha256), size, error)


def _onward(progress: Progress, done: int, total: int) -> Callable[[int], None]:
    return lambda read: progress(done + read, total)


def _sizes(stores: Iterable[Store], sha256: str) -> Iterator[tuple[Store, int]]:
    """The stores that have this file, and its size there."""
    for store in stores:
        try:
            yield store, store.blob(sha256).stat().st_size
        except FileNotFoundError:
            continue
        except OSError:  # opening it will say why
            yield store, 0
