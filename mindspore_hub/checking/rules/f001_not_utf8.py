"""The file is not valid UTF-8.

What: Cards are UTF-8.

Why: Every reader of cards decodes them so; with other bytes it stops, or shows other characters.

Example: a card saved as Latin-1, with `0xe9` for `é`.

Instead: the same card saved as UTF-8.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity

SEVERITY = Severity.ERROR


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report the first byte that cannot be decoded."""
    return document.problems_of("F001")
