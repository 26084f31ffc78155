"""Which keys cards have, what their values look like, and which key a reader meant by another."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterable
from enum import Enum
from functools import cache
from typing import NamedTuple

from mindspore_hub.hub.vocabulary import listed, proposal, words

TOP = ("keys-required", "keys-optional", "keys-legacy")
"""Files of the keys at the top level."""

ASSET = ("keys-asset",)
"""File of the keys of an asset."""

ASSET_KEYS = ("file-format", "asset-link", "asset-sha256")
"""Keys that every asset has."""


class Form(Enum):
    """What stands behind a key."""

    VALUE = "one value"
    BOOLEAN = "True or False"
    LIST = "a list"
    MAPPING = "a mapping"


class Key(NamedTuple):
    """What is asked of the value of a key.

    Attributes:
        form: What it is.
        pattern: Regular expression that all of its text matches, if it is one value that not any
            text can be. Python and JSON Schema (ECMA-262) read it alike.
        number: Whether a YAML reader may have a number in place of the text.
    """

    form: Form = Form.VALUE
    pattern: str = ""
    number: bool = False


def key_of(name: str) -> Key:
    """What is asked of the value of a key; that it is one value, where the key is not known."""
    return _table().get(name, _ANY_VALUE)


def fits(name: str, text: str) -> bool:
    """Whether the text of a value is one that its key takes."""
    return _compiled(name).fullmatch(text) is not None


def in_any_case(word: str) -> str:
    """A pattern for a word; JSON Schema has no flag for that."""
    return "".join(
        f"[{letter.lower()}{letter.upper()}]" if letter.isalpha() else re.escape(letter)
        for letter in word
    ).replace(r"\-", "-")


def is_class_name(text: str) -> bool:
    """Whether a class can be called so, as the network of a model is."""
    same = unicodedata.normalize("NFKC", text) == text  # Python reads another name otherwise
    return same and text.isidentifier() and not keyword.iskeyword(text)


def are_known(keys: Iterable[str], kinds: tuple[str, ...] = TOP) -> bool:
    """Whether cards have all these keys."""
    return _known(kinds).issuperset(keys)


def meant_key(key: str, kinds: tuple[str, ...] = TOP) -> str | None:
    """The known key of which this is another spelling: other joints, capitals, a plural or none."""
    return _bare_keys(kinds).get(_bare(key))


def nearest_key(key: str, kinds: tuple[str, ...] = TOP) -> str | None:
    """The known key that is surely meant by this one, if any is."""
    return proposal(key, sorted(_known(kinds)))


@cache
def _known(kinds: tuple[str, ...]) -> frozenset[str]:
    return frozenset().union(*map(words, kinds))


@cache
def _bare_keys(kinds: tuple[str, ...]) -> dict[str, str]:
    return {_bare(key): key for key in sorted(_known(kinds))}


def _bare(key: str) -> str:
    return key.lower().replace("_", "").replace("-", "").replace(" ", "").removesuffix("s")


_ANY_VALUE = Key()

_VERSION = r"[0-9]+\.[0-9]+(?:\.[0-9]+)?"

_LEAP_YEAR = r"(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)"
_31_DAYS = r"(?:0?[13578]|1[02])\1(?:0?[1-9]|[12][0-9]|3[01])"
_30_DAYS = r"(?:0?[469]|11)\1(?:0?[1-9]|[12][0-9]|30)"
_28_DAYS = r"0?2\1(?:0?[1-9]|1[0-9]|2[0-8])"
_DATE = (
    rf"\s*(?!0000)(?=[0-9]{{4}}([-/.]))(?:[0-9]{{4}}\1(?:{_31_DAYS}|{_30_DAYS}|{_28_DAYS})"
    rf"|{_LEAP_YEAR}[-/.]0?2\1(?:29))\s*"
)
"""A day of the calendar, year first, with the same mark between its parts."""

_PART = r"[^/\s]+"
_REPO_LINK = rf"https://{_PART}/{_PART}/{_PART}(?:/(?:tree|blob)/{_PART}(?:/\S*[^/\s])?)?/?"

_LINK_PART = r'[^/ \t<>"]'
_FILE_LINK = (
    rf"https://(?!.*://){_LINK_PART}+/(?:{_LINK_PART}*/)*"
    rf'\.*[^./ \t<>"]+\.+[^./ \t<>"]{_LINK_PART}*'
)


@cache
def _table() -> dict[str, Key]:
    """Every key whose value is not just any text."""
    version = Key(pattern=_VERSION, number=True)
    link = Key(pattern=_bracketed(_FILE_LINK))
    backends = Key(pattern=_items("backends"))
    reserved = "|".join([*keyword.kwlist, "true", "false", "TRUE", "FALSE"])
    forms = {
        Form.LIST: ("asset", "input", "input-shape", "output-shape"),
        Form.MAPPING: ("network-args", "preprocessing", "protocol", "retrieval"),
        Form.BOOLEAN: ("allow-cache-ckpt", "default", "fine-tunable", "mindspore-lite"),
    }
    return {
        **{name: Key(form) for form, names in forms.items() for name in names},
        "accuracy": Key(
            pattern=r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?", number=True
        ),
        "asset-link": link,
        "asset-sha256": Key(pattern="[0-9a-f]{64}"),
        "asset-size": Key(pattern=r"(?=.*[1-9])(?:0|[1-9][0-9]*)(?:\.[0-9]+)? MB"),
        "file-format": Key(pattern=_any("file-formats")),
        "infer-backend": backends,
        "mindspore-version": version,
        "model-name": Key(pattern=rf"(?!(?:{reserved})$)[\s\S]*\S[\s\S]*", number=True),
        "model-version": version,
        "module-type": Key(pattern=rf"\s*{_any('domains')}\s*(?:-[\s\S]*)?"),
        "repo-link": Key(pattern=_bracketed(_REPO_LINK)),
        "train-backend": backends,
        "update-time": Key(pattern=_DATE),
        "used-for": Key(pattern=_items("used-for")),
    }


@cache
def _compiled(name: str) -> re.Pattern[str]:
    return re.compile(key_of(name).pattern or r"[\s\S]*")


def _bracketed(link: str) -> str:
    """A link with or without the angle brackets that Markdown puts around it."""
    return rf"(?:{link}|<{link}>)"


def _items(vocabulary: str) -> str:
    """A text of words of a vocabulary with marks between them."""
    word = _any(vocabulary)
    return rf"[\s/,|;]*{word}(?:\s*[/,|;][\s/,|;]*{word})*[\s/,|;]*"


def _any(vocabulary: str) -> str:
    """One word of a vocabulary, in any case."""
    return f"(?:{'|'.join(in_any_case(word) for word in listed(vocabulary))})"
