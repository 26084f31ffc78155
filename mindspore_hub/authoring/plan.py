"""What is to be published, as far as it can be said without building a network.

The names of the file and of its card follow from facts, which must not contradict them.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path

from mindspore_hub import _files
from mindspore_hub.authoring.facts import check_keys, domain, gather, noted, require_all
from mindspore_hub.authoring.new import parse_shapes
from mindspore_hub.errors import CardError, CheckpointError, SettingsError, UnknownNameError
from mindspore_hub.hub.card import Card
from mindspore_hub.hub.hub import Hub
from mindspore_hub.hub.metrics import (
    FileName,
    Metric,
    compare,
    parse_file_name,
    parse_metric,
    parse_metrics,
)
from mindspore_hub.hub.paths import entry_point_path
from mindspore_hub.hub.values import Argument, Shape
from mindspore_hub.hub.vocabulary import accepted_dataset, is_accepted_dataset, listed, plain
from mindspore_hub.networks.examine import Examination, describe
from mindspore_hub.networks.own import read_note
from mindspore_hub.tensors import map_file, read_index

_FOLDER = re.compile(r"[\w+-][\w.+-]*", re.ASCII)
"""Names of the folders of a card; they must not lead out of the hub."""

_METRIC = re.compile(r"[A-Za-z][\w@.+-]*", re.ASCII)

_PARTS = {
    "mindspore-version": (r"\d+\.\d+(\.\d+)?", "write the release as 2.7"),
    "device": ("ascend|gpu|cpu", "device is ascend, gpu or cpu"),
    "kind": ("official|research", "kind is official or research"),
}
"""Facts that are part of the name of a file, what they can be, and what to write."""

_VARIANT = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*")


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
class Plan:
    """What will be published if the network agrees.

    `facts` is everything that the card says but for what the trial finds out, `siblings` are the cards of
    the model, the default one first. `card` is a path below the hub root, `link` where the file is to be
    found, and `inputs` the shapes for one sample, as far as they were given or other cards say them.
    """

    request: Request
    model: str
    facts: Mapping[str, str]
    file: Examination
    sha256: str
    siblings: tuple[Card, ...]
    card: Path
    link: str
    inputs: tuple[Shape, ...]

    @property
    def network(self) -> Path:
        """Path of the network below the hub root."""
        return Path("models", f"{self.model.lower()}.py")

    @property
    def uid(self) -> str:
        """Uid of the card."""
        return self.card.relative_to("assets").with_suffix("").as_posix()

    @property
    def size(self) -> str:
        """Size of the checkpoint as cards give it."""
        megabytes = self.file.size / 1e6
        return f"{megabytes:.0f} MB" if megabytes >= 1 else f"{max(megabytes, 0.01):.2g} MB"


def draft(request: Request) -> tuple[str, list[Card], dict[str, str]]:
    """Model, its cards and all facts that are known; no fact is required yet."""
    check_keys(request.facts)
    request = with_note(request)
    siblings = _siblings(request.root, request.model)
    model = _class_name(request, siblings[0].model_name if siblings else request.model)
    return model, siblings, gather(model, request.facts, siblings, request.checkpoint.name)


def with_note(request: Request) -> Request:
    """The request with what the note beside its checkpoint states, where nothing else was given.

    Raises:
        CardError: The checkpoint was made from a network of another model.
    """
    note = read_note(request.checkpoint)
    model = str(note.get("model", request.model))
    if model.lower() != request.model.lower():
        msg = (
            f"{request.checkpoint} was made from {note.get('card')}, whose network is {model}, not "
            f"{request.model}; give --model {model}."
        )
        raise CardError(msg)
    return replace(
        request,
        facts={**noted(note), **{key: text for key, text in request.facts.items() if text}},
        network_args={**note.get("network_args", {}), **request.network_args},
    )


def make_plan(request: Request) -> Plan:
    """Decide what is to be published; the errors are those of `publish`."""
    request = with_note(request)
    model, siblings, facts = draft(request)
    require_all(facts)
    file, sha256 = _read_file(request.checkpoint)
    _check_parts(facts)
    _check_dataset(facts["train-dataset"])
    _check_name(request.checkpoint.name, facts)
    link = facts.get("asset-link") or "/".join(
        [facts["link-base"].rstrip("/"), _file_name(model, facts, file.format)]
    )
    _check_name(link.rsplit("/", 1)[-1], facts)
    shapes = facts.get("input-shape")
    plan = Plan(
        request=request,
        model=model,
        facts=facts,
        file=file,
        sha256=sha256,
        siblings=tuple(siblings),
        card=_card_path(model, facts),
        link=link,
        inputs=parse_shapes("input-shape", shapes) if shapes else (),
    )
    _check_free(plan)
    return plan


def metrics(facts: Mapping[str, str]) -> list[Metric]:
    """Metrics of `evaluation`; a CardError if it states anything else."""
    found = [parse_metric(segment) for segment in facts["evaluation"].split("|")]
    if not all(metric and metric.name and _METRIC.fullmatch(metric.text) for metric in found):
        msg = (
            f"evaluation {facts['evaluation']!r} is not a list of metrics; write them as "
            "`rank1acc71 | mAP66`."
        )
        raise CardError(msg)
    return [metric for metric in found if metric]


def _read_file(path: Path) -> tuple[Examination, str]:
    """What a checkpoint file is, without any of its values, and its digest."""
    try:
        with _files.open_regular(path) as file:
            buffer = map_file(file)
        facts = describe(path, read_index(buffer, path.name))
    except (OSError, CheckpointError) as error:
        reason = str(error)
        if isinstance(error, OSError):
            reason = f"{error.strerror}; give a checkpoint file."
        msg = f"{path} cannot be published: {reason}"
        raise CheckpointError(msg) from error
    return facts, hashlib.sha256(buffer).hexdigest()


def _siblings(root: Path, model: str) -> list[Card]:
    """Cards of a model, the default one first."""
    lacking = [name for name in ("assets", "models") if not (root / name).is_dir()]
    if lacking:
        msg = (
            f"{root.absolute()} is not a hub root: it has no folder {' and no folder '.join(lacking)}. "
            "Give the folder that holds assets and models."
        )
        raise SettingsError(msg)
    cards = Hub.of(root).complete().cards
    siblings = [card for card in cards if card.model_name.lower() == model.lower()]
    return sorted(siblings, key=lambda card: not card.is_default)


def _class_name(request: Request, model: str) -> str:
    """Name of the class of a network, which its source defines."""
    own = request.root / "models" / f"{model.lower()}.py"
    source = request.network or own
    if not source.is_file():
        known = sorted(path.stem for path in own.parent.glob("[!_]*.py"))
        near = get_close_matches(model.lower(), known, 3)
        hint = f"did you mean {' or '.join(near)}?" if near else "it has " + ", ".join(known) + "."
        msg = f"There is no network {source}; {hint} A new model needs its network (--network-file FILE)."
        raise UnknownNameError(msg)
    try:
        module = ast.parse(source.read_bytes())
    except (SyntaxError, ValueError) as error:
        msg = f"{source} is not Python source: {error}."
        raise CardError(msg) from error
    classes = [node.name for node in module.body if isinstance(node, ast.ClassDef)]
    found = [name for name in classes if name.lower() == model.lower()]
    if not found:
        msg = f"{source} defines no class {model}, only {', '.join(classes) or 'none'}."
        raise CardError(msg)
    return found[0]


def _check_parts(facts: Mapping[str, str]) -> None:
    """Compare facts with what a published name can hold, one by one."""
    for key, (form, hint) in _PARTS.items():
        if not re.fullmatch(form, facts[key], re.ASCII):
            msg = f"{key} {facts[key]!r} cannot be part of the name of a published file; {hint}."
            raise CardError(msg)
    if not re.fullmatch("[a-z]+", domain(facts)):
        msg = (
            f"module-type {facts['module-type']!r} does not begin with a domain, such as cv or "
            "cv-classification."
        )
        raise CardError(msg)


def _file_name(model: str, facts: Mapping[str, str], extension: str) -> str:
    """Name of the file by the grammar of published files."""
    digits = facts["mindspore-version"].replace(".", "")
    release = digits if facts["mindspore-version"].count(".") > 1 else f"{digits}0"
    parts = [
        _begin(model, facts),
        facts["device"],
        f"v{release}",
        plain(facts["train-dataset"]),
        facts["kind"],
        domain(facts),
        *(metric.text for metric in metrics(facts)),
    ]
    name = f"{'_'.join(parts)}.{extension}"
    if not isinstance(parse_file_name(name), FileName):
        msg = (
            f"No published file can be called {name}: {model} or train-dataset "
            f"{facts['train-dataset']!r} cannot be part of it."
        )
        raise CardError(msg)
    return name


def _check_name(name: str, facts: Mapping[str, str]) -> None:
    """Compare what the name of a file states with the facts."""
    parsed = parse_file_name(name)
    lines = list(_contradictions(parsed, facts)) if isinstance(parsed, FileName) else []
    if lines:
        contradictions = "\n".join(f"  {line}" for line in lines)
        msg = (
            f"The name of the file {name} contradicts the facts:\n{contradictions}\n"
            "Correct the facts, or rename the file."
        )
        raise CardError(msg)


def _contradictions(name: FileName, facts: Mapping[str, str]) -> Iterator[str]:
    digits = facts["mindspore-version"].replace(".", "")
    same = {
        "train-dataset": (plain(facts["train-dataset"]) == plain(name.dataset), name.dataset),
        "mindspore-version": (name.version in {digits, f"{digits}0"}, f"v{name.version}"),
        "device": (facts["device"] == name.device, name.device),
        "kind": (facts["kind"] == name.kind, name.kind),
        "module-type": (domain(facts) == name.domain, name.domain),
    }
    for key, (is_same, found) in same.items():
        if not is_same:
            yield f"{key} is {facts[key]}, the name has {found}"
    pairs = compare(metrics(facts), parse_metrics(name.metrics or ""))
    for metric, published in [*pairs.values, *pairs.names]:
        yield f"evaluation has {metric.text}, the name has {published.text}"


def _begin(model: str, facts: Mapping[str, str]) -> str:
    variant = facts.get("variant", "")
    if variant and not _VARIANT.fullmatch(variant):
        msg = f"variant {variant!r} cannot be part of a name; write small letters and digits."
        raise CardError(msg)
    return f"{model.lower()}_{variant}" if variant else model.lower()


def _check_dataset(dataset: str) -> None:
    if not is_accepted_dataset(dataset):
        near = accepted_dataset(dataset) or next(
            iter(get_close_matches(dataset.lower(), listed("datasets"), 1)), None
        )
        hint = f"did you mean {near}?" if near else "write the usual name of the data set."
        msg = (
            f"train-dataset {dataset!r} is not in the vocabulary of data sets; {hint} A data set "
            "that nobody has published for goes into mindspore_hub/hub/vocabulary/datasets.txt."
        )
        raise CardError(msg)


def _card_path(model: str, facts: Mapping[str, str]) -> Path:
    name = f"{_begin(model, facts)}_{plain(facts['train-dataset'])}"
    for key in ("publisher", "mindspore-version"):
        if not _FOLDER.fullmatch(facts[key]):
            msg = f"{key} {facts[key]!r} cannot be the name of a folder of cards."
            raise CardError(msg)
    return Path("assets", facts["publisher"], facts["mindspore-version"], f"{name}.md")


def _check_free(plan: Plan) -> None:
    """Refuse to write over a card, or over a network or an entry point of somebody's own."""
    root, given = plan.request.root, plan.request.network
    if (root / plan.card).exists() or (root / plan.card).is_symlink():
        msg = (
            f"There is a card {root / plan.card} already. Give a `variant` that tells the new file "
            "from it, or remove the card first."
        )
        raise CardError(msg)
    own = root / plan.network
    if given and own.exists() and own.read_bytes() != given.read_bytes():
        msg = f"There is a network {own} already, and {given} is another one; leave out --network-file."
        raise CardError(msg)
    entry_point = entry_point_path(root, plan.model)
    if not plan.siblings and entry_point.exists():
        msg = f"There is an entry point {entry_point} already, and no card of {plan.model}; remove it."
        raise CardError(msg)
