"""The text states another licence than the front matter.

What: Where the text says under which licence code or weights are, it is that of `license`.

Why: Users rely on the one they read first, and breach the other.

Example: `The code is licensed under the MIT License.` beside `license: Apache2.0`

Instead: the licence under which the files were published, in both places.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mindspore_hub.cards.findings import Place, Problem, Severity
from mindspore_hub.cards.parse import Document
from mindspore_hub.cards.patterns import pattern
from mindspore_hub.cards.vocabulary import plain

CODE = "C517"
NAME = "license-contradiction"
SEVERITY = Severity.ERROR

_NAMED = pattern(
    r"\b(?P<family>Apache|MIT|BSD|A?L?GPL|MPL|Mozilla|CC[- ]BY|Creative Commons|OpenRAIL|Mulan|ISC)\b"
    r"|\b(?P<other>[A-Z][\w.-]*(?: [A-Z0-9][\w.-]*){0,3}) Licen[sc]e\b"
)
_UNDER = pattern(
    r"licen[sc]ed|under|subject to|governed|licen[sc]es?\s*(?:is|[:：])", re.IGNORECASE
)
_DATA = pattern(r"\bdata ?sets?\b", re.IGNORECASE)
_WORK = pattern(r"\b(?:code|weights?|models?|repository|project|checkpoints?)\b", re.IGNORECASE)

_NO_NAMES = frozenset({"the", "this", "see", "our", "model", "code", "a", "your", "open", "source"})

_USUAL = "MindSpore is available under"
"""The licence of the framework, below every card."""


def check_card(document: Document) -> Iterator[Problem]:
    """Report each line that states another licence of code or weights."""
    own, text = document.facts.license, document.body.text
    if not own or not _is_stated(text):
        return
    for number, line in document.body.prose:
        stated = _stated(line) if "icen" in line and _USUAL not in line else []
        if stated and not any(_is_same(match.group(), own) for match in stated):
            other = stated[0]
            message = f"the text states {other.group()}, license is {own}"
            place = Place(number, other.start() + 1)
            yield Problem(place, message, "state the licence of the published files")


def _is_stated(text: str) -> bool:
    """Whether there is more about licences than what is below every card."""
    return text.count("icen") > 3


def _stated(line: str) -> list[re.Match[str]]:
    """Names of licences that a line says code or weights are under."""
    if not _UNDER.search(line) or (_DATA.search(line) and not _WORK.search(line)):
        return []
    return [match for match in _NAMED.finditer(line) if not _is_word(match["other"])]


def _is_word(other: str | None) -> bool:
    return bool(other) and all(word.lower() in _NO_NAMES for word in (other or "").split())


def _is_same(stated: str, own: str) -> bool:
    first, second = (plain(re.sub(r"(?i)licen[sc]e", "", name)) for name in (stated, own))
    return first in second or second in first
