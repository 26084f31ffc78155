"""The store: files under their own sha256, read-only, and verified before they are used.

    blobs/sha256/<2>/<62>      the files
    refs/<uid>.json            which card used which file, and when (records.py)
    verified/<sha256>.json     stats of files that were hashed (records.py)
    partial/<sha256>.*         unfinished downloads (partial.py)
    corrupt/<sha256>-<unique>  what did not match its name, moved out of the way
    locks/<sha256>.lock        one download at a time, where the file system has locks (partial.py)
    trusted/<sha256>.json      which local hubs' code may run, by the digest of their path (networks/trust.py)
    pins/<digits>.json         whole digests of files of which the first digits are published (records.py)
    derived/<key>.*            networks for other runtimes, sealed (runtimes/derived.py)
    links.json                 which links of cards were answered (checking/online.py)
    layout                     version of this layout
    CACHEDIR.TAG               tells backup programs that everything here can be had again

Whatever has another name than these is somebody else's, in these folders too: it is neither counted
nor removed.

A file is right or absent because it is written under a unique name and renamed into place; the
locks only save work, so a store works where they do not.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from mindspore_hub._files import is_plain, open_regular, read_regular, reason, replace
from mindspore_hub.errors import CardError, HubError, IntegrityError, StoreError
from mindspore_hub.files.partial import locked
from mindspore_hub.files.records import Memo, Stat, stat_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from mmap import mmap

    from typing_extensions import Self

    from mindspore_hub.settings import Settings

CHUNK = 1 << 20
"""Bytes read at once."""

LAYOUT = 1
"""Version of the layout that this package reads and writes."""

_DAMAGED = re.compile("[0-9a-f]{64}-[0-9a-f]{16}")

OWN_FOLDERS = frozenset(
    {"blobs", "refs", "verified", "partial", "corrupt", "locks", "trusted", "pins", "derived"}
)
"""Folders of the package under `home`; whatever else lies there is somebody else's."""

LINKS = "links.json"
"""File under `home` with the answers to links of cards."""

OWN_FILES = frozenset({"layout", "CACHEDIR.TAG", LINKS})
"""Files of the package directly under `home`."""

CACHEDIR_TAG = """\
Signature: 8a477f597d28d172789f06886806bc55
# Files of mindspore-hub that can be downloaded again. See https://bford.info/cachedir/
"""

_REMEDIES = {
    errno.ENOSPC: "Free some space, or point MSHUB_HOME to a larger disk",
    errno.EDQUOT: "Free some of your quota, or point MSHUB_HOME to a larger disk",
    errno.EACCES: "Make it accessible, or point MSHUB_HOME to a folder that you can write",
    errno.EPERM: "Make it accessible, or point MSHUB_HOME to a folder that you can write",
    errno.EROFS: "Point MSHUB_HOME to a folder that you can write",
    errno.EEXIST: "Remove the file that is in the way, or point MSHUB_HOME to a folder",
    errno.ENOTDIR: "Remove the file that is in the way, or point MSHUB_HOME to a folder",
}


