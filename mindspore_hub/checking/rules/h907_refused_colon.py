"""A value holds a colon, which clients of the hub refuse.

What: No value of the front matter holds a `:`, except those of `repo-link`, `asset` and
`evaluation`.

Why: The upstream client takes front matter apart at colons and refuses the card, even where the
value is quoted.

Example: `summary: "MVD: person re-identification"`

Instead: `summary: MVD, person re-identification`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Place, Problem, Severity
from mindspore_hub.hub.values import YamlMapping, YamlNode, YamlText

SEVERITY = Severity.ERROR
HUB_ONLY = True

_ALLOWED = frozenset({"repo-link", "asset", "evaluation"})


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report the first colon of each value of other keys."""
    for name, value in document.front_matter.entries:
        place = _colon(value) if name.text not in _ALLOWED else None
        if place:
            message = f"the value of {name.text} holds a colon"
            help_ = "write it without one; quotes do not help"
            yield Problem(place, message, help_)


def _colon(node: YamlNode) -> Place | None:
    if isinstance(node, YamlText):
        offset = node.text.find(":")
        line, column = node.place
        return Place(line, column + offset + (not node.plain)) if offset >= 0 else None
    if isinstance(node, YamlMapping):
        return node.place
    return next((place for item in node.items if (place := _colon(item))), None)
