"""The last line has no line end.

What: Every line of a card ends with a newline, the last one too.

Why: Tools that join files, or add a line, run two lines into one.

Example: a card that ends with `LICENSE file.` and nothing after it.

Instead: the same with a newline.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Place, Problem, Rewrite, Severity

SEVERITY = Severity.INFO
FIXABLE = True


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report the last line of a card that ends without one."""
    if document.lines and not document.text.endswith(("\n", "\r")):
        place = Place(len(document.lines), len(document.lines[-1]) + 1)
        edits = (Rewrite.FINAL_NEWLINE,)
        yield Problem(place, "no newline at the end of the file", "add one", edits)
