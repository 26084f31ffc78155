"""The text states another licence than the front matter.

What: Where the text says under which licence code or weights are, it is that of `license`. What it
says of data, pictures and labels, and of parts taken from elsewhere, may be another one.

Why: Users rely on the one they read first, and breach the other.

Example: `The code is licensed under the MIT License.` beside `license: Apache2.0`

Instead: the licence under which the files were published, in both places.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.checking.rules._sections import sentences
from mindspore_hub.hub.body import Body
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Place, Problem, Severity
from mindspore_hub.hub.patterns import pattern
from mindspore_hub.hub.vocabulary import bare_license

SEVERITY = Severity.ERROR

_NAMED = pattern(
    r"\b(?P<family>Apache(?=\d|\b)|MIT\b|BSD\b|A?L?GPL(?:v?\d)?\b|MPL\b|Mozilla\b|CC0\b|CC[- ]BY\b"
    r"|Creative Commons\b|OpenRAIL\b|Mulan(?:PSL)?\b|ISC\b|EPL\b|Unlicense\b"
    r"|GNU (?:Lesser |Affero )?General Public Licen[sc]e\b)"
    r"|\b(?P<other>[A-Z][\w.-]*(?: [A-Z0-9][\w.-]*){0,3}) Licen[sc]e\b"
)
_UNDER = pattern(
    r"licen[sc]ed|under|subject to|governed"
    r"|licen[sc]es?\s*(?:(?:of|for)\s[^.:：]{1,60}?)?(?:\bis\b|[:：])",
    re.IGNORECASE,
)
_VERB = pattern(
    r"\b(?:is|are|was|were|has|have|comes?|falls?|licen[sc]ed|released|distributed|published|under"
    r"|subject|governed)\b|[:：]",
    re.IGNORECASE,
)
_BEHIND = pattern(r"\b(?:of|for|in|on|used|that|which|to|with)\b", re.IGNORECASE)
_LICENSE_OF = pattern(r"^\W*(?:the )?licen[sc]es? (?:of|for)\b", re.IGNORECASE)
_DATA = (
    r"data|data ?(?:sets?|bases?)|images?|pictures?|photo(?:graph)?s?|videos?|clips?|audio"
    r"|corpus|corpora|annotations?|labels?|ground truth"
)
_WORK = (
    r"code|weights?|models?|repository|repo|project|checkpoints?|networks?|software|implementation"
    r"|packages?|parameters"
)
_SUBJECT = pattern(rf"\b(?:(?P<data>{_DATA})|(?P<work>{_WORK}))\b", re.IGNORECASE)
_ELSEWHERE = pattern(r"\bfrom\b|\bbackbones?\b", re.IGNORECASE)
_SECTION = pattern(r"[\W\d_]*(?:licen[sc]e|licensing|许可)", re.IGNORECASE)

_NO_NAMES = frozenset({"the", "this", "see", "our", "model", "code", "a", "your", "open", "source"})

_USUAL = "MindSpore is available under"
"""The licence of the framework, below every card."""


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report each sentence that states another licence of code or weights."""
    own, body = document.card.text("license"), document.body
    if not own or not ("icen" in body.text or "许可" in body.text):
        return
    sections = _license_lines(body)
    talks = body.text.count("icen") > 3  # more than what is below every card
    for text, place in sentences(body):
        stated = [] if _USUAL in text else _stated(text, place.line in sections, talks)
        if stated and not any(_is_same(match.group(), own) for match in stated):
            other = stated[0]
            message = f"the text states {' '.join(other.group().split())}, license is {own}"
            at = _place(place, text, other.start())
            yield Problem(at, message, "state the licence of the published files")


def _license_lines(body: Body) -> frozenset[int]:
    """Numbers of the lines below a heading that speaks of the licence, up to the next heading."""
    found: set[int] = set()
    last = body.first_line + len(body.lines)
    ends = [heading.place.line for heading in body.headings[1:]] + [last]
    for heading, end in zip(body.headings, ends, strict=False):
        subject = _SUBJECT.search(heading.text)
        if _SECTION.match(heading.text) and not (subject and subject["data"]):
            found.update(range(heading.place.line + 1, end))
    return frozenset(found)


def _stated(text: str, in_section: bool, talks: bool) -> list[re.Match[str]]:
    """Names of licences that a sentence says code or weights are under."""
    under = _UNDER.search(text) is not None
    names = [
        match
        for match in _NAMED.finditer(text)
        if under or match["family"]
        if not _is_word(match["other"])
    ]
    if not names or not (under or in_section):
        return []
    kind = _subject(text)
    end = names[0].start() if kind == "work" else len(text)
    elsewhere = _ELSEWHERE.search(text, 0, end)
    if kind == "data" or elsewhere:
        return []
    return names if in_section or kind == "work" or talks else []


def _subject(text: str) -> str:
    """What a sentence is about: `data`, `work`, or nothing of both."""
    verb = _VERB.search(text)
    subject = _LICENSE_OF.sub("", text[: verb.start()] if verb else text)
    behind = _BEHIND.search(subject)
    found = list(_SUBJECT.finditer(subject[: behind.start()] if behind else subject))
    kinds = [match.lastgroup or "" for match in found]
    joined = bool(found) and re.search(r"(?i)\band\b|,|&|/", subject) is not None
    return "work" if joined and "work" in kinds else (kinds or [""])[-1]


def _place(begin: Place, text: str, offset: int) -> Place:
    """Where in a card something stands in a sentence, which may be on several lines."""
    line = text.count("\n", 0, offset)
    column = offset - text.rfind("\n", 0, offset)
    return Place(begin.line + line, column if line else begin.column + offset)


def _is_word(other: str | None) -> bool:
    return bool(other) and all(word.lower() in _NO_NAMES for word in (other or "").split())


def _is_same(stated: str, own: str) -> bool:
    first, second = bare_license(stated), bare_license(own)
    return first in second or second in first
