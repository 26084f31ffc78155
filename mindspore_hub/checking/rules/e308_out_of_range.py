"""A percentage is not between 0 and 100.

What: Accuracies, precisions and the like are percentages.

Why: No such value can be measured; a digit or the decimal point is wrong.

Example: `evaluation: top1acc756.7`

Instead: `evaluation: top1acc75.67`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity

SEVERITY = Severity.WARNING


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report each percentage that is none."""
    for metric in document.card.metrics:
        if not 0 <= metric.number <= 100 and metric.is_percentage:
            message = f"{metric.name} is {metric.value}, a percentage is between 0 and 100"
            yield Problem(metric.place, message, "correct the value")
