"""A word stands in place of metrics.

What: A card without metrics has no `evaluation`.

Why: Readers expect numbers there, and `no` is a boolean in YAML.

Example: `evaluation: no`

Instead: leave out the key.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Edit, Place, Problem, Severity

SEVERITY = Severity.INFO
FIXABLE = True


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report a value that says that there is none."""
    text = document.card.placeholder
    if text:
        place = document.front_matter.place_of("evaluation")
        edit = Edit(Place(place.line), "evaluation", None)
        yield Problem(place, f"evaluation is {text!r}", "remove the line", (edit,))
