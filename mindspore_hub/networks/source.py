"""The file that a command is given: its path, or a name of the card whose file the store has."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mindspore_hub.errors import CheckpointError, OfflineError, UnknownNameError
from mindspore_hub.files.checkpoint import loadable_asset
from mindspore_hub.files.fetch import memo_of, stored
from mindspore_hub.hub.hub import Hub, existing
from mindspore_hub.networks.examine import Examination, describe, examine
from mindspore_hub.settings import shown_address
from mindspore_hub.tensors import open_file, read_index

if TYPE_CHECKING:
    from mindspore_hub.files.store import StoredFile
    from mindspore_hub.hub.card import Card
    from mindspore_hub.settings import Settings


@dataclass(frozen=True)
class Source:
    """A file of tensors that was read.

    Attributes:
        facts: What it holds.
        card: Its card, if it was named by one.
    """

    facts: Examination
    card: Card | None = None


def read_source(name: str, settings: Settings) -> Source:
    """Read a file by its path or by a name of its card; nothing is downloaded.

    Args:
        name: Path of a file, which goes before any name, or a name that `load` takes.
        settings: Where the stores are.

    Raises:
        FileNotFoundError: It looks like a path, and there is no file.
        OSError: There is something else than a file, or it cannot be read.
        UnknownNameError: It is neither a file nor a name.
        OfflineError: The file of the card is not in the store.
        IntegrityError: It is damaged.
        CheckpointError: It is no file of tensors.
    """
    path = existing(name)
    if path and path.is_file() and path.suffix != ".md":
        return Source(examine(path))
    try:
        card = Hub.of().resolve(name)
    except UnknownNameError:
        _check_path(name, path)
        raise
    return Source(_examine_stored(name, card, settings), card)


def _check_path(name: str, path: Path | None) -> None:
    if path and path.is_dir():
        raise IsADirectoryError(_problem(name, "is a folder"))
    if path:
        raise OSError(_problem(name, "is no regular file"))
    looks_like_path = name.endswith((".ckpt", ".safetensors")) or Path(name).is_absolute()
    if looks_like_path or name.startswith((".", "~")) or os.sep in name:
        raise FileNotFoundError(_problem(name, "does not exist"))


def _problem(name: str, problem: str) -> str:
    shown = shown_address(name) if "://" in name else name
    return f"{shown!r} {problem}; give a file of tensors, or a name from `mshub list`."


def _examine_stored(name: str, card: Card, settings: Settings) -> Examination:
    asset = loadable_asset(card)
    found = stored(asset.sha256, settings)
    if found is None:
        msg = f"The file of {name} is not in the store; `mshub download {name}` brings it."
        raise OfflineError(msg)
    with found:
        return _examine(found, settings)


def _examine(found: StoredFile, settings: Settings) -> Examination:
    found.verify(memo_of(settings))
    try:
        return describe(found.path, read_index(open_file(found.file)))
    except CheckpointError as error:
        msg = f"{found.path}: {error}"
        raise CheckpointError(msg) from error
