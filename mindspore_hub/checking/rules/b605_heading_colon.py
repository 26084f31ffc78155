"""A heading ends with a colon.

What: Headings are names, without a colon behind them.

Why: The upstream checker stops at such a heading, and says nothing about why.

Example: `## Usage:`

Instead: `## Usage`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Edit, Place, Problem, Severity

SEVERITY = Severity.ERROR
FIXABLE = True


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report each heading of the body whose last character is a colon."""
    for heading in document.body.headings:
        if heading.text.endswith(":"):
            line = heading.place.line
            column = document.lines[line - 1].rindex(":") + 1
            edit = Edit(Place(line, column), ":", "")
            message = f"the heading {heading.text!r} ends with a colon"
            yield Problem(Place(line, column), message, "remove the colon", (edit,))
