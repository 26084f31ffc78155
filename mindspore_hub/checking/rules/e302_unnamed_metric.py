"""A number in `evaluation` has no name.

What: Every metric has a name before its number.

Why: A number alone does not say what was measured, and cannot be compared with other cards.

Example: `evaluation: 2.2m | 3.44d`

Instead: `evaluation: positionerror2.2m | rotationerror3.44d`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity

SEVERITY = Severity.WARNING


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report each metric without a name."""
    for metric in document.card.metrics:
        if not metric.name:
            message = f"{metric.text} does not say what was measured"
            yield Problem(metric.place, message, "write the name of the metric before the number")
