"""Text of the card of a publication, and what is wrong with it before its network is known."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from mindspore_hub.authoring import new
from mindspore_hub.authoring.facts import NOT_IN_CARD
from mindspore_hub.authoring.new import flow
from mindspore_hub.authoring.plan import Plan, metrics
from mindspore_hub.checking.check import check_cards, read_cards
from mindspore_hub.checking.rules import Rule, select
from mindspore_hub.errors import CardError
from mindspore_hub.hub.card import asset_items
from mindspore_hub.hub.document import Document, parse_document
from mindspore_hub.hub.findings import Severity
from mindspore_hub.hub.paths import Cards, card_paths
from mindspore_hub.hub.values import Argument, Shape
from mindspore_hub.tasks.pictures.fields import as_preprocessing
from mindspore_hub.tasks.retrieval.fields import as_protocol, as_retrieval

_Supposed: TypeAlias = tuple[tuple[Shape, ...], tuple[Shape, ...]]
"""Shapes of inputs and of outputs."""

_SUPPOSED: tuple[_Supposed, _Supposed] = ((((1,),), ((1,),)), ((), ((2048,),) * 64))
"""Networks as unlike as can be: what is found with both does not depend on the network."""

_OF_NETWORK_ARGS = frozenset({"H902", "H915"})
"""Rules that miss constructor arguments; which of them the file tells, its network knows."""


@dataclass(frozen=True)
class Trial:
    """What a network did with a file.

    Attributes:
        network_args: Constructor arguments that the card states.
        inputs: Shape of each input for one sample.
        outputs: Shape of each output for one sample.
        parameters: How many parameters were set, all of them from the file.
        from_shapes: What shapes in the file tell, for JSON: `class_argument`, the name of the
            constructor argument that counts the classes or an empty string, `derived` arguments, and
            `embedding_size`.
        record: Text of the outputs for one drawn sample.
        deviation: Largest difference between the outputs of the two modes, relative to the largest
            value.
    """

    network_args: Mapping[str, Argument]
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    parameters: int = 1
    from_shapes: Mapping[str, Any] = field(default_factory=dict)
    record: str = ""
    deviation: float = 0.0


def card_text(plan: Plan, trial: Trial, path: Path) -> str:
    """Text of the card.

    Args:
        plan: What is to be published.
        trial: What the network did with the file.
        path: Where the card will stand.
    """
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
    documents = read_cards(others)
    cards = Cards([(plan.uid, hub / plan.card)], hub, others=others.named)
    chosen = select(rules)
    first, second = (_problems(plan, cards, documents, chosen, it) for it in _SUPPOSED)
    lines = [f"  {text}" for text in first if text in second]
    if lines:
        listed = "\n".join(dict.fromkeys(lines))
        msg = f"{plan.card} would not pass the check, and nothing was tried:\n{listed}"
        raise CardError(msg)


def _problems(
    plan: Plan,
    cards: Cards,
    documents: dict[Path, Document],
    rules: list[Rule],
    supposed: _Supposed,
) -> list[str]:
    """What would be found in the card of a network with these shapes, by the fact at fault."""
    inputs, outputs = supposed
    inputs = plan.inputs if plan.request.facts.get("input-shape") else inputs
    trial = Trial(plan.request.network_args, inputs, outputs)
    path = cards.paths[0]
    document = parse_document(card_text(plan, trial, path), path, plan.uid)
    entries = [*document.front_matter.entries]
    for item in asset_items(document.front_matter):
        entries += item.entries
    keys = {key.place.line: key.text for key, _ in entries}
    of_hub = {rule.code for rule in rules if rule.hub_only or rule.check_hub}
    return [
        f"{_fact(keys.get(item.line, 'text of the card'), plan)}: {item.code} {item.message}; {item.help}"
        for item in check_cards(cards, rules, {**documents, path: document})
        if item.severity is not Severity.INFO
        and item.code not in _OF_NETWORK_ARGS
        # What is generated from the card is not there yet; that is found outside its keys.
        and (item.line in keys or item.code not in of_hub)
    ]


def _fact(key: str, plan: Plan) -> str:
    """What was given for a key of the card."""
    return "link-base" if key == "asset-link" and not plan.facts.get(key) else key


def _card_facts(plan: Plan, trial: Trial) -> dict[str, str]:
    facts = {key: value for key, value in plan.facts.items() if key not in NOT_IN_CARD}
    return {
        **facts,
        "model-name": plan.model,
        "evaluation": " | ".join(metric.text for metric in metrics(plan.facts)),
        "input-shape": _shapes(trial.inputs),
        "output-shape": _shapes(trial.outputs),
        "file-format": plan.file.format,
        "asset-link": plan.link,
        "asset-sha256": plan.sha256,
        "asset-size": plan.size,
        "network-args": flow(trial.network_args) if trial.network_args else "",
        "default": "" if plan.siblings else "True",
        **{key: facts.get(key, text) for key, text in _inherited(plan, trial).items()},
    }


def _inherited(plan: Plan, trial: Trial) -> dict[str, str]:
    """What the other cards of the model say about retrieval, as far as it is true of this file.

    A protocol is taken over only if all cards of the same data set name the same one.
    """
    dataset = plan.facts["train-dataset"]
    alike = [
        (card.text("train-dataset") != dataset, card.asset)
        for card in plan.siblings
        if card.asset and card.input_shapes == trial.inputs
    ]
    of_set = [asset for is_other, asset in alike if not is_other]
    nearest_first = [*of_set, *(asset for is_other, asset in alike if is_other)]
    found: dict[str, str] = {}
    for asset in nearest_first:
        prepared = as_preprocessing(asset.node.get("preprocessing"))
        made = as_retrieval(asset.node.get("retrieval"))
        if prepared:
            found.setdefault("preprocessing", flow(prepared.as_json()))
        if made and max(made.places) < len(trial.outputs):
            found.setdefault("retrieval", flow(made.as_json()))
    protocols = [as_protocol(asset.node.get("protocol")) for asset in of_set]
    if protocols and protocols[0] and all(item == protocols[0] for item in protocols):
        found["protocol"] = flow(protocols[0].as_json())
    return found


def _shapes(shapes: Iterable[Shape]) -> str:
    lists = [list(shape) for shape in shapes]
    if not lists:
        return ""  # stays out of the card
    return json.dumps(lists[0] if len(lists) == 1 else lists)
