"""A checkpoint of one's own: a file that no card publishes, and what is noted beside it.

Fine-tuning writes a note, `own.ckpt.json` beside `own.ckpt`: from which card and digest it began, of which
data, with which options and versions, and what was measured. Files without a note are taken as well.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mindspore_hub import _files
from mindspore_hub.errors import CheckpointError
from mindspore_hub.tensors import map_file, naming

if TYPE_CHECKING:
    from mindspore_hub.hub.card import Card
    from mindspore_hub.tensors.buffer import Buffer


@dataclass(frozen=True)
class OwnFile:
    """A checkpoint of one's own, mapped and hashed: those bytes are the ones that are parsed."""

    path: Path
    sha256: str
    buffer: Buffer


def note_path(checkpoint: str | os.PathLike[str]) -> Path:
    """Where the note of a checkpoint lies."""
    return Path(f"{os.fspath(checkpoint)}.json")


def read_note(checkpoint: str | os.PathLike[str]) -> Mapping[str, Any]:
    """The note beside a checkpoint; empty if there is none.

    Raises:
        CheckpointError: There is a note that cannot be read.
    """
    path = note_path(checkpoint)
    if not _files.exists(path):
        return {}
    try:
        found = json.loads(_files.read_regular(path).decode("utf-8"))
    except (OSError, ValueError) as error:
        msg = (
            f"{path}, the note of {path.stem}, cannot be read: {error}. Restore it, or remove it: the "
            "checkpoint is loaded without."
        )
        raise CheckpointError(msg) from error
    if not isinstance(found, dict):
        msg = f"{path} is not a note of a checkpoint, which is a mapping; remove it."
        raise CheckpointError(msg)
    return found


def open_own(checkpoint: str | os.PathLike[str], card: Card) -> OwnFile:
    """Open a checkpoint of one's own for the network of a card.

    Raises:
        CheckpointError: It cannot be read, is another file than its note describes, or was made from
            a network of another model.
    """
    path = Path(checkpoint)
    try:
        with _files.open_regular(path) as file, naming(path):
            buffer = map_file(file)
    except OSError as error:
        msg = f"{path} cannot be read: {_files.reason(error)}; give a checkpoint file."
        raise CheckpointError(msg) from error
    own = OwnFile(path, hashlib.sha256(buffer).hexdigest(), buffer)
    note = read_note(path)
    noted = note.get("sha256")
    if noted not in (None, own.sha256):
        msg = (
            f"{path} is not the file that {note_path(path)} describes: its sha256 is {own.sha256}, "
            f"expected {noted}. Restore the file; or remove the note if the file is right."
        )
        raise CheckpointError(msg)
    if note.get("model") not in (None, card.model_name):
        msg = (
            f"{path} was made from {note.get('card')}, whose network is {note['model']}, but "
            f"{card.uid} has {card.model_name}; give a name of {note['model']}."
        )
        raise CheckpointError(msg)
    return own
