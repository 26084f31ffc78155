"""What becomes of a network's outputs in retrieval, as the card's key `retrieval` says it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from mindspore_hub.hub.fields import Check, field_problems, one_of, typed
from mindspore_hub.hub.findings import Problem
from mindspore_hub.hub.values import YamlList, YamlMapping, YamlNode, as_argument

DISTANCES = ("dot", "euclidean")

OPTIONAL = ("mirrored", "normalised", "colors", "types")
"""Fields that most networks do without."""


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


def as_retrieval(node: YamlNode | None) -> Retrieval | None:
    """What a `retrieval` mapping says; None where it says nothing, or something else."""
    if not isinstance(node, YamlMapping) or next(problems(node), None):
        return None
    fields: dict[str, Any] = {
        name.text: tuple(map(as_argument, value.items))
        if isinstance(value, YamlList)
        else as_argument(value)
        for name, value in node.entries
    }
    return Retrieval(**fields)


def as_json(facts: Retrieval) -> dict[str, Any]:
    """The fields under the names they have in a card, without those that say nothing."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(facts).items()
        if name not in OPTIONAL or (value is not None and value is not False)
    }


def problems(node: YamlNode) -> Iterator[Problem]:
    """What is wrong with the value of `retrieval`, field by field."""
    if isinstance(node, YamlMapping):
        yield from field_problems("retrieval", node, _CHECKS, optional=OPTIONAL)
    else:
        help_ = "write `{outputs: [0], distance: dot}`; `mshub card rule H910` shows all fields"
        yield Problem(node.place, "retrieval is not a mapping", help_)


def _outputs(name: str, node: YamlNode) -> Iterator[Problem]:
    items = node.items if isinstance(node, YamlList) else ()
    places = [as_argument(item) for item in items]
    if not places or not all(map(_is_place, places)) or len(set(places)) < len(places):
        message = f"{name} is not a list of different places, counted from 0"
        yield Problem(node.place, message, "write the places of outputs, such as `[0]`")


def _is_place(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


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
