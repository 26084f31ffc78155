"""What a bundle says of itself, and what is really in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from mindspore_hub._files import open_regular, read_regular
from mindspore_hub._foreign import read_object
from mindspore_hub.errors import IntegrityError
from mindspore_hub.files.store import digest
from mindspore_hub.hub.card import Asset

MANIFEST = "bundle.json"
"""What a bundle holds, and what it was made from."""

GOLDEN = "golden.npz"
"""Outputs of the network, with a checkpoint."""


@dataclass(frozen=True)
class Manifest:
    """What a bundle says of itself.

    Attributes:
        uid: Uid of the card that it was made from.
        card: File of its card.
        entry_point: File of its entry point.
        checkpoint: File of its checkpoint, empty if it has none.
        published: The published file, with all constructor arguments of the network; None if the
            card has no asset.
        made_with: Versions of this package and, with a checkpoint, of MindSpore.
        files: The sha256 of every other file by its path in the bundle.
    """

    uid: str
    card: str
    entry_point: str
    checkpoint: str
    published: Asset | None
    made_with: Mapping[str, str]
    files: Mapping[str, str]


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write what a bundle says of itself."""
    facts = asdict(manifest)
    if manifest.published:
        del facts["published"]["node"]  # which is of the card
    text = json.dumps(facts, indent=2, ensure_ascii=False)
    (folder / MANIFEST).write_text(f"{text}\n", encoding="utf-8")


def read_manifest(folder: Path) -> Manifest:
    """Read what a bundle says of itself.

    Raises:
        IntegrityError: It cannot be read, or means nothing.
    """
    path = folder / MANIFEST
    try:
        facts = read_object(read_regular(path))
        published = facts["published"] and Asset(**facts["published"])
        manifest = Manifest(**{**facts, "published": published})
        named = {manifest.card, manifest.entry_point, *filter(None, [manifest.checkpoint])}
        mappings = (manifest.files, manifest.made_with, published.network_args if published else {})
        is_right = (
            named <= manifest.files.keys()
            and isinstance(manifest.uid, str)
            and all(isinstance(item, dict) for item in mappings)
        )
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        msg = f"{path} cannot be read as the manifest of a bundle ({error}); `mshub bundle` makes one."
        raise IntegrityError(msg) from error
    if not is_right:
        msg = f"{path} does not say what the manifest of a bundle says; make the bundle again."
        raise IntegrityError(msg)
    return manifest


def files_in(folder: Path) -> dict[str, Path]:
    """What a bundle holds by its path there: all but folders and its manifest."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        is_folder = path.is_dir() and not path.is_symlink()
        if not is_folder and str(name) != MANIFEST:
            found[name.as_posix()] = path
    return found


def digests(folder: Path) -> dict[str, str]:
    """The sha256 of each file of a bundle, empty for what is no file; none of its manifest."""
    return {
        name: file_digest(path) if path.is_file() else "" for name, path in files_in(folder).items()
    }


def file_digest(path: Path) -> str:
    """The sha256 of a file."""
    with open_regular(path) as file:
        return digest(file)
