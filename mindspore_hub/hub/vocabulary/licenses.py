"""Names of licences, however they are written."""

from __future__ import annotations

from mindspore_hub.hub.patterns import pattern
from mindspore_hub.hub.vocabulary import plain

_FILLING = pattern(
    r"the|software|licen[sc]ed?|version|vers?(?=[0-9])|v(?=[0-9])|gnu(?=[al]?gpl)|january2004$"
)

_GNU = pattern(r"(?:gnu)?(?P<kind>lesser|affero)?generalpublic")

APACHE = "apache20"
"""What `bare_name` leaves of the names of Apache 2.0."""


def bare_name(text: str) -> str:
    """A name without what does not tell it from others: `The MIT License` as `mit`.

    A version of one digit gets its zero: 2 is 2.0.
    """
    short = _GNU.sub(lambda match: f"{(match['kind'] or '')[:1]}gpl", plain(text))
    bare = _FILLING.sub("", short)
    single = bare[-1:].isdigit() and not bare[-2:-1].isdigit()
    return f"{bare}0" if single else bare
