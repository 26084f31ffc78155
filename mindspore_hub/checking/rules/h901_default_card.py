"""A model has no default card, or several.

What: Exactly one card of a model says `default: True`.

Why: The bare model name, `mindspore_hub.load("MVD")`, loads the default card.

Example: two cards of MVD with `default: True`.

Instead: one of them.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Place, Problem, Severity
from mindspore_hub.hub.values import YamlText, is_null

SEVERITY = Severity.ERROR
HUB_ONLY = True

_NO = frozenset({"false", "no", "off", "0", ""})


def check_hub(hub: HubCards) -> Iterator[tuple[Document, Problem]]:
    """Report models without a default card, and every default card after the first."""
    models: dict[str, list[Document]] = {}
    for document in hub.documents.values():
        models.setdefault(document.card.model_name.lower(), []).append(document)
    models.pop("", None)
    for documents in models.values():
        defaults = [document for document in documents if _is_default(document)]
        if not defaults:
            message = f"no card of {documents[0].card.model_name} has `default: True`"
            help_ = "add it to the card the bare name shall load"
            yield documents[0], Problem(Place(), message, help_, whole=True)
        for document in defaults[1:]:
            place = document.front_matter.place_of("default")
            message = f"{defaults[0].uid} is the default already"
            yield document, Problem(place, message, "keep one of them")


def _is_default(document: Document) -> bool:
    """Whether the card is meant as the default; how that has to be written is for V203 to say."""
    value = document.front_matter.get("default")
    return not is_null(value) and not (isinstance(value, YamlText) and value.text.lower() in _NO)
