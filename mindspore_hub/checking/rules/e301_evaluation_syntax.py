"""A part of `evaluation` is not a metric.

What: `evaluation` is a list of metrics between `|`, each a name and one number, perhaps with a unit
and with how far it may be off (`±0.2`).

Why: Tables of results are built from it, and a part that is not a metric is lost in them.

Example: `evaluation: good`

Instead: `evaluation: rank1acc71 | mAP68`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity

SEVERITY = Severity.ERROR


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report each part that is not a metric; a word for "none" is for E310 to report."""
    card = document.card
    if card.bad_segments and not card.placeholder:
        for text, place in card.bad_segments:
            message = f"{text!r} is not a metric" if text else "a metric is missing next to `|`"
            yield Problem(place, message, "write `<name><number>`, with ` | ` between metrics")
