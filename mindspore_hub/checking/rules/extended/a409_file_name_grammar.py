"""The name of a file follows neither published pattern.

What: A release file is `<model>_<device>_v<version>_<dataset>_<official or research>_<domain>`
with its metrics, a toolkit's file `<model>-<begin of its digest>-910v2`.

Why: The name is all that is left of a card when its file is passed on.

Example: `ssd.ms`

Instead: `mvd_ascend_v190_regdb_research_cv_rank1acc71_mAP68.ckpt`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity

SEVERITY = Severity.INFO


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report each file name of another form."""
    for asset in document.card.assets:
        if asset.link and not asset.name:
            place = asset.node.place_of("asset-link")
            message = f"the file name {asset.file_name} does not say what the file is"
            help_ = "publish it as <model>_<device>_v<version>_<dataset>_<kind>_<domain>_<metrics>"
            yield Problem(place, message, help_)
