"""Words that cards may use, one plain file per kind beside this module.

A file holds one entry per line in the order of code points; lines that begin with `#` are comments.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from mindspore_hub.cards.patterns import pattern

_FOLDER = Path(__file__).parent

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


@cache
def by_plain(name: str) -> dict[str, tuple[str, ...]]:
    """Entries of the file `name`.txt by what `plain` leaves of them."""
    found: dict[str, tuple[str, ...]] = {}
    for word in listed(name):
        found[plain(word)] = (*found.get(plain(word), ()), word)
    return found
