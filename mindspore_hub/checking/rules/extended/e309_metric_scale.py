"""A percentage is 1 or less.

What: Accuracies and the like are percentages, `acc88.0` and not `acc0.88`.

Why: Among percentages, a fraction reads as a network that learned nothing. Where the number is
right, it is of another metric, such as a loss.

Example: `evaluation: acc0.88`

Instead: `evaluation: acc88.0`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity

SEVERITY = Severity.WARNING


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report each accuracy-like metric that looks like a fraction."""
    for metric in document.card.metrics:
        if 0 <= metric.number <= 1 and metric.is_percentage and not metric.unit:
            message = f"{metric.text} is a fraction, or not an accuracy"
            yield Problem(metric.place, message, "write a percentage, or the name of the metric")
