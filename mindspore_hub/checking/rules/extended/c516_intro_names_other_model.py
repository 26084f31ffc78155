"""The introduction is about another network.

What: The first sentence of the introduction names the model, its backbone or the folder of its code.

Why: It was copied from another card, and the rest of it may be, too.

Example: `uses the implementation of FDA-BNN` in the card of AdaBin

Instead: `uses the implementation of AdaBin`
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.vocabulary import plain

SEVERITY = Severity.WARNING


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report a name that has nothing in common with those of the card."""
    stated = document.body.implementation
    if stated and stated.name != document.card.model_name and not _is_own(document, stated.name):
        message = f"the introduction is about {stated.name}, the card about {_own(document)[0]}"
        yield Problem(stated.place, message, "write the introduction of this network")


def _own(document: Document) -> list[str]:
    """Names that the network has in the card."""
    card = document.card
    path = card.repo_link.path if card.repo_link else None
    names = [card.model_name, card.text("backbone-name"), (path or "").rsplit("/", 1)[-1]]
    return [name for name in names if name]


def _is_own(document: Document, stated: str) -> bool:
    own = _own(document)
    if stated in own:
        return True
    names = [plain(name) for name in own]
    words = [plain(stated), *(plain(word) for word in re.split(r"[\W_]+", stated))]
    return not names or any(
        word in name or name in word for word in words if len(word) > 1 for name in names if name
    )
