"""The way of a publication: plan, trial, card, check, trial by the card, and only then the target."""

from __future__ import annotations

import logging
import shlex
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mindspore_hub.authoring import generate
from mindspore_hub.authoring.publishing import record
from mindspore_hub.authoring.publishing.card import card_text, check_facts
from mindspore_hub.authoring.publishing.plan import Plan, Request, make_plan
from mindspore_hub.authoring.publishing.target import Target, changed, check_target, diff, hand_over
from mindspore_hub.authoring.publishing.told import rows, tell
from mindspore_hub.authoring.publishing.trial import Trial, try_out
from mindspore_hub.checking.check import check_paths
from mindspore_hub.errors import CardError, CheckpointError
from mindspore_hub.hub.findings import Finding, Severity
from mindspore_hub.hub.hub import Hub
from mindspore_hub.hub.paths import entry_point_path
from mindspore_hub.hub.values import Argument, Shape
from mindspore_hub.networks import golden
from mindspore_hub.networks.entry_point import SHARED

logger = logging.getLogger(__name__)

_RULES = ("DEFAULT", "EXTENDED")


@dataclass(frozen=True)
class Publication:
    """What was published.

    Attributes:
        uid: Uid of the card.
        name: Shortest name that `load` takes for it.
        link: Where the file is to be put, under its published name.
        sha256: Digest of the file.
        size: Its size as the card gives it.
        network_args: Constructor arguments that the card states.
        input_shapes: Shape of each input for one sample.
        output_shapes: Shape of each output for one sample.
        deviation: Largest difference between the outputs of the two modes, relative to the largest
            value.
        checkpoint: What the file tells without a network, as in `mshub inspect --format json`, and
            what its shapes tell: `derived` arguments, `class_argument`, `embedding_size`.
        golden: `compared`, `recorded`, or an empty string.
        files: Files that are new or changed, below the hub root.
        diff: The changes.
        remarks: Findings that do not stop a publication.
        load: Command that loads the card with the network of its hub, once the changes are there.
    """

    uid: str
    name: str
    link: str
    sha256: str
    size: str
    network_args: Mapping[str, Argument]
    input_shapes: tuple[Shape, ...]
    output_shapes: tuple[Shape, ...]
    deviation: float
    checkpoint: Mapping[str, Any]
    golden: str
    files: tuple[str, ...]
    diff: str
    remarks: tuple[str, ...]
    load: str


def run(request: Request, target: Target) -> Publication:
    """Publish; see `mindspore_hub.publish`."""
    plan = make_plan(request)
    check_target(target, request.root, _touched(plan), new=_new_network(plan))
    recorded = _read_golden(request.golden)
    stored = plan.stored
    _say(rows(stored.facts))
    with tempfile.TemporaryDirectory(prefix="mshub-publish-") as name:
        hub = _copy_hub(plan, Path(name, "hub"))
        before = _findings(hub)
        check_facts(plan, hub, _RULES)
        told = tell(plan, hub)
        _say(told.rows())
        seed = recorded["seed"] if recorded else golden.SEED
        trial = try_out(plan, hub, "pynative", seed=seed)
        _compare(request.golden, recorded, trial)
        contents = _write_card(plan, trial, hub)
        remarks = _check(plan, hub, before)
        off = _confirm(plan, trial, hub, seed=seed)
        load_name = Hub.of(hub).complete().resolve(plan.uid).short_name
    text = record.text(trial.inputs, trial.outputs)
    outside = _add_golden(request, recorded, text, contents)
    files, changes = changed(request.root, contents), diff(request.root, contents)
    hand_over(target, request.root, contents, message=_message(plan, load_name))
    if outside and not target.dry_run:
        _record(outside, text)
    return Publication(
        uid=plan.uid,
        name=load_name,
        link=plan.link,
        sha256=stored.sha256,
        size=stored.size,
        network_args=trial.network_args,
        input_shapes=trial.inputs,
        output_shapes=trial.output_shapes,
        deviation=off,
        checkpoint=told.summary(),
        golden="" if request.golden is None else "compared" if recorded else "recorded",
        files=tuple(files),
        diff=changes,
        remarks=remarks,
        load=shlex.join(["mshub", "load", str(request.root.resolve() / plan.card), "--trust"]),
    )


def _say(told: Iterable[tuple[str, str]]) -> None:
    for fact, value in told:
        logger.info("%s: %s", fact, value)


