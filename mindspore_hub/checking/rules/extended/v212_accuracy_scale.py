"""`accuracy` is at most 1.

What: `accuracy` is a percentage.

Why: Most cards give percentages; 0.9369 among them may be a very good network or a very bad one.

Example: `accuracy: 0.9369`

Instead: `accuracy: 93.69`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.values import YamlText

SEVERITY = Severity.WARNING


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report a number that can be a fraction."""
    value = document.values.get("accuracy")
    if isinstance(value, YamlText):
        try:
            small = 0 <= float(value.text) <= 1
        except ValueError:
            return
        if small:
            message = f"{value.text} can be a fraction or a percentage"
            yield Problem(value.place, message, "write a percentage")
