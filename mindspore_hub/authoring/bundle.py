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
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from mindspore_hub._files import mode_of_new_files, naming, open_regular, read_regular
from mindspore_hub._foreign import read_object
from mindspore_hub.errors import CardError, IntegrityError, StoreError
from mindspore_hub.files.checkpoint import loadable_asset
from mindspore_hub.files.store import digest
from mindspore_hub.hub.card import Asset, Card, asset_items
from mindspore_hub.hub.document import Document, read_document
from mindspore_hub.hub.hub import Hub
from mindspore_hub.hub.paths import ENTRY_POINT
from mindspore_hub.hub.values import as_yaml, quoted
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

_OF_ANY_FILE = frozenset({"preprocessing", "task"})
"""Keys of an asset that say what is true of any file of the network."""


@dataclass(frozen=True)
class Manifest:
    """What a bundle says of itself: files by their path in it, and their sha256.

    `checkpoint` is empty if it has none, `published` is the published file with all constructor arguments,
    None if the card has no asset, and `made_with` has the versions of this package and of MindSpore.
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
    hub: Hub,
    folder: str | os.PathLike[str],
    *,
    checkpoint: bool = False,
    force: bool = False,
    settings: Settings | None = None,
) -> Manifest:
    """Write the bundle of a card into a new or empty folder, as a whole or not at all.

    With `checkpoint`, that is in it: verified, strict, under the names of the network; `force` replaces the
    bundle that is there. Raises CardError if the card lacks what a bundle needs, StoreError if something
    else is in the folder, IntegrityError for a manifest that means nothing, and whatever `load` raises.
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
            manifest = _fill(staged, card, hub, wanted)
            _put(staged, folder)
    return manifest


def file_names(card: Card, hub: Hub, *, checkpoint: bool) -> list[str]:
    """Paths in the bundle of a card, which is refused as in `create`."""
    _check_names(card, checkpoint=checkpoint)
    weights = [_as_ckpt(loadable_asset(card)).file_name, GOLDEN] if checkpoint else []
    return sorted([card.path.name, *code_files(card, hub), *weights, MANIFEST])


def check_target(folder: Path, *, force: bool) -> None:
    """Refuse to write where something else is than an empty folder or a bundle to replace."""
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
    """Refuse a card whose links do not name files that could lie beside each other."""
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


def code_files(card: Card, hub: Hub) -> dict[str, bytes]:
    """Code of a bundle by its path there: an entry point for this card, and its network."""
    entry_point, models = _entry_point_name(card), hub.root / "models"
    code = {entry_point: entry_point_text([card], card).encode()}
    for module in import_closure(models, card.network[0]):
        name = PurePosixPath(entry_point).with_name("models") / f"{module}.py"
        code[str(name)] = (models / f"{module}.py").read_bytes()
    return code


def import_closure(models: Path, module: str) -> list[str]:
    """A module of a folder, what every folder of networks has, and the siblings that these import.

    A CardError says that one of them is not there.
    """
    wanted = ["__init__", SHARED, module]
    for name in wanted:  # which grows
        path = models / f"{name}.py"
        if not path.is_file():
            msg = f"{models} has no {name}.py, which a bundle of {module} needs."
            raise CardError(msg)
        wanted += set(_siblings(path)).difference(wanted)
    return sorted(wanted)


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
    """What a bundle says of itself; an IntegrityError if that cannot be read, or means nothing."""
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
    paths = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*"))}
    return {
        name: path
        for name, path in paths.items()
        if name != MANIFEST and (path.is_symlink() or not path.is_dir())
    }


def digests(folder: Path) -> dict[str, str]:
    """The sha256 of each file of a bundle, empty for what is not a file; none of its manifest."""
    return {name: _digest(path) for name, path in files_in(folder).items()}


def _digest(path: Path) -> str:
    if not path.is_file():
        return ""
    with open_regular(path) as file:
        return digest(file)


