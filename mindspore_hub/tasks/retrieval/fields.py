"""What cards say about retrieval: `retrieval`, from outputs to features, and `protocol`, how they are scored."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as Facts
from dataclasses import asdict, dataclass, field
from typing import Any

from mindspore_hub.hub.fields import Check, field_problems, one_of, typed, unchecked
from mindspore_hub.hub.findings import Problem
from mindspore_hub.hub.values import Argument, YamlList, YamlMapping, YamlNode, as_argument

DISTANCES = ("dot", "euclidean")

OPTIONAL = ("mirrored", "normalised", "colors", "types")
"""Fields of `retrieval` that most networks do without."""


@dataclass(frozen=True)
class Retrieval:
    """How the feature that galleries are ranked by is made from the outputs, in this order.

    Attributes:
        outputs: Places, from 0, of the outputs that make the feature, side by side.
        distance: What ranks: `dot`, the negative inner product, or `euclidean`.
        mirrored: Whether the feature of the mirrored picture is added.
        normalised: Whether the sum is divided by its Euclidean norm.
        colors: Place of the output that scores colours of vehicles; None without one.
        types: Place of the output that scores types of vehicles.
    """

    outputs: tuple[int, ...]
    distance: str
    mirrored: bool = False
    normalised: bool = False
    colors: int | None = None
    types: int | None = None

    @property
    def scores(self) -> dict[str, int]:
        """Place of the output behind each kind of scores, `colors` and `types`."""
        named = {"colors": self.colors, "types": self.types}
        return {name: place for name, place in named.items() if place is not None}

    @property
    def places(self) -> tuple[int, ...]:
        """Places of all outputs that are needed."""
        return (*self.outputs, *self.scores.values())

    def as_json(self) -> dict[str, Any]:
        """The fields under the names they have in a card, without those that say nothing."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
            if name not in OPTIONAL or (value is not None and value is not False)
        }


@dataclass(frozen=True)
class Protocol:
    """A protocol as a card names it.

    Attributes:
        name: One of `KINDS`.
        options: Its options, and those of the data set of the same name.
    """

    name: str
    options: Facts[str, Argument] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The fields under the names they have in a card."""
        return {"name": self.name, **self.options}


@dataclass(frozen=True)
class Kind:
    """What cards may say of a protocol; `tasks/retrieval/datasets/` has the protocol itself.

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

_VEHICLES = {
    **_RANKED,
    "top1acc": "rank1",
    "coloracc": "color_accuracy",
    "typeacc": "type_accuracy",
}

KINDS = {
    "regdb": Kind({"direction": ("visible-to-infrared", "infrared-to-visible")}, _RANKED),
    "sop": Kind({"part": ("half", "all")}, {"acc": "recall@1"}),
    "sysu": Kind({"search": ("all", "indoor")}, _RANKED),
    "vehiclenet": Kind({}, _RANKED),
    "veri": Kind({}, _VEHICLES),
}
"""Protocols by name."""


def as_retrieval(node: YamlNode | None) -> Retrieval | None:
    """What a `retrieval` mapping says; None where it says nothing, or something else."""
    if not isinstance(node, YamlMapping) or next(retrieval_problems(node), None):
        return None
    fields: dict[str, Any] = {
        name.text: tuple(map(as_argument, value.items))
        if isinstance(value, YamlList)
        else as_argument(value)
        for name, value in node.entries
    }
    return Retrieval(**fields)


def as_protocol(node: YamlNode | None) -> Protocol | None:
    """What a `protocol` mapping says; None where it says nothing, or something else."""
    if not isinstance(node, YamlMapping) or next(protocol_problems(node), None):
        return None
    values = {name.text: as_argument(value) for name, value in node.entries}
    name = str(values.pop("name"))
    return Protocol(name, {key: value for key, value in values.items() if value is not None})


def retrieval_problems(node: YamlNode) -> Iterator[Problem]:
    """What is wrong with the value of `retrieval`, field by field."""
    if isinstance(node, YamlMapping):
        yield from field_problems("retrieval", node, _CHECKS, optional=OPTIONAL)
    else:
        help_ = "write `{outputs: [0], distance: dot}`; `mshub card rule H910` shows all fields"
        yield Problem(node.place, "retrieval is not a mapping", help_)


def protocol_problems(node: YamlNode) -> Iterator[Problem]:
    """What is wrong with the value of `protocol`, field by field."""
    if isinstance(node, YamlMapping):
        yield from field_problems("protocol", node, _protocol_checks(node), optional=())
    else:
        help_ = f"write `{{name: ...}}` with one of {', '.join(KINDS)}"
        yield Problem(node.place, "protocol is not a mapping", help_)


def _protocol_checks(node: YamlMapping) -> dict[str, Check]:
    kind = KINDS.get((node.text("name") or "").lower())
    if kind:
        options = {name: one_of(words) for name, words in kind.options.items()}
    else:
        options = dict.fromkeys(node.names, unchecked)
    return {**options, "name": one_of(tuple(KINDS))}


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


_PLACE = typed(_is_place, "the place of an output, counted from 0", "a whole number, such as 1")
_FLAG = typed(_is_bool, "True or False", "True or False")

_CHECKS: dict[str, Check] = {
    "outputs": _outputs,
    "distance": one_of(DISTANCES),
    "mirrored": _FLAG,
    "normalised": _FLAG,
    "colors": _PLACE,
    "types": _PLACE,
}
