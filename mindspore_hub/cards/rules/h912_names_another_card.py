"""The body of a card names another card of its model where it means this one.

What: The cards that code and commands of a body name (`load("MVD@regdb")`, `embed("<uid>", ...)`,
`mshub eval <uid>`), and what it calls its card name, are this card. Cards of other models may be
named, uids that no card has may not.

Why: A card that was copied from another one goes on to speak of it; readers copy the line, and
measure another file than the one they read about.

Example: `mshub eval botany/2.0/leafnet_herbarium` in the card of 2.1.

Instead: the uid of this card, its path under `assets/` without `.md`. Another card can be linked.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.cards.findings import Edit, Place, Problem, Severity
from mindspore_hub.cards.parse import Document
from mindspore_hub.cards.patterns import pattern
from mindspore_hub.cards.rules import Hub
from mindspore_hub.cards.schema import variants_of
from mindspore_hub.cards.values import as_argument

CODE = "H912"
NAME = "names-another-card"
SEVERITY = Severity.ERROR
FIXABLE = True

_NAMED = pattern(
    r"(?<![\w.])(?:(?:mindspore_hub|mshub|hub)\.)?(?:load|embed|evaluate|transforms|info)"
    r"\(\s*(?:name\s*=\s*)?[\"'](?P<called>[^\"'\n]+)[\"']"
    r"|\bmshub\s+(?:load|embed|eval|info|download|verify|bundle|bench)\s+(?P<asked>[\w.@/+-]+)"
    r"|\bcard\s+name\s+`(?P<said>[^`\n]+)`"
)
_UID = pattern(r"[\w.+-]+/\d+(?:\.\d+)+/[\w.+-]+")


def check_hub(hub: Hub) -> Iterator[tuple[Document, Problem]]:
    """Report each such name where it stands; the uid that a code block loads is for C513."""
    meant = _meant(hub) if hub.root else {}
    for document in hub.documents.values() if hub.root else ():
        for place, name in _named(document):
            cards = meant.get(name.lower(), [])
            if _is_wrong(document, name, cards):
                yield document, _problem(document, place, name, cards)


def _meant(hub: Hub) -> dict[str, list[Document]]:
    """Cards that each name means, by the name in lower case."""
    meant: dict[str, list[Document]] = {}
    for document in hub.documents.values():
        for name in _names(document):
            meant.setdefault(name, []).append(document)
    return meant


def _names(document: Document) -> set[str]:
    """All names of a card, in lower case."""
    model = (document.facts.model_name or "").lower()
    is_default = as_argument(document.front_matter.get("default")) is True
    variants = {f"{model}@{variant}" for variant in variants_of(document.name, model)}
    return {document.uid.lower(), document.name.lower(), *variants, *([model] * is_default)}


def _named(document: Document) -> Iterator[tuple[Place, str]]:
    """Names in code, in commands and behind the words `card name`, and where each stands."""
    body = document.body
    blocks = [range(block.line, block.line + len(block.lines)) for block in body.code_blocks()]
    for match in _NAMED.finditer(body.text):
        group = match.lastgroup or ""
        name, start = match[group], match.start(group)
        line = body.first_line + body.text.count("\n", 0, start)
        is_loaded = "load(" in match[0] and "/" in name
        if not (is_loaded and any(line in block for block in blocks)):
            yield Place(line, start - body.text.rfind("\n", 0, start)), name


def _is_wrong(document: Document, name: str, cards: list[Document]) -> bool:
    if cards:
        return cards != [document] and any(_is_sibling(card, document) for card in cards)
    return bool(_UID.fullmatch(name))


def _is_sibling(card: Document, other: Document) -> bool:
    return (card.facts.model_name or "").lower() == (other.facts.model_name or "").lower()


def _problem(document: Document, place: Place, name: str, cards: list[Document]) -> Problem:
    meant = " or ".join(card.uid for card in cards) or name
    edits = (Edit(place, name, document.uid),) if cards and "/" in name else ()
    message = f"the body names {meant}, this card is {document.uid}"
    return Problem(place, message, f"write {document.uid}, or link the other card", edits)