def own_weights(file: Path) -> Weights:
    """All tensors of the checkpoint of a bundle, under the names that they have there."""
    with open_regular(file) as stream:
        weights = read_weights(map_file(stream), facts_of(None))
    weights.claim([*weights.state])  # which no bundle has; it is to be found left over
    return weights


def sample(network: nn.Cell, card: Card) -> list[golden.Array]:
    """Inputs that golden outputs belong to; the network knows their shapes best."""
    return golden.draw(golden.inputs_of(network, card.inputs))


def _fill(folder: Path, card: Card, hub: Hub, settings: Settings | None) -> Manifest:
    """Write all files of a bundle, with the checkpoint if there are settings to find it with."""
    made_with, weights = {"mindspore-hub": __version__}, None
    if settings:
        import mindspore

        card, weights = _write_weights(folder, card, hub, settings)
        made_with["mindspore"] = mindspore.__version__
    (folder / card.path.name).write_text(restated(card.path, weights), encoding="utf-8")
    for name, content in code_files(card, hub).items():
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


def _write_weights(folder: Path, card: Card, hub: Hub, settings: Settings) -> tuple[Card, Asset]:
    """Write checkpoint and golden outputs.

    The card comes back with every constructor argument that the published file determines, and the
    written file as an asset.
    """
    import mindspore

    published = loadable_asset(card)
    network = build(card, hub, settings=settings)
    file = folder / _as_ckpt(published).file_name
    parameters = network.parameters_and_names()
    entries = [{"name": name, "data": parameter} for name, parameter in parameters]
    mindspore.save_checkpoint(entries, str(file))
    file.chmod(mode_of_new_files(folder))  # MindSpore leaves it to its owner alone
    golden.write(folder / GOLDEN, golden.compute(network, sample(network, card)))
    derived = derive_arguments(own_weights(file), facts_of(network_class(card, hub)))
    arguments = {name: found.value for name, found in derived.items()}
    published = replace(published, network_args={**arguments, **published.network_args})
    size = f"{file.stat().st_size / 1e6:.0f} MB"
    written = replace(_as_ckpt(published), sha256=_digest(file), size=size)
    return card.with_asset(published), written


def _as_ckpt(asset: Asset) -> Asset:
    """The asset under the name that its file has in a bundle: upstream's client knows ckpt only."""
    stem = asset.link.removesuffix(".safetensors")
    return asset if stem == asset.link else replace(asset, link=f"{stem}.ckpt")


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


def restated(path: Path, asset: Asset | None) -> str:
    """Text of the card at `path` with one asset in place of all its own, or with none."""
    document = read_document(path)
    keys = [(name.text, name.place.line - 1) for name, _ in document.front_matter.entries]
    begins = [line for _, line in keys]
    end = document.rules[1] - 1
    lines = list(document.lines[: begins[0]])
    block = [*_block(asset), *_of_any_file(document), ""] if asset else []
    for (key, begin), following in zip(keys, [*begins[1:], end], strict=True):
        if key == "asset":
            lines += block
            block = []
        else:
            lines += document.lines[begin:following]
    return "\n".join([*lines, *document.lines[end:], ""])


def _block(asset: Asset) -> list[str]:
    arguments = (f"{quoted(name)}: {as_yaml(v)}" for name, v in asset.network_args.items())
    return [
        "asset:",
        "",
        "-",
        "    file-format: ckpt",
        f"    asset-link: <{asset.link}>",
        f"    asset-sha256: {asset.sha256}",
        f"    asset-size: {asset.size}",
        f"    network-args: {{{', '.join(arguments)}}}",
    ]


def _of_any_file(document: Document) -> list[str]:
    """The lines by which the card says what is true of any file of its network."""
    lines: list[str] = []
    for item in asset_items(document.front_matter)[:1]:
        for name, _ in item.entries:
            if name.text in _OF_ANY_FILE:
                first, *others = document.lines[name.place.line - 1 :]
                # The key stands four blanks in.
                lines += first, *takewhile(lambda line: line.startswith("     "), others)
    return lines
