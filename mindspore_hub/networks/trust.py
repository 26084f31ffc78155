"""Code of others: it runs only for who says so, only as it was then, and only what was read.

A network is code. Cards from anywhere are built with the networks of this package; a local hub's own
networks run with `trust=True`, which remembers the digest of its code. As long as that stays the
same, later calls need not say it again.

Files may change between two looks at them, and Python prefers compiled files to the sources beside
them. So code of others is read once; the digest is taken of these bytes, and they are imported from a
private copy, which stays as long as the process: a constructor may import the rest of it much later.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import shutil
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mindspore_hub._files import replace
from mindspore_hub.errors import CardError, HubError, TrustError
from mindspore_hub.files.store import Store
from mindspore_hub.hub.card import Card, read_card
from mindspore_hub.hub.hub import Hub
from mindspore_hub.hub.paths import card_paths
from mindspore_hub.networks.entry_point import ENTRY_POINT, has_entry_point, load_entry_point
from mindspore_hub.settings import Settings

_CODE = ("models", ENTRY_POINT)
"""Folders of a hub root whose files are executed."""

_ONE_AT_A_TIME = threading.RLock()

_COPIES: dict[str, Path] = {}
"""Private copies by the digest of what is in them, so that other code has other modules."""

_MADE: list[tuple[int, Path]] = []
"""Processes and the folders that they made; a fork leaves those of its parent alone."""


def find_network(card: Card, *, trust: bool = False) -> tuple[Card, Any, Any]:
    """Card, entry point and class of a card's network: that of this package, else of the card's own hub.

    Raises:
        CardError: There is no network for the card.
        TrustError: The code of the card's hub is not trusted.
        MissingDependencyError: MindSpore is not installed.
    """
    if not has_entry_point(Hub.of().root, card.model_name) and is_in_hub(card.path):
        return find_local_network(card.path, trust=trust)
    entry_point = load_entry_point(Hub.of().root, card.model_name)
    return card, entry_point, entry_point.network_class()


def find_local_network(path: Path, *, trust: bool) -> tuple[Card, Any, Any]:
    """The same for the path of a card or hub root that need not be ours."""
    root, card = find_hub(path)
    code = read_code(root)
    if root != Hub.of().root.resolve():
        memory = Store(Settings.from_environment().home).trusted
        check_trust(root, digest_of(code), memory, trust=trust)
    entry_point, cell = import_network(root, code, card.model_name)
    return card, entry_point, cell


def find_hub(path: Path) -> tuple[Path, Card]:
    """Hub root and card that a path means.

    Args:
        path: A hub root with one model, or a card under the `assets` of a hub root.

    Raises:
        CardError: There is no hub, no card, or one that cannot be read.
        AmbiguousNameError: The hub has several models; their cards are listed.
    """
    path = path.resolve()
    root = path if path.is_dir() else _root_above(path)
    missing = [name for name in ("assets", *_CODE) if not (root / name).is_dir()]
    if missing:
        msg = (
            f"{root} is no hub root: it has no folder {' and no folder '.join(missing)}. Give the "
            "folder that holds assets, models and mindspore_hub_conf, or a card in its assets."
        )
        raise CardError(msg)
    if path == root:
        return root, Hub.of(root).complete().only_card()
    for uid, card in card_paths(root / "assets"):
        if card.resolve() == path:
            return root, read_card(card, uid)
    msg = f"{path} is no card of the hub {root}."
    raise CardError(msg)


def is_in_hub(card: Path) -> bool:
    """Whether a card lies in a hub root, whose networks may be meant for it."""
    try:
        root = _root_above(card.resolve())
    except CardError:
        return False
    return all((root / name).is_dir() for name in _CODE)


def check_trust(root: Path, found: str, memory: Path, *, trust: bool) -> None:
    """Refuse to run the code of a hub that nobody trusts as it is now.

    Args:
        root: The hub root.
        found: The digest of its code.
        memory: Folder where the digests of trusted code are kept.
        trust: The caller trusts it now, and from now on.

    Raises:
        TrustError: It was never trusted, or has changed since.
    """
    note = memory / f"{hashlib.sha256(os.fsencode(root)).hexdigest()}.json"
    if trust:
        with suppress(OSError):  # a store that cannot be written remembers nothing
            replace(note, json.dumps({"root": str(root), "sha256": found}))
        return
    known = _known(note)
    if known != found:
        state = "has changed since you trusted it" if known else "is not from this package"
        msg = (
            f"The code in {root} {state}, and loading a network runs it. Read it; then give "
            "trust=True (`mshub load PATH --trust`) once, or copy the networks you want into a "
            "package of your own."
        )
        raise TrustError(msg)


def code_digest(root: Path) -> str:
    """The sha256 over names and contents of all files that a hub root may execute.

    Raises:
        TrustError: A link leads to a folder elsewhere.
        CardError: A file cannot be read.
    """
    return digest_of(read_code(root))


def read_code(root: Path, folders: Iterable[str] = _CODE) -> dict[str, bytes]:
    """All files that may be executed, by their paths below a folder.

    Folders of compiled modules are left out, since these are made anew.

    Args:
        root: The folder.
        folders: Those in it that are looked into.

    Raises:
        TrustError: A link leads to a folder elsewhere.
        CardError: A file cannot be read.
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

    Args:
        code: Contents of files by their paths.

    Raises:
        OSError: There is no room for temporary files.
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


def import_network(root: Path, code: Mapping[str, bytes], model: str) -> tuple[Any, Any]:
    """Entry point and network class of a model, from code that was read before.

    Args:
        root: The hub root that the code was read from.
        code: Contents of its files by their paths.
        model: Name of the model.

    Raises:
        CardError: There is no entry point of the model, or its code cannot be imported.
        MissingDependencyError: MindSpore is not installed.
    """
    copy = private_copy(code)
    with _ONE_AT_A_TIME, explained(root, copy):
        entry_point = load_entry_point(root, model, copy=copy)
        return entry_point, entry_point.network_class()


@contextmanager
def explained(root: Path, copy: Path) -> Iterator[None]:
    """Let an error of code that was imported from a private copy say where it comes from.

    Raises:
        CardError: Instead of any error that is not of this package.
    """
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


def _root_above(card: Path) -> Path:
    above = [folder.parent for folder in card.parents if folder.name == "assets"]
    if not above:
        msg = f"{card} lies in no folder called assets, so there is no hub whose networks could fit it."
        raise CardError(msg)
    return next((root for root in above if (root / "models").is_dir()), above[0])


def _known(note: Path) -> str:
    try:
        return str(json.loads(note.read_bytes())["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
