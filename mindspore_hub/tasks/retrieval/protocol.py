"""By which protocol the published metrics were measured, as the card's key `protocol` says it."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as Facts
from dataclasses import dataclass, field
from typing import Any

from mindspore_hub.hub.fields import Check, field_problems, one_of, unchecked
from mindspore_hub.hub.findings import Problem
from mindspore_hub.hub.values import Argument, YamlMapping, YamlNode, as_argument


@dataclass(frozen=True)
class Kind:
    """What cards may say of a protocol; `mindspore_hub.tasks.retrieval.protocols` has the protocol itself.

    Attributes:
        options: Options of the protocol and of its data set, with the words that each may have.
        metrics: Metrics that it measures, by the names under which cards publish them.
    """

    options: Facts[str, tuple[str, ...]]
    metrics: Facts[str, str]


_RANKED = {
    "rank1acc": "rank1",
    "rank5acc": "rank5",
    "rank10acc": "rank10",
    "rank20acc": "rank20",
    "mAP": "mAP",
    "mINP": "mINP",
}

KINDS = {
    "regdb": Kind({"direction": ("visible-to-infrared", "infrared-to-visible")}, _RANKED),
    "sop": Kind({"part": ("half", "all")}, {"acc": "recall@1"}),
    "sysu": Kind({"search": ("all", "indoor")}, _RANKED),
    "vehiclenet": Kind({}, _RANKED),
    "veri": Kind(
        {},
        {
            **_RANKED,
            "top1acc": "rank1",
            "coloracc": "color_accuracy",
            "typeacc": "type_accuracy",
        },
    ),
}
"""Protocols by name."""


@dataclass(frozen=True)
class Protocol:
    """A protocol as a card names it.

    Attributes:
        name: One of `KINDS`.
        options: Its options, and those of the data set of the same name.
    """

    name: str
    options: Facts[str, Argument] = field(default_factory=dict)


def as_protocol(node: YamlNode | None) -> Protocol | None:
    """What a `protocol` mapping says; None where it says nothing, or something else."""
    if not isinstance(node, YamlMapping) or next(problems(node), None):
        return None
    values = {name.text: as_argument(value) for name, value in node.entries}
    name = str(values.pop("name"))
    return Protocol(name, {key: value for key, value in values.items() if value is not None})


def as_json(facts: Protocol) -> dict[str, Any]:
    """The fields under the names they have in a card."""
    return {"name": facts.name, **facts.options}


def problems(node: YamlNode) -> Iterator[Problem]:
    """What is wrong with the value of `protocol`, field by field."""
    if isinstance(node, YamlMapping):
        yield from field_problems("protocol", node, _checks(node), optional=())
    else:
        help_ = f"write `{{name: ...}}` with one of {', '.join(KINDS)}"
        yield Problem(node.place, "protocol is not a mapping", help_)


def _checks(node: YamlMapping) -> dict[str, Check]:
    kind = KINDS.get((node.text("name") or "").lower())
    if kind:
        options = {name: one_of(words) for name, words in kind.options.items()}
    else:
        options = dict.fromkeys(node.names, unchecked)
    return {**options, "name": one_of(tuple(KINDS))}
