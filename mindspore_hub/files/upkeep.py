"""The upkeep of a store: what lies there and whose it is, what may leave it, and what is damaged.

Whoever is killed while removing leaves a store that is right: what points to a file goes before the
file, and a file goes at once.
"""

from __future__ import annotations

import logging
import os
import re
import stat
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from mindspore_hub._files import is_plain
from mindspore_hub._progress import Progress
from mindspore_hub.errors import AmbiguousNameError, HubError, StoreError, UnknownNameError
from mindspore_hub.files.partial import is_abandoned, version_in
from mindspore_hub.files.records import Ref, forget_use, read_refs, stat_of
from mindspore_hub.files.sealed import read_seal
from mindspore_hub.files.store import OWN_FILES, OWN_FOLDERS, Store, is_damaged
from mindspore_hub.hub.card import Card
from mindspore_hub.hub.hub import Hub
from mindspore_hub.settings import DAY

logger = logging.getLogger(__name__)

_PREFIX = re.compile("[0-9a-f]{8,64}")

# A leading dot and a tail behind the extension: what was about to become a `.json`.
_UNFINISHED = re.compile(r"\.?(?P<key>(?P<sha256>[0-9a-f]{64})\.\w+)\.(part|tmp|onnx|json\w*)")

_DERIVED = re.compile(r"([0-9a-f]{64})\.(onnx|openvino)")


_WITH_BYTES = {".part", ".tmp", ".onnx"}


class State(str, Enum):
    """What is known of an entry."""

    VERIFIED = "verified"
    """It was hashed, and has not changed since."""
    NOT_VERIFIED = "not verified"
    """It will be hashed at its next use."""
    UNFINISHED = "unfinished"
    """A download is writing it, or was when it ended."""
    DERIVED = "derived"
    """A network for another runtime that was made of a file."""
    DAMAGED = "damaged"
    """It did not match its name and was moved to `corrupt/`."""


@dataclass(frozen=True)
class Entry:
    """Something in the store that takes space: its files, the one with the bytes first.

    `size` is in bytes, `used` the last use as the refs have it, else last change, in seconds since 1970,
    and `total` the bytes of the whole file, if it is unfinished and a server announced them.
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
        return self.state in {State.VERIFIED, State.NOT_VERIFIED, State.DERIVED}


def inventory(store: Store, cards: Iterable[Card]) -> list[Entry]:
    """List what lies in a store, in the order of the uids; what nobody wants comes last.

    Nothing is changed, and nothing is hashed.
    """
    with store.explained("list", store.home):
        store.check_layout()
        refs = list(read_refs(store.refs))
        found = [*_blobs(store), *_derived(store), *_unfinished(store), *_damaged(store)]
    owners = owners_of(cards, refs)
    known = {uid for uids in owners.values() for uid in uids}
    latest: dict[str, float] = {}
    for ref in refs:
        latest[ref.sha256] = max(ref.used, latest.get(ref.sha256, ref.used))
    entries = [
        replace(
            entry,
            uids=owners.get(entry.sha256, tuple(uid for uid in entry.uids if uid in known)),
            used=latest.get(entry.sha256, entry.used) if entry.is_file else entry.used,
        )
        for entry in found
    ]
    return sorted(entries, key=lambda entry: (not entry.uids, entry.uids, entry.sha256))


def foreign_size(home: str | os.PathLike[str]) -> int:
    """Bytes of the files under the folder of the store that are not this package's."""
    home, total = Path(home), 0
    for folder, folders, names in os.walk(home):
        if Path(folder) == home:
            folders[:] = [name for name in folders if name not in OWN_FOLDERS]
            names[:] = [name for name in names if name not in OWN_FILES]
        total += sum(found.st_size for name in names if (found := _stat(Path(folder, name))))
    return total


def owners_of(cards: Iterable[Card], refs: Iterable[Ref] = ()) -> dict[str, tuple[str, ...]]:
    """Uids of the cards of each file by its digest, also of those that a ref still has."""
    pairs = [(card.asset.sha256, card.uid) for card in cards if card.asset]
    owners: dict[str, set[str]] = {}
    for sha256, uid in [*pairs, *((ref.sha256, ref.uid) for ref in refs)]:
        owners.setdefault(sha256, set()).add(uid)
    return {sha256: tuple(sorted(uids)) for sha256, uids in owners.items()}


def _blobs(store: Store) -> Iterator[Entry]:
    for folder in _children(store.home / "blobs" / "sha256"):
        for path in _children(folder):
            sha256, found = folder.name + path.name, _stat(path)
            if found and re.fullmatch("[0-9a-f]{2}/[0-9a-f]{62}", f"{folder.name}/{path.name}"):
                known = _is_known(store, sha256, path)
                state = State.VERIFIED if known else State.NOT_VERIFIED
                yield Entry(state, sha256, (path,), found.st_size, found.st_mtime)


def _derived(store: Store) -> Iterator[Entry]:
    """What was made of files, and of which card's."""
    for path in _children(store.home / "derived"):
        found, name = _stat(path), _DERIVED.fullmatch(path.name)
        if found and name and is_plain(path):
            uids: tuple[str, ...] = ()
            with suppress(OSError, HubError), path.open("rb") as file:
                uids = (str(read_seal(file, path).get("card")),)
            yield Entry(State.DERIVED, name[1], (path,), found.st_size, found.st_mtime, uids)


