"""Mend cards by the edits of their findings: every other byte stays, and nothing gets worse."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import unified_diff
from pathlib import Path
from typing import NamedTuple

from mindspore_hub import _files
from mindspore_hub.checking.check import Tree, check_tree
from mindspore_hub.checking.rules import Rule
from mindspore_hub.errors import CardError
from mindspore_hub.hub.document import Document, decode_document
from mindspore_hub.hub.findings import Edit, Finding, Rewrite

MAX_ROUNDS = 20
"""How often a card is looked at again; edits that overlap take one round each."""

Chosen = Callable[[Tree, Iterable[Finding]], Iterable[Finding]]
"""Says which findings of a tree are to be mended."""

_LINE = re.compile(r"([^\r\n]*)(\r\n|\r|\n|$)")


class Change(NamedTuple):
    """Text between two offsets, and what comes in its place."""

    start: int
    end: int
    new: str

    def overlaps(self, other: Change) -> bool:
        """Whether one of two changes would move or repeat the other."""
        if self.start == other.start:
            return True
        return self.start < other.end and other.start < self.end


@dataclass
class Outcome:
    """What mending a tree led to; nothing is written yet.

    Attributes:
        tree: The cards as they are afterwards.
        before: Each card that changes, as it was.
        fixed: How many findings are mended.
        left: Cards that were left as they were, and why.
    """

    tree: Tree
    before: dict[Path, Document] = field(default_factory=dict)
    fixed: int = 0
    left: list[tuple[Path, str]] = field(default_factory=list)

    def after(self) -> Iterator[Document]:
        """Each card that changes, as it is to be."""
        return (document for document in self.tree.documents if document.path in self.before)


def fix_tree(tree: Tree, rules: list[Rule], chosen: Chosen) -> Outcome:
    """Mend what is chosen, in rounds, and take back what made a card worse.

    Args:
        tree: The cards.
        rules: Rules that judge the result.
        chosen: Which of their findings are to be mended.
    """
    counts = _counts(check_tree(tree, rules))
    originals = {document.path: document for document in tree.documents}
    fixed: Counter[Path] = Counter()
    left: list[tuple[Path, str]] = []
    current = tree
    for _ in range(MAX_ROUNDS):
        changed = _round(current, chosen(current, check_tree(current, rules)), fixed)
        current = _with(current, changed)
        if not changed:
            break
    else:
        reason = f"its fixes do not come to an end within {MAX_ROUNDS} rounds"
        left = [(path, reason) for path in changed]
        current = _with(current, {path: originals[path] for path in changed})
    while worse := _worse(current, originals, counts, rules):
        current = _with(current, {path: originals[path] for path in worse})
        left += [(path, f"its fixes would lead to {codes}") for path, codes in worse.items()]
    return _outcome(current, originals, fixed, left)


def changes(text: str, edits: Iterable[Edit | Rewrite]) -> list[Change] | None:
    """Where the edits of lines stand in a text; None if the text is not what one of them replaces.

    Args:
        text: Text of a card without a byte order mark.
        edits: The edits; those of the whole file are passed over.
    """
    lines = list(_LINE.finditer(text))
    found = [_change(lines, edit) for edit in edits if isinstance(edit, Edit)]
    return None if None in found else [change for change in found if change]


def apply_edits(
    text: str, groups: Iterable[Sequence[Edit | Rewrite]], *, byte_order_mark: bool = False
) -> tuple[str, int]:
    """Apply groups of edits, each as a whole or not at all.

    Args:
        text: Text of a card without a byte order mark.
        groups: The edits of each finding; a group that overlaps an earlier one has to wait.
        byte_order_mark: Whether the file begins with one.

    Returns:
        The new text with its byte order mark, and how many groups were applied.
    """
    accepted: list[Change] = []
    rewrites: list[Rewrite] = []
    applied = 0
    for group in groups:
        wanted = changes(text, group)
        if wanted is None or _clash(wanted, accepted):
            continue
        accepted += [change for change in wanted if change not in accepted]
        rewrites += [edit for edit in group if isinstance(edit, Rewrite)]
        applied += 1
    for change in sorted(accepted, reverse=True):
        text = text[: change.start] + change.new + text[change.end :]
    text = "\ufeff" * byte_order_mark + text
    for rewrite in rewrites:
        text = rewrite.apply(text)
    return text, applied


def diff(outcome: Outcome) -> str:
    """Unified diff of every card that changes."""
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        for document in outcome.after()
        for line in unified_diff(
            _lines(outcome.before[document.path]),
            _lines(document),
            str(document.path),
            str(document.path),
        )
    )


def write(outcomes: Iterable[Outcome]) -> None:
    """Replace the cards that change, each as a whole.

    Raises:
        CardError: One of them is read-only or is no longer what was checked; none was written.
    """
    pairs = [(doc, outcome.before[doc.path]) for outcome in outcomes for doc in outcome.after()]
    for document, before in pairs:
        _require_writable(document.path, _bytes(before))
    for document, _ in pairs:
        # A link stays a link: what it leads to is replaced.
        _files.replace(document.path.resolve(), _bytes(document))


def _round(tree: Tree, findings: Iterable[Finding], fixed: Counter[Path]) -> dict[Path, Document]:
    """Cards as they are when everything was applied that does not overlap."""
    groups: dict[Path, list[Finding]] = {}
    for finding in findings:
        if finding.fixable:
            groups.setdefault(finding.path, []).append(finding)
    changed = {}
    for document in tree.documents:
        if document.path in groups and not any(document.problems_of("F001")):
            group = sorted(groups[document.path], key=lambda finding: finding[1:4])
            text, applied = apply_edits(
                document.text,
                [finding.edits for finding in group],
                byte_order_mark=document.byte_order_mark,
            )
            if text.encode() != _bytes(document):
                changed[document.path] = decode_document(text.encode(), document.path, document.uid)
                fixed[document.path] += applied
    return changed


def _worse(
    tree: Tree,
    originals: dict[Path, Document],
    counts: dict[Path, Counter[str]],
    rules: list[Rule],
) -> dict[Path, str]:
    """Changed cards to take back, with the codes of what is new."""
    mended = {doc.path for doc in tree.documents if doc is not originals[doc.path]}
    if not mended:
        return {}
    new = {
        path: " and ".join(sorted(extra))
        for path, after in _counts(check_tree(tree, rules)).items()
        if (extra := after - counts.get(path, Counter()))
    }
    if all(path in mended for path in new):
        return new
    # A card that nobody touched got worse through one of the others.
    codes = " and ".join(sorted(set(new.values())))
    return {path: new.get(path, f"{codes} in another card") for path in sorted(mended)}


def _outcome(
    tree: Tree,
    originals: dict[Path, Document],
    fixed: Counter[Path],
    left: list[tuple[Path, str]],
) -> Outcome:
    before = {
        document.path: originals[document.path]
        for document in tree.documents
        if _bytes(document) != _bytes(originals[document.path])
    }
    return Outcome(tree, before, sum(fixed[path] for path in before), left)


def _counts(findings: Iterable[Finding]) -> dict[Path, Counter[str]]:
    counts: dict[Path, Counter[str]] = {}
    for finding in findings:
        counts.setdefault(finding.path, Counter())[finding.code] += 1
    return counts


def _with(tree: Tree, changed: dict[Path, Document]) -> Tree:
    documents = [changed.get(document.path, document) for document in tree.documents]
    return tree._replace(documents=documents)


def _change(lines: list[re.Match[str]], edit: Edit) -> Change | None:
    """Where an edit stands, or None if something else stands there."""
    number, column = edit.place.line - 1, edit.place.column - 1
    if not (0 <= number < len(lines) and column >= 0):
        return None
    line = lines[number]
    if not line[1].startswith(edit.old, column) or column > len(line[1]):
        return None
    if edit.new is not None:
        if any("\ud800" <= character <= "\udfff" for character in edit.new):
            return None  # part of a file name that is no UTF-8, which no card could hold
        start = line.start() + column
        return Change(start, start + len(edit.old), edit.new)
    follows = lines[number + 1] if number + 1 < len(lines) else None
    last = follows if follows and not follows[1].strip() else line
    return Change(line.start(), last.end(), "")


def _clash(wanted: list[Change], accepted: list[Change]) -> bool:
    """Whether changes overlap others; one that both want is no clash."""
    return any(
        change.overlaps(other) for change in wanted for other in accepted if change != other
    ) or any(
        change.overlaps(other) for index, change in enumerate(wanted) for other in wanted[:index]
    )


def _bytes(document: Document) -> bytes:
    return ("\ufeff" * document.byte_order_mark + document.text).encode()


def _lines(document: Document) -> list[str]:
    return [line[0] for line in _LINE.finditer(_bytes(document).decode()) if line[0]]


def _require_writable(path: Path, expected: bytes) -> None:
    # Permissions do not bind root, and replacing a file asks for the right to its folder only.
    if not path.stat().st_mode & 0o222 or not os.access(path, os.W_OK):
        msg = f"{path} is read-only; nothing was written. Make it writable: `chmod u+w {path}`."
        raise CardError(msg)
    if path.read_bytes() != expected:
        msg = f"{path} has changed since it was checked; nothing was written. Run it again."
        raise CardError(msg)