class Store:
    """Files under `home`, named by their sha256; the first write creates it.

    A `read_only` store is somebody else's: no damaged file is moved away. `memo` is where hashed files
    are noted, by default in `home`; with `hash_always` it is not believed.
    """

    def __init__(
        self,
        home: str | os.PathLike[str],
        *,
        read_only: bool = False,
        memo: Memo | None = None,
        hash_always: bool = False,
    ) -> None:
        self.home = Path(home).absolute()
        self.read_only = read_only
        self.hash_always = hash_always
        self.partial = self.home / "partial"
        self.refs = self.home / "refs"
        self.trusted = self.home / "trusted"
        self.pins = self.home / "pins"
        self.memo = memo or Memo(self.home / "verified")

    def blob(self, sha256: str) -> Path:
        """Where the file of this digest lies, or would lie; a CardError if it is not a digest."""
        if not re.fullmatch("[0-9a-f]{64}", sha256):
            msg = (
                f"A sha256 is 64 lower-case hexadecimal digits, but this one is {sha256!r}. "
                "Correct it in the card."
            )
            raise CardError(msg)
        return self.home / "blobs" / "sha256" / sha256[:2] / sha256[2:]

    def open(self, sha256: str) -> StoredFile | None:
        """Open the file of this digest if it is here; it is to be verified before use.

        An IntegrityError says that it is empty, as power cuts leave files, a StoreError that it cannot be
        read or that a newer version of this package made the store, a CardError that `sha256` is none.
        """
        path = self.blob(sha256)
        with self.explained("read", path):
            self.check_layout()
            try:
                found = StoredFile(self, sha256, path, open_regular(path))
            except FileNotFoundError:
                return None
        if found.stat[2]:
            return found
        try:
            found.verify()
        except BaseException:
            found.file.close()
            raise
        return found

    def add(self, temporary: str | os.PathLike[str], sha256: str) -> Path:
        """Rename a finished file of the same file system, whose digest was checked, into its place."""
        goal = self.blob(sha256)
        self.install(temporary, goal)
        return goal

    def derived(self, key: str, ending: str = "onnx") -> Path:
        """Where what was made of a file lies, or would lie, by the key of all that decides it."""
        return self.home / "derived" / f"{key}.{ending}"

    def install(self, temporary: str | os.PathLike[str], goal: Path) -> None:
        """Rename a finished file of the same file system to its name in the store, for ever."""
        with self.explained("write", goal):
            # The bytes must be on the disk before the name is: after a power cut a file in its
            # place would else be taken for good until somebody hashes it.
            temporary = Path(temporary)
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            goal.parent.mkdir(parents=True, exist_ok=True)
            temporary.chmod(0o444)
            temporary.replace(goal)
        with suppress(OSError):  # Windows cannot open a folder
            descriptor = os.open(goal.parent, os.O_RDONLY)
            try:
                os.fsync(descriptor)  # so that the name outlives a power cut, too
            finally:
                os.close(descriptor)

    def prepare(self) -> None:
        """Make the folders that a download needs; StoreErrors are those of `check_layout`, too."""
        with self.explained("write", self.partial):
            self.check_layout()
            self.partial.mkdir(parents=True, exist_ok=True)
            for name, text in {"CACHEDIR.TAG": CACHEDIR_TAG, "layout": f"{LAYOUT}\n"}.items():
                if not (self.home / name).exists():
                    replace(self.home / name, text)

    def require_space(self, size: int) -> None:
        """Raise a StoreError if so many bytes, about to be written, do not fit; `home` exists."""
        with self.explained("examine", self.home):
            free = shutil.disk_usage(self.home).free
        if free < size:
            msg = (
                f"{self.home} has {free:,} bytes free, but {size:,} are needed. "
                f"{_REMEDIES[errno.ENOSPC]}; `mshub cache prune` removes what is not needed."
            )
            raise StoreError(msg)

    def lock(
        self, sha256: str, *, wait: bool = True, name: str = ""
    ) -> AbstractContextManager[bool]:
        """Hold off others who want the same file, where that is possible; see `partial.locked`."""
        path = self.home / "locks" / f"{sha256}.lock"
        return locked(path, wait=wait, name=name or str(self.blob(sha256)))

    def set_aside(self, path: str | os.PathLike[str], sha256: str) -> Path:
        """Move a file that does not match its name to `corrupt/`, in place of an earlier one."""
        folder = self.home / "corrupt"
        folder.mkdir(parents=True, exist_ok=True)
        earlier = [old for old in folder.iterdir() if is_damaged(old) and old.name[:64] == sha256]
        aside = folder / f"{sha256}-{os.urandom(8).hex()}"
        Path(path).rename(aside)
        for old in earlier:
            with suppress(OSError):
                old.unlink()
        return aside

    def check_layout(self) -> None:
        """Raise a StoreError if a newer version of this package made the store."""
        try:
            text = read_regular(self.home / "layout").decode("ascii", "replace")
        except FileNotFoundError:
            return
        # After a power cut the mark may be there without its content, or with NUL bytes for it.
        found = text.replace("\0", " ").strip()
        if found not in {"", str(LAYOUT)}:
            variable = "MSHUB_EXTRA_CACHES" if self.read_only else "MSHUB_HOME"
            msg = (
                f"The store {self.home} has layout {found!r}, but this version of mindspore-hub "
                f"knows layout {LAYOUT} only. Upgrade mindspore-hub, or point {variable} to "
                "another folder."
            )
            raise StoreError(msg)

    @contextmanager
    def explained(self, verb: str, path: str | os.PathLike[str]) -> Iterator[None]:
        """Turn an `OSError` of the block into one that says where and what to do."""
        try:
            yield
        except OSError as error:
            if isinstance(error, HubError) and error.errno is None:
                raise  # one of ours, which says all that there is to say
            remedy = _REMEDIES.get(error.errno or 0, "Point MSHUB_HOME to another folder")
            if self.read_only:
                remedy = "Correct MSHUB_EXTRA_CACHES, which names folders that can be read"
            msg = f"Cannot {verb} {path} in the store {self.home}: {reason(error)}. {remedy}."
            raise StoreError(msg) from error


