"""Code of others: it runs only for who says so, only as it was then, and only what was read.

A network is code. The networks of a hub that is not this package's own run with `trust=True`, which
remembers the digest of its code. As long as that stays the same, later calls need not say it again.

Files may change between two looks at them, and Python prefers compiled files to the sources beside
them. So code of others is read once; the digest is taken of these bytes, and they are imported from a
private copy, which stays as long as the process: a constructor may import the rest of it much later.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import shlex
import shutil
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from mindspore_hub._files import replace
from mindspore_hub.errors import CardError, HubError, TrustError
from mindspore_hub.files.store import Store
from mindspore_hub.hub.hub import Hub
from mindspore_hub.hub.paths import ENTRY_POINT
from mindspore_hub.settings import Settings

_ONE_AT_A_TIME = threading.RLock()

_COPIES: dict[str, Path] = {}
"""Private copies by the digest of what is in them, so that other code has other modules."""

_MADE: list[tuple[int, Path]] = []
"""Processes and the folders that they made; a fork leaves those of its parent alone."""


def trusted_copy(hub: Hub, name: str) -> Path:
    """Read the code of a hub once, and give a private copy of it that may run; else a TrustError.

    `name` is that of a card there, to be loaded by who trusts it.
    """
    return private_copy(_trusted_code(hub, name)[0])


def check_trusted(hub: Hub, name: str) -> str:
    """The digest of the code of a hub, which may run; else a TrustError, as of `trusted_copy`."""
    return _trusted_code(hub, name)[1]


def _trusted_code(hub: Hub, name: str) -> tuple[dict[str, bytes], str]:
    root = hub.root.resolve()
    code = read_code(root)
    found = digest_of(code)
    memory = Store(Settings.from_environment().home).trusted
    check_trust(root, found, memory, trust=hub.trust, name=name)
    return code, found


def check_trust(root: Path, found: str, memory: Path, *, trust: bool, name: str = "NAME") -> None:
    """Raise a TrustError if nobody trusts the code of a hub as it is now, by its digest.

    With `trust` the caller trusts it now, and from now on: the folder `memory` keeps the digest.
    """
    note = memory / f"{hashlib.sha256(os.fsencode(root)).hexdigest()}.json"
    if trust:
        with suppress(OSError):  # a store that cannot be written remembers nothing
            replace(note, json.dumps({"root": str(root), "sha256": found}))
        return
    known = _known(note)
    if known != found:
        state = "has changed since you trusted it" if known else "is not from this package"
        command = shlex.join(["mshub", "load", name, "--hub", str(root), "--trust"])
        msg = (
            f"The code in {root} {state}, and loading a network runs it. Read it; then give "
            f"trust=True or --trust once, such as in `{command}`, or copy the networks you want into "
            "a package of your own."
        )
        raise TrustError(msg)


def read_code(root: Path, folders: Iterable[str] = ("models", ENTRY_POINT)) -> dict[str, bytes]:
    """All files below some folders that may be executed, by their paths; compiled ones are made anew.

    A TrustError says that a link leads to a folder elsewhere, a CardError that a file cannot be read.
    """
    code = {}
    for path in sorted(path for folder in folders for path in (root / folder).rglob("*")):
        if path.is_symlink() and path.is_dir():
            msg = f"{path} is a link to a folder; put a copy of the folder in its place."
            raise TrustError(msg)
        name = path.relative_to(root)
        if path.is_file() and "__pycache__" not in name.parts:
            try:
                code[name.as_posix()] = path.read_bytes()
            except OSError as error:
                msg = f"{path} cannot be read: {error.strerror or error}."
                raise CardError(msg) from error
    return code


def digest_of(code: Mapping[str, bytes]) -> str:
    """The sha256 over names and contents of files."""
    state = hashlib.sha256()
    for name, content in code.items():
        sha256 = hashlib.sha256(content).hexdigest()
        state.update(os.fsencode(name) + f"\0{sha256}\n".encode())
    return state.hexdigest()


def private_copy(code: Mapping[str, bytes]) -> Path:
    """A folder with these files, which are imported from there.

    It stays until the process ends, for what is imported late, and the same files have the same
    folder. Compiled modules are left out: Python makes them anew from what was read.
    """
    sources = {name: content for name, content in code.items() if not name.endswith(".pyc")}
    digest = digest_of(sources)
    with _ONE_AT_A_TIME:
        copy = _COPIES.get(digest)
        if copy is None or read_code(copy, [""]) != sources:  # which a cleaner of old files took
            copy = _COPIES[digest] = _write(sources)
    return copy


@atexit.register
def remove_copies() -> None:
    """Remove the private copies of this process."""
    for process, folder in _MADE:
        if process == os.getpid():
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def explained(root: Path, copy: Path) -> Iterator[None]:
    """Let any error of code that was imported from a private copy become a CardError that says where."""
    try:
        yield
    except HubError:
        raise
    except Exception as error:
        what = f"{type(error).__name__}: {error}".replace(str(copy), str(root))
        msg = f"The code in {root} cannot be run: {what}"
        raise CardError(msg) from error


def _write(code: Mapping[str, bytes]) -> Path:
    """Write files into a new folder, one below another that is as private.

    An entry point looks for networks as far as two folders up, which must not be where anybody writes.
    """
    folder = Path(tempfile.mkdtemp(prefix="mshub-")).resolve()
    _MADE.append((os.getpid(), folder))
    for name, content in code.items():
        path = folder / "code" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder / "code"


def _known(note: Path) -> str:
    try:
        return str(json.loads(note.read_bytes())["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
