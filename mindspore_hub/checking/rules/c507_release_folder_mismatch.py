"""The file lies in the folder of another release.

What: A file for release 1.9 lies in a folder `r1.9`.

Why: The link is to the file of another card.

Example: `asset-link: <https://download.mindspore.cn/models/r1.8/mvd.ckpt>` in a card of 1.9

Instead: the link into `r1.9`, with the digest of that file.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.patterns import pattern

SEVERITY = Severity.ERROR

_RELEASE = pattern(r"/r(\d+(?:\.\d+)+)/")


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report each link into the folder of another release."""
    version = document.card.version
    for asset in document.card.assets if version else ():
        link = asset.link or ""
        if "/r" not in link or f"/r{version}/" in link:
            continue
        match = _RELEASE.search(link)
        if match:
            place = asset.node.place_of("asset-link")
            message = f"the file is of release {match[1]}, the card of {version}"
            yield Problem(place, message, f"link the file in r{version}/")
