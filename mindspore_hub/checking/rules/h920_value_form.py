"""A value is a list or mapping where one value is meant, or is none where a list is.

What: Every key has one value, but for `asset`, which is a list with a dash before the first key of
each file, the two shapes, and the mappings of an asset.

Why: What has another form is read as nothing: a card without its dash below `asset` publishes no
checkpoint, and `[MIT]` is not a license.

Example: `license: [Apache2.0]`

Instead: `license: Apache2.0`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.fields import asset_problems, single_value_problems
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.keys import ASSET, TOP

SEVERITY = Severity.ERROR


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report each such key; shapes, booleans and mappings have rules of their own."""
    yield from single_value_problems(document.front_matter, TOP)
    yield from asset_problems(document.front_matter)
    for asset in document.card.assets:
        yield from single_value_problems(asset.node, ASSET)
