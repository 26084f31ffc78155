"""The card has no Usage section.

What: A card has a heading that begins with Usage.

Why: Readers look there for the line that loads the network.

Example: a card that ends with its Introduction.

Instead: `## Usage` with a Python block that loads the card's uid.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Place, Problem, Severity

SEVERITY = Severity.INFO

_NAMES = ("usage", "使用", "用法")


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report a card in whose body no heading begins with one of the names."""
    if not document.body.has_section(*_NAMES):
        yield Problem(
            Place(),
            "no Usage section",
            "add `## Usage` with the code that loads the card",
            whole=True,
        )
