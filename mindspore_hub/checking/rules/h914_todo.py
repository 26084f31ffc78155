"""A card still says TODO.

What: No line of a card holds the word TODO.

Why: `mshub card new` writes it where somebody has to say something. A reader of the published card
would learn nothing there.

Example: `TODO: what each output means.`

Instead: the sentence that is asked for; remove what cannot be said.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Place, Problem, Severity
from mindspore_hub.hub.patterns import pattern

SEVERITY = Severity.ERROR
HUB_ONLY = True

_TODO = pattern(r"\bTODO\b")


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report the first such word of each line."""
    for number, line in enumerate(document.lines, 1) if "TODO" in document.text else ():
        match = _TODO.search(line)
        if match:
            place = Place(number, match.start() + 1)
            yield Problem(place, "something is left to say here", "say it")
