"""The model has another version than the release it is for.

What: `model-version` repeats `mindspore-version`.

Why: Published files are distinguished by release, so a version of its own names no file.

Example: `model-version: 1.0` beside `mindspore-version: 1.9`

Instead: `model-version: 1.9`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity

SEVERITY = Severity.INFO


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report two versions that differ."""
    card = document.card
    model, release = card.text("model-version"), card.version
    if model != release and model and release:
        place = document.front_matter.place_of("model-version")
        message = f"model-version is {model}, mindspore-version {release}"
        yield Problem(place, message, "write the release that the file was published for")
