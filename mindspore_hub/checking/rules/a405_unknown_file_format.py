"""The format of an asset is none that is known.

What: `file-format` is one of `ckpt`, `safetensors`, `air`, `mindir`, `mslite` and `onnx`.

Why: Loaders choose an asset by its format, and skip or refuse others.

Example: `file-format: pth`

Instead: `file-format: ckpt`, with a link to the converted file.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.keys import fits
from mindspore_hub.hub.vocabulary import listed

SEVERITY = Severity.ERROR


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report each format of another name."""
    for asset in document.card.assets:
        if asset.format and not fits("file-format", asset.format):
            place = asset.node.place_of("file-format")
            message = f"file-format {asset.format} is unknown"
            yield Problem(place, message, f"write one of {', '.join(listed('file-formats'))}")
