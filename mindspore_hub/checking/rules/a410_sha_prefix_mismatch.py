"""The digest in the name of a file is not that of the asset.

What: The name of a toolkit's file has the first digits of its sha256.

Why: The link or `asset-sha256` is of another file, so the download cannot be verified.

Example: `densenet121-3f5b8c0d-910v2.ckpt` beside `asset-sha256: bf4ab27f…`

Instead: the digest of the linked file.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.metrics import ToolkitFileName

SEVERITY = Severity.ERROR


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report each digest that neither begins with the other."""
    for asset in document.card.assets:
        name = asset.name
        if not asset.sha256 or not isinstance(name, ToolkitFileName):
            continue
        digest = asset.sha256.lower()
        if not digest.startswith(name.prefix) and not name.prefix.startswith(digest):
            place = asset.node.place_of("asset-sha256")
            message = f"asset-sha256 begins with {digest[:9]}, the file name has {name.prefix}"
            yield Problem(place, message, "give the link and the digest of the same file")
