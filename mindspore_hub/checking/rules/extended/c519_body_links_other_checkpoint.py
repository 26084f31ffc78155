"""The text links checkpoints, but not that of the card.

What: Where the text links checkpoints, one of them is the asset.

Why: Readers download another file than `load` does.

Example: a table that links `mvd-3f5b8c0d-910v2.ckpt` in a card of `mvd-bf4ab27f-910v2.ckpt`

Instead: link the asset.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Place, Problem, Severity
from mindspore_hub.hub.patterns import pattern

SEVERITY = Severity.WARNING

_BREAKS = pattern(r"[\s()<>\[\]\"'|]+")


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report the first link to a checkpoint where none is the asset."""
    assets = {asset.file_name for asset in document.card.assets if asset.link}
    if not assets or ".ckpt" not in document.body.text:
        return
    lines = enumerate(document.body.lines, document.body.first_line)
    linked = [(number, link) for number, line in lines for link in _checkpoints(line)]
    if linked and not any(link.rsplit("/", 1)[-1] in assets for _, link in linked):
        number, link = linked[0]
        column = document.lines[number - 1].index(link) + 1
        message = f"the text links {link}, which is not an asset of the card"
        help_ = "link the asset, or correct asset-link"
        yield Problem(Place(number, column), message, help_)


def _checkpoints(line: str) -> list[str]:
    """Addresses of checkpoints."""
    if ".ckpt" not in line:
        return []
    words = (word.strip("`*.,;:") for word in _BREAKS.split(line))
    return [word for word in words if word.endswith(".ckpt") and "://" in word]
