"""What a card claims beside what was measured, with all that is needed to repeat it."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

from mindspore_hub.hub.card import Card
from mindspore_hub.tasks.retrieval.protocol import KINDS
from mindspore_hub.tasks.retrieval.scoring.result import SCHEMA, Result


@dataclass(frozen=True)
class Claim:
    """One published metric, in per cent as it was published.

    Attributes:
        published: The metric as the card states it: `rank1acc71`.
        metric: What the protocol calls it: `rank1`.
        claimed: Its value.
        measured: What was measured; None where it could not be.
    """

    published: str
    metric: str
    claimed: float
    measured: float | None

    @property
    def difference(self) -> float | None:
        """Measured less claimed."""
        return None if self.measured is None else self.measured - self.claimed


@dataclass(frozen=True)
class Report:
    """One evaluation.

    Attributes:
        card: Uid of the card; None where features do not name one.
        result: What was measured.
        claims: What the card publishes for this very protocol; empty for any other.
        weights: `published` if the features are of the card's checkpoint, `other` if they are of
            another file; None where there is no card, or the caller brought the network.
        features: What made the features, and of which data: digests, versions, settings.
        versions: Versions of what the metrics were computed with.
    """

    card: str | None
    result: Result
    claims: tuple[Claim, ...]
    weights: str | None
    features: dict[str, Any]
    versions: dict[str, str]

    @property
    def metrics(self) -> dict[str, float]:
        """What was measured, by name: shares between 0 and 1."""
        return self.result.metrics

    def worst(self) -> float:
        """Largest difference between a claim and what was measured, in points of a per cent.

        Infinite for a claim that could not be measured, 0 if nothing is claimed.
        """
        differences = [claim.difference for claim in self.claims]
        return max((float("inf") if d is None else abs(d) for d in differences), default=0.0)

    def to_json(self) -> str:
        """The report as JSON; `docs/reid.md` describes it."""
        claims = [{**dataclasses.asdict(c), "difference": c.difference} for c in self.claims]
        found = {
            "schema": SCHEMA,
            "card": self.card,
            "weights": self.weights,
            "claims": claims,
            **dataclasses.asdict(self.result),
            "features": self.features,
            "versions": self.versions,
        }
        return json.dumps(found, indent=2)


def claims_of(card: Card, result: Result) -> tuple[Claim, ...]:
    """What a card publishes, beside what was measured by the protocol of the card.

    Args:
        card: The card.
        result: What was measured.
    """
    names = KINDS[result.protocol].metrics
    found = []
    for published in card.metrics:
        name = names.get(published.name or "")
        if name:
            share = result.metrics.get(name)
            measured = None if share is None else 100 * share
            found.append(Claim(published.text, name, published.number, measured))
    return tuple(found)
