"""`module-type` has more than one dash.

What: `module-type` is a domain, and perhaps a dash and a task; words of a task are joined by `_`.

Why: Readers take the value apart at its dash, and get three parts where they expect two.

Example: `module-type: cv-super-resolution`

Instead: `module-type: cv-super_resolution`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.values import YamlText

SEVERITY = Severity.WARNING
FIXABLE = True


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report every dash after the first at once."""
    value = document.values.get("module-type")
    if isinstance(value, YamlText) and value.text.count("-") > 1:
        domain, _, task = value.text.partition("-")
        new = f"{domain}-{task.replace('-', '_')}"
        edits = document.edit_value(value, new)
        yield Problem(value.place, f"{value.text} has several dashes", f"write {new}", edits)
