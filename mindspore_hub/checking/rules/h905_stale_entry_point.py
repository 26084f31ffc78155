"""The entry point of a model is not what its cards say.

What: `mindspore_hub_conf/<model>/mindspore_hub_conf.py` is what `mshub generate` writes.

Why: Clients build the network from it; an old one knows neither a new card nor a corrected digest.

Example: a card with a new `asset-sha256` beside the entry point of yesterday.

Instead: run `mshub generate`, and commit what it writes together with the card.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mindspore_hub._files import is_file, read_regular
from mindspore_hub.checking.rules import HubCards
from mindspore_hub.errors import CardError
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity

SEVERITY = Severity.ERROR
HUB_ONLY = True


def check_hub(hub: HubCards) -> Iterator[tuple[Document, Problem]]:
    """Report the first card of each model whose entry point differs or is missing.

    Where nothing can be generated, other rules say why.
    """
    from mindspore_hub.hub.hub import Hub
    from mindspore_hub.hub.paths import entry_point_path
    from mindspore_hub.networks.entry_point import entry_point_texts

    try:
        texts = entry_point_texts(Hub.of(hub.root))
    except (CardError, OSError, ValueError):
        return
    for model, document in _first_cards(hub).items():
        path = entry_point_path(hub.root, model)
        state = _state(path, texts.get(path))
        if state:
            message = f"{path.relative_to(hub.root).as_posix()} {state}"
            place = document.front_matter.place_of("model-name")
            yield document, Problem(place, message, "run `mshub generate`")


def _first_cards(hub: HubCards) -> dict[str, Document]:
    cards: dict[str, Document] = {}
    for document in hub.documents.values():
        cards.setdefault(document.card.model_name, document)
    return cards


def _state(path: Path, text: str | None) -> str | None:
    if text is None:
        return None
    if not is_file(path):
        return "is missing"
    return "is not what the cards say" if read_regular(path) != text.encode("utf-8") else None
