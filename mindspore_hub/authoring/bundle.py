"""A card in a folder of its own, which upstream's client loads without this package.

That client takes the card, the folder beside it that bears the last name of the card's `repo-link`,
and the file beside it that bears the last name of its `asset-link`. It loads parameters by the names
of the network, and those that a file lacks keep initial values without an error. So a bundle's
checkpoint is written under the names of its network, its card describes that file, and a bundle
without a checkpoint has a card without asset, which that client refuses to load weights for.
"""

from __future__ import annotations

import ast
import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from mindspore_hub._files import mode_of_new_files, naming, open_regular, read_regular
from mindspore_hub._foreign import read_object
from mindspore_hub.authoring.restated import restated
from mindspore_hub.errors import CardError, IntegrityError, StoreError
from mindspore_hub.files.checkpoint import loadable_asset
from mindspore_hub.files.store import digest
from mindspore_hub.hub.card import Asset, Card
from mindspore_hub.hub.hub import Hub
from mindspore_hub.hub.paths import ENTRY_POINT
from mindspore_hub.networks import golden
from mindspore_hub.networks.build import build
from mindspore_hub.networks.classes import network_class
from mindspore_hub.networks.entry_point import SHARED, entry_point_text
from mindspore_hub.networks.weights import Weights, derive_arguments, facts_of, read_weights
from mindspore_hub.settings import Settings, shown_address
from mindspore_hub.tensors import map_file
from mindspore_hub.version import __version__

if TYPE_CHECKING:
    from mindspore import nn

MANIFEST = "bundle.json"
"""What a bundle holds, and what it was made from."""

GOLDEN = "golden.npz"
"""Outputs of the network, with a checkpoint."""

_NAME = re.compile(r"\w[\w.+-]*")


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
    _check_names(card, checkpoint=checkpoint)
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
    _check_names(card, checkpoint=checkpoint)
    weights = [_as_ckpt(loadable_asset(card)).file_name, GOLDEN] if checkpoint else []
    return sorted([card.path.name, *code_files(card), *weights, MANIFEST])


def check_target(folder: Path, *, force: bool) -> None:
    """Refuse to write where something else is.

    Raises:
        StoreError: It is neither an empty folder nor a bundle that may be replaced.
        IntegrityError: It has a manifest that means nothing.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not (folder / MANIFEST).is_file():
        msg = f"{folder} is there already and is not a bundle; choose another folder or remove it."
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


def _check_names(card: Card, *, checkpoint: bool) -> None:
    """Refuse a card whose links do not name files that could lie beside each other.

    Raises:
        CardError: A name is missing, or another file of the bundle has it.
    """
    links = {"repo-link": card.text("repo-link")}
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


def _entry_point_name(card: Card) -> str:
    """Path of the entry point of a bundle, in the folder that upstream's client looks for."""
    return f"{card.text('repo-link').rsplit('/', 1)[-1]}/{ENTRY_POINT}.py"


def code_files(card: Card) -> dict[str, bytes]:
    """Code of a bundle by its path there: an entry point for this card, and its network.

    Raises:
        CardError: There is no such network.
    """
    entry_point, models = _entry_point_name(card), Hub.of().root / "models"
    code = {entry_point: entry_point_text([card], card).encode()}
    for module in import_closure(models, card.network[0]):
        name = PurePosixPath(entry_point).with_name("models") / f"{module}.py"
        code[str(name)] = (models / f"{module}.py").read_bytes()
    return code


def import_closure(models: Path, module: str) -> list[str]:
    """A module of a folder, what every folder of networks has, and the siblings that these import.

    Raises:
        CardError: One of them is not there.
    """
    found: set[str] = set()
    wanted = ["__init__", SHARED, module]
    while wanted:
        name = wanted.pop()
        if name in found:
            continue
        path = models / f"{name}.py"
        if not path.is_file():
            msg = f"{models} has no {name}.py, which a bundle of {module} needs."
            raise CardError(msg)
        found.add(name)
        wanted += _siblings(path)
    return sorted(found)


def _siblings(path: Path) -> Iterator[str]:
    """Modules beside a module that it imports from; `from . import name` may mean a plain name."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            if node.module:
                yield node.module
            else:
                names = (alias.name for alias in node.names)
                yield from (name for name in names if path.with_name(f"{name}.py").is_file())


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
    """The sha256 of each file of a bundle, empty for what is not a file; none of its manifest."""
    return {
        name: _digest(path) if path.is_file() else "" for name, path in files_in(folder).items()
    }


def _digest(path: Path) -> str:
    """The sha256 of a file."""
    with open_regular(path) as file:
        return digest(file)


def own_weights(file: Path) -> Weights:
    """All tensors of the checkpoint of a bundle, under the names that they have there.

    Raises:
        CheckpointError: It is not a checkpoint.
    """
    with open_regular(file) as stream:
        weights = read_weights(map_file(stream), facts_of(None))
    weights.claim([*weights.state])  # which no bundle has; it is to be found left over
    return weights


def sample(network: nn.Cell, card: Card) -> list[golden.Array]:
    """Inputs that golden outputs belong to; the network knows their shapes best."""
    return golden.draw(golden.inputs_of(network, card.inputs))


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
        entry_point=_entry_point_name(card),
        checkpoint=weights.file_name if weights else "",
        published=card.asset,
        made_with=made_with,
        files=digests(folder),
    )
    facts = asdict(manifest)
    if manifest.published:
        del facts["published"]["node"]  # which is of the card
    text = json.dumps(facts, indent=2, ensure_ascii=False)
    (folder / MANIFEST).write_text(f"{text}\n", encoding="utf-8")
    return manifest


def _write_weights(folder: Path, card: Card, settings: Settings) -> tuple[Card, Asset]:
    """Write checkpoint and golden outputs.

    Returns:
        The card with every constructor argument that the published file determines, and the
        written file.
    """
    published = loadable_asset(card)
    network = build(card, Hub.of(), settings=settings)
    file = folder / _as_ckpt(published).file_name
    _save(network, file)
    golden.write(folder / GOLDEN, golden.compute(network, sample(network, card)))
    derived = derive_arguments(own_weights(file), facts_of(network_class(card, Hub.of())))
    arguments = {name: found.value for name, found in derived.items()}
    published = replace(published, network_args={**arguments, **published.network_args})
    size = f"{file.stat().st_size / 1e6:.0f} MB"
    written = replace(_as_ckpt(published), sha256=_digest(file), size=size)
    return replace(card, other_asset=published), written


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
