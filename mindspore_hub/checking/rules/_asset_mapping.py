"""What the rules about mappings in an asset share."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mindspore_hub.hub.card import asset_items
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem
from mindspore_hub.hub.values import YamlMapping, YamlNode


def mapping_problems(
    document: Document,
    key: str,
    check: Callable[[YamlNode, YamlMapping, Document], Iterator[Problem]],
) -> Iterator[Problem]:
    """Report what `check` finds in the mapping of every asset that has it, and misplaced ones.

    Args:
        document: The card.
        key: Key of the mapping.
        check: Takes the mapping, the asset and the card.
    """
    front_matter = document.front_matter
    if front_matter.get(key) is not None:
        place = front_matter.place_of(key)
        yield Problem(place, f"{key} stands outside of the asset", "indent it")
    for asset in asset_items(front_matter):
        node = asset.get(key)
        if node is not None:
            yield from check(node, asset, document)
