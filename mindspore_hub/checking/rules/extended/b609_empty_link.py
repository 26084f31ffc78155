"""A link leads nowhere.

What: A link or image has a target.

Why: The reader clicks and stays where he is; the address that was meant is lost.

Example: `[paper]()`

Instead: `[paper](https://example.org/paper)`, or the word without the link.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.patterns import pattern

SEVERITY = Severity.WARNING

_EMPTY = pattern(r"\]\(\s*(?:<\s*>\s*)?(?:[\"'][^\"']*[\"']\s*)?\)|=\s*(?:\"\s*\"|'\s*')")


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report each link without a target."""
    if not document.body.has_odd_links or not _EMPTY.search(document.body.text):
        return
    for link in document.body.links:
        if not link.target.strip():
            kind = "image" if link.image else "link"
            message = f"the {kind} {link.text!r} has no target"
            yield Problem(link.place, message, "add the address, or remove the link")
