"""A value is cut at a `#`.

What: Behind a value without quotes, ` #` and a character begin no comment by accident: a comment has
a blank behind its `#`.

Why: For YAML the rest of the line is a comment, and the value ends before it.

Example: `author: MindSpore #1 team`

Instead: `author: "MindSpore #1 team"`, or `author: MindSpore # the first team`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.patterns import pattern
from mindspore_hub.hub.values import YamlList, YamlMapping, YamlNode, YamlText

SEVERITY = Severity.WARNING

_COMMENT = pattern(r"(?:^|\s+)#(?=\S)(?!\s*mshub:)")
_PROPERTIES = pattern(r"^(?:[!&]\S*\s+)+")
"""Tags and anchors before a value."""

_HELP = "quote the value, or put a blank behind the `#` of a comment"


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report each plain value that such a comment follows."""
    if not any("#" in line for line in document.front_lines):
        return
    for value in _plain_values(document.front_matter):
        comment = _comment(document, value)
        if comment:
            message = f"the value ends before `{comment[:40]}`, which is a comment"
            yield Problem(value.place, message, _HELP)


def _plain_values(node: YamlNode) -> Iterator[YamlText]:
    if isinstance(node, YamlMapping):
        for _, value in node.entries:
            yield from _plain_values(value)
    elif isinstance(node, YamlList):
        for item in node.items:
            yield from _plain_values(item)
    elif node.plain:
        yield node


def _comment(document: Document, value: YamlText) -> str | None:
    """What stands behind the last line of a value, if it is such a comment."""
    rest = value.text
    line, column = value.place
    written = _PROPERTIES.sub("", document.line(line)[column - 1 :])
    while rest and not written.startswith(rest):
        piece = written.strip()
        if not piece or not rest.startswith(piece):
            return None
        rest = rest[len(piece) :].lstrip()
        line += 1
        written = document.line(line).lstrip()
    behind = written[len(rest) :]
    return behind.strip() if _COMMENT.match(behind) else None
