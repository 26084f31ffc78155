"""The name of a metric is spelt as in few other cards.

What: A metric has the same spelling in all cards. Capitals are not a fault where most cards have none:
`mIoU` and `MSE` stay.

Why: `map`, `MAP` and `mAP` are three columns in a table of results.

Example: `evaluation: map41.2`

Instead: `evaluation: mAP41.2`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.vocabulary import by_plain, pairs, plain, words

SEVERITY = Severity.INFO


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report each name that most cards spell differently."""
    known = words("metrics")
    for metric in document.card.metrics:
        if metric.name and metric.name not in known:
            usual = _usual(metric.name)
            if usual:
                message = f"most cards spell {metric.name} as {usual}"
                yield Problem(metric.place, message, f"write `{usual}{metric.value}`")


def _usual(name: str) -> str | None:
    if name in pairs("metrics-misspelt"):
        return None
    same = plain(name)
    found = by_plain("metrics").get(same, ())
    if name.lower() in found:
        return None
    return found[0] if found else pairs("metrics-variants").get(same)
