"""The card says nothing about how good the network is.

What: A card has `evaluation`, or `accuracy`.

Why: Readers choose between checkpoints by these numbers.

Example: `evaluation: no`

Instead: `evaluation: rank1acc56 | mAP55`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Place, Problem, Severity
from mindspore_hub.hub.values import YamlNode, single_values

SEVERITY = Severity.INFO
_PLACEHOLDERS = frozenset({"", "-", "no", "none", "n/a", "na", "nan", "null", "~"})


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report the place of `evaluation`, or that of the front matter."""
    values = document.values
    if not values or _says(values.get("evaluation")) or _says(values.get("accuracy")):
        return
    if document.translation is None:
        front = Place(document.rules[0])
        place = document.front_matter.place_of("evaluation") if "evaluation" in values else front
        message = "neither `evaluation` nor `accuracy` says anything"
        yield Problem(place, message, "write `evaluation: <metric><number>`")


def _says(value: YamlNode | None) -> bool:
    """Whether a value is there that is not a placeholder."""
    return any(item.text.strip().lower() not in _PLACEHOLDERS for item in single_values(value))
