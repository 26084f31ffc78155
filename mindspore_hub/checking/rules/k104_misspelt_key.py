"""A key is another spelling of a known one.

What: Keys are written with hyphens, in lower case, and in the singular or plural of the template.

Why: Loaders ignore `asset_sha256`, or refuse the card, and the file is never verified.

Example: `asset_sha256: 3f5b8c...`

Instead: `asset-sha256: 3f5b8c...`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.keys import ASSET, TOP, are_known, meant_key
from mindspore_hub.hub.values import YamlMapping

SEVERITY = Severity.ERROR
FIXABLE = True


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report underscores, capitals and plurals, at the top level and inside assets."""
    if not are_known(document.values):
        yield from _problems(document, document.front_matter, TOP)
    for asset in document.card.assets:
        if not are_known(asset.node.names, ASSET):
            yield from _problems(document, asset.node, ASSET)


def _problems(document: Document, mapping: YamlMapping, known: frozenset[str]) -> Iterator[Problem]:
    for name, _ in mapping.entries:
        key = None if are_known((name.text,), known) else meant_key(name.text, known)
        if key:
            free = mapping.names.count(key) + mapping.names.count(name.text) == 1
            edits = document.edit_value(name, key) if free else ()
            help_ = f"write `{key}`" if free else f"keep one line, `{key}`"
            yield Problem(name.place, f"{name.text} is not the key {key}", help_, edits)
