"""The same key stands twice in one mapping.

What: A key stands once.

Why: YAML readers keep the last value and say nothing, so the first one is lost.

Example: two lines `license: ...`.

Instead: one of them.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.values import YamlMapping

SEVERITY = Severity.ERROR


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report every repetition of a key, at the top level and inside assets."""
    if len(document.values) < len(document.front_matter.entries):
        yield from _repetitions(document.front_matter)
    for asset in document.card.assets:
        if len(set(asset.node.names)) < len(asset.node.entries):
            yield from _repetitions(asset.node)


def _repetitions(mapping: YamlMapping) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for name, _ in mapping.entries:
        if name.text in first:
            message = f"{name.text} stands already on line {first[name.text]}"
            yield Problem(name.place, message, "remove one of the two")
        first.setdefault(name.text, name.place.line)
