"""The first line that is not blank is not a title.

What: A card begins with `# Title`.

Why: Readers of cards skip the title line; without it they take the front matter for the title.

Example: a card that begins with `---`.

Instead: `# MVD`, an empty line, then `---`.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Place, Problem, Severity

SEVERITY = Severity.ERROR


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report a card without a title line."""
    if document.title is None:
        lines = enumerate(document.lines, 1)
        first = next((number for number, line in lines if line.strip()), 1)
        yield Problem(Place(first), "the card has no title", "begin the card with `# <title>`")