def _unfinished(store: Store) -> Iterator[Entry]:
    groups: dict[tuple[str, str], list[Path]] = {}
    for path in _children(store.partial):
        match = _UNFINISHED.fullmatch(path.name)
        if match and is_plain(path):
            groups.setdefault((match["sha256"], match["key"]), []).append(path)
    for (sha256, _), paths in groups.items():
        # The bytes go first: without them, what describes them means nothing.
        paths.sort(key=lambda path: path.suffix not in _WITH_BYTES)
        stats = [found for path in paths if (found := _stat(path))]
        if stats:
            size = stats[0].st_size if paths[0].suffix in _WITH_BYTES else 0
            used = max(found.st_mtime for found in stats)
            total = version_in(paths[0].with_suffix(".json")).total
            total = total if isinstance(total, int) else None  # others may have written it
            yield Entry(State.UNFINISHED, sha256, tuple(paths), size, used, total=total)


def _damaged(store: Store) -> Iterator[Entry]:
    for path in _children(store.home / "corrupt"):
        found = _stat(path)
        if found and is_damaged(path):
            yield Entry(State.DAMAGED, path.name[:64], (path,), found.st_size, found.st_mtime)


def _children(folder: Path) -> list[Path]:
    """What lies in a folder; nothing if it does not exist."""
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


def prunable(
    entries: Iterable[Entry],
    *,
    now: float,
    older_than: float | None = None,
    kept: Container[str] = (),
) -> list[Entry]:
    """Choose what is not needed: all that is not a whole file, and files that nobody wants.

    A file that no card and no ref names is kept for a day: it may have just been downloaded; any other
    one for `older_than` seconds without a use, and those of the digests `kept` for ever.
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


def meant(name: str, entries: Iterable[Entry], hub: Hub) -> set[str]:
    """Find the digests that a name means; the store need not have them.

    It is any name of a card, the uid of a card that a file of the store was loaded for, or a
    sha256 or at least its first 8 digits; other errors than those of `Hub.resolve` say that several
    digests begin like this.
    """
    entries = list(entries)
    if found := _beginning(name.lower(), entries, hub):
        return found
    by_ref = {entry.sha256 for entry in entries if name in entry.uids}
    try:
        card = hub.resolve(name)
    except UnknownNameError:
        if by_ref:
            return by_ref
        raise
    of_card = {entry.sha256 for entry in entries if card.uid in entry.uids}
    return of_card | ({card.asset.sha256} if card.asset else set())


def _beginning(prefix: str, entries: Iterable[Entry], hub: Hub) -> set[str]:
    if not _PREFIX.fullmatch(prefix):
        return set()
    known = {entry.sha256 for entry in entries}
    known |= {card.asset.sha256 for card in hub.cards if card.asset}
    found = {sha256 for sha256 in known if sha256.startswith(prefix)}
    if len(found) > 1:
        choices = "\n".join(f"  {sha256}" for sha256 in sorted(found))
        msg = f"{prefix!r} begins several digests; give more digits of one of them:\n{choices}"
        raise AmbiguousNameError(msg)
    return found


def discard(
    store: Store, entries: Iterable[Entry], *, now: float, dry_run: bool = False
) -> Iterator[Entry]:
    """Remove entries, and give each one that is gone, or would go with `dry_run`.

    What a process is downloading stays, and so does for a day what is unfinished in a store without
    locks, where nobody can know who writes. A file that cannot be removed does not keep others from
    going: the StoreError comes when everything else is gone.
    """
    failures = []
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(entry.sha256, []).append(entry)
    for sha256, group in groups.items():
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


@dataclass(frozen=True)
class Checked:
    """A copy of a file that was hashed, and why it cannot be used; no error if it is whole."""

    sha256: str
    path: Path
    size: int
    error: HubError | None


def check(
    stores: Sequence[Store], digests: Iterable[str], *, progress: Progress
) -> Iterator[Checked]:
    """Hash every copy of these files, whatever the memos know, and note there what is whole.

    A damaged file in a store of one's own is moved to `corrupt/`; one that is nowhere is passed over.
    """
    copies = [(store, sha256, size) for sha256 in digests for store, size in _sizes(stores, sha256)]
    done, total = 0, sum(size for _, _, size in copies)
    for store, sha256, size in copies:
        error: HubError | None = None

        def note(read: int, before: int = done) -> None:
            progress(before + read, total)

        try:
            found = store.open(sha256)
            if not found:
                continue
            with found:
                before = found.stat
                found.expect(found.digest(note), before)
        except HubError as problem:
            store.memo.forget(sha256)
            error = problem
        done += size
        yield Checked(sha256, store.blob(sha256), size, error)


def _sizes(stores: Iterable[Store], sha256: str) -> Iterator[tuple[Store, int]]:
    """The stores that have this file, and its size there."""
    for store in stores:
        try:
            yield store, store.blob(sha256).stat().st_size
        except FileNotFoundError:
            continue
        except OSError:  # opening it will say why
            yield store, 0
