"""A card in a folder of its own, which upstream's client loads without this package.

That client takes the card, the folder beside it that bears the last name of the card's `repo-link`,
and the file beside it that bears the last name of its `asset-link`. It loads parameters by the names
of the network, and those that a file lacks keep initial values without an error. So a bundle's
checkpoint is written under the names of its network, its card describes that file, and a bundle
without a checkpoint has a card without asset, which that client refuses to load weights for.
"""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mindspore_hub import _files
from mindspore_hub._files import mode_of_new_files, naming
from mindspore_hub.authoring.bundle.code import code_files, entry_point_name
from mindspore_hub.authoring.bundle.manifest import (
    GOLDEN,
    MANIFEST,
    Manifest,
    digests,
    file_digest,
    files_in,
    read_manifest,
    write_manifest,
)
from mindspore_hub.authoring.restated import restated
from mindspore_hub.errors import CardError, StoreError
from mindspore_hub.files.records import note_use
from mindspore_hub.files.store import Store
from mindspore_hub.hub.card import Asset, Card
from mindspore_hub.hub.hub import Hub
from mindspore_hub.networks import golden
from mindspore_hub.networks.entry_point import load_entry_point
from mindspore_hub.networks.pretrained import create_pretrained, loadable_asset
from mindspore_hub.networks.weights import Signature, Weight, derive_arguments, facts_of
from mindspore_hub.settings import Settings, shown_address
from mindspore_hub.tensors import map_file, read_index
from mindspore_hub.version import __version__

if TYPE_CHECKING:
    from mindspore import nn

_NAME = re.compile(r"\w[\w.+-]*")


