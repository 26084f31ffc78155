"""The title is not the model name.

What: The title repeats `model-name`.

Why: Readers take the title for the name that `load` takes. It is not corrected by itself, because
entry points know the network by `model-name`.

Example: `# DDAG re-ID` above `model-name: DDAG`

Instead: one name in both places, whichever is right.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Place, Problem, Severity

SEVERITY = Severity.INFO


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report a title that is another name."""
    title, name = document.title, document.card.model_name
    if title and name and title != name:
        line = next(number for number, line in enumerate(document.lines, 1) if line.strip())
        message = f"the title is {title}, model-name {name}"
        yield Problem(
            Place(line), message, "say one name in both places, unless the title is meant"
        )
