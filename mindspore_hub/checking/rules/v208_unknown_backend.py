"""A backend is unknown.

What: `train-backend` and `infer-backend` name cpu, gpu or ascend, with `/` between several.

Why: Readers look for a checkpoint that runs on what they have.

Example: `train-backend: tpu`

Instead: `train-backend: ascend`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.keys import fits
from mindspore_hub.hub.patterns import pattern
from mindspore_hub.hub.values import YamlText, is_null, single_values
from mindspore_hub.hub.vocabulary import listed, words

SEVERITY = Severity.ERROR
_SEPARATOR = pattern(r"[/,|;]")


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report each item that is not listed."""
    for key in ("train-backend", "infer-backend"):
        for value in single_values(document.values.get(key)):
            if not is_null(value) and not fits(key, value.text):
                yield from _unknown(value)


def _unknown(value: YamlText) -> Iterator[Problem]:
    items = [item.strip() for item in _SEPARATOR.split(value.text) if item.strip()]
    unknown = [item for item in items if item.lower() not in words("backends")]
    for item in unknown or [value.text.strip()]:
        help_ = f"write {' / '.join(listed('backends'))}"
        yield Problem(value.place, f"unknown backend {item}", help_)
