"""Names of licences, however they are written."""

from __future__ import annotations

from mindspore_hub.cards.patterns import pattern
from mindspore_hub.cards.vocabulary import plain

_FILLING = pattern(r"the|software|licen[sc]ed?|version|v(?=[0-9])|ver(?=[0-9])")

APACHE = "apache20"
"""What `bare_name` leaves of the names of Apache 2.0."""


def bare_name(text: str) -> str:
    """A name without what does not tell it from others: `The MIT License` as `mit`.

    A version of one digit gets its zero: 2 is 2.0.
    """
    bare = _FILLING.sub("", plain(text))
    single = bare[-1:].isdigit() and not bare[-2:-1].isdigit()
    return f"{bare}0" if single else bare
