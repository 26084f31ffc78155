"""Dates as cards write them."""

from __future__ import annotations

from mindspore_hub.hub.facts import iso_date
from mindspore_hub.hub.patterns import pattern

_ISO = pattern(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ANY = pattern(r"([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})")


def is_iso(text: str) -> bool:
    """Whether a text has the form YYYY-MM-DD, be there such a day or not."""
    return _ISO.fullmatch(text) is not None


def any_date(text: str) -> str | None:
    """A day of the calendar as YYYY-MM-DD; None if the text is none with the year first."""
    match = _ANY.fullmatch(text.strip())
    return iso_date("-".join(match.group(1, 3, 4))) if match else None
