"""Fewer than two `---` lines: no front matter can be delimited.

What: The front matter stands between two lines `---` after the title.

Why: A card without front matter declares nothing, so nothing can be loaded from it.

Example: a card whose closing `---` was deleted.

Instead: `---` before the first key and after the last.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Place, Problem, Severity

SEVERITY = Severity.ERROR


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report a card without front matter."""
    if len(document.rules) < 2:
        message = f"{len(document.rules)} of the two `---` lines found"
        yield Problem(Place(), message, "put the front matter between two lines `---`")
