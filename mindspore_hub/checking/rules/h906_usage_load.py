"""The Usage section does not load the network.

What: The Usage section of a card of this hub has a Python block that calls `load(`.

Why: Readers copy that line; tests run it.

Example: a Usage section that tells in words how to load the network.

Instead: `net = mindspore_hub.load("<uid of the card>")` in a block marked `python`.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.checking.rules._sections import section_lines
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Place, Problem, Severity
from mindspore_hub.hub.patterns import pattern

SEVERITY = Severity.ERROR
HUB_ONLY = True

_LOAD = pattern(r"\bload\(")


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report cards without such a block."""
    lines = section_lines(document.body, "usage")
    if not any(
        block.line in lines and _LOAD.search(block.text)
        for block in document.body.code_blocks("python")
    ):
        message = "no Python block of a Usage section calls load()"
        help_ = f'add `net = mindspore_hub.load("{document.uid}")` under `## Usage`'
        place = Place(lines.start) if lines else Place()
        yield Problem(place, message, help_, whole=not lines)
