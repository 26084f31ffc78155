"""What several protocols need."""

from __future__ import annotations

import numpy as np

from mindspore_hub.errors import FeaturesError
from mindspore_hub.reid.features import Features
from mindspore_hub.reid.scoring import metrics
from mindspore_hub.reid.scoring.ranking import Ranks
from mindspore_hub.reid.scoring.result import ranks_of


def needed(gallery: Features | None) -> Features:
    """The gallery of a protocol that cannot do without one."""
    if gallery is None:
        msg = "This protocol looks queries up in a gallery; give the features of both."
        raise FeaturesError(msg)
    return gallery


def chosen(option: str, value: object, choices: tuple[object, ...]) -> None:
    """Refuse a value of an option that is not one of these."""
    if value not in choices:
        msg = f"{option} must be one of {', '.join(map(repr, choices))}, but is {value!r}."
        raise FeaturesError(msg)


def at_least(option: str, value: float, least: float) -> None:
    """Refuse a value of an option that is below this, or no number."""
    if not value >= least:
        msg = f"{option} must be at least {least}, but is {value!r}."
        raise FeaturesError(msg)


def standard(ranks: Ranks, curve: metrics.Curve) -> tuple[tuple[float, ...], dict[str, float]]:
    """A CMC curve, and its usual points with mAP and mINP over queries that have a match."""
    points = tuple(float(value) for value in curve)
    averages = {
        "mAP": metrics.mean(metrics.average_precisions(ranks)),
        "mINP": metrics.mean(metrics.inverse_negative_penalties(ranks)),
    }
    return points, {**ranks_of(points), **averages}


def sizes(ranks: Ranks, gallery: int) -> dict[str, int]:
    """How much was evaluated."""
    without = int(np.count_nonzero(ranks.counts == 0))
    return {"queries": len(ranks.counts), "gallery": gallery, "queries_without_match": without}
