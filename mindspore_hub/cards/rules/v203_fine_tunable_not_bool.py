"""A switch is neither true nor false.

What: `fine-tunable`, `allow-cache-ckpt` and `mindspore-lite` are YAML booleans.

Why: Any other text counts as true, so `"False"` in quotes says the opposite of what it means.

Example: `fine-tunable: "True"`

Instead: `fine-tunable: True`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.cards.findings import Edit, Problem, Severity
from mindspore_hub.cards.front_matter import Scalar
from mindspore_hub.cards.parse import Document

CODE = "V203"
NAME = "fine-tunable-not-bool"
SEVERITY = Severity.ERROR
FIXABLE = True
_KEYS = ("fine-tunable", "allow-cache-ckpt", "mindspore-lite")

_BOOLEANS = frozenset(
    form
    for word in ("true", "false", "yes", "no", "on", "off")
    for form in (word, word.title(), word.upper())
)
"""Every boolean of YAML 1.1, which card readers speak."""


def check_card(document: Document) -> Iterator[Problem]:
    """Report switches of another type; quotes and odd capitals can be mended."""
    for key in _KEYS:
        value = document.values.get(key)
        if not isinstance(value, Scalar):
            if value is not None:
                yield Problem(value.place, f"{key} is a list or mapping", _help(key))
        elif value.text and not (value.plain and value.text in _BOOLEANS):
            kind = "" if value.plain else "the text "
            message = f"{key} is {kind}{value.text}, neither true nor false"
            yield Problem(value.place, message, _help(key), _edits(document, value))


def _help(key: str) -> str:
    return f"write `{key}: True` or `{key}: False`"


def _edits(document: Document, value: Scalar) -> tuple[Edit, ...]:
    if value.text.lower() not in _BOOLEANS:
        return ()
    line = document.lines[value.place.line - 1]
    quote = "" if value.plain else line[value.place.column - 1 : value.place.column]
    return document.edit(value.place, f"{quote}{value.text}{quote}", value.text.title())
