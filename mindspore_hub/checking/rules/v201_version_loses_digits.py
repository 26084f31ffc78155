"""A version without quotes reads as another number.

What: A version that changes when it is read as a number is quoted.

Why: YAML reads `1.10` as the number 1.1, and the card moves to another release.

Example: `mindspore-version: 1.10`

Instead: `mindspore-version: "1.10"`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.patterns import pattern
from mindspore_hub.hub.values import YamlText

SEVERITY = Severity.ERROR
FIXABLE = True
_DECIMAL = pattern(r"[0-9]+\.[0-9]+")


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report plain versions of which a YAML reader drops digits."""
    for key in ("model-version", "mindspore-version"):
        value = document.values.get(key)
        if isinstance(value, YamlText) and value.plain and _DECIMAL.fullmatch(value.text):
            number = str(float(value.text))
            if number != value.text:
                new = f'"{value.text}"'
                edits = document.edit_value(value, new)
                message = f"{value.text} reads as {number}"
                yield Problem(value.place, message, f"write `{key}: {new}`", edits)
