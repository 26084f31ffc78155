"""A colon stands between the name and the number of a metric.

What: The number follows the name of the metric directly.

Why: `: ` ends a key in YAML, and all but a few cards do without.

Example: `evaluation: EER:1.73`

Instead: `evaluation: EER1.73`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Edit, Problem, Severity
from mindspore_hub.hub.metrics import Metric, parse_metric

SEVERITY = Severity.INFO
FIXABLE = True


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report each colon; it is removed where the name can be told from the number without it."""
    for metric in document.card.metrics:
        if metric.colon or (metric.name or "").endswith(":"):
            message = f"{metric.text} has a colon between name and number"
            yield Problem(metric.place, message, "remove the colon", _edits(metric))


def _edits(metric: Metric) -> tuple[Edit, ...]:
    if not metric.colon or not metric.name:
        return ()
    name, _, figure = metric.text.rpartition(":")
    written = f"{name.rstrip()}{figure.lstrip()}"
    read = parse_metric(written)
    same = read and (read.name, read.value) == (metric.name, metric.value)
    return (Edit(metric.place, metric.text, written),) if same else ()
