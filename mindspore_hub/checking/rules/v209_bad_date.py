"""`update-time` is not a day of the calendar.

What: `update-time` is a date, year first.

Why: Readers of YAML stop with an error at `2022-02-30`, and no page can sort by it.

Example: `update-time: 2022-02-30`

Instead: `update-time: 2022-02-28`
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
    """Report what is not a date, however it is written."""
    value = document.values.get("update-time")
    if isinstance(value, YamlText) and not is_null(value) and not fits("update-time", value.text):
        yield Problem(value.place, f"{value.text} is not a date", "write it as YYYY-MM-DD")
