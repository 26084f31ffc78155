"""Hub folders of others: their code runs only for who says so, and only as it was then.

A network is code. Cards from anywhere are built with the networks of this package; a local hub's own
networks run with `trust=True`, which remembers the digest of its code. As long as that stays the
same, later calls need not say it again.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mindspore_hub._files import replace
from mindspore_hub.cards.paths import card_paths
from mindspore_hub.cards.schema import Card, read_card
from mindspore_hub.catalog import Catalog
from mindspore_hub.entry_point import ENTRY_POINT
from mindspore_hub.errors import CardError, TrustError

_CODE = ("models", ENTRY_POINT)
"""Folders of a hub root whose files are executed."""


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
        return root, Catalog.read_whole(root).only_card()
    for uid, card in card_paths(root / "assets"):
        if card.resolve() == path:
            return root, read_card(card, uid)
    msg = f"{path} is no card of the hub {root}."
    raise CardError(msg)


def check_trust(root: Path, memory: Path, *, trust: bool) -> None:
    """Refuse to run the code of a hub that nobody trusts as it is now.

    Args:
        root: The hub root.
        memory: Folder where the digests of trusted code are kept.
        trust: The caller trusts it now, and from now on.

    Raises:
        TrustError: It was never trusted, or has changed since.
    """
    found = code_digest(root)
    note = memory / f"{hashlib.sha256(str(root).encode()).hexdigest()}.json"
    if trust:
        with suppress(OSError):  # a store that cannot be written remembers nothing
            replace(note, json.dumps({"root": str(root), "sha256": found}))
        return
    known = _known(note)
    if known != found:
        state = "has changed since you trusted it" if known else "is not from this package"
        msg = (
            f"The code in {root} {state}, and loading a network runs it. Read it; then give "
            "trust=True once, or copy the networks you want into a package of your own."
        )
        raise TrustError(msg)


def code_digest(root: Path) -> str:
    """The sha256 over names and contents of all files that a hub root may execute.

    Raises:
        TrustError: A link leads to a folder elsewhere, whose files may change unnoticed.
    """
    state = hashlib.sha256()
    for folder in _CODE:
        for path in sorted((root / folder).rglob("*")):
            if path.is_symlink() and path.is_dir():
                msg = f"{path} is a link to a folder; put a copy of the folder in its place."
                raise TrustError(msg)
            if path.is_file() and path.parent.name != "__pycache__":
                name, content = path.relative_to(root).as_posix(), path.read_bytes()
                state.update(f"{name}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return state.hexdigest()


@contextmanager
def without_bytecode() -> Iterator[None]:
    """Import from sources only: compiled files beside them may hold other code."""
    before = sys.pycache_prefix
    with tempfile.TemporaryDirectory(prefix="mshub-") as folder:
        sys.pycache_prefix = folder
        try:
            yield
        finally:
            sys.pycache_prefix = before


def _root_above(card: Path) -> Path:
    for folder in card.parents:
        if folder.name == "assets":
            return folder.parent
    msg = f"{card} lies in no folder called assets, so there is no hub whose networks could fit it."
    raise CardError(msg)


def _known(note: Path) -> str:
    try:
        return str(json.loads(note.read_bytes())["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
