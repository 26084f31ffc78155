"""The store: files under their own sha256, read-only, and verified whenever they are found.

    blobs/sha256/<2>/<62>      the files
    corrupt/<sha256>-<unique>  what no longer matched its name, moved out of the way
    locks/<sha256>.lock        one download at a time, where the file system has locks
    CACHEDIR.TAG               tells backup programs that everything here can be had again

A file is right or absent because it is written under a unique name and renamed into place; the
locks only save work, so a store works where they do not.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import re
import shutil
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from mindspore_hub.errors import CardError, HubError, IntegrityError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

logger = logging.getLogger(__name__)

CHUNK = 1 << 20
"""Bytes read at once."""

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
    """Files under `home`, named by their sha256.

    Args:
        home: Folder of the store. It need not exist, and is created by the first write.
    """

    def __init__(self, home: Path) -> None:
        self.home = home.absolute()

    def blob(self, sha256: str) -> Path:
        """Say where the file of this digest lies, or would lie.

        Raises:
            CardError: `sha256` is not 64 lower-case hexadecimal digits.
        """
        if not re.fullmatch("[0-9a-f]{64}", sha256):
            msg = (
                f"A sha256 is 64 lower-case hexadecimal digits, but this one is {sha256!r}. "
                "Correct it in the card."
            )
            raise CardError(msg)
        return self.home / "blobs" / "sha256" / sha256[:2] / sha256[2:]

    def find(self, sha256: str) -> Path | None:
        """Return the file of this digest if it is here, after hashing all of it.

        Raises:
            CardError: `sha256` is not a digest.
            IntegrityError: The file does not match its name; it was moved to `corrupt/`, so that
                the next download takes its place.
            StoreError: The file cannot be read.
        """
        blob = self.blob(sha256)
        with self._explained("read", blob):
            try:
                with blob.open("rb") as file:
                    hashed = os.fstat(file.fileno())
                    got = digest(file)
                if got == sha256:
                    return blob
                if not os.path.samestat(hashed, blob.stat()):
                    return self.find(sha256)  # another process has replaced it meanwhile
            except FileNotFoundError:
                return None
        msg = (
            f"{blob} in the store is damaged:\n"
            f"  expected sha256 {sha256}\n"
            f"  got      sha256 {got}\n"
            f"{self._set_aside(blob, sha256)}"
        )
        raise IntegrityError(msg)

    def add(self, temporary: Path, sha256: str) -> Path:
        """Rename a finished file, whose digest the caller has checked, into its place.

        Args:
            temporary: A file on the same file system, such as `temporary()` gives.
            sha256: Its digest.

        Raises:
            StoreError: The file cannot be renamed, for example because its goal is a folder.
        """
        goal = self.blob(sha256)
        with self._explained("write", goal):
            # The bytes must be on the disk before the name is: after a power cut a file in its
            # place would else be taken for good until somebody hashes it.
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            temporary.chmod(0o444)
            temporary.replace(goal)
        with suppress(OSError):  # Windows cannot open a folder
            _sync_folder(goal.parent)
        return goal

    @contextmanager
    def temporary(self, sha256: str) -> Iterator[Path]:
        """Give a free path beside the goal of `sha256`, and remove what is left there at the end.

        An `OSError` inside the block counts as one of the store.

        Raises:
            StoreError: The folder cannot be created, or the block could not write.
        """
        goal = self.blob(sha256)
        path = goal.with_name(f".{goal.name}.{_unique()}.part")
        try:
            with self._explained("write", goal):
                self._prepare(goal.parent)
                yield path
        finally:
            with suppress(OSError):
                path.unlink()

    def require_space(self, size: int) -> None:
        """Refuse to begin what cannot end.

        Args:
            size: Bytes that are about to be written; `home` exists.

        Raises:
            StoreError: The file system of the store has less space.
        """
        with self._explained("examine", self.home):
            free = shutil.disk_usage(self.home).free
        if free < size:
            msg = (
                f"{self.home} has {free:,} bytes free, but {size:,} are needed. "
                f"{_REMEDIES[errno.ENOSPC]}."
            )
            raise StoreError(msg)

    @contextmanager
    def lock(self, sha256: str) -> Iterator[None]:
        """Hold off others who want the same file, where that is possible.

        A lock that cannot be had (read-only store, file system without locks) is done without.
        """
        from filelock import FileLock

        path = self.home / "locks" / f"{sha256}.lock"
        with ExitStack() as held:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                held.enter_context(FileLock(path))
            except (OSError, NotImplementedError) as error:
                logger.debug("No lock %s (%s); going on without", path, error)
            yield

    def _prepare(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        with suppress(OSError), (self.home / "CACHEDIR.TAG").open("x") as tag:
            tag.write(CACHEDIR_TAG)

    def _set_aside(self, blob: Path, sha256: str) -> str:
        """Move a damaged file away, and say what was done and what to do."""
        aside = self.home / "corrupt" / f"{sha256}-{_unique()}"
        try:
            aside.parent.mkdir(exist_ok=True)
            blob.rename(aside)
        except OSError as error:
            return (
                f"It cannot be moved away ({error.strerror}): remove it as its owner, or point "
                "MSHUB_HOME to a folder that you can write."
            )
        return f"It was moved to {aside}. Try again: the file will be downloaded afresh."

    @contextmanager
    def _explained(self, verb: str, path: Path) -> Iterator[None]:
        """Turn an `OSError` of the block into one that says where and what to do."""
        try:
            yield
        except HubError:
            raise
        except OSError as error:
            remedy = _REMEDIES.get(error.errno or 0, "Point MSHUB_HOME to another folder")
            msg = (
                f"Cannot {verb} {path} in the store {self.home}: {error.strerror or error}. "
                f"{remedy}."
            )
            raise StoreError(msg) from error


def digest(file: IO[bytes]) -> str:
    """Return the sha256 of the rest of an open file, as lower-case hexadecimal digits."""
    state = hashlib.sha256()
    while chunk := file.read(CHUNK):
        state.update(chunk)
    return state.hexdigest()


def _sync_folder(folder: Path) -> None:
    """Make a rename in `folder` outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unique() -> str:
    return os.urandom(8).hex()
