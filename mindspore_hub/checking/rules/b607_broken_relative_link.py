"""A relative link or image leads to no file.

What: A link without a host leads to a file or folder beside the card.

Why: Cards are written by copying the README of a model; what lay beside that one is not beside the
card, and readers get a missing page or picture.

Example: `![curve](images/loss.png)` without that picture.

Instead: the whole address of the picture in the repository of the model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from mindspore_hub._files import exists
from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.patterns import pattern

SEVERITY = Severity.WARNING

_ELSEWHERE = pattern(r"[a-z][a-z0-9+.-]*:|#|//|\?|\(|h*t+ps?//", re.IGNORECASE)
"""A host, a place in the card itself, or what the rule for malformed addresses reports."""


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report each relative target that does not exist; nothing but its existence is looked at."""
    if not document.body.has_odd_links:
        return
    for link in document.body.links:
        if link.target and not _ELSEWHERE.match(link.target) and not _exists(document, link.target):
            kind = "image" if link.image else "link"
            message = f"the {kind} {link.target} leads to no file"
            yield Problem(link.place, message, "write the whole address, or correct the path")


def _exists(document: Document, target: str) -> bool:
    path = unquote(re.split(r"[?#]", target, maxsplit=1)[0])
    if not path.startswith("/"):
        return exists(document.path.parent / path)
    above = document.path.absolute().parents[: document.uid.count("/") + 2]
    return any(exists(folder / path.lstrip("/")) for folder in above)
