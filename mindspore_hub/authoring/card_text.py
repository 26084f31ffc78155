"""Text of the card of a publication, and what is wrong with it before its network is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mindspore_hub.authoring import new
from mindspore_hub.authoring.facts import NOT_IN_CARD
from mindspore_hub.authoring.new import flow, shapes_text
from mindspore_hub.authoring.plan import Plan, metrics
from mindspore_hub.checking.check import check_cards, read_cards
from mindspore_hub.checking.rules import Rule, select
from mindspore_hub.errors import CardError
from mindspore_hub.hub.card import asset_items
from mindspore_hub.hub.document import Document, parse_document
from mindspore_hub.hub.findings import Finding, Severity
from mindspore_hub.hub.paths import Cards, card_paths
from mindspore_hub.hub.values import Argument, Shape
from mindspore_hub.tasks.pictures.fields import as_preprocessing
from mindspore_hub.tasks.registry import read_task

_UNLIKE: tuple[tuple[tuple[Shape, ...], tuple[Shape, ...]], ...] = (
    (((1,),), ((1,),)),
    ((), ((2048,),) * 64),
)
"""Shapes of inputs and outputs of two networks: what is found with both does not depend on these."""

_OF_NETWORK_ARGS = frozenset({"H902", "H915"})
"""Rules that miss constructor arguments; which of them the file tells, its network knows."""


@dataclass(frozen=True)
class Trial:
    """What a network did with a file.

    Attributes:
        network_args: Constructor arguments that the card states.
        inputs: Shape of each input for one sample.
        outputs: Shape of each output for one sample.
        parameters: How many were set, all of them from the file.
        from_shapes: What shapes in the file tell, for JSON: the name of the `class_argument` or an
            empty string, `derived` arguments, and `embedding_size`.
        record: Text of the outputs for one drawn sample.
        deviation: As of a `Publication`.
    """

    network_args: Mapping[str, Argument]
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    parameters: int = 1
    from_shapes: Mapping[str, Any] = field(default_factory=dict)
    record: str = ""
    deviation: float = 0.0


def card_text(plan: Plan, trial: Trial, path: Path) -> str:
    """Text of the card that will stand at `path`."""
    classes = trial.from_shapes.get("class_argument", "")
    return new.card_text(
        path,
        _card_facts(plan, trial),
        citation=plan.facts["citation"],
        parameters=trial.parameters,
        class_argument=classes if classes in trial.network_args else "",
    )


def check_facts(plan: Plan, hub: Path, rules: Sequence[str]) -> None:
    """Refuse facts that no card of this file can state, whatever its network turns out to compute.

    Args:
        plan: What is to be published.
        hub: Hub root with the network, where the card is to stand.
        rules: Names of the rules to check by.

    Raises:
        CardError: There are some; the message names each.
    """
    others = Cards(card_paths(hub / "assets") if (hub / "assets").is_dir() else [])
    cards = Cards([(plan.uid, hub / plan.card)], hub, others=others.named)
    documents, chosen, path = read_cards(others), select(rules), hub / plan.card
    problems = []
    for inputs, outputs in _UNLIKE:
        stated = plan.inputs if plan.request.facts.get("input-shape") else inputs
        trial = Trial(plan.request.network_args, stated, outputs)
        documents[path] = parse_document(card_text(plan, trial, path), path, plan.uid)
        keys = _keys_by_line(documents[path], plan)
        findings = check_cards(cards, chosen, documents)
        problems.append(dict.fromkeys(_problems(findings, keys, chosen)))
    lines = [f"  {text}" for text in problems[0] if text in problems[1]]
    if lines:
        listed = "\n".join(lines)
        msg = f"{plan.card} would not pass the check, and nothing was tried:\n{listed}"
        raise CardError(msg)


def _keys_by_line(document: Document, plan: Plan) -> dict[int, str]:
    """What was given for the key in each line of the front matter."""
    entries = [*document.front_matter.entries]
    for item in asset_items(document.front_matter):
        entries += item.entries
    given = {} if plan.facts.get("asset-link") else {"asset-link": "link-base"}
    return {key.place.line: given.get(key.text, key.text) for key, _ in entries}


def _problems(
    findings: Iterable[Finding], keys: Mapping[int, str], rules: list[Rule]
) -> Iterator[str]:
    """What is wrong with what was given."""
    # What is generated from the card is not there yet; that is found outside its keys.
    of_hub = {rule.code for rule in rules if rule.hub_only or rule.check_hub}
    for item in findings:
        is_sure = item.code not in _OF_NETWORK_ARGS and (
            item.line in keys or item.code not in of_hub
        )
        if is_sure and item.severity is not Severity.INFO:
            key = keys.get(item.line, "text of the card")
            yield f"{key}: {item.code} {item.message}; {item.help}"


def _card_facts(plan: Plan, trial: Trial) -> dict[str, str]:
    facts = {key: value for key, value in plan.facts.items() if key not in NOT_IN_CARD}
    return {
        **facts,
        "model-name": plan.model,
        "evaluation": " | ".join(metric.text for metric in metrics(plan.facts)),
        "input-shape": shapes_text(trial.inputs),
        "output-shape": shapes_text(trial.outputs),
        "file-format": plan.file.format,
        "asset-link": plan.link,
        "asset-sha256": plan.sha256,
        "asset-size": plan.size,
        "network-args": flow(trial.network_args) if trial.network_args else "",
        "default": "" if plan.siblings else "True",
        **{key: facts.get(key, text) for key, text in _inherited(plan, trial).items()},
    }


def _inherited(plan: Plan, trial: Trial) -> dict[str, str]:
    """What the other cards of the model say of pictures and task, as far as it is true of this file."""
    dataset = plan.facts["train-dataset"]
    alike = [
        (card.text("train-dataset") != dataset, card.asset)
        for card in plan.siblings
        if card.asset and card.input_shapes == trial.inputs
    ]
    of_set = [asset for is_other, asset in alike if not is_other]
    nearest_first = [*of_set, *(asset for is_other, asset in alike if is_other)]
    tasks = [read_task(asset.node.get("task")) for asset in nearest_first]
    prepared = (as_preprocessing(asset.node.get("preprocessing")) for asset in nearest_first)
    fitting = (task for task in tasks if task and max(task.places, default=-1) < len(trial.outputs))
    nearest, task = next(filter(None, prepared), None), next(fitting, None)
    shared = task and task.shared(tasks[: len(of_set)])
    stated = {"preprocessing": nearest, "task": shared}
    return {key: flow(made.as_json()) for key, made in stated.items() if made}
