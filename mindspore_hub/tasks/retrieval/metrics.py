"""CMC, mAP and mINP from the ranks of the true matches; results, and what several protocols check."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mindspore_hub.errors import FeaturesError
from mindspore_hub.gallery.features import Features, Integers
from mindspore_hub.tasks import report
from mindspore_hub.tasks.retrieval.ranking import Ranks

Curve = npt.NDArray[np.float64]

SAME_CAMERA = "gallery images with the label and the camera of a query are removed for it"


def average_precisions(ranks: Ranks) -> Curve:
    """Of each query that has a match, the mean of the precision at the ranks of its matches."""
    return _per_query(ranks, (_position(ranks) + 1) / (ranks.values + 1))


def trapezoid_precisions(ranks: Ranks) -> Curve:
    """Average precision of each query that has a match, with the area below as trapezoids.

    As in the Oxford Buildings benchmark: the precision at a match and that just before it count
    half each. VehicleNet's evaluation uses this one.
    """
    position, rank = _position(ranks), ranks.values
    before = np.where(rank > 0, position / np.maximum(rank, 1), 1.0)
    return _per_query(ranks, (before + (position + 1) / (rank + 1)) / 2)


def inverse_negative_penalties(ranks: Ranks) -> Curve:
    """INP of each query that has a match: matches by rank of the last one (arXiv:2001.04193)."""
    present = ranks.counts > 0
    return np.asarray(ranks.counts[present] / (ranks.values[ranks.offsets[1:][present] - 1] + 1))


def _position(ranks: Ranks) -> Integers:
    """Which match of its query each one is, from 0."""
    return np.arange(len(ranks.values)) - np.repeat(ranks.offsets[:-1], ranks.counts)


def _per_query(ranks: Ranks, values: npt.NDArray[Any]) -> Curve:
    """Mean of the values of each query that has a match."""
    present = ranks.counts > 0
    return np.asarray(np.add.reduceat(values, ranks.offsets[:-1][present]) / ranks.counts[present])


@dataclass(frozen=True)
class Result(report.Result):
    """Numbers of one evaluation, all of them shares between 0 and 1.

    Metrics are `rank1`, `mAP`, `mINP`, `recall@1`, `color_accuracy` and others, counts those of queries,
    gallery items and queries without a match. `cmc` begins at rank 1; it is empty where a protocol has
    none.
    """

    cmc: tuple[float, ...] = ()


def mean_of(results: list[Result]) -> Result:
    """Mean over trials: of the metrics that all have, and of the curve as far as all go."""
    first, trials = results[0], len(results)
    shared = set.intersection(*(set(result.metrics) for result in results))
    metrics = {
        name: sum(result.metrics[name] for result in results) / trials
        for name in first.metrics
        if name in shared
    }
    length = min(len(result.cmc) for result in results)
    cmc = tuple(sum(result.cmc[k] for result in results) / trials for k in range(length))
    return dataclasses.replace(
        first, metrics=metrics, cmc=cmc, counts={**first.counts, "trials": trials}
    )


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

    The labels say why, and `removed` what the protocol removes because of cameras.
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
    return ", ".join([*map(str, names[:5]), *(["..."] if len(names) > 5 else [])])


def at_least(option: str, value: float, least: float) -> None:
    """Refuse a value of an option that is below this, or no number."""
    if not value >= least:
        msg = f"{option} must be at least {least}, but is {value!r}."
        raise FeaturesError(msg)


def standard_result(
    name: str,
    options: dict[str, Any],
    ranks: Ranks,
    *,
    gallery: int,
    first: Integers | None = None,
    precisions: Callable[[Ranks], Curve] = average_precisions,
    queries: int | None = None,
) -> Result:
    """CMC, mAP and mINP, where at least one query has a match.

    `ranks` are those of the matches in a gallery of so many items, `first` is the rank of the first match
    of each query that has one, where the curve counts others, and `precisions` is its average precision.
    Averages are of all `queries`, if given, else of those that have a match.
    """
    if first is None:
        first = ranks.values[ranks.offsets[:-1][ranks.counts > 0]]
    queries = queries or len(first)
    length = min(options["length"], gallery)
    hits = np.bincount(first[first < length], minlength=length)
    curve = tuple((np.cumsum(hits) / queries).tolist())
    found = {f"rank{k}": curve[k - 1] for k in (1, 5, 10, 20) if k <= length}
    found["mAP"] = float(precisions(ranks).sum() / queries)
    found["mINP"] = float(inverse_negative_penalties(ranks).sum() / queries)
    without = int(np.count_nonzero(ranks.counts == 0))
    sizes = {"queries": len(ranks.counts), "gallery": gallery, "queries_without_match": without}
    return Result(name, options, found, sizes, curve)
