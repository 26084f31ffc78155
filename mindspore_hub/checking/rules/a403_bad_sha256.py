"""A digest is not 64 lower-case hexadecimal digits.

What: `asset-sha256` is the sha256 of the published file, in lower case.

Why: Anything else never matches, so the download can never be verified.

Example: `asset-sha256: ef5f2f59`

Instead: the line that `sha256sum FILE` prints.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.keys import fits

SEVERITY = Severity.ERROR


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report digests of another form."""
    for asset in document.card.assets:
        digest = asset.sha256
        if digest and not fits("asset-sha256", digest):
            node = asset.node.get("asset-sha256")
            place = node.place if node else asset.node.place
            message = f"asset-sha256 is {digest!r}, not 64 lower-case hexadecimal digits"
            yield Problem(place, message, "take the digest that `sha256sum FILE` prints")
