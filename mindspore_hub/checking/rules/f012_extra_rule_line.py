"""A further line begins with `---` after the front matter.

What: Only the two lines around the front matter may begin with `---`, even inside code.

Why: The upstream loader takes every such line for a border of the front matter and refuses the
card.

Example: a horizontal rule `---` between two sections.

Instead: `***`; or a blank before the line where it is code, part of a table, or the underline of a
heading.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Place, Problem, Severity
from mindspore_hub.hub.patterns import pattern

SEVERITY = Severity.ERROR
FIXABLE = True
_DASHES = pattern(r"-+[ \t]*")


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report every `---` line after the second."""
    further = document.rules[2:]
    prose = {number for number, _ in document.body.prose} if further else set()
    for number in further:
        old, new = _edit(document, number, in_prose=number in prose)
        edits = document.edit(Place(number), old, new)
        help_ = "write `***`" if new == "***" else "indent it by one blank"
        yield Problem(Place(number), "a further line begins with `---`", help_, edits)


def _edit(document: Document, number: int, *, in_prose: bool) -> tuple[str, str]:
    """A rule of three stars where the line is one; one blank before it where it is not."""
    line = document.lines[number - 1]
    alone = not document.lines[number - 2].strip()
    return (line, "***") if in_prose and alone and _DASHES.fullmatch(line) else ("---", " ---")
