"""What several protocols need."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mindspore_hub.errors import FeaturesError
from mindspore_hub.tasks.retrieval.features import Features, Integers
from mindspore_hub.tasks.retrieval.scoring import metrics
from mindspore_hub.tasks.retrieval.scoring.ranking import Ranks
from mindspore_hub.tasks.retrieval.scoring.result import ranks_of

SAME_CAMERA = "gallery images with the label and the camera of a query are removed for it"

_SHOWN = 5


def needed(gallery: Features | None) -> Features:
    """The gallery of a protocol that cannot do without one."""
    if gallery is None:
        msg = (
            "This protocol looks queries up in a gallery, but the features have no roles, which say "
            "what is a query (1) and what is in the gallery (2). Store roles with them, see "
            "docs/reid.md, or give the protocol queries and gallery apart."
        )
        raise FeaturesError(msg)
    return gallery


def require_match(
    counts: npt.NDArray[Any], query: Integers, gallery: Integers | None = None, *, removed: str = ""
) -> None:
    """Refuse to measure where no query has a match that counts: each metric would be 0, of nothing.

    Args:
        counts: How many matches each query has, `(Q,)`, or whether it has any.
        query: Labels of the queries, `(Q,)`.
        gallery: Labels of the gallery, `(G,)`; None where queries are looked up among themselves.
        removed: What the protocol removes because of cameras.

    Raises:
        FeaturesError: No query has one; the message says why.
    """
    if np.any(counts):
        return
    if gallery is None:
        why = f"no image has the label of another one. Labels are {_some(query)}"
    elif np.intersect1d(query[query >= 0], gallery).size:
        why = f"all matches are removed because of their camera, since {removed}"
    else:
        why = (
            f"queries and gallery have no label in common. Labels of the queries are "
            f"{_some(query)}, those of the gallery {_some(gallery)}"
        )
    msg = (
        f"No query has a match that counts, so that nothing can be measured: {why}. A negative label "
        "equals no other. Look at where labels and cameras come from: the lists or the pattern."
    )
    raise FeaturesError(msg)


def _some(labels: Integers) -> str:
    """Labels for a message, ascending, the first few of many."""
    names = np.unique(labels).tolist()
    return ", ".join([*map(str, names[:_SHOWN]), *(["..."] if len(names) > _SHOWN else [])])


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
