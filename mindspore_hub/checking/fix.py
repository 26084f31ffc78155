"""Fix cards by the edits of their findings: every other byte stays, and nothing gets worse."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from itertools import chain, combinations
from pathlib import Path
from typing import NamedTuple, TypeAlias

from mindspore_hub import _files
from mindspore_hub.checking.check import check_cards, read_cards
from mindspore_hub.checking.rules import Rule
from mindspore_hub.errors import CardError
from mindspore_hub.hub.document import Document, decode_document
from mindspore_hub.hub.findings import Edit, Finding, Rewrite
from mindspore_hub.hub.paths import Cards

MAX_ROUNDS = 20
"""How often a card is looked at again; edits that overlap take one round each."""

Chosen = Callable[[Iterable[Finding]], Iterable[Finding]]
"""Says which of the findings are to be fixed."""

_Documents: TypeAlias = "dict[Path, Document]"

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


@dataclass(frozen=True)
class Outcome:
    """What fixes make of cards; nothing is written yet.

    Attributes:
        changed: Each card that changes, as it was and as it is to be.
        fixed: How many findings.
        left: Cards that are left as they are, and why.
    """

    changed: list[tuple[Document, Document]]
    fixed: int
    left: list[tuple[Path, str]]


def fix_cards(cards: Cards, rules: Sequence[Rule], chosen: Chosen) -> Outcome:
    """Fix what is chosen of the findings of rules, and take back what made a card worse by them."""
    originals = read_cards(cards)
    counts = _counts(check_cards(cards, rules, originals))
    fixed: Counter[Path] = Counter()
    left: list[tuple[Path, str]] = []
    current = originals
    for _ in range(MAX_ROUNDS):
        changed = _round(current, chosen(check_cards(cards, rules, current)), fixed)
        current = current | changed
        if not changed:
            break
    else:
        reason = f"its fixes do not come to an end within {MAX_ROUNDS} rounds"
        left = [(path, reason) for path in changed]
        current = current | {path: originals[path] for path in changed}
    while edited := {path for path in current if current[path] is not originals[path]}:
        worse = _worse(edited, _counts(check_cards(cards, rules, current)), counts)
        if not worse:
            break
        current = current | {path: originals[path] for path in worse}
        left += [(path, f"its fixes would lead to {codes}") for path, codes in worse.items()]
    pairs = [(originals[path], document) for path, document in current.items()]
    pairs = [(before, after) for before, after in pairs if _bytes(before) != _bytes(after)]
    return Outcome(pairs, sum(fixed[before.path] for before, _ in pairs), left)


def changes(text: str, edits: Iterable[Edit | Rewrite]) -> list[Change] | None:
    """Where the edits of lines stand in a text; None if the text is not what one of them replaces."""
    lines = list(_LINE.finditer(text))
    found = [_change(lines, edit) for edit in edits if isinstance(edit, Edit)]
    return None if None in found else [change for change in found if change]


def apply_edits(
    text: str, groups: Iterable[Sequence[Edit | Rewrite]], *, byte_order_mark: bool = False
) -> tuple[str, int]:
    """Apply groups of edits, each as a whole or not at all; one that overlaps an earlier one waits.

    Args:
        text: Text of a card without a byte order mark.
        groups: The edits of each finding.
        byte_order_mark: Whether the file begins with one.

    Returns:
        The new text with its byte order mark, and how many groups were applied.
    """
    accepted: list[Change] = []
    rewrites: list[Rewrite] = []
    applied = 0
    for group in groups:
        wanted = changes(text, group)
        if wanted is None:
            continue
        # A change that two groups want does not count as an overlap.
        with_accepted = ((new, old) for new in wanted for old in accepted if new != old)
        if any(new.overlaps(old) for new, old in chain(with_accepted, combinations(wanted, 2))):
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
        for before, after in outcome.changed
        for line in unified_diff(_lines(before), _lines(after), str(after.path), str(after.path))
    )


def write(outcomes: Iterable[Outcome]) -> None:
    """Replace the cards that change; none if one is read-only or is no longer what was checked."""
    pairs = [pair for outcome in outcomes for pair in outcome.changed]
    for before, _ in pairs:
        path = before.path
        # Permissions do not bind root, and replacing a file asks for the right to its folder only.
        if not path.stat().st_mode & 0o222 or not os.access(path, os.W_OK):
            msg = f"{path} is read-only; nothing was written. Make it writable: `chmod u+w {path}`."
            raise CardError(msg)
        if path.read_bytes() != _bytes(before):
            msg = f"{path} has changed since it was checked; nothing was written. Run it again."
            raise CardError(msg)
    for _, after in pairs:
        # A link stays a link: what it leads to is replaced.
        _files.replace(after.path.resolve(), _bytes(after))


def _round(documents: _Documents, findings: Iterable[Finding], fixed: Counter[Path]) -> _Documents:
    """Cards as they are when everything was applied that does not overlap."""
    groups: dict[Path, list[Finding]] = {}
    for finding in findings:
        if finding.fixable:
            groups.setdefault(finding.path, []).append(finding)
    changed = {}
    for path, group in groups.items():
        document = documents[path]
        if not any(document.problems_of("F001")):
            text, applied = apply_edits(
                document.text,
                [finding.edits for finding in sorted(group, key=lambda finding: finding[1:4])],
                byte_order_mark=document.byte_order_mark,
            )
            if text.encode() != _bytes(document):
                changed[path] = decode_document(text.encode(), path, document.uid)
                fixed[path] += applied
    return changed


def _worse(
    edited: set[Path], now: dict[Path, Counter[str]], before: dict[Path, Counter[str]]
) -> dict[Path, str]:
    """Edited cards to take back, with the codes of what is new."""
    new = {
        path: " and ".join(sorted(extra))
        for path, codes in now.items()
        if (extra := codes - before.get(path, Counter()))
    }
    if edited.issuperset(new):
        return new
    # A card that nobody touched got worse through one of the others.
    listed = " and ".join(sorted(set(new.values())))
    return {path: new.get(path, f"{listed} in another card") for path in sorted(edited)}


def _counts(findings: Iterable[Finding]) -> dict[Path, Counter[str]]:
    counts: dict[Path, Counter[str]] = {}
    for finding in findings:
        counts.setdefault(finding.path, Counter())[finding.code] += 1
    return counts


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
            return None  # part of a file name that is not UTF-8, which no card could hold
        start = line.start() + column
        return Change(start, start + len(edit.old), edit.new)
    follows = lines[number + 1] if number + 1 < len(lines) else None
    last = follows if follows and not follows[1].strip() else line
    return Change(line.start(), last.end(), "")


def _bytes(document: Document) -> bytes:
    return ("\ufeff" * document.byte_order_mark + document.text).encode()


def _lines(document: Document) -> list[str]:
    return [line[0] for line in _LINE.finditer(_bytes(document).decode()) if line[0]]
