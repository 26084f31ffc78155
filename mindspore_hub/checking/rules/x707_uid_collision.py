"""Two cards differ in nothing but the case of their paths.

What: Paths of cards are different also when case is ignored.

Why: On Windows and macOS only one of the files can exist, and names are looked up without case.

Example: `assets/botany/2.1/LeafNet_herbarium.md` beside `leafnet_herbarium.md`

Instead: one of the two, in lower case.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Place, Problem, Severity

SEVERITY = Severity.ERROR


def check_hub(hub: HubCards) -> Iterator[tuple[Document, Problem]]:
    """Report every card whose uid another one has in another case."""
    lowered = {uid.lower() for uid in hub.documents}
    if len(lowered) == len(hub.documents):
        return
    found: dict[str, list[Document]] = {}
    for uid, document in hub.documents.items():
        found.setdefault(uid.lower(), []).append(document)
    for documents in found.values():
        for document in documents if len(documents) > 1 else ():
            others = ", ".join(other.uid for other in documents if other is not document)
            message = f"{others} differs from this card in case only"
            yield document, Problem(Place(), message, "remove or rename one of them", whole=True)
