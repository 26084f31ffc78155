"""An asset lacks its format, its link or its digest.

What: Every asset has `file-format`, `asset-link` and `asset-sha256`.

Why: Without all three nothing can be downloaded and verified.

Example: an asset without `asset-sha256`.

Instead: all three keys, aligned under one `-`.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.keys import REQUIRED_IN_ASSET

SEVERITY = Severity.ERROR


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report each key that an asset lacks."""
    for asset in document.card.assets:
        if not (asset.format and asset.link and asset.sha256) and document.translation is None:
            place = document.begin_of(asset.node)
            for key in REQUIRED_IN_ASSET:
                if not asset.node.text(key):
                    yield Problem(place, f"the asset has no {key}", f"add `{key}: <value>`")