def create(
    card: Card,
    folder: str | os.PathLike[str],
    *,
    checkpoint: bool = False,
    force: bool = False,
    settings: Settings | None = None,
) -> Manifest:
    """Write the bundle of a card, as a whole or not at all.

    Args:
        card: The card, built with the networks of this package.
        folder: Where to; a new or an empty folder.
        checkpoint: Put the checkpoint in, verified, strictly, under the names of the network.
        force: Replace the bundle that is there.
        settings: Where to keep and find files, by default what the environment says.

    Returns:
        What was written.

    Raises:
        CardError: The card lacks what a bundle needs.
        StoreError: Something else is in the folder, or a bundle that nobody said to replace, or it
            cannot be written.
        IntegrityError: As in `load`, or the folder has a manifest that means nothing.
        HubError: As in `load`, with a checkpoint.
    """
    folder = Path(folder).resolve()
    check_target(folder, force=force)
    check_names(card, checkpoint=checkpoint)
    wanted = (settings or Settings.from_environment()) if checkpoint else None
    with naming(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        place, prefix = folder.parent, f".{folder.name}-"
        with tempfile.TemporaryDirectory(dir=place, prefix=prefix) as temporary:
            staged = Path(temporary) / "new"
            staged.mkdir()
            manifest = _fill(staged, card, wanted)
            _put(staged, folder)
    return manifest


def file_names(card: Card, *, checkpoint: bool) -> list[str]:
    """Paths in the bundle of a card.

    Raises:
        CardError: The card lacks what a bundle needs.
    """
    check_names(card, checkpoint=checkpoint)
    weights = [_as_ckpt(loadable_asset(card)).file_name, GOLDEN] if checkpoint else []
    return sorted([card.path.name, *code_files(card), *weights, MANIFEST])


def check_target(folder: Path, *, force: bool) -> None:
    """Refuse to write where something else is.

    Raises:
        StoreError: It is no empty folder, and no bundle that may be replaced.
        IntegrityError: It has a manifest that means nothing.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not (folder / MANIFEST).is_file():
        msg = f"{folder} is there already and is no bundle; choose another folder or remove it."
        raise StoreError(msg)
    if not force:
        msg = f"{folder} is a bundle already; give --force to replace it."
        raise StoreError(msg)
    left_over = files_in(folder).keys() - read_manifest(folder).files.keys()
    # Python puts compiled modules beside those of a bundle that was used.
    others = {name for name in left_over if "__pycache__" not in Path(name).parts}
    if others:
        msg = (
            f"{folder} holds more than its bundle, such as {min(others)}, and was not touched; "
            "choose another folder."
        )
        raise StoreError(msg)


def check_names(card: Card, *, checkpoint: bool) -> None:
    """Refuse a card whose links name no files that could lie beside each other.

    Raises:
        CardError: A name is missing, or another file of the bundle has it.
    """
    links = {"repo-link": card.facts.get("repo-link", "")}
    if checkpoint:
        links["asset-link"] = _as_ckpt(loadable_asset(card)).link
    taken = {card.path.name, MANIFEST, GOLDEN}
    for key, link in links.items():
        name = link.rsplit("/", 1)[-1]
        is_right = key == "repo-link" or name.endswith(".ckpt")
        if not _NAME.fullmatch(name) or name in taken or not is_right:
            what = "a folder" if key == "repo-link" else "a .ckpt file"
            msg = (
                f"{card.path}: {key} {shown_address(link)!r} ends in no name that {what} of a bundle can have; "
                "upstream's client looks for that name. Correct the link."
            )
            raise CardError(msg)
        taken.add(name)


def own_weights(file: Path) -> dict[str, Weight]:
    """All tensors of the checkpoint of a bundle, under the names that they have there.

    Raises:
        CheckpointError: It is no checkpoint.
    """
    with _files.open_regular(file) as stream:
        index = read_index(map_file(stream))
    return {
        name: Weight(name, Signature(entry.shape, entry.dtype), index.array(name))
        for name, entry in index.entries.items()
    }


def sample(network: nn.Cell, card: Card) -> list[golden.Array]:
    """Inputs that golden outputs belong to; the network knows their shapes best."""
    return golden.draw(getattr(network, "input_shapes", None) or card.input_shapes)


def _fill(folder: Path, card: Card, settings: Settings | None) -> Manifest:
    """Write all files of a bundle, with the checkpoint if there are settings to find it with."""
    made_with, weights = {"mindspore-hub": __version__}, None
    if settings:
        import mindspore

        card, weights = _write_weights(folder, card, settings)
        made_with["mindspore"] = mindspore.__version__
    (folder / card.path.name).write_text(restated(card.path, weights), encoding="utf-8")
    for name, content in code_files(card).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    manifest = Manifest(
        uid=card.uid,
        card=card.path.name,
        entry_point=entry_point_name(card),
        checkpoint=weights.file_name if weights else "",
        published=card.asset,
        made_with=made_with,
        files=digests(folder),
    )
    write_manifest(folder, manifest)
    return manifest


def _write_weights(folder: Path, card: Card, settings: Settings) -> tuple[Card, Asset]:
    """Write checkpoint and golden outputs.

    Returns:
        The card with every constructor argument that the published file determines, and the
        written file.
    """
    published = loadable_asset(card)
    cell = load_entry_point(Hub.of().root, card.model_name).network_class()
    network = create_pretrained(cell, published, {}, settings=settings)
    note_use(Store(settings.home).refs, card.uid, published.sha256, published.link)
    file = folder / _as_ckpt(published).file_name
    _save(network, file)
    golden.write(folder / GOLDEN, golden.compute(network, sample(network, card)))
    derived = derive_arguments(own_weights(file), facts_of(cell))
    arguments = {name: found.value for name, found in derived.items()}
    published = replace(published, network_args={**arguments, **published.network_args})
    size = f"{file.stat().st_size / 1e6:.0f} MB"
    written = replace(_as_ckpt(published), sha256=file_digest(file), size=size)
    return replace(card, asset=published), written


def _as_ckpt(asset: Asset) -> Asset:
    """The asset under the name that its file has in a bundle: upstream's client knows ckpt only."""
    stem = asset.link.removesuffix(".safetensors")
    return asset if stem == asset.link else replace(asset, link=f"{stem}.ckpt")


def _save(network: nn.Cell, file: Path) -> None:
    """Write the parameters of a network under its own names."""
    import mindspore

    entries = [
        {"name": name, "data": parameter} for name, parameter in network.parameters_and_names()
    ]
    mindspore.save_checkpoint(entries, str(file))
    file.chmod(mode_of_new_files(file.parent))  # MindSpore leaves it to its owner alone


def _put(staged: Path, folder: Path) -> None:
    """Move a bundle to its place; what was there goes with the temporary folder."""
    before = staged.with_name("old")
    try:
        if folder.exists():
            folder.rename(before)
        staged.rename(folder)
    except BaseException:
        if before.exists() and not folder.exists():
            before.rename(folder)
        raise
