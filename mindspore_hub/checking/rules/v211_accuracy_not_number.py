"""`accuracy` is not one number.

What: `accuracy` is a number.

Why: Readers compare it; several numbers, or words, cannot be compared.

Example: `accuracy: small 83.8 / large 84.0`

Instead: `accuracy: 83.8` in the card of the small network; `evaluation` takes several metrics.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.keys import fits
from mindspore_hub.hub.values import YamlText, is_null

SEVERITY = Severity.ERROR


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report any other value."""
    value = document.values.get("accuracy")
    if isinstance(value, YamlText) and not is_null(value) and not fits("accuracy", value.text):
        yield Problem(value.place, f"{value.text} is not one number", "write one number")