def _touched(plan: Plan) -> list[str]:
    """Files that may change, below the hub root."""
    root = plan.request.root
    entry_point = entry_point_path(root, plan.model).relative_to(root)
    names = [plan.card, entry_point, Path("README.md"), Path("models", f"{SHARED}.py")]
    names += [Path("assets", f"{card.uid}.md") for card in plan.siblings]
    return [name.as_posix() for name in [*names, plan.network]]


def _new_network(plan: Plan) -> str | None:
    """The network below the hub root, if it is published with the card."""
    return plan.network.as_posix() if plan.request.network else None


def _copy_hub(plan: Plan, hub: Path) -> Path:
    """Copy what a publication reads and changes; refuse a hub that is not up to date."""
    root = plan.request.root
    for name in ("assets", "models", "mindspore_hub_conf"):
        if (root / name).is_dir():
            shutil.copytree(root / name, hub / name, ignore=shutil.ignore_patterns("__pycache__"))
    if (root / "README.md").is_file():
        shutil.copyfile(root / "README.md", hub / "README.md")
    if "".join(generate.differences(hub)):
        msg = (
            f"Generated files of {root.absolute()} are not what its cards say; run `mshub generate` "
            "and commit them first."
        )
        raise CardError(msg)
    if plan.request.network:
        shutil.copyfile(plan.request.network, hub / plan.network)
    return hub


def _write_card(plan: Plan, trial: Trial, hub: Path) -> dict[str, bytes]:
    """Write the card and what follows from it into the copy; every file that differs."""
    path = hub / plan.card
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(card_text(plan, trial, path), encoding="utf-8", newline="\n")
    written = [path, *generate.write(hub)]
    if plan.request.network:
        written.append(hub / plan.network)
    return {item.relative_to(hub).as_posix(): item.read_bytes() for item in written}


def _findings(hub: Path) -> list[Finding]:
    if not any((hub / "assets").rglob("*.md")):
        return []
    return check_paths([hub], selected=_RULES)[0]


def _check(plan: Plan, hub: Path, before: list[Finding]) -> tuple[str, ...]:
    """Refuse a card that brings errors or warnings to its hub; what else is found."""
    known = {(item.path, item.code, item.message) for item in before}
    found = [
        item._replace(path=item.path.relative_to(hub))
        for item in _findings(hub)
        if (item.path, item.code, item.message) not in known
    ]
    bad = [str(item) for item in found if item.severity is not Severity.INFO]
    if bad:
        listed = "\n".join(bad)
        msg = f"{plan.card} would not pass the check, and nothing was written:\n{listed}"
        raise CardError(msg)
    return tuple(map(str, found))


def _confirm(plan: Plan, trial: Trial, hub: Path, *, seed: int) -> float:
    """Load the file once more by the card and its entry point, in GRAPH mode."""
    again = try_out(plan, hub, "graph", seed=seed, card=hub / plan.card)
    off = golden.deviation(again.outputs, trial.outputs)
    if not off <= golden.TOLERANCE:
        msg = (
            f"The outputs of {plan.model} in PyNative and GRAPH mode differ by {off:.1e} of the "
            f"largest value, more than {golden.TOLERANCE:.0e}; correct the network."
        )
        raise CheckpointError(msg)
    return off


def _read_golden(path: Path | None) -> dict[str, Any] | None:
    return record.read(path) if path is not None and path.exists() else None


def _compare(path: Path | None, recorded: dict[str, Any] | None, trial: Trial) -> None:
    if path is None or recorded is None:
        return
    if recorded["inputs"] != [list(shape) for shape in trial.inputs]:
        shapes = [list(shape) for shape in trial.inputs]
        msg = f"{path} is of inputs of the shapes {recorded['inputs']}, the network's are {shapes}."
        raise CheckpointError(msg)
    record.compare(path, recorded, trial.outputs)


def _add_golden(
    request: Request, recorded: dict[str, Any] | None, text: str, contents: dict[str, bytes]
) -> Path | None:
    """Outputs to record inside the hub are one change more; a file elsewhere is returned."""
    if request.golden is None or recorded is not None:
        return None
    try:
        name = request.golden.resolve().relative_to(request.root.resolve())
    except ValueError:
        return request.golden
    contents[name.as_posix()] = text.encode()
    return None


def _record(path: Path, text: str) -> None:
    from mindspore_hub._files import replace

    replace(path, text)


def _message(plan: Plan, load_name: str) -> str:
    return (
        f"Publish {load_name}\n\nThe card {plan.uid},\nand what is generated from it. The file "
        "loads strictly and computes\nthe same in PyNative and GRAPH mode.\n"
    )
