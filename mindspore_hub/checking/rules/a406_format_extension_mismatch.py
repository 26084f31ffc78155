"""The format of an asset is not that of the file it links.

What: The extension of the linked file fits `file-format`: `.ms` for `mslite`, its name else.

Why: The file is read as something that it is not.

Example: `file-format: ckpt` with a link to `mvd.mindir`.

Instead: `file-format: mindir`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity

SEVERITY = Severity.ERROR

_EXTENSIONS = {
    "ckpt": "ckpt",
    "safetensors": "safetensors",
    "air": "air",
    "mindir": "mindir",
    "onnx": "onnx",
    "mslite": "ms",
}


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report each known format beside a file with another extension."""
    for asset in document.card.assets:
        if (asset.link or "").endswith(f".{asset.format}"):
            continue
        extension = _EXTENSIONS.get((asset.format or "").lower())
        file = asset.file_name.lower()
        if extension and "." in file and not file.endswith(f".{extension}"):
            place = asset.node.place_of("file-format")
            message = f"file-format is {asset.format}, the link is to {asset.file_name}"
            yield Problem(place, message, f"link a .{extension} file, or correct the format")
