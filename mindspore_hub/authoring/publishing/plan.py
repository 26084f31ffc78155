"""What is to be published, as far as it can be said without building a network."""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from mindspore_hub import _files
from mindspore_hub import tensors as tensorfile
from mindspore_hub.authoring.new import parse_shapes
from mindspore_hub.authoring.publishing import names
from mindspore_hub.authoring.publishing.facts import check_keys, gather, require_all
from mindspore_hub.errors import CardError, CheckpointError, SettingsError, UnknownNameError
from mindspore_hub.hub.card import Card
from mindspore_hub.hub.hub import Hub
from mindspore_hub.hub.values import Argument, Shape
from mindspore_hub.hub.vocabulary import listed
from mindspore_hub.hub.vocabulary.datasets import accepted_spelling, is_accepted
from mindspore_hub.networks.examine import Examination, describe

_FOLDER = re.compile(r"[\w+-][\w.+-]*", re.ASCII)
"""Names of the folders of a card; they must not lead out of the hub."""


@dataclass(frozen=True)
class Request:
    """What somebody wants to publish; see `publish`."""

    checkpoint: Path
    model: str
    root: Path = Path()
    facts: Mapping[str, str] = field(default_factory=dict)
    network_args: Mapping[str, Argument] = field(default_factory=dict)
    network: Path | None = None
    golden: Path | None = None


@dataclass(frozen=True)
class Stored:
    """A checkpoint file, by its bytes.

    Attributes:
        facts: What its index tells.
        sha256: Its digest.
    """

    facts: Examination
    sha256: str

    @property
    def size(self) -> str:
        """Size as cards give it."""
        megabytes = self.facts.size / 1e6
        return f"{megabytes:.0f} MB" if megabytes >= 1 else f"{max(megabytes, 0.01):.2g} MB"


@dataclass(frozen=True)
class Plan:
    """What will be published if the network agrees.

    Attributes:
        request: What was asked for.
        model: Name of the model as its class is called.
        facts: Everything that the card says, but for what the trial finds out.
        stored: The checkpoint.
        siblings: Cards of the model, the default one first.
        card: Path of the card below the hub root.
        link: Where the file is to be found.
        network: Path of the network below the hub root.
        inputs: Shape of each input for one sample, as far as it was given or other cards say it.
    """

    request: Request
    model: str
    facts: Mapping[str, str]
    stored: Stored
    siblings: tuple[Card, ...]
    card: Path
    link: str
    network: Path
    inputs: tuple[Shape, ...]

    @property
    def uid(self) -> str:
        """Uid of the card."""
        return self.card.relative_to("assets").with_suffix("").as_posix()


def draft(request: Request) -> tuple[str, list[Card], dict[str, str]]:
    """Model, its cards and all facts that are known; no fact is required yet.

    Raises:
        SettingsError: The folder is no hub root.
        UnknownNameError: There is no such model.
        CardError: A fact or a card cannot be read.
    """
    check_keys(request.facts)
    siblings = _siblings(_catalog(request.root), request.model)
    model = _class_name(request, siblings[0].model_name if siblings else request.model)
    return model, siblings, gather(model, request.facts, siblings, request.checkpoint.name)


def make_plan(request: Request) -> Plan:
    """Decide what is to be published.

    Raises:
        HubError: As in `publish`; nothing was written.
    """
    model, siblings, facts = draft(request)
    require_all(facts)
    stored = read_stored(request.checkpoint)
    names.check_parts(facts)
    _check_dataset(facts["train-dataset"])
    names.check_name(request.checkpoint.name, facts)
    link = facts.get("asset-link") or "/".join(
        [facts["link-base"].rstrip("/"), names.file_name(model, facts, stored.facts.format)]
    )
    names.check_name(link.rsplit("/", 1)[-1], facts)
    plan = Plan(
        request=request,
        model=model,
        facts=facts,
        stored=stored,
        siblings=tuple(siblings),
        card=_card_path(names.card_name(model, facts), facts),
        link=link,
        network=Path("models", f"{model.lower()}.py"),
        inputs=parse_shapes("input-shape", facts["input-shape"])
        if facts.get("input-shape")
        else (),
    )
    _check_free(plan)
    return plan


