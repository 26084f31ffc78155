"""Several cards of a release have one model name.

What: A `model-name` stands in one card of a release folder.

Why: The bare name then does not say which file is meant; only a uid does.

Example: `albert_mnli` and `albert_squad`, both with `model-name: albert`.

Instead: load by uid, or give each card a name of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards, release_of
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity

SEVERITY = Severity.INFO


def check_hub(hub: HubCards) -> Iterator[tuple[Document, Problem]]:
    """Report every card whose model name another card of its folder has."""
    found: dict[tuple[str, str], list[Document]] = {}
    for document in hub.documents.values():
        name = document.card.model_name.lower()
        if name:
            found.setdefault((release_of(document), name), []).append(document)
    for documents in found.values():
        for document in documents if len(documents) > 1 else ():
            place = document.front_matter.place_of("model-name")
            message = (
                f"{len(documents)} cards of this release are called {document.card.model_name}"
            )
            yield document, Problem(place, message, "load it by its uid")
