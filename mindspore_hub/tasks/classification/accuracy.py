"""Top-1 and top-5 accuracy, of all pictures and of each class, with how sure they are."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mindspore_hub.tasks import report
from mindspore_hub.tasks.report import Table, percent, spread

Interval = tuple[float, float]

PLACES = (1, 5)
"""A picture counts if its class is among so many of the highest scores."""

_Z = 1.959963984540054
"""Quantile of the normal distribution at 97.5 %, so that 95 % lie between."""

_SHOWN = 20
"""Classes up to which all are printed; of more, half as many."""


def ranks_of(scores: npt.NDArray[Any], labels: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Place, from 0, of the class of each picture when scores `(N, C)` are sorted.

    Of classes with the same score, the lower number comes first.
    """
    own = scores[np.arange(len(scores)), labels][:, None]
    before = (scores == own) & (np.arange(scores.shape[1]) < labels[:, None])
    return np.asarray(np.count_nonzero((scores > own) | before, axis=1), np.int64)


def wilson(hits: int, count: int) -> Interval:
    """Between which shares lies, with 95 % confidence, what `hits` of `count` pictures are a sample of.

    Wilson's interval (J. Am. Stat. Assoc. 22, 1927, 209-212), which stays within 0 and 1, and is no point
    where all or none count.
    """
    share, square = hits / count, _Z * _Z
    centre = share + square / (2 * count)
    half = _Z * math.sqrt(share * (1 - share) / count + square / (4 * count * count))
    low, high = ((centre + sign * half) / (1 + square / count) for sign in (-1, 1))
    # What rounding leaves of 0 and 1.
    return (0.0 if hits == 0 else low), (1.0 if hits == count else high)


@dataclass(frozen=True)
class ClassAccuracy:
    """What was measured of the pictures of one class.

    Attributes:
        number: The class, from 0.
        name: Its name.
        pictures: How many there are of it.
        metrics: `top1` and `top5`, as far as there are so many classes.
        intervals: Between which shares each of them lies with 95 % confidence.
        mistaken: The class that its pictures were most often taken for instead, and how often; None
            if they never were.
    """

    number: int
    name: str
    pictures: int
    metrics: dict[str, float]
    intervals: dict[str, Interval]
    mistaken: tuple[str, int] | None


@dataclass(frozen=True)
class Accuracy(report.Result):
    """Accuracy on a data set: `top1` and `top5`, as far as there are so many classes.

    Counts are `pictures`, and `classes` that they have.

    Attributes:
        intervals: Between which shares each metric lies with 95 % confidence (Wilson).
        classes: What was measured of each class that pictures have.
        published: How many pictures the whole data set has.
    """

    intervals: dict[str, Interval]
    classes: tuple[ClassAccuracy, ...]
    published: int

    def interval(self, metric: str) -> Interval | None:
        """The 95 % interval of a metric."""
        return self.intervals.get(metric)

    def tables(self) -> list[Table]:
        """Classes, or those with the lowest accuracy where there are many."""
        few, count = self.classes, len(self.classes)
        title = "By class:"
        if count > _SHOWN:
            few = tuple(sorted(few, key=lambda one: one.metrics["top1"])[: _SHOWN // 2])
            title = f"The {len(few)} classes with the lowest accuracy; --report has all {count}:"
        header = ("Class", "Pictures", "Top-1 (%)", "95 % interval", "Mostly taken for")
        return [Table(header, [_row(one) for one in few], title)]

    def notes(self) -> list[str]:
        """That it is not the whole data set, if so."""
        pictures = self.counts["pictures"]
        if pictures == self.published:
            return []
        return [
            f"{pictures:,} pictures were measured; the published test set has {self.published:,}."
        ]


def measure(
    ranks: npt.NDArray[np.int64],
    predicted: npt.NDArray[np.int64],
    labels: npt.NDArray[np.int64],
    names: Sequence[str],
) -> tuple[dict[str, float], dict[str, Interval], tuple[ClassAccuracy, ...]]:
    """Metrics, their intervals, and both of each class that has a picture.

    Args:
        ranks: Place of the class of each picture among its scores, from 0.
        predicted: The class with the highest score; one that `names` lacks for none of them.
        labels: The class of each picture.
        names: Names of all classes.
    """
    metrics, intervals = _shares(ranks, len(names))
    classes = []
    for number in np.unique(labels).tolist():
        own = labels == number
        shares, between = _shares(ranks[own], len(names))
        wrong = Counter(predicted[own & (ranks > 0)].tolist())
        mistaken = None
        if wrong:
            other, times = min(wrong.items(), key=lambda item: (-item[1], item[0]))
            mistaken = names[other] if other < len(names) else "no class", times
        counted = int(np.count_nonzero(own))
        classes.append(ClassAccuracy(number, names[number], counted, shares, between, mistaken))
    return metrics, intervals, tuple(classes)


def _shares(
    ranks: npt.NDArray[np.int64], classes: int
) -> tuple[dict[str, float], dict[str, Interval]]:
    hits = {f"top{k}": int(np.count_nonzero(ranks < k)) for k in PLACES if k <= classes}
    shares = {name: number / len(ranks) for name, number in hits.items()}
    return shares, {name: wilson(number, len(ranks)) for name, number in hits.items()}


def _row(one: ClassAccuracy) -> tuple[str, ...]:
    mistaken = f"{_short(one.mistaken[0])} ({one.mistaken[1]:,})" if one.mistaken else ""
    share, between = percent(one.metrics["top1"]), spread(one.intervals["top1"])
    return f"{one.number} {_short(one.name)}", f"{one.pictures:,}", share, between, mistaken


def _short(name: str) -> str:
    """The first of several names of a class."""
    return name.split(",", maxsplit=1)[0]
