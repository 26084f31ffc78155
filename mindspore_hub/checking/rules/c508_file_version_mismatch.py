"""The name of the file states another release.

What: A file for release 1.9 has `v190` in its name.

Why: It may not load in the release of the card.

Example: a link to `mvd_ascend_v180_regdb_research_cv.ckpt` in a card of 1.9

Instead: the file of the release, `mvd_ascend_v190_regdb_research_cv.ckpt`.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.patterns import pattern

SEVERITY = Severity.WARNING

_VERSION = pattern(r"_(?:ascend|gpu|cpu)_v(\d+)_")


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report each file of another release."""
    version = document.card.version
    if not version:
        return
    digits = version.replace(".", "")
    for asset in document.card.assets:
        file = asset.file_name
        if f"_v{digits}0_" in file or f"_v{digits}_" in file:
            continue
        match = _VERSION.search(file)
        if match:
            place = asset.node.place_of("asset-link")
            message = f"the file name has v{match[1]}, the card is of {version}"
            yield Problem(place, message, f"link the file with v{digits}0 in its name")
