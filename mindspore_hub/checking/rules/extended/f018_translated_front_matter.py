"""The keys of the front matter are translated.

What: A card `<card>_cn.md` beside its English twin `<card>.md` has the keys of that twin.

Why: No loader knows translated keys: the card can be read, but not loaded.

Example: `模型名称: MVD`

Instead: `model-name: MVD`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Place, Problem, Severity

SEVERITY = Severity.INFO


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report a translation once."""
    if document.translation is not None:
        place = Place(document.rules[0] + 1)
        message = f"the keys are translated; only {document.name[:-3]} can be loaded"
        yield Problem(place, message, "write the keys in English")
