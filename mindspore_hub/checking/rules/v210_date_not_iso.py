"""`update-time` is not written as YYYY-MM-DD.

What: `update-time` has four digits of the year and two each of month and day, with hyphens.

Why: YAML reads other forms as text and not as a date, so readers get two types.

Example: `update-time: 2023-2-17`

Instead: `update-time: 2023-02-17`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.values import YamlText, is_iso_date, iso_date

SEVERITY = Severity.INFO
FIXABLE = True


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report a date in another form."""
    value = document.values.get("update-time")
    if isinstance(value, YamlText) and not is_iso_date(value.text):
        date = iso_date(value.text)
        if date:
            edits = document.edit_value(value, date)
            message = f"{value.text} is not written as YYYY-MM-DD"
            yield Problem(value.place, message, f"write {date}", edits)
