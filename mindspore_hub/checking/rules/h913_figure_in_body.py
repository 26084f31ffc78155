"""The body of a card does not say the figures that its front matter publishes.

What: Each number of `evaluation` stands in the prose of the Evaluation section, as it is or as a
percentage of it (`0.755` as 75.5 %); where there is no such section, anywhere in the prose.

Why: The body of a copied card goes on to state the figures of the other one, and readers believe
it.

Example: `evaluation: top1acc81.5` above "Published: accuracy 79 %."

Instead: "Published: accuracy 81.5 %."
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.checking.rules._sections import section_lines
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.patterns import pattern

SEVERITY = Severity.WARNING
HUB_ONLY = True

_NUMBER = pattern(r"(?<![\d.,])\d+(?:\.\d+)?(?:[eE][-+]?\d{1,2})?")


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report each metric whose number is not there."""
    metrics = document.card.metrics
    numbers = _numbers(document) if metrics else set()
    for metric in metrics:
        if not {_same(metric.number), _same(100 * metric.number)} & numbers:
            message = f"{metric.text} is published, but the prose does not say {metric.value}"
            help_ = "say what was measured and what came out, or correct `evaluation`"
            yield Problem(metric.place, message, help_)


def _numbers(document: Document) -> set[float]:
    body = document.body
    lines = section_lines(body, "evaluation")
    prose = (line for number, line in body.prose if not lines or number in lines)
    return {_same(float(match)) for line in prose for match in _NUMBER.findall(line)}


def _same(number: float) -> float:
    """What numbers have in common that are equal but for the rounding of a product."""
    return float(f"{abs(number):.9g}")
