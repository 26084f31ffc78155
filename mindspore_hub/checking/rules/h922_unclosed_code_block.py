"""A code block is not closed.

What: A line of three backticks or tildes that begins a code block has a like one that ends it.

Why: All that follows is taken for code: sections, links and figures are neither shown nor checked.

Example: a line of three backticks and `python`, then code, then `## License`.

Instead: the same, with a line of three backticks behind the code.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Place, Problem, Severity

SEVERITY = Severity.WARNING


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report each block that ends with the card, or where another one begins inside it."""
    for block in document.body.unclosed_blocks:
        line = block.line - 1
        mark = document.lines[line - 1].strip()[:3]
        message = f"the code block of line {line} is not closed"
        help_ = f"write a line {mark} behind its code"
        yield Problem(Place(line, block.indent + 1), message, help_)
