"""Two cards give one link, and different digests for it.

What: Wherever cards have the same `asset-link`, they have the same `asset-sha256`.

Why: A file has one digest, so the download of all cards but one fails.

Example: a card that was copied from another one, with a new digest and the old link.

Instead: the link and the digest of the file that belongs to each card.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.cards.facts import AssetFacts
from mindspore_hub.cards.findings import Problem, Severity
from mindspore_hub.cards.parse import Document
from mindspore_hub.cards.rules import Hub

CODE = "X709"
NAME = "link-sha-contradiction"
SEVERITY = Severity.ERROR


def check_hub(hub: Hub) -> Iterator[tuple[Document, Problem]]:
    """Report each digest whose link has another one in another card."""
    found: dict[str, list[tuple[Document, AssetFacts]]] = {}
    for document in hub.documents.values():
        for asset in document.facts.assets:
            if asset.link and asset.sha256:
                found.setdefault(asset.link, []).append((document, asset))
    for items in found.values():
        for document, asset in items if len(items) > 1 else ():
            others = [other.uid for other, item in items if _differ(asset, item)]
            others = [uid for uid in dict.fromkeys(others) if uid != document.uid]
            if others:
                message = f"{', '.join(others)} gives another digest for the same link"
                help_ = "give the digest of the file at the link, or the link of the file"
                yield document, Problem(asset.node.place_of("asset-sha256"), message, help_)


def _differ(one: AssetFacts, other: AssetFacts) -> bool:
    return (one.sha256 or "").lower() != (other.sha256 or "").lower()
