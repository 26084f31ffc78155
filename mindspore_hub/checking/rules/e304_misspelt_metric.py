"""The name of a metric is misspelt.

What: Names of metrics are spelt as their papers spell them.

Why: Searches and tables by metric miss the card. It is not corrected by itself, because the name
of the published file often has the same mistake.

Example: `evaluation: F1scorce88.1`

Instead: `evaluation: F1score88.1`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.vocabulary import pairs

SEVERITY = Severity.WARNING


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report each known misspelling."""
    for metric in document.card.metrics:
        right = pairs("metrics-misspelt").get(metric.name or "")
        if right:
            message = f"{metric.name} is a misspelling of {right}"
            yield Problem(metric.place, message, f"write `{right}{metric.value}`")
