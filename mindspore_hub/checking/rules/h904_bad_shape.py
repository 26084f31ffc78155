"""A shape is not a list of sizes.

What: `input-shape` and `output-shape` are the shape of one sample, a list of positive whole
numbers, or a list of such lists where the network has several inputs or outputs.

Why: The loader checks pictures against it, and `mshub info` prints it; another form is passed over.

Example: `input-shape: 3 x 288 x 144`

Instead: `input-shape: [3, 288, 144]`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.values import wrong_part_of_shape

SEVERITY = Severity.ERROR
HUB_ONLY = True

_HELP = "write `[3, 288, 144]`, or one such list per tensor, without the batch axis"


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report the first part of each shape that is not a size."""
    for key in ("input-shape", "output-shape"):
        node = document.front_matter.get(key)
        wrong = wrong_part_of_shape(node) if node is not None else None
        if wrong is not None:
            message = f"{key} is not a list of positive whole numbers, or of such lists"
            yield Problem(wrong.place, message, _HELP)
