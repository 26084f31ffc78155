"""A line of the front matter ends with blanks, or begins with a tab.

What: Lines of the front matter are indented with spaces, and end with what they say.

Why: YAML refuses tabs before keys, and blanks at the end of a line are changed unawares.

Example: `license: Apache2.0` with two blanks after it.

Instead: the same line without them.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Place, Problem, Severity

SEVERITY = Severity.INFO
FIXABLE = True
_TAB_WIDTH = 4


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report each such line once."""
    lines = document.front_lines
    joined = "\n".join((*lines, ""))
    if " \n" not in joined and "\t" not in joined:
        return
    for number, line in enumerate(lines, document.rules[0] + 1):
        end = line.rstrip(" \t")
        indent = line[: len(line) - len(line.lstrip(" \t"))]
        if len(end) != len(line):
            place = Place(number, len(end) + 1)
            edits = document.edit(place, line[len(end) :], "")
            yield Problem(place, "blanks at the end of the line", "remove them", edits)
        elif "\t" in indent:
            place = Place(number, 1)
            edits = document.edit(place, indent, indent.replace("\t", " " * _TAB_WIDTH))
            yield Problem(place, "the line is indented with a tab", "use spaces", edits)
