"""The task `retrieval`: pictures that show the same thing are found by their features.

It has the fields `outputs` (places, from 0, of the outputs that make the feature, side by side) and
`distance` (`dot` or `euclidean`). Where they are needed, it has `mirrored: True` (the feature of the
mirrored picture is added), `normalised: True` (the feature is divided by its norm), and `colors` and
`types` (places of outputs that score these). Every place is one of `output-shape`.

`protocol` says how the metrics were measured, and measures every metric of `evaluation`: `name`
(one of `mindspore_hub.tasks.retrieval.datasets`) and the options of that protocol: `direction`
(`visible-to-infrared` or `infrared-to-visible`) for `regdb`, `part` (`half` or `all`) for `sop`,
`search` (`all` or `indoor`) for `sysu`.

`mindspore_hub.embed` and `mshub eval` do what stands here. A network has several outputs, and to rank
by another one, without the mirrored picture, or under another protocol, gives other numbers than the
published ones without a word.

Instead of `task: {name: retrieval, outputs: 4, distance: cosine}`, write
`task: {name: retrieval, outputs: [0, 1, 2, 3], distance: dot, protocol: {name: sysu, search: all}}`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from mindspore_hub.hub.card import Card
from mindspore_hub.hub.fields import (
    Field,
    field_problems,
    mapping_schema,
    one_of,
    typed,
    unchecked,
)
from mindspore_hub.hub.findings import Problem
from mindspore_hub.hub.values import Argument, YamlList, YamlMapping, YamlNode, as_argument
from mindspore_hub.tasks.registry import Task

DISTANCES = ("dot", "euclidean")


@dataclass(frozen=True)
class Protocol:
    """A protocol as a card names it.

    Attributes:
        name: One of `KINDS`.
        options: Its options, and those of the data set of the same name.
    """

    name: str
    options: Mapping[str, Argument] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The fields under the names they have in a card."""
        return {"name": self.name, **self.options}


@dataclass(frozen=True)
class Kind:
    """What cards may say of a protocol; `tasks/retrieval/datasets/` has the protocol itself.

    Attributes:
        options: Options of the protocol and of its data set, with the words that each may have.
        metrics: Metrics that it measures, by the names under which cards publish them.
        usual: Whether options that a card leaves out have the values of the protocol.
    """

    options: Mapping[str, tuple[str, ...]]
    metrics: Mapping[str, str]
    usual: bool = False

    @property
    def fields(self) -> dict[str, Field]:
        """Its options as fields of `protocol`."""
        fields = {name: one_of(words) for name, words in self.options.items()}
        return {name: field._replace(optional=self.usual) for name, field in fields.items()}


_RANKED = {
    "rank1acc": "rank1",
    "rank5acc": "rank5",
    "rank10acc": "rank10",
    "rank20acc": "rank20",
    "mAP": "mAP",
    "mINP": "mINP",
}

_VEHICLES = {
    **_RANKED,
    "top1acc": "rank1",
    "coloracc": "color_accuracy",
    "typeacc": "type_accuracy",
}

_PERSONS = Kind(
    {
        "distance": ("euclidean", "cosine", "dot"),
        "precisions": ("steps", "trapezoids"),
        "unmatched": ("skipped", "failures"),
        "unlabelled": ("kept", "removed"),
    },
    _RANKED,
    usual=True,
)

KINDS = {
    "dukemtmcreid": _PERSONS,
    "facepairs": Kind(
        {"distance": ("cosine", "euclidean")}, {"acc": "accuracy", "lfw": "accuracy"}, usual=True
    ),
    "faceranks": Kind({}, {"acc": "rank1"}),
    "facerates": Kind({}, {"FAR0.1recall": "recall@far0.1"}),
    "market1501": _PERSONS,
    "msmt17": _PERSONS,
    "regdb": Kind({"direction": ("visible-to-infrared", "infrared-to-visible")}, _RANKED),
    "sop": Kind({"part": ("half", "all")}, {"acc": "recall@1"}),
    "sysu": Kind({"search": ("all", "indoor")}, _RANKED),
    "vehiclenet": Kind({}, _RANKED),
    "veri": Kind({}, _VEHICLES),
}
"""Protocols by name."""


def _read_protocol(node: YamlNode) -> Protocol | None:
    if not isinstance(node, YamlMapping):
        return None
    values = {name.text: as_argument(value) for name, value in node.entries}
    name = str(values.pop("name"))
    return Protocol(name, {key: value for key, value in values.items() if value is not None})


