"""The card has no Introduction section.

What: A card has a heading that begins with Introduction.

Why: It says what the network does, and where its code comes from.

Example: a card whose body begins with `## Usage`.

Instead: `## Introduction` and a paragraph.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Place, Problem, Severity

SEVERITY = Severity.INFO

_NAMES = ("introduction", "介绍", "简介", "模型介绍")


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report a card in whose body no heading begins with one of the names."""
    if not document.body.has_section(*_NAMES):
        yield Problem(Place(), "no Introduction section", "add `## Introduction`", whole=True)
