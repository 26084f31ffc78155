"""Lines end with CRLF, or not all alike.

What: Lines of a card end with LF.

Why: Tools that compare cards line by line see a change in every line.

Example: a card saved by an editor that ends lines with CRLF.

Instead: the same card with LF.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Place, Problem, Rewrite, Severity

SEVERITY = Severity.INFO
FIXABLE = True


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report a card with carriage returns."""
    text = document.text
    if "\r" not in text:
        return
    pairs, feeds, returns = text.count("\r\n"), text.count("\n"), text.count("\r")
    kind = "with CRLF" if pairs == feeds == returns else "not all alike"
    yield Problem(Place(), f"lines end {kind}", "end them with LF", (Rewrite.ONE_LINE_END,))
