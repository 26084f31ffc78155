"""What the rules about mappings in an asset share."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mindspore_hub.checking.rules import Hub
from mindspore_hub.hub.card import asset_items
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem
from mindspore_hub.hub.values import YamlMapping, YamlNode


def mapping_problems(
    hub: Hub, key: str, check: Callable[[YamlNode, YamlMapping, Document], Iterator[Problem]]
) -> Iterator[tuple[Document, Problem]]:
    """Report what `check` finds in the mapping of every asset that has it, and misplaced ones.

    Args:
        hub: The hub; cards outside of one may have any keys.
        key: Key of the mapping.
        check: Takes the mapping, the asset and the card.
    """
    for document in hub.documents.values() if hub.root else ():
        front_matter = document.front_matter
        if front_matter.get(key) is not None:
            place = front_matter.place_of(key)
            yield document, Problem(place, f"{key} stands outside of the asset", "indent it")
        for asset in asset_items(front_matter):
            node = asset.get(key)
            for problem in check(node, asset, document) if node is not None else ():
                yield document, problem
