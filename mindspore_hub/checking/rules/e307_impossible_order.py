"""Two metrics have values that cannot both be true.

What: A hit among the first five is at least as likely as at the first place, and a box that
overlaps by 75 % also overlaps by 50 %.

Why: One of the two values is wrong or belongs to another metric.

Example: `evaluation: top1acc89.4 | top5acc69.7`

Instead: `evaluation: top1acc69.7 | top5acc89.4`
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.metrics import Metric
from mindspore_hub.hub.patterns import pattern

SEVERITY = Severity.WARNING

_DIGIT = pattern(r"\d")

_COUNTED = pattern(
    r"(?P<kind>top-?|rank-?|(?:.*[^a-z])?(?:r\d*|hits?|hr|recall|rank|top|cmc)@|cmc-?|r|.*[^a-z]r@?)"
    r"(?P<count>\d+)(?P<rest>[^\d@].*)?",
    re.IGNORECASE,
)
"""Shares of queries that are answered among the first `count`."""

_OVERLAP = pattern(r"(?P<kind>m?ap)@?\.?(?P<count>50|75)(?P<rest>\D.*)?", re.IGNORECASE)


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report each metric that is not larger than one that is harder to reach."""
    metrics = [
        metric for metric in document.card.metrics if metric.name and _DIGIT.search(metric.name)
    ]
    if len(metrics) < 2:
        return
    for harder, easier in [*_pairs(metrics, _COUNTED), *_reversed(_pairs(metrics, _OVERLAP))]:
        if _contradict(harder, easier):
            message = (
                f"{harder.name} {harder.value} and {easier.name} {easier.value} exclude each other"
            )
            yield Problem(harder.place, message, "correct the value or the name of one of them")


def _pairs(metrics: list[Metric], pattern: re.Pattern[str]) -> Iterator[tuple[Metric, Metric]]:
    """Neighbours of one kind, the smaller count first."""
    kinds: dict[tuple[str, str], list[tuple[int, int, Metric]]] = {}
    for index, metric in enumerate(metrics):
        match = pattern.fullmatch(metric.name or "")
        if match:
            kind = match["kind"].lower(), (match["rest"] or "").lower()
            kinds.setdefault(kind, []).append((int(match["count"]), index, metric))
    for found in kinds.values():
        ordered = sorted(found)
        for (less, _, first), (more, _, second) in pairwise(ordered):
            if less < more:
                yield first, second


def _reversed(found: Iterable[tuple[Metric, Metric]]) -> Iterator[tuple[Metric, Metric]]:
    return ((second, first) for first, second in found)


def _contradict(harder: Metric, easier: Metric) -> bool:
    """Equal top-1 and top-5 accuracies, or overlaps, are a copy unless all is right or wrong."""
    copied = not (harder.name or "").lower().startswith(("r", "h", "c"))
    if copied and harder.number == easier.number:
        return harder.number not in {0, 1, 100}
    return harder.number > easier.number
