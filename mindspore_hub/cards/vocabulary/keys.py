"""Which keys cards have, and which one a reader meant who wrote another."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from mindspore_hub.cards.vocabulary import words

TOP = ("keys-required", "keys-optional", "keys-legacy")
"""Files of the keys at the top level."""

ASSET = ("keys-asset",)
"""File of the keys of an asset."""

ASSET_KEYS = ("file-format", "asset-link", "asset-sha256")
"""Keys that every asset has."""


def are_known(keys: Iterable[str], kinds: tuple[str, ...] = TOP) -> bool:
    """Whether cards have all these keys."""
    return _known(kinds).issuperset(keys)


def meant_key(key: str, kinds: tuple[str, ...] = TOP) -> str | None:
    """The known key of which this is another spelling: other joints, capitals, a plural or none."""
    return _bare_keys(kinds).get(_bare(key))


def nearest_key(key: str, kinds: tuple[str, ...] = TOP) -> str | None:
    """The known key that looks most like this one, if any does."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(key.lower(), sorted(_known(kinds)), 1)), None)


@cache
def _known(kinds: tuple[str, ...]) -> frozenset[str]:
    return frozenset().union(*map(words, kinds))


@cache
def _bare_keys(kinds: tuple[str, ...]) -> dict[str, str]:
    return {_bare(key): key for key in sorted(_known(kinds))}


def _bare(key: str) -> str:
    return key.lower().replace("_", "").replace("-", "").replace(" ", "").removesuffix("s")
