"""The host of an asset is not one that the upstream client knows.

What: Assets are published on the hosts of `mindspore_hub/hub/vocabulary/hosts.txt`.

Why: The upstream client refuses to download from any other.

Example: `asset-link: <https://files.example.org/r1.9/mvd.ckpt>`

Instead: `asset-link: <https://download.mindspore.cn/models/r1.9/mvd.ckpt>`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.vocabulary import words

SEVERITY = Severity.INFO


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report each asset on another host."""
    for asset in document.card.assets:
        parts = (asset.link or "").split("/", 3)
        if len(parts) > 2 and parts[2] and parts[2].lower() not in words("hosts"):
            place = asset.node.place_of("asset-link")
            message = f"the upstream client does not download from {parts[2]}"
            yield Problem(place, message, "publish the file on a host that it knows")
