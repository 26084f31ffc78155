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

_SEPARATOR = pattern(r"[_|,+&/]")
"""What stands between the names of several data sets."""

_FILLING = pattern(
    r"the|software|licen[sc]ed?|version|vers?(?=[0-9])|v(?=[0-9])|gnu(?=[al]?gpl)|january2004$"
)

_GNU = pattern(r"(?:gnu)?(?P<kind>lesser|affero)?generalpublic")

APACHE = "apache20"
"""What `bare_license` leaves of the names of Apache 2.0."""


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
    meant = _JOINTS.sub("", text.lower())
    near: dict[str, int] = {}
    for name in known:
        other = _JOINTS.sub("", name.lower())
        if other == meant:
            return name
        if min(len(meant), len(other)) >= 5 and meant not in other and other not in meant:
            near[name] = _edits(meant, other, 2)
    best = min(near, key=lambda name: near[name], default="")
    return best if best and near[best] <= 2 else None


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


def is_accepted_dataset(text: str) -> bool:
    """Whether a name, or each of several with `_` between, is listed as it is spelt."""
    return words("datasets").issuperset(text.split("_"))


def is_recognised_dataset(text: str) -> bool:
    """Whether a name, or each of several, is listed but for case and punctuation."""
    known = by_plain("datasets")
    return plain(text) in known or all(plain(part) in known for part in _SEPARATOR.split(text))


def is_known_dataset(text: str) -> bool:
    """Whether a name is recognised, or is one that published cards have all the same."""
    known = by_plain("datasets-published")
    return is_accepted_dataset(text) or is_recognised_dataset(text) or plain(text) in known


def accepted_dataset(text: str) -> str | None:
    """The spelling that is nearest to a recognised name and accepted; None if none is."""
    whole = list(filter(is_accepted_dataset, by_plain("datasets").get(plain(text), ())))
    if whole:
        from difflib import SequenceMatcher

        return max(whole, key=lambda it: (SequenceMatcher(None, it, text).ratio(), it.islower()))
    parts = [part.strip() for part in _SEPARATOR.split(text)]
    found = [accepted_dataset(part) for part in parts] if len(parts) > 1 else [None]
    return "_".join(part for part in found if part) if all(found) else None


def bare_license(text: str) -> str:
    """The name of a licence without what does not tell it from others: `The MIT License` as `mit`.

    A version of one digit gets its zero: 2 is 2.0.
    """
    short = _GNU.sub(lambda match: f"{(match['kind'] or '')[:1]}gpl", plain(text))
    bare = _FILLING.sub("", short)
    single = bare[-1:].isdigit() and not bare[-2:-1].isdigit()
    return f"{bare}0" if single else bare
