"""The body has a further heading of the first level.

What: The title is the only heading with a single `#`.

Why: It is the name of the page; with two of them, tables of contents begin anew in the middle.

Example: `# LeafNet in detail` after the front matter.

Instead: `## LeafNet in detail`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity

SEVERITY = Severity.INFO


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report each heading of the first level after the title."""
    for heading in document.body.headings:
        if heading.level == 1 and not _is_title(document, heading.place.line):
            message = f"{heading.text!r} is a second heading of the first level"
            yield Problem(heading.place, message, "write `##`")


def _is_title(document: Document, line: int) -> bool:
    """Whether it is the title, which a card without front matter has in its body."""
    return len(document.rules) < 2 and not any(text.strip() for text in document.lines[: line - 1])
