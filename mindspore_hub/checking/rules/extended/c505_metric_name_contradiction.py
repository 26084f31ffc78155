"""A value belongs to another metric in the name of the file.

What: `evaluation` names its metrics as the file name does; `top1acc` and `acc` are the same.

Why: Nobody can tell which of the two was measured.

Example: `evaluation: top1acc68` beside a file `…_rank1acc68_mAP61.ckpt`

Instead: `evaluation: rank1acc68 | mAP61`
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity

SEVERITY = Severity.WARNING


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report the first metric that has another name in a file name."""
    pairs = (pair for item in document.card.comparisons for pair in item.names)
    for metric, published in islice(pairs, 1):
        message = f"{metric.text} here, {published.text} in the name of the file"
        yield Problem(metric.place, message, "use the name of what was measured")