def _protocol(key: str, node: YamlNode) -> Iterator[Problem]:
    if isinstance(node, YamlMapping):
        kind = KINDS.get((node.text("name") or "").lower())
        options = kind.fields if kind else dict.fromkeys(node.names, unchecked())
        yield from field_problems(key, node, {**options, "name": one_of(tuple(KINDS))})
    else:
        help_ = f"write `{{name: ...}}` with one of {', '.join(KINDS)}"
        yield Problem(node.place, f"{key} is not a mapping", help_)


def _outputs(name: str, node: YamlNode) -> Iterator[Problem]:
    items = node.items if isinstance(node, YamlList) else ()
    places = [as_argument(item) for item in items]
    if not places or not all(map(_is_place, places)) or len(set(places)) < len(places):
        message = f"{name} is not a list of different places, counted from 0"
        yield Problem(node.place, message, "write the places of outputs, such as `[0]`")


def _is_place(value: object) -> bool:
    return type(value) is int and value >= 0


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


_SCHEMA = {"type": "integer", "minimum": 0}
_OUTPUTS = Field(_outputs, {"type": "array", "items": _SCHEMA, "minItems": 1, "uniqueItems": True})
_KIND = "the place of an output, counted from 0"
_PLACE = typed(_is_place, _KIND, "a whole number, such as 1", **_SCHEMA)._replace(optional=True)
_FLAG = typed(_is_bool, "True or False", "True or False", type="boolean")._replace(optional=True)
_PROTOCOLS = [
    mapping_schema({"name": unchecked(const=name), **kind.fields}) for name, kind in KINDS.items()
]


@dataclass(frozen=True)
class Retrieval(Task):
    """How the feature that galleries are ranked by is made from the outputs, in this order.

    Attributes:
        outputs: Places, from 0, of the outputs that make the feature, side by side.
        distance: What ranks: `dot`, the negative inner product, or `euclidean`.
        mirrored: Whether the feature of the mirrored picture is added.
        normalised: Whether the sum is divided by its Euclidean norm.
        colors: Place of the output that scores colours of vehicles; None without one.
        types: Place of the output that scores types of vehicles.
        protocol: How the published metrics were measured; None where the card does not say it.
    """

    EXAMPLE: ClassVar[str] = "{name: retrieval, outputs: [0], distance: dot}"
    PUBLIC: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("calibrate", "embed", "match", "merge_parts"), ""),
        "Calibration": "calibration",
        "Matches": "matches",
        "finetune": "training",
        "Finetuned": "training.run",
    }
    FIELDS: ClassVar[Mapping[str, Field]] = {
        "outputs": _OUTPUTS,
        "distance": one_of(DISTANCES),
        "mirrored": _FLAG,
        "normalised": _FLAG,
        "colors": _PLACE,
        "types": _PLACE,
        "protocol": Field(_protocol, {"anyOf": _PROTOCOLS}, optional=True, read=_read_protocol),
    }

    outputs: tuple[int, ...]
    distance: str
    mirrored: bool = False
    normalised: bool = False
    colors: int | None = None
    types: int | None = None
    protocol: Protocol | None = None

    @property
    def scores(self) -> dict[str, int]:
        """Place of the output behind each kind of scores, `colors` and `types`."""
        named = {"colors": self.colors, "types": self.types}
        return {name: place for name, place in named.items() if place is not None}

    @property
    def places(self) -> tuple[int, ...]:
        """Places of all outputs that are needed."""
        return (*self.outputs, *self.scores.values())

    @property
    def feature(self) -> dict[str, Any]:
        """How the feature is made, for JSON: all fields but the protocol."""
        return {key: it for key, it in self.as_json().items() if key not in {"name", "protocol"}}

    def as_json(self) -> dict[str, Any]:
        """The fields under the names they have in a card, without those that say nothing."""
        protocol = {"protocol": self.protocol.as_json()} if self.protocol else {}
        return {**super().as_json(), **protocol}

    def contradictions(self, card: Card) -> Iterator[tuple[str, str]]:
        """An output that the network lacks, and metrics that the protocol does not measure."""
        yield from super().contradictions(card)
        if self.protocol is None:
            return
        known = KINDS[self.protocol.name].metrics
        for metric in card.metrics:
            if metric.name and metric.name not in known:
                message = f"the protocol {self.protocol.name} does not measure {metric.name}"
                yield message, f"write one of {', '.join(known)} in evaluation, or another protocol"

    def shared(self, others: Sequence[Task | None]) -> Retrieval:
        """The same, with the protocol that all of the others name."""
        named = [task.protocol if isinstance(task, Retrieval) else None for task in others]
        agreed = named and all(protocol == named[0] for protocol in named)
        return replace(self, protocol=named[0] if agreed else None)


HEADLESS = Retrieval(outputs=(0,), distance="dot", normalised=True)
"""How features are made of a network without its head: ranked by the cosine."""

TASK = Retrieval
