"""`accuracy` is not one number.

What: `accuracy` is a number.

Why: Readers compare it; several numbers, or words, cannot be compared.

Example: `accuracy: small 83.8 / large 84.0`

Instead: `accuracy: 83.8` in the card of the small network; `evaluation` takes several metrics.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.cards.findings import Problem, Severity
from mindspore_hub.cards.front_matter import Scalar
from mindspore_hub.cards.parse import Document
from mindspore_hub.cards.patterns import pattern

CODE = "V211"
NAME = "accuracy-not-number"
SEVERITY = Severity.ERROR
_NUMBER = pattern(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")


def check_card(document: Document) -> Iterator[Problem]:
    """Report any other value."""
    value = document.values.get("accuracy")
    if isinstance(value, Scalar):
        if value.text and not _NUMBER.fullmatch(value.text):
            yield Problem(value.place, f"{value.text} is not one number", "write one number")
    elif value is not None:
        yield Problem(value.place, "accuracy is a list or mapping", "write one number")
