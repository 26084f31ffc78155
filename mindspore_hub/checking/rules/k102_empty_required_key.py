"""A required key has no value.

What: Required keys have values.

Why: An empty value reads as nothing at all.

Example: `repo-link:`

Instead: `repo-link: <https://gitee.com/mindspore/models/tree/r1.9/research/cv/MVD>`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.keys import REQUIRED
from mindspore_hub.hub.values import YamlList, YamlNode, YamlText, is_null

SEVERITY = Severity.ERROR


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report required keys with an empty value."""
    for key, value in document.values.items():
        if _is_empty(value) and key in REQUIRED:
            place = document.front_matter.place_of(key)
            yield Problem(place, f"{key} has no value", f"write `{key}: <value>`")


def _is_empty(value: YamlNode) -> bool:
    if isinstance(value, YamlText):
        return not value.text.strip() or is_null(value)
    return not (value.items if isinstance(value, YamlList) else value.entries)
