"""Two cards of one release are of the same file.

What: A file has one card in a release folder.

Why: Readers take the two for two networks, or one of them has copied the digest of the other.

Example: `hrnet_cityscapes` and `hrnetw48_cityscapes` with one digest.

Instead: one card, or the digest of the file that belongs to each.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.checking.rules.x701_checkpoint_contradiction import contradict, place_of_digest
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity

SEVERITY = Severity.WARNING


def check_hub(hub: HubCards) -> Iterator[tuple[Document, Problem]]:
    """Report each card of a shared file, unless X701 reports it."""
    for digest, documents in hub.copies_in_release:
        for document in documents:
            others = [other for other in documents if other is not document]
            if not any(contradict(document, other) for other in others):
                message = f"{', '.join(other.uid for other in others)} has the same file"
                help_ = "keep one of the cards, or correct the digest of the other"
                yield document, Problem(place_of_digest(document, digest), message, help_)
