"""Apply rules to cards: the one way in which commands, fixes and publications check."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

from mindspore_hub.checking.rules import UNREADABLE, HubCards, Rule, select
from mindspore_hub.checking.suppress import unsuppressed
from mindspore_hub.errors import CardError, InternalError
from mindspore_hub.hub.document import Document, decode_document
from mindspore_hub.hub.findings import Finding, Place, Problem, in_order
from mindspore_hub.hub.paths import Cards, find_cards, in_hubs

_WHOLE = 256
"""Cards of a folder that are held whole at the same time; a card takes some 30 kB."""

_NONE: Mapping[Path, Document] = MappingProxyType({})


def check_paths(
    paths: Iterable[Path], *, selected: Sequence[str] = ("DEFAULT",), ignored: Sequence[str] = ()
) -> tuple[list[Finding], int]:
    """Check hub roots, folders of cards, and single cards, each part of a hub with all of the hub.

    Returns:
        All findings in the order of paths and lines, and the number of cards.

    Raises:
        CardError: A folder holds no cards.
        InternalError: A rule crashed.
    """
    rules = select(selected, ignored)
    found = in_hubs(map(find_cards, paths))
    findings = in_order(finding for cards in found for finding in check_cards(cards, rules))
    return findings, sum(len(cards.named) for cards in found)


def check_cards(
    cards: Cards, rules: Sequence[Rule], documents: Mapping[Path, Document] = _NONE
) -> Iterator[Finding]:
    """Check cards one by one, then all together; what a comment in a card ignores is left out.

    Args:
        cards: The cards, and the others of their hub, which they are compared with.
        rules: What to check.
        documents: Cards that are in memory; the others are read, each when it is its turn.

    Raises:
        CardError: A card changed meanwhile.
        InternalError: A rule crashed.
    """
    asked = {uid for uid, _ in cards.named}
    rules = [rule for rule in rules if cards.root or not rule.hub_only]
    alone, together = HubCards(cards.root), HubCards(cards.root)
    for uid, path in cards.every:
        try:
            document = documents.get(path) or decode_document(cards.read(path), path, uid)
        except CardError as error:
            if uid in asked:  # what is wrong with another one is for its check to say
                help_ = "make it a readable text file, and no link that leads elsewhere"
                code, severity = UNREADABLE.code, UNREADABLE.severity
                yield Finding(path, 1, 1, code, severity, str(error), help_)
            continue
        if uid in asked:
            yield from unsuppressed(_of_card(document, rules, alone), {path: document})
        is_many = len(together.documents) >= _WHOLE
        together.add(document, outline=is_many and path not in documents)
    by_path = {document.path: document for document in together.documents.values()}
    yield from unsuppressed(_of_hub(together, rules, asked), by_path)


def check_document(
    document: Document, rules: Sequence[Rule], root: Path | None = None
) -> Iterator[Finding]:
    """Check a card that is in memory, without others; `root` is that of the hub that it is for."""
    cards = Cards([(document.uid, document.path)], root)
    return check_cards(cards, rules, {document.path: document})


def read_cards(cards: Cards) -> dict[Path, Document]:
    """Cards and the others of their hub, as far as they can be read, by path."""
    documents = {}
    for uid, path in cards.every:
        with suppress(CardError):
            documents[path] = decode_document(cards.read(path), path, uid)
    return documents


def _of_card(document: Document, rules: Sequence[Rule], hub: HubCards) -> Iterator[Finding]:
    for rule in rules:
        try:
            for problem in rule.check_card(document, hub) if rule.check_card else ():
                yield _finding(rule, document, problem)
        except Exception as error:
            raise _crash(rule, str(document.path), error) from error


def _of_hub(hub: HubCards, rules: Sequence[Rule], asked: Container[str]) -> Iterator[Finding]:
    """What several cards together show, of those whose uid is asked for."""
    for rule in rules:
        try:
            for document, problem in rule.check_hub(hub) if rule.check_hub else ():
                if document.uid in asked:
                    yield _finding(rule, document, problem)
        except CardError:
            raise
        except Exception as error:
            paths = [str(document.path) for document in hub.documents.values()]
            where = paths[0] if len(paths) == 1 else f"{len(paths)} cards together"
            raise _crash(rule, where, error) from error


def _crash(rule: Rule, where: str, error: Exception) -> InternalError:
    import logging

    logging.getLogger(__name__).debug(
        "%s %s crashed on %s", rule.code, rule.name, where, exc_info=error
    )
    return InternalError(
        f"the rule {rule.code} {rule.name} crashed on {where} ({type(error).__name__}: {error}). "
        "This is a defect of the rule, not of the card: please report it with the card and the "
        f"output of `mshub env`. `--ignore {rule.code}` checks the rest."
    )


def _finding(rule: Rule, document: Document, problem: Problem) -> Finding:
    place = problem.place if not problem.whole else Place()
    return Finding(
        document.path,
        place.line,
        place.column,
        rule.code,
        rule.severity,
        problem.message,
        problem.help,
        document.sure(problem.edits) if problem.edits else (),
        problem.whole,
        "" if problem.whole else document.line(place.line),
        "" if problem.whole else document.asset_at(place.line),
    )
