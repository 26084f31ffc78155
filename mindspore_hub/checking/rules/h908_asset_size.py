"""The size of an asset has another form than a number of megabytes.

What: `asset-size`, where an asset has it, is `<number> MB`.

Why: It goes into the table of models as it is, where sizes are compared at a glance.

Example: `asset-size: 329MiB`

Instead: `asset-size: 329 MB`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.card import asset_items
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.keys import fits
from mindspore_hub.hub.values import YamlText

SEVERITY = Severity.WARNING
HUB_ONLY = True


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report sizes of another form."""
    for asset in asset_items(document.front_matter):
        node = asset.get("asset-size")
        if node is not None and not (isinstance(node, YamlText) and fits("asset-size", node.text)):
            message = "asset-size is not a number of megabytes"
            yield Problem(node.place, message, "write it as `329 MB`")
