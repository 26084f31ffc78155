"""A version is not of the form `N.N` or `N.N.N`.

What: `model-version` and `mindspore-version` are two or three numbers with dots between.

Why: Loaders find the folder of a release by this text.

Example: `mindspore-version: r1.9`

Instead: `mindspore-version: 1.9`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.keys import fits
from mindspore_hub.hub.patterns import pattern
from mindspore_hub.hub.values import YamlText

SEVERITY = Severity.ERROR
_VERSION = pattern(r"[0-9]+\.[0-9]+(\.[0-9]+)?")
"""What a version is taken for inside other text."""


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report versions of another form."""
    for key in ("model-version", "mindspore-version"):
        value = document.values.get(key)
        if isinstance(value, YamlText) and value.text and not fits(key, value.text):
            found = _VERSION.search(value.text[:100])
            help_ = f"write `{key}: {found[0] if found else '<number>.<number>'}`"
            yield Problem(value.place, f"{value.text} is not a version", help_)
