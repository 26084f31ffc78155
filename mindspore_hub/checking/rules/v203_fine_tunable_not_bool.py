"""A switch is neither true nor false.

What: `fine-tunable`, `allow-cache-ckpt`, `mindspore-lite` and `default` are YAML booleans; `default`
is `True` or `False` in every YAML, so not `yes`.

Why: Any other text counts as true, so `"False"` in quotes says the opposite of what it means; and the
loader takes a card for the default one at `True` only.

Example: `fine-tunable: "True"`

Instead: `fine-tunable: True`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Edit, Problem, Severity
from mindspore_hub.hub.values import YamlText, is_null

SEVERITY = Severity.ERROR
FIXABLE = True
_KEYS = ("fine-tunable", "allow-cache-ckpt", "mindspore-lite", "default")

_OURS = frozenset(form for word in ("true", "false") for form in (word, word.title(), word.upper()))
"""Every boolean of YAML 1.2."""

_BOOLEANS = _OURS.union(
    form for word in ("yes", "no", "on", "off") for form in (word, word.title(), word.upper())
)
"""Every boolean of YAML 1.1, which card readers speak."""

_TITLES = {"yes": "True", "on": "True", "1": "True", "no": "False", "off": "False", "0": "False"}
"""What words and numbers mean that `default` does not take."""


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report switches of another type; quotes and odd capitals can be fixed."""
    for key in _KEYS:
        value = document.values.get(key)
        if value is None or (is_null(value) and key != "default"):
            continue
        if not isinstance(value, YamlText):
            yield Problem(value.place, f"{key} is a list or mapping", _help(key))
        elif not (value.plain and value.text in (_OURS if key == "default" else _BOOLEANS)):
            edits = _edits(document, key, value)
            yield Problem(value.place, _message(key, value), _help(key), edits)


def _message(key: str, value: YamlText) -> str:
    if not value.text:
        return f"{key} has no value, neither true nor false"
    kind = "" if value.plain else "the text "
    return f"{key} is {kind}{value.text}, neither true nor false"


def _help(key: str) -> str:
    return f"write `{key}: True` or `{key}: False`"


def _edits(document: Document, key: str, value: YamlText) -> tuple[Edit, ...]:
    word = value.text.lower()
    if word not in _BOOLEANS and not (key == "default" and word in _TITLES):
        return ()
    line = document.lines[value.place.line - 1]
    quote = "" if value.plain else line[value.place.column - 1 : value.place.column]
    new = _TITLES.get(word, word.title()) if key == "default" else word.title()
    return document.edit(value.place, f"{quote}{value.text}{quote}", new)
