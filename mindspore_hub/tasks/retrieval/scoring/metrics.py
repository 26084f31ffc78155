"""CMC, mAP and mINP from the ranks of the true matches."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mindspore_hub.tasks.retrieval.features import Integers
from mindspore_hub.tasks.retrieval.scoring.ranking import Ranks

Curve = npt.NDArray[np.float64]


def first_ranks(ranks: Ranks) -> Integers:
    """Rank of the first match of each query that has one."""
    return np.asarray(ranks.values[ranks.offsets[:-1][ranks.counts > 0]])


def cmc(first: Integers, length: int, *, queries: int) -> Curve:
    """Cumulative matching characteristic: share of queries with a match within rank 1, 2, ...

    Args:
        first: Rank, from 0, of the first match of each query that has one.
        length: Length of the curve.
        queries: What the shares are of.
    """
    hits = np.bincount(first[first < length], minlength=length)
    return np.asarray(np.cumsum(hits) / max(queries, 1))


def average_precisions(ranks: Ranks) -> Curve:
    """Average precision of each query that has a match.

    The mean, over its matches, of the precision at their ranks.
    """
    return _per_query(ranks, (_position(ranks) + 1) / (ranks.values + 1)) / _present(ranks)


def trapezoid_precisions(ranks: Ranks) -> Curve:
    """Average precision of each query that has a match, with the area below as trapezoids.

    As in the Oxford Buildings benchmark: the precision at a match and that just before it count
    half each. VehicleNet's evaluation uses this one.
    """
    position, rank = _position(ranks), ranks.values
    before = np.where(rank > 0, position / np.maximum(rank, 1), 1.0)
    return _per_query(ranks, (before + (position + 1) / (rank + 1)) / 2) / _present(ranks)


def inverse_negative_penalties(ranks: Ranks) -> Curve:
    """INP of each query that has a match: matches by rank of the last one (arXiv:2001.04193)."""
    last = ranks.values[ranks.offsets[1:][ranks.counts > 0] - 1]
    return np.asarray(_present(ranks) / (last + 1))


def mean(values: Curve, *, queries: int | None = None) -> float:
    """Mean of values, over as many queries as there are, or over so many; 0 if there are none."""
    count = len(values) if queries is None else queries
    return float(values.sum() / count) if count else 0.0


def _position(ranks: Ranks) -> Integers:
    """Which match of its query each one is, from 0."""
    return np.arange(len(ranks.values)) - np.repeat(ranks.offsets[:-1], ranks.counts)


def _present(ranks: Ranks) -> Integers:
    return ranks.counts[ranks.counts > 0]


def _per_query(ranks: Ranks, values: npt.NDArray[Any]) -> Curve:
    """Sum of the values of each query that has a match."""
    if not values.size:
        return np.zeros(0)
    return np.asarray(np.add.reduceat(values, ranks.offsets[:-1][ranks.counts > 0]))
