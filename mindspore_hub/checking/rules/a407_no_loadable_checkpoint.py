"""No asset is a checkpoint.

What: At least one asset has the format `ckpt` or `safetensors`.

Why: `load` reads nothing else; other formats are for inference engines.

Example: a card whose only asset has `file-format: mslite`.

Instead: the checkpoint that the file was exported from, as a further asset.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.card import LOADABLE_FORMATS
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity

SEVERITY = Severity.WARNING


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report a card with assets, none of them a checkpoint."""
    assets = document.card.assets
    formats = [asset.format.lower() for asset in assets if asset.format]
    if formats and not set(formats) & set(LOADABLE_FORMATS):
        place = assets[0].node.place_of("file-format")
        message = f"no asset is a checkpoint, only {', '.join(sorted(set(formats)))}"
        yield Problem(place, message, "add an asset with `file-format: ckpt`")
