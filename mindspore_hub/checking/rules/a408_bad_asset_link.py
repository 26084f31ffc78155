"""A link is not one https URL that ends in a file name, or not the only one to its file.

What: `asset-link` is the https URL of one file, and every asset has a file of its own.

Why: The loader refuses links without encryption, and the file name says what the file is.

Example: `asset-link: <http://download.mindspore.cn/models/r1.9/>`

Instead: the https URL of the file itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.keys import fits

SEVERITY = Severity.ERROR


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report links that cannot be fetched, that name no file, or that stand twice."""
    seen = set()
    for asset in document.card.assets:
        link = asset.link
        if not link:
            continue
        place = asset.node.place_of("asset-link")
        if not fits("asset-link", link):
            message = f"asset-link {link} is not an https URL of a file"
            yield Problem(place, message, "give the https URL of the file")
        elif link in seen:
            yield Problem(place, f"asset-link {link} stands twice", "link each file once")
        seen.add(link)
