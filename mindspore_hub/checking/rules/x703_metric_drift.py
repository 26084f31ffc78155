"""Cards of one file give different values for one metric.

What: Wherever cards have the same `asset-sha256`, a metric has the same value, up to rounding and
0.1.

Why: One file has been measured once; one of the values is a slip, or of another file.

Example: `ap50acc59.8` in the card of one release and `ap50acc60.1` in that of the next.

Instead: the value that was published with the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import TYPE_CHECKING

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.checking.rules.x701_checkpoint_contradiction import values_of
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity

if TYPE_CHECKING:
    from decimal import Decimal

SEVERITY = Severity.WARNING

_TOLERANCE = "0.1"
_MANY = 50


def check_hub(hub: HubCards) -> Iterator[tuple[Document, Problem]]:
    """Report each card that has a metric on which the cards of its file differ."""
    for documents in hub.copies:
        figures = [values_of(document) for document in documents]
        drifting = _drifting(figures)
        for document, values in zip(documents, figures, strict=True):
            names = [name for name in drifting if name in values] if drifting else ()
            if names:
                place = document.front_matter.place_of("evaluation")
                listed = "; ".join(f"{name} {', '.join(drifting[name])}" for name in names)
                message = f"cards of this file differ in {listed}"
                yield document, Problem(place, message, "give the value published with the file")


def _drifting(figures: list[dict[str, list[str]]]) -> dict[str, list[str]]:
    """Metrics on which cards differ, with the values of all cards."""
    if all(values == figures[0] for values in figures):
        return {}
    found: dict[str, list[str]] = {}
    for name in dict.fromkeys(name for values in figures for name in values):
        of_cards = {tuple(values[name]) for values in figures if name in values}
        pairs = combinations(sorted(of_cards)[:_MANY], 2)
        if any(_differ(ours, theirs) for ours, theirs in pairs):
            found[name] = sorted({value for values in of_cards for value in values})
    return found


def _differ(ours: Iterable[str], theirs: Iterable[str]) -> bool:
    """Whether no value of one card is a value of the other; a card may repeat a metric."""
    from decimal import Decimal

    return not any(_agree(Decimal(one), Decimal(other)) for one in ours for other in theirs)


def _agree(one: Decimal, other: Decimal) -> bool:
    """Whether two values are near, or one is the other with fewer digits."""
    from decimal import Decimal

    difference = abs(one - other)
    return difference <= Decimal(_TOLERANCE) or difference <= max(_rounding(one), _rounding(other))


def _rounding(value: Decimal) -> Decimal:
    """Half a unit of the last digit that is written."""
    from decimal import Decimal

    exponent = value.as_tuple().exponent
    return Decimal(5).scaleb(exponent - 1) if isinstance(exponent, int) else Decimal(0)
