"""A link stands without angle brackets.

What: Links of the front matter stand in `<...>`.

Why: Markdown pages then show them as links, and a link may hold `#` or `:` with less risk.

Example: `repo-link: https://gitee.com/mindspore/models`

Instead: `repo-link: <https://gitee.com/mindspore/models>`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.values import YamlText

SEVERITY = Severity.INFO
FIXABLE = True


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report `repo-link`, and the link of every asset."""
    values = [document.values.get("repo-link")]
    values += [asset.node.get("asset-link") for asset in document.card.assets]
    for value in values:
        if isinstance(value, YamlText) and value.text and value.text[0] != "<":
            edits = document.edit_value(value, f"<{value.text}>")
            message = f"{value.text} is not in angle brackets"
            yield Problem(value.place, message, f"write `<{value.text}>`", edits)