def read_stored(path: Path) -> Stored:
    """Read what a checkpoint file is, without any of its values.

    Raises:
        CheckpointError: The file cannot be read, or is damaged.
    """
    try:
        with _files.open_regular(path) as file:
            buffer = tensorfile.map_file(file)
        facts = describe(path, tensorfile.read_index(buffer, path.name))
    except OSError as error:
        msg = f"{path} cannot be published: {error.strerror}; give a checkpoint file."
        raise CheckpointError(msg) from error
    except CheckpointError as error:
        msg = f"{path} cannot be published: {error}"
        raise CheckpointError(msg) from error
    return Stored(facts, hashlib.sha256(buffer).hexdigest())


def _catalog(root: Path) -> Hub:
    lacking = [name for name in ("assets", "models") if not (root / name).is_dir()]
    if lacking:
        msg = (
            f"{root.absolute()} is no hub root: it has no folder {' and no folder '.join(lacking)}. "
            "Give the folder that holds assets and models."
        )
        raise SettingsError(msg)
    return Hub.of(root).complete()


def _siblings(catalog: Hub, model: str) -> list[Card]:
    cards = [card for card in catalog.cards if card.model_name.lower() == model.lower()]
    return sorted(cards, key=lambda card: not card.is_default)


def _class_name(request: Request, model: str) -> str:
    """Name of the class of a network, which its source defines."""
    own = request.root / "models" / f"{model.lower()}.py"
    source = request.network or own
    if not source.is_file():
        known = sorted(path.stem for path in own.parent.glob("[!_]*.py"))
        near = get_close_matches(model.lower(), known, 3)
        hint = f"did you mean {' or '.join(near)}?" if near else "it has " + ", ".join(known) + "."
        msg = (
            f"There is no network {source}; {hint} A new model needs its network (--network FILE)."
        )
        raise UnknownNameError(msg)
    try:
        module = ast.parse(source.read_bytes())
    except (SyntaxError, ValueError) as error:
        msg = f"{source} is no Python source: {error}."
        raise CardError(msg) from error
    classes = [node.name for node in module.body if isinstance(node, ast.ClassDef)]
    found = [name for name in classes if name.lower() == model.lower()]
    if not found:
        msg = f"{source} defines no class {model}, only {', '.join(classes) or 'none'}."
        raise CardError(msg)
    return found[0]


def _check_dataset(dataset: str) -> None:
    if not is_accepted(dataset):
        near = accepted_spelling(dataset) or next(
            iter(get_close_matches(dataset.lower(), listed("datasets"), 1)), None
        )
        hint = f"did you mean {near}?" if near else "write the usual name of the data set."
        msg = (
            f"train-dataset {dataset!r} is not in the vocabulary of data sets; {hint} A data set "
            "that nobody has published for goes into mindspore_hub/hub/vocabulary/datasets.txt."
        )
        raise CardError(msg)


def _card_path(name: str, facts: Mapping[str, str]) -> Path:
    for key in ("publisher", "mindspore-version"):
        if not _FOLDER.fullmatch(facts[key]):
            msg = f"{key} {facts[key]!r} cannot be the name of a folder of cards."
            raise CardError(msg)
    return Path("assets", facts["publisher"], facts["mindspore-version"], f"{name}.md")


def _check_free(plan: Plan) -> None:
    """Refuse to write over a card, or over another network."""
    root, given = plan.request.root, plan.request.network
    if (root / plan.card).exists() or (root / plan.card).is_symlink():
        msg = (
            f"There is a card {root / plan.card} already. Give a `variant` that tells the new file "
            "from it, or remove the card first."
        )
        raise CardError(msg)
    own = root / plan.network
    if given and own.exists() and own.read_bytes() != given.read_bytes():
        msg = f"There is a network {own} already, and {given} is another one; leave out --network."
        raise CardError(msg)
