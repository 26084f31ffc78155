"""Which names of data sets pass the upstream checker, and which are only recognised."""

from __future__ import annotations

from mindspore_hub.hub.patterns import pattern
from mindspore_hub.hub.vocabulary import by_plain, plain, words

_SEPARATOR = pattern(r"[_|,+&/]")


def is_accepted(text: str) -> bool:
    """Whether a name, or each of several with `_` between, is listed as it is spelt."""
    return words("datasets").issuperset(text.split("_"))


def is_recognised(text: str) -> bool:
    """Whether a name, or each of several, is listed but for case and punctuation."""
    known = by_plain("datasets")
    return plain(text) in known or all(plain(part) in known for part in _SEPARATOR.split(text))


def is_known(text: str) -> bool:
    """Whether a name is recognised, or is one that published cards have all the same."""
    known = by_plain("datasets-published")
    return is_accepted(text) or is_recognised(text) or plain(text) in known


def accepted_spelling(text: str) -> str | None:
    """The spelling that is nearest to a recognised name and accepted; None if none is."""
    whole = [word for word in by_plain("datasets").get(plain(text), ()) if is_accepted(word)]
    if whole:
        return max(whole, key=lambda word: _likeness(word, text))
    parts = [part.strip() for part in _SEPARATOR.split(text)]
    found = [accepted_spelling(part) for part in parts] if len(parts) > 1 else [None]
    return "_".join(part for part in found if part) if all(found) else None


def _likeness(word: str, text: str) -> tuple[float, bool]:
    from difflib import SequenceMatcher

    return SequenceMatcher(None, word, text).ratio(), word.islower()
