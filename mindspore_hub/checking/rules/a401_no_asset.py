"""The card has no asset.

What: A card names at least one published file under `asset`.

Why: Without one only the untrained network can be loaded, with `pretrained=False`.

Example: a card without `asset`.

Instead: an asset with `file-format`, `asset-link` and `asset-sha256`.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Place, Problem, Severity
from mindspore_hub.hub.values import YamlList, is_null

SEVERITY = Severity.INFO


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report a card without any asset item."""
    known = document.front_matter.entries and document.translation is None
    if known and not document.card.assets and _says_nothing(document):
        message = "the card has no asset; only `pretrained=False` can load it"
        yield Problem(Place(document.rules[0]), message, "add the published file under `asset`")


def _says_nothing(document: Document) -> bool:
    """Whether there is no value, or an empty list; H920 reports any other."""
    value = document.values.get("asset")
    return is_null(value) or (isinstance(value, YamlList) and not value.items)