@dataclass(frozen=True)
class StoredFile:
    """An open file of a store, to be verified before any of its bytes are used.

    What is parsed must be read through `file`: a path may lead to another file a moment later.
    `hashed` is its stat when this process found its bytes to be right, if it did.
    """

    store: Store
    sha256: str
    path: Path
    file: IO[bytes]
    hashed: Stat | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    @property
    def stat(self) -> Stat:
        """The stat by which a memo knows the file."""
        return stat_of(self.file.fileno())

    def digest(self, note: Callable[[int], None] | None = None) -> str:
        """The sha256 of the file as it is now; `note` is called with the bytes read so far."""
        with self.store.explained("read", self.path):
            self.file.seek(0)
            return digest(self.file, note)

    def verify(self) -> None:
        """Hash the file unless it was hashed already, as the memo of its store tells.

        An IntegrityError says that it does not match its name; in a store of one's own it was moved to
        `corrupt/`, so that the next download takes its place.
        """
        stat = self.stat
        if not self._is_known(stat):
            self.expect(self.digest(), stat)

    @contextmanager
    def verifying(self, content: mmap) -> Iterator[None]:
        """As `verify`, in a thread while the block runs; `content` is a map of `file`.

        An IntegrityError is raised at the end of the block, whatever happened inside.
        """
        stat = self.stat
        if self._is_known(stat):
            yield
            return
        with ThreadPoolExecutor(1, "sha256") as pool:
            # One call for the whole map: many small ones would fight for the interpreter's lock.
            got = pool.submit(lambda: hashlib.sha256(content).hexdigest())
            try:
                yield
            finally:
                self.expect(got.result(), stat)

    def expect(self, got: str, stat: Stat) -> None:
        """Compare a digest, computed since the file had this stat, with its name; see `verify`."""
        if got == self.sha256:
            if stat == self.stat:
                self.store.memo.note(self.sha256, stat)
            return
        msg = (
            f"{self.path} in the store is damaged:\n"
            f"  expected sha256 {self.sha256}\n"
            f"  got      sha256 {got}\n"
            f"{self._set_aside()}"
        )
        raise IntegrityError(msg)

    def _is_known(self, stat: Stat) -> bool:
        if self.store.hash_always:
            return False
        return stat == self.hashed or self.store.memo.knows(self.sha256, stat)

    def _set_aside(self) -> str:
        """Move the damaged file away, and say what was done and what to do."""
        if self.store.read_only:
            return "It was left as it is, because this store is only read."
        again = "Try again: the file will be downloaded afresh."
        self.store.memo.forget(self.sha256)
        try:
            if not os.path.samestat(os.fstat(self.file.fileno()), self.path.stat()):
                return f"Another process has replaced it meanwhile. {again}"
            return f"It was moved to {self.store.set_aside(self.path, self.sha256)}. {again}"
        except FileNotFoundError:
            return f"Another process has removed it meanwhile. {again}"
        except OSError as error:
            return (
                f"It cannot be moved away ({error.strerror}): remove it as its owner, or point "
                "MSHUB_HOME to a folder that you can write."
            )


def stores_of(settings: Settings) -> list[Store]:
    """The extra caches and, as the last one, the store of the user, whose memo they share."""
    always = settings.verify == "always"
    own = Store(settings.home, hash_always=always)
    extra = [
        Store(folder, read_only=True, memo=own.memo, hash_always=always)
        for folder in settings.extra_caches
    ]
    return [*extra, own]


def digest(file: IO[bytes], note: Callable[[int], None] | None = None) -> str:
    """Return the sha256 of the rest of an open file, as lower-case hexadecimal digits."""
    state, done = hashlib.sha256(), 0
    while chunk := file.read(CHUNK):
        state.update(chunk)
        done += len(chunk)
        if note:
            note(done)
    return state.hexdigest()


def is_damaged(path: str | os.PathLike[str]) -> bool:
    """Whether something in `corrupt/` was put there by `Store.set_aside`."""
    return bool(_DAMAGED.fullmatch(Path(path).name)) and is_plain(path)
