"""A metric has two values.

What: `evaluation` has each metric once.

Why: One of the values belongs to another metric, and no reader can tell which.

Example: `evaluation: top1acc69.73 | top1acc89.35`

Instead: `evaluation: top1acc69.73 | top5acc89.35`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.metrics import Metric

SEVERITY = Severity.ERROR


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report a metric that is repeated with another value."""
    metrics = document.card.metrics
    if len(metrics) < 2:
        return
    first: dict[str, Metric] = {}
    for metric in metrics:
        if metric.name:
            other = first.setdefault(metric.name, metric)
            if other.number != metric.number:
                message = f"{metric.name} is both {other.value} and {metric.value}"
                yield Problem(metric.place, message, "name what was measured each time")
