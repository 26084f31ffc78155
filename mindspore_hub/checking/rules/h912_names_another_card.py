"""The body of a card names another card of its model where it means this one.

What: The cards that code and commands of a body name (`load("MVD@regdb")`, `embed("<uid>", ...)`,
`mshub eval <uid>`), and what it calls its card name, are this card. Cards of other models may be
named, and code that loads this card may load any other; uids that no card has may not be named.

Why: A card that was copied from another one goes on to speak of it; readers copy the line, and
measure another file than the one they read about.

Example: `mshub eval botany/2.0/leafnet_herbarium` in the card of 2.1.

Instead: the uid of this card, its path under `assets/` without `.md`. Another card can be linked.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.checking.rules._hub_calls import LANGUAGES, hub_calls
from mindspore_hub.hub.card import variants_of
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Edit, Place, Problem, Severity
from mindspore_hub.hub.patterns import pattern
from mindspore_hub.hub.values import as_argument

SEVERITY = Severity.ERROR
HUB_ONLY = True
FIXABLE = True

_FUNCTIONS = frozenset({"load", "embed", "evaluate", "transforms", "info"})
_NAMED = pattern(
    r"(?<![\w.])(?:(?:mindspore_hub|mshub|hub)\.)?(?:load|embed|evaluate|transforms|info)"
    r"\(\s*(?:name\s*=\s*)?[\"'](?P<called>[^\"'\n]+)[\"']"
    r"|\bmshub\s+(?:load|embed|eval|info|download|verify|bundle|bench)\s+(?P<asked>[\w.@/+-]+)"
    r"|\bcard\s+name\s+`(?P<said>[^`\n]+)`"
)
_UID = pattern(r"[\w.+-]+/\d+(?:\.\d+)+/[\w.+-]+")


class _Named(NamedTuple):
    place: Place
    name: str
    may_differ: bool = False


def check_hub(hub: HubCards) -> Iterator[tuple[Document, Problem]]:
    """Report each such name where it stands."""
    meant = _meant(hub)
    for document in hub.documents.values():
        for named in (*_outside(document), *_in_code(document)):
            cards = meant.get(named.name.lower(), [])
            if _is_wrong(document, named, cards):
                yield document, _problem(document, named.place, named.name, cards)


def _meant(hub: HubCards) -> dict[str, list[Document]]:
    """Cards that each name means, by the name in lower case."""
    meant: dict[str, list[Document]] = {}
    for document in hub.documents.values():
        for name in _names(document):
            meant.setdefault(name, []).append(document)
    return meant


def _names(document: Document) -> set[str]:
    """All names of a card, in lower case."""
    model = document.card.model_name.lower()
    is_default = as_argument(document.front_matter.get("default")) is True
    variants = {f"{model}@{variant}" for variant in variants_of(document.name, model)}
    return {document.uid.lower(), document.name.lower(), *variants, *([model] * is_default)}


def _outside(document: Document) -> Iterator[_Named]:
    """Names in prose, in commands and behind the words `card name`."""
    body = document.body
    code = {
        block.line + number
        for block in body.code_blocks(*LANGUAGES)
        for number in range(len(block.lines))
    }
    breaks = [-1, *(match.start() for match in re.finditer("\n", body.text))]
    for match in _NAMED.finditer(body.text):
        group = match.lastgroup or ""
        start = match.start(group)
        above = bisect_left(breaks, start)
        line = body.first_line + above - 1
        if not (group == "called" and line in code):
            yield _Named(Place(line, start - breaks[above - 1]), match[group])


def _in_code(document: Document) -> Iterator[_Named]:
    """Names that Python code gives to this package.

    A card that loads itself may load others; the uids that any other card loads are for C513.
    """
    blocks = document.body.code_blocks(*LANGUAGES)
    calls = [call for block in blocks for call in hub_calls(block) if call.function in _FUNCTIONS]
    uids = {call.name for call in calls if call.function == "load" and "/" in call.name}
    for call in calls:
        if call.name not in uids or call.function != "load":
            yield _Named(call.place, call.name)
        elif document.uid in uids:
            yield _Named(call.place, call.name, may_differ=True)


def _is_wrong(document: Document, named: _Named, cards: list[Document]) -> bool:
    if not cards:
        return bool(_UID.fullmatch(named.name))
    if named.may_differ or cards == [document]:
        return False
    return any(_is_sibling(card, document) for card in cards)


def _is_sibling(card: Document, other: Document) -> bool:
    return card.card.model_name.lower() == other.card.model_name.lower()


def _problem(document: Document, place: Place, name: str, cards: list[Document]) -> Problem:
    meant = " or ".join(card.uid for card in cards) or name
    edits = (Edit(place, name, document.uid),) if cards and "/" in name else ()
    message = f"the body names {meant}, this card is {document.uid}"
    return Problem(place, message, f"write {document.uid}, or link the other card", edits)
