"""Text of the card of a publication."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from mindspore_hub.cards import new, preprocessing, protocol, retrieval
from mindspore_hub.cards.new import flow
from mindspore_hub.cards.values import Shape
from mindspore_hub.publishing import names
from mindspore_hub.publishing.plan import Plan
from mindspore_hub.publishing.trial import Trial

_NOT_IN_CARD = frozenset({"variant", "device", "kind", "link-base", "publisher", "citation"})


def card_text(plan: Plan, trial: Trial, path: Path) -> str:
    """Text of the card.

    Args:
        plan: What is to be published.
        trial: What the network did with the file.
        path: Where the card will stand, in a hub whose cards tell whether it is the default.
    """
    return new.card_text(
        path,
        _card_facts(plan, trial),
        citation=plan.facts["citation"],
        parameters=trial.parameters,
        class_argument=trial.classes if trial.classes in trial.network_args else "",
    )


def _card_facts(plan: Plan, trial: Trial) -> dict[str, str]:
    facts = {key: value for key, value in plan.facts.items() if key not in _NOT_IN_CARD}
    return {
        **facts,
        "model-name": plan.model,
        "evaluation": " | ".join(metric.text for metric in names.metrics(plan.facts)),
        "input-shape": _shapes(trial.inputs),
        "output-shape": _shapes(trial.output_shapes),
        "file-format": plan.stored.facts.format,
        "asset-link": plan.link,
        "asset-sha256": plan.stored.sha256,
        "asset-size": plan.stored.size,
        "network-args": flow(trial.network_args) if trial.network_args else "",
        **{key: facts.get(key, text) for key, text in _inherited(plan, trial).items()},
    }


def _inherited(plan: Plan, trial: Trial) -> dict[str, str]:
    """What the other cards of the model say about retrieval, as far as it is true of this file.

    A protocol is taken over only if all cards of the same data set name the same one.
    """
    dataset = plan.facts["train-dataset"]
    alike = [
        (card.facts.get("train-dataset") != dataset, card.asset)
        for card in plan.siblings
        if card.asset and card.input_shapes == trial.inputs
    ]
    of_set = [asset for is_other, asset in alike if not is_other]
    nearest_first = [*of_set, *(asset for is_other, asset in alike if is_other)]
    found: dict[str, str] = {}
    for asset in nearest_first:
        if asset.preprocessing:
            found.setdefault("preprocessing", flow(preprocessing.as_json(asset.preprocessing)))
        if asset.retrieval and max(asset.retrieval.places) < len(trial.output_shapes):
            found.setdefault("retrieval", flow(retrieval.as_json(asset.retrieval)))
    protocols = [asset.protocol for asset in of_set]
    if protocols and protocols[0] and all(item == protocols[0] for item in protocols):
        found["protocol"] = flow(protocol.as_json(protocols[0]))
    return found


def _shapes(shapes: Iterable[Shape]) -> str:
    lists = [list(shape) for shape in shapes]
    return json.dumps(lists[0] if len(lists) == 1 else lists)
