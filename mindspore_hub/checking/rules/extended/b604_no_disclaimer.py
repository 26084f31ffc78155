"""The card has no Disclaimer section.

What: A card has a heading that begins with Disclaimer.

Why: It says who is not liable for data and weights that others own.

Example: a card that ends with its Citation.

Instead: `## Disclaimer` and a paragraph.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Place, Problem, Severity

SEVERITY = Severity.INFO

_NAMES = ("disclaimer", "免责")


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report a card in whose body no heading begins with one of the names."""
    if not document.body.has_section(*_NAMES):
        yield Problem(Place(), "no Disclaimer section", "add `## Disclaimer`", whole=True)
