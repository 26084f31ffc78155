"""Apply rules to cards; all findings at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from mindspore_hub.cards.findings import Finding, Place, Problem, Severity, in_order
from mindspore_hub.cards.parse import Document, read_document
from mindspore_hub.cards.paths import Cards, find_cards
from mindspore_hub.cards.rules import Hub, Rule, all_rules, select
from mindspore_hub.cards.suppress import unsuppressed
from mindspore_hub.errors import CardError, InternalError

DEFAULT_SELECTION = ("DEFAULT",)


class Tree(NamedTuple):
    """Cards that belong together.

    Attributes:
        documents: Those that could be read.
        unreadable: Path of each other, and why.
        root: Hub root that they are all cards of, if they are.
    """

    documents: list[Document]
    unreadable: list[tuple[Path, str]]
    root: Path | None

    @property
    def paths(self) -> list[Path]:
        """Paths of all cards."""
        return [*self.by_path, *(path for path, _ in self.unreadable)]

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
            single cards.
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
    for path in paths:
        tree = read_tree(path)
        count += len(tree.paths)
        findings += check_tree(tree, rules)
    return in_order(findings), count


def check_cards(cards: Cards, rules: list[Rule]) -> list[Finding]:
    """Read and check cards, and leave out what a comment in one asks to ignore.

    Raises:
        InternalError: A rule crashed.
    """
    tree = read_cards(cards)
    return list(unsuppressed(check_tree(tree, rules), tree.by_path))


def check_tree(tree: Tree, rules: list[Rule]) -> Iterator[Finding]:
    """Check cards that have been read.

    Raises:
        InternalError: A rule crashed.
    """
    for path, reason in tree.unreadable:
        yield Finding(path, 1, 1, "H900", Severity.ERROR, reason, "make it a readable text file")
    for document in tree.documents:
        yield from check_document(document, rules)
    yield from check_together(tree, rules)


def check_document(document: Document, rules: list[Rule]) -> Iterator[Finding]:
    """Check what one card shows.

    Raises:
        InternalError: A rule crashed.
    """
    for rule in rules:
        if rule.check_card:
            yield from _of_card(rule, document)


def check_together(tree: Tree, rules: list[Rule]) -> Iterator[Finding]:
    """Check what only several cards together show.

    Raises:
        InternalError: A rule crashed.
    """
    hub = Hub({document.uid: document for document in tree.documents}, tree.root)
    for rule in rules:
        if rule.check_hub:
            yield from _of_hub(rule, hub)


def read_tree(path: Path) -> Tree:
    """Read a card, or all cards under a folder.

    Raises:
        CardError: The folder holds no cards.
    """
    return read_cards(find_cards(path))


def read_cards(cards: Cards) -> Tree:
    """Read cards, as far as they can be read."""
    documents, unreadable = [], []
    for uid, path in cards.named:
        try:
            documents.append(read_document(path, uid))
        except CardError as error:
            unreadable.append((path, str(error)))
    return Tree(documents, unreadable, cards.root)


def _of_card(rule: Rule, document: Document) -> Iterator[Finding]:
    assert rule.check_card  # noqa: S101 - for the type checker; the caller chose such rules
    try:
        for problem in rule.check_card(document):
            yield _finding(rule, document, problem)
    except Exception as error:
        raise _crash(rule, str(document.path), error) from error


def _of_hub(rule: Rule, hub: Hub) -> Iterator[Finding]:
    assert rule.check_hub  # noqa: S101 - for the type checker; the caller chose such rules
    try:
        for document, problem in rule.check_hub(hub):
            yield _finding(rule, document, problem)
    except Exception as error:
        raise _crash(rule, f"{len(hub.documents)} cards together", error) from error


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
