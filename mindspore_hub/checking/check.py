"""Apply rules to cards; all findings at once."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from mindspore_hub.checking.rules import Hub, Rule, all_rules, select
from mindspore_hub.checking.suppress import unsuppressed
from mindspore_hub.errors import CardError, InternalError
from mindspore_hub.hub.document import Document, decode_document
from mindspore_hub.hub.findings import Finding, Place, Problem, Severity, in_order
from mindspore_hub.hub.paths import Cards, find_cards, in_hubs

DEFAULT_SELECTION = ("DEFAULT",)


_WHOLE = 256
"""Cards of a folder that are held whole at the same time; a card takes some 30 kB."""


class Tree(NamedTuple):
    """Cards that belong together, all of them in memory.

    Attributes:
        documents: Those that could be read.
        unreadable: Path of each other, and why.
        root: Hub root that they are all cards of, if they are.
        whole: All cards of the hub as they were read, where these are a part of it.
    """

    documents: list[Document]
    unreadable: list[tuple[Path, str]]
    root: Path | None
    whole: Sequence[Document] = ()

    @property
    def by_path(self) -> dict[Path, Document]:
        """Documents by their paths."""
        return {document.path: document for document in self.documents}


def check_paths(
    paths: Iterable[Path],
    *,
    selected: Sequence[str] = DEFAULT_SELECTION,
    ignored: Sequence[str] = (),
) -> tuple[list[Finding], int]:
    """Check cards.

    Args:
        paths: Hub roots or folders of cards, whose cards are also compared with each other, and
            single cards. What is a part of a hub is compared with the whole of it.
        selected: Codes of rules, prefixes of codes, or ALL, DEFAULT, EXTENDED.
        ignored: Codes and prefixes that are left out again.

    Returns:
        All findings in the order of paths and lines, and the number of cards.

    Raises:
        CardError: A folder holds no cards.
        InternalError: A rule crashed.
    """
    rules = select(all_rules(), selected, ignored)
    findings: list[Finding] = []
    count = 0
    for cards in in_hubs(map(find_cards, paths)):
        count += len(cards.named)
        findings += (finding for part, _ in _parts(cards, rules) for finding in part)
    return in_order(findings), count


def check_cards(cards: Cards, rules: list[Rule]) -> list[Finding]:
    """Read and check cards, and leave out what a comment in one asks to ignore.

    Raises:
        InternalError: A rule crashed.
    """
    return [finding for part in _parts(cards, rules) for finding in unsuppressed(*part)]


def check_tree(tree: Tree, rules: list[Rule]) -> Iterator[Finding]:
    """Check cards that have been read.

    Raises:
        InternalError: A rule crashed.
    """
    yield from (_unreadable(path, reason) for path, reason in tree.unreadable)
    hub = Hub(tree.root)
    for document in tree.documents:
        yield from check_document(document, rules)
        yield from check_in_hub(document, rules, tree.root)
    asked = {document.uid: document for document in tree.documents}
    for document in tree.whole or tree.documents:
        hub.add(asked.get(document.uid, document))
    yield from check_together(hub, rules, asked)


def check_document(document: Document, rules: list[Rule]) -> Iterator[Finding]:
    """Check what one card shows.

    Raises:
        InternalError: A rule crashed.
    """
    for rule in rules:
        if rule.check_card:
            yield from _of_card(rule, document)


def check_in_hub(document: Document, rules: list[Rule], root: Path | None) -> Iterator[Finding]:
    """Check what a card of the hub with that root shows by itself; nothing outside of one.

    Raises:
        InternalError: A rule crashed.
    """
    for rule in rules if root else ():
        if rule.check_hub and rule.one_card:
            alone = Hub(root)
            alone.add(document)
            yield from _of_hub(rule, alone, {document.uid})


def check_together(hub: Hub, rules: list[Rule], asked: Container[str]) -> Iterator[Finding]:
    """Check what only several cards together show, and report it of those whose uid is asked for.

    Raises:
        CardError: A card changed meanwhile.
        InternalError: A rule crashed.
    """
    for rule in rules:
        if rule.check_hub and not rule.one_card:
            yield from _of_hub(rule, hub, asked)


def new_hub(root: Path | None) -> Hub:
    """A hub for the cards of a folder, which may be more than should be held at once."""
    return Hub(root, _WHOLE)


def read_tree(path: Path) -> Tree:
    """Read a card, or all cards under a folder.

    Raises:
        CardError: The folder holds no cards.
    """
    return read_cards(in_hubs([find_cards(path)])[0])


def read_cards(cards: Cards) -> Tree:
    """Read cards, as far as they can be read."""
    asked = {*cards.paths}
    whole, unreadable = [], []
    for uid, path in cards.every:
        try:
            whole.append(decode_document(cards.read(path), path, uid))
        except CardError as error:
            if path in asked:
                unreadable.append((path, str(error)))
    documents = [document for document in whole if document.path in asked]
    return Tree(documents, unreadable, cards.root, whole if cards.others else ())


def _parts(
    cards: Cards, rules: list[Rule]
) -> Iterator[tuple[Iterable[Finding], Mapping[Path, Document]]]:
    """Findings of each card, then of all together, with the cards; each to be used at once."""
    hub = new_hub(cards.root)
    asked = {uid for uid, _ in cards.named}
    for uid, path in cards.every:
        try:
            document = decode_document(cards.read(path), path, uid)
        except CardError as error:
            if uid in asked:  # what is wrong with another one is for its check to say
                yield [_unreadable(path, str(error))], {}
            continue
        if uid in asked:
            yield check_document(document, rules), {path: document}
            yield check_in_hub(document, rules, cards.root), {path: document}
        hub.add(document)
    yield check_together(hub, rules, asked), hub.by_path


def _unreadable(path: Path, reason: str) -> Finding:
    help_ = "make it a readable text file, and no link that leads elsewhere"
    return Finding(path, 1, 1, "H900", Severity.ERROR, reason, help_)


def _of_card(rule: Rule, document: Document) -> Iterator[Finding]:
    assert rule.check_card  # noqa: S101 - for the type checker; the caller chose such rules
    try:
        for problem in rule.check_card(document):
            yield _finding(rule, document, problem)
    except Exception as error:
        raise _crash(rule, str(document.path), error) from error


def _of_hub(rule: Rule, hub: Hub, asked: Container[str]) -> Iterator[Finding]:
    assert rule.check_hub  # noqa: S101 - for the type checker; the caller chose such rules
    try:
        for document, problem in rule.check_hub(hub):
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
