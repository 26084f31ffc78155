"""The name of the card has a dot.

What: Names of cards have no dot but that of `.md`.

Why: The upstream client cuts the uid at the first dot when it is given as an address.

Example: `albert_squadv1.1.md`

Instead: `albert_squadv11.md`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Place, Problem, Severity

SEVERITY = Severity.WARNING


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report a name with a dot."""
    name = document.uid.rpartition("/")[2]
    if "." in name:
        message = f"the card name {name} has a dot"
        yield Problem(Place(), message, f"call it {name.replace('.', '')}.md", whole=True)
