"""Words that cards may use, one plain file per kind beside this module.

A file holds one entry per line in the order of code points; lines that begin with `#` are comments.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from mindspore_hub.hub.patterns import pattern

_FOLDER = Path(__file__).parent

_JOINTS = pattern(r"[\s_.-]+")
_PUNCTUATION = pattern(r"[\W_]+")


@cache
def words(name: str) -> frozenset[str]:
    """Entries of the file `name`.txt."""
    return frozenset(listed(name))


@cache
def listed(name: str) -> tuple[str, ...]:
    """Entries of the file `name`.txt in their order."""
    text = (_FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    return tuple(line for line in text.split("\n") if line and not line.startswith("#"))


@cache
def pairs(name: str) -> dict[str, str]:
    """Entries of two words, `<from> <to>`, of the file `name`.txt."""
    return dict(line.split(" ") for line in listed(name))


def plain(text: str) -> str:
    """A name without case and punctuation, `SYSU-MM01` as `sysumm01`."""
    return _PUNCTUATION.sub("", text.lower())


def proposal(text: str, known: Iterable[str]) -> str | None:
    """The known name that is surely meant by a misspelt one, if there is any.

    Both are equal but for case, blanks and joints, or they have five or more characters and are at
    most two edits apart, and neither is a part of the other: `WebVid` is not `vid`.
    """
    meant = _folded(text)
    best: tuple[int, str] | None = None
    for name in known:
        other = _folded(name)
        if other == meant:
            return name
        if min(len(meant), len(other)) >= 5 and meant not in other and other not in meant:
            edits = _edits(meant, other, 2)
            if edits <= 2 and (best is None or edits < best[0]):
                best = (edits, name)
    return best[1] if best else None


def _folded(text: str) -> str:
    return _JOINTS.sub("", text.lower())


def _edits(first: str, second: str, most: int) -> int:
    """How many letters are to be put in, taken out or replaced; more than `most` may be any number."""
    if abs(len(first) - len(second)) > most:
        return most + 1
    row = list(range(len(second) + 1))
    for i, letter in enumerate(first, 1):
        above, row = row, [i]
        for j, other in enumerate(second, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (letter != other)))
    return row[-1]


@cache
def by_plain(name: str) -> dict[str, tuple[str, ...]]:
    """Entries of the file `name`.txt by what `plain` leaves of them."""
    found: dict[str, tuple[str, ...]] = {}
    for word in listed(name):
        found[plain(word)] = (*found.get(plain(word), ()), word)
    return found
