"""An item of `used-for` is unknown.

What: `used-for` names inference, extract-feature or transfer-learning, with `/` between several.

Why: The hub's pages filter cards by it, and loaders ask it what a network may be used for.

Example: `used-for: training`

Instead: `used-for: transfer-learning`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.keys import fits
from mindspore_hub.hub.patterns import pattern
from mindspore_hub.hub.values import YamlText, single_values
from mindspore_hub.hub.vocabulary import listed, words

SEVERITY = Severity.ERROR
_SEPARATOR = pattern(r"[/,|;]")


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report each item that is not listed."""
    for value in single_values(document.values.get("used-for")):
        if value.text.strip() and not fits("used-for", value.text):
            yield from _unknown(value)


def _unknown(value: YamlText) -> Iterator[Problem]:
    items = [item.strip() for item in _SEPARATOR.split(value.text) if item.strip()]
    unknown = [item for item in items if item.lower() not in words("used-for")]
    for item in unknown or [value.text.strip()]:
        help_ = f"write {' / '.join(listed('used-for'))}"
        yield Problem(value.place, f"unknown use {item}", help_)
