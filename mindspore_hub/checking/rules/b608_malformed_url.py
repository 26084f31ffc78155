"""The target of a link is not an address, but nearly one.

What: The target of `[text](target)` begins with `https://`, once, and with nothing before it.

Why: Browsers take it for the name of a file and show a missing page.

Example: `[paper]((https://example.org/paper))` or `[paper](hhttps://example.org/paper)`

Instead: `[paper](https://example.org/paper)`
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Edit, Place, Problem, Severity
from mindspore_hub.hub.patterns import pattern

SEVERITY = Severity.WARNING
FIXABLE = True

_TARGET = pattern(
    r"\]\(\s*<?(?P<open>\(*)"
    r"(?P<scheme>(?:h{0,3}t{1,3}p{1,3}s{0,3}\s?(?:[:;：]\s?/{0,4}|/{2,4}))+)"
    r"(?P<rest>[^\s()<>]+(?:\([^\s()]*\)[^\s()<>]*)*)(?P<close>\)*)",
    re.IGNORECASE,
)
_RIGHT = pattern(r"https?://", re.IGNORECASE)
_CODE_SPAN = pattern(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)")

_MAX_LINE = 5_000
"""No line of prose is longer, and the search for code spans is slow on hostile ones."""


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report each target that is nearly an address, line by line."""
    if not document.body.has_odd_links:
        return
    for number, line in document.body.prose:
        if "](" in line and len(line) <= _MAX_LINE:
            blanked = _CODE_SPAN.sub(lambda match: " " * len(match[0]), line)
            for match in _TARGET.finditer(blanked):
                if match["open"] or not _RIGHT.fullmatch(match["scheme"]):
                    yield _problem(number, match)


def _problem(number: int, match: re.Match[str]) -> Problem:
    scheme = "https" if "s" in match["scheme"].lower().rsplit("p", 1)[1] else "http"
    spare = min(len(match["open"]), max(len(match["close"]) - 1, 0))
    old = "".join(match.group("open", "scheme", "rest")) + ")" * spare
    new = f"{scheme}://{match['rest']}"
    place = Place(number, match.start("open") + 1)
    help_ = f"write {new}"
    return Problem(place, f"{old} is not an address", help_, (Edit(place, old, new),))
