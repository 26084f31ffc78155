"""A value is a bare dash.

What: A key without a value is left out.

Why: `-` begins a list, so the line is not YAML. The upstream client gets through only by
replacing that very text before it parses the card.

Example: `evaluation: -`

Instead: no line `evaluation`.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.keys import OPTIONAL

SEVERITY = Severity.WARNING
FIXABLE = True


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report each bare dash; the key goes with it unless a loader needs that key."""
    for problem in document.problems_of("F015") if document.problems else ():
        place = problem.place
        key = document.lines[place.line - 1].partition(":")[0]
        if place.column == 1 and key in OPTIONAL:
            yield problem._replace(edits=document.edit(place, key, None))
        else:
            yield problem._replace(help=f"write `{key.strip(' -')}: <value>`")
