"""Two cards of one release claim the same file, and figures that one file cannot have.

What: Cards of one release folder with the same `asset-sha256` agree on what the file achieves on
the same data set, within 1.0.

Why: One of the cards carries the digest or the link of the other; who loads it gets the wrong
network, and nothing fails.

Example: a card of a small network with 67 % and one of a large network with 79 %, one digest.

Instead: the digest and the link of the file that belongs to each card.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Place, Problem, Severity

SEVERITY = Severity.ERROR

_TOLERANCE = 1


def check_hub(hub: HubCards) -> Iterator[tuple[Document, Problem]]:
    """Report each card whose figures another card of the same file contradicts."""
    for digest, documents in hub.copies_in_release:
        for document in documents:
            others = [other.uid for other in documents if contradict(document, other)]
            if others:
                message = f"{', '.join(others)} has the same file, but other figures"
                help_ = "correct the digest and the link of the card that has copied them"
                yield document, Problem(place_of_digest(document, digest), message, help_)


def contradict(one: Document, other: Document) -> bool:
    """Whether a metric on the same data set differs by more than one file can explain."""
    if data_set(one) != data_set(other):
        return False
    from decimal import Decimal

    figures = values_of(other)
    return any(
        min(abs(Decimal(value) - Decimal(there)) for value in values for there in figures[name])
        > _TOLERANCE
        for name, values in values_of(one).items()
        if name in figures
    )


def values_of(document: Document) -> dict[str, list[str]]:
    """Values of each metric as written, by its name in lower case."""
    found: dict[str, list[str]] = {}
    for metric in document.card.metrics:
        if metric.name:
            found.setdefault(metric.name.lower(), []).append(metric.value)
    return found


def data_set(document: Document) -> str:
    """The data set, without case and punctuation."""
    return re.sub(r"[\W_]+", "", document.card.text("train-dataset").lower())


def place_of_digest(document: Document, digest: str) -> Place:
    """Where the key of a digest stands."""
    assets = (asset.node for asset in document.card.assets if asset.sha256 == digest)
    return next((node.place_of("asset-sha256") for node in assets), Place())
