"""Cards of one file have different model names.

What: Wherever cards have the same `asset-sha256`, they have the same `model-name`; case does not
count.

Why: `model-name` is what `load` takes; code for one release fails with the next.

Example: `model-name: bert_base` in one release and `model-name: bert_finetuning` in the next.

Instead: one name in all releases.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity

SEVERITY = Severity.INFO


def check_hub(hub: HubCards) -> Iterator[tuple[Document, Problem]]:
    """Report every card of a file whose cards have several model names."""
    for documents in hub.copies:
        named = [document for document in documents if document.card.model_name]
        names = {document.card.model_name.lower() for document in named}
        for document in named if len(names) > 1 else ():
            place = document.front_matter.place_of("model-name")
            message = f"cards of this file have the model names {', '.join(sorted(names))}"
            yield document, Problem(place, message, "give them one name, if code allows it")
