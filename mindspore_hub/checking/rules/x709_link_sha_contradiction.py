"""Two cards give one link, and different digests for it.

What: Wherever cards have the same `asset-link`, they have the same `asset-sha256`.

Why: A file has one digest, so the download of all cards but one fails.

Example: a card that was copied from another one, with a new digest and the old link.

Instead: the link and the digest of the file that belongs to each card.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Place, Problem, Severity

SEVERITY = Severity.ERROR


def check_hub(hub: HubCards) -> Iterator[tuple[Document, Problem]]:
    """Report each digest whose link has another one in another card."""
    for link, items in hub.by_link.items():
        if len({digest.lower() for _, digest in items}) > 1:
            for document, digest in items:
                others = [other.uid for other, its in items if its.lower() != digest.lower()]
                others = [uid for uid in dict.fromkeys(others) if uid != document.uid]
                if others:
                    message = f"{', '.join(others)} gives another digest for the same link"
                    help_ = "give the digest of the file at the link, or the link of the file"
                    yield document, Problem(_place(document, link, digest), message, help_)


def _place(document: Document, link: str, digest: str) -> Place:
    """Where the key of the digest stands."""
    assets = document.card.assets
    nodes = (asset.node for asset in assets if (asset.link, asset.sha256) == (link, digest))
    return next((node.place_of("asset-sha256") for node in nodes), Place())
