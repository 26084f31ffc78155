"""A key is of an older form of cards.

What: Cards have the keys of the template of today.

Why: No current loader reads `mindspore-lite`.

Example: `mindspore-lite: true`

Instead: no such line.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.keys import LEGACY

SEVERITY = Severity.INFO


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report each such key."""
    for name, _ in document.front_matter.entries:
        if name.text in LEGACY:
            yield Problem(name.place, f"no loader reads {name.text}", "remove the line")
