"""The card has no Citation section.

What: A card has a heading that begins with Citation or References.

Why: Those who use the network want to cite the paper behind it.

Example: a card without any of the two headings.

Instead: `## Citation` and the paper.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Place, Problem, Severity

SEVERITY = Severity.INFO

_NAMES = ("citation", "reference", "引用", "参考")


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report a card in whose body no heading begins with one of the names."""
    if not document.body.has_section(*_NAMES):
        yield Problem(
            Place(), "no Citation section", "add `## Citation` with the paper", whole=True
        )
