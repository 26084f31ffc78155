"""How a threshold is found: distances of all comparisons, their tail, and a bootstrap over identities.

Comparisons that share an identity depend on each other, so that intervals which take comparisons for
independent are too narrow. Identities are drawn instead, with all their images (the subsets bootstrap of
R. M. Bolle et al., Computer Vision and Image Understanding 93, 2004); an identity drawn twice is not compared with
itself as if it were two.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mindspore_hub.errors import FeaturesError
from mindspore_hub.gallery.distances import Distances, Kind
from mindspore_hub.gallery.features import Features, Floats, Integers, squared_norms
from mindspore_hub.gallery.origin import made_by
from mindspore_hub.tasks.retrieval.calibration import Calibration, Interval

_ERRORS = 30
"""False matches that have to be expected among pairs of identities: the rule of 30 of ISO/IEC 19795-1."""

_MATED = 10
"""Identities with mated comparisons that are needed to say what the threshold costs."""

_TAIL = 4
"""Share of the non-mated comparisons whose distances are kept, as a multiple of the wanted rate."""

_WORK = 2**31
"""Comparisons that are weighed in all replicates together."""

_FINE = 2**16
"""Bins in which the distances of non-mated comparisons are counted."""

_COARSE = 80
"""Bins of the histograms that are shown."""

_POINTS = 200
"""Points of the DET curve."""

_Sorted = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Comparisons:
    """Distances of comparisons, ascending, and the identities that are compared."""

    distances: _Sorted
    first: Integers
    second: Integers

    @classmethod
    def of(cls, parts: list[tuple[_Sorted, Integers, Integers]]) -> _Comparisons:
        """Those of all parts."""
        distances, first, second = map(np.concatenate, zip(*parts, strict=True))
        order = np.argsort(distances, kind="stable")
        return cls(distances[order], first[order], second[order])


class _Labelled:
    """Labelled images by identity; distances of all pairs of them, block by block."""

    def __init__(self, features: Features, kind: Kind) -> None:
        labels = features.known("labels")
        chosen = np.flatnonzero(labels >= 0)  # of others, nobody knows whom they show
        order = chosen[np.argsort(labels[chosen], kind="stable")]
        self.names, self.owner = np.unique(labels[order], return_inverse=True)
        self.sizes = np.bincount(self.owner, minlength=len(self.names))
        self._vectors = features.vectors[order]
        self._cameras = None if features.cameras is None else features.cameras[order]
        self._kind = kind

    def __len__(self) -> int:
        return len(self.owner)

    @property
    def non_mated(self) -> int:
        """How many pairs of images are of two identities."""
        return (len(self) ** 2 - int((self.sizes**2).sum())) // 2

    def blocks(self) -> Iterator[tuple[Floats, Integers, npt.NDArray[np.bool_]]]:
        """For each image, its distances to those after it, their owners, and which are mated.

        A mated pair that one camera took is left out, as it is when networks are measured.
        """
        euclidean = self._kind == "euclidean"
        dtype = np.float64 if euclidean else np.float32
        source = Distances(self._vectors, self._vectors, kind=self._kind, dtype=dtype)
        norms = squared_norms(self._vectors, np.float64)
        for start, block in source.blocks():
            for row, distances in enumerate(block, start):
                later = slice(row + 1, None)
                found = distances[later] + norms[row] if euclidean else distances[later]
                owners = self.owner[later]
                mated = owners == self.owner[row]
                if self._cameras is not None and mated.any():
                    counts = ~mated | (self._cameras[later] != self._cameras[row])
                    found, owners, mated = found[counts], owners[counts], mated[counts]
                yield np.maximum(found, 0) if euclidean else found, owners, mated


def calibrate(
    features: Features,
    *,
    false_match_rate: float,
    confidence: float,
    replicates: int,
    seed: int,
    kind: Kind,
) -> Calibration:
    """What `mindspore_hub.calibrate` does, whose arguments these are."""
    for name, share in (("false_match_rate", false_match_rate), ("confidence", confidence)):
        if not 0 < share < 1:
            msg = f"{name} must be a share between 0 and 1, such as 0.01, but is {share!r}."
            raise FeaturesError(msg)
    labelled = _Labelled(features, kind)
    _require_identities(len(labelled.names), false_match_rate)
    mated, low, high = _mated(labelled)
    _require_mated(mated, features)
    random = np.random.default_rng(seed)
    share = min(1.0, _TAIL * false_match_rate)
    while True:
        counted = _counted(labelled, low, high)
        tail, shown = _tail(labelled, counted, share, (low, high))
        draws = _draws(len(labelled.names), len(tail.distances), replicates, random)
        thresholds = [_threshold(tail, labelled, false_match_rate, draw) for draw in draws]
        if share == 1 or None not in thresholds:
            break
        share = min(1.0, 2 * share)  # some draw needs more of the tail
    threshold = _threshold(tail, labelled, false_match_rate, None)
    misses = mated.distances > (math.nan if threshold is None else threshold)
    rates = [_share(misses, draw[mated.first]) for draw in draws]
    return Calibration(
        threshold=float(threshold or 0.0),
        threshold_interval=_interval([float(t) for t in thresholds if t is not None], confidence),
        false_match_rate=false_match_rate,
        false_non_match_rate=float(misses.mean()),
        false_non_match_interval=_interval([r for r in rates if r is not None], confidence),
        confidence=confidence,
        distance=kind,
        counts={
            "identities": len(labelled.names),
            "images": len(labelled),
            "mated": len(mated.distances),
            "non_mated": labelled.non_mated,
        },
        about=made_by(features.about),
        det=_det(mated.distances, counted, (low, high)),
        histograms=_histograms(mated.distances, shown, (low, high)),
    )


def identities_for(false_match_rate: float) -> int:
    """Identities of which 30 pairs are expected to match falsely at this rate."""
    return math.ceil((1 + math.sqrt(1 + 8 * _ERRORS / false_match_rate)) / 2)


def _require_identities(there: int, rate: float) -> None:
    wanted = identities_for(rate)
    if there < wanted:
        lowest = 2 * _ERRORS / (there * (there - 1)) if there > 1 else 1.0
        hint = f", or ask for a rate of at least {lowest:.2g}" if lowest < 1 else ""
        msg = (
            f"The features show {there} labelled identities, but a false match rate of {rate:g} takes "
            f"{wanted}: of fewer, fewer than {_ERRORS} pairs are expected to match falsely, and chance "
            f"decides the threshold. Label images of more identities{hint}."
        )
        raise FeaturesError(msg)


def _require_mated(mated: _Comparisons, features: Features) -> None:
    there = len(np.unique(mated.first))
    if there < _MATED:
        cameras = "" if features.cameras is None else " that different cameras took"
        msg = (
            f"{there} identities have two images{cameras}, but it takes {_MATED} to say how often an "
            "identity would be missed; label more images of the same identities."
        )
        raise FeaturesError(msg)


def _mated(labelled: _Labelled) -> tuple[_Comparisons, float, float]:
    """Mated comparisons, and the least and the greatest of all distances."""
    parts, low, high = [], math.inf, -math.inf
    for number, (distances, _, mated) in enumerate(labelled.blocks()):
        if distances.size:
            low, high = min(low, float(distances.min())), max(high, float(distances.max()))
        found = distances[mated].astype(np.float64)
        owner = np.full(len(found), labelled.owner[number])
        parts.append((found, owner, owner))
    return _Comparisons.of(parts), low, high


def _counted(labelled: _Labelled, low: float, high: float) -> Integers:
    """How many non-mated comparisons are in each of many fine bins."""
    counts = np.zeros(_FINE, np.int64)
    for distances, _, mated in labelled.blocks():
        counts += np.bincount(_bins(distances[~mated], low, high), minlength=_FINE)
    return counts


def _bins(distances: Floats, low: float, high: float) -> Integers:
    scale = _FINE / (high - low) if high > low else 0.0
    found: Integers = ((distances.astype(np.float64) - low) * scale).astype(np.int64)
    return np.clip(found, 0, _FINE - 1)


def _tail(
    labelled: _Labelled, counted: Integers, share: float, span: Interval
) -> tuple[_Comparisons, Integers]:
    """The nearest non-mated comparisons, so many that they are this share, and a coarse histogram of all."""
    wanted = math.ceil(share * labelled.non_mated)
    last = int(np.searchsorted(np.cumsum(counted), wanted))
    parts = []
    for number, (distances, owners, mated) in enumerate(labelled.blocks()):
        near = np.flatnonzero(~mated)
        near = near[_bins(distances[near], *span) <= last]
        found = distances[near].astype(np.float64)
        parts.append((found, np.full(len(found), labelled.owner[number]), owners[near]))
    edges = np.linspace(0, _FINE, _COARSE + 1).astype(np.int64)
    shown = np.add.reduceat(counted, edges[:-1])
    return _Comparisons.of(parts), shown


def _draws(identities: int, tail: int, most: int, random: np.random.Generator) -> list[Integers]:
    """How often each identity is drawn, in each replicate."""
    replicates = int(np.clip(_WORK // max(1, tail), min(200, most), most))
    return [
        np.bincount(random.integers(0, identities, identities), minlength=identities)
        for _ in range(replicates)
    ]


def _threshold(
    tail: _Comparisons, labelled: _Labelled, rate: float, drawn: Integers | None
) -> float | None:
    """The greatest distance at which the rate is not exceeded; None if the tail ends before it."""
    if drawn is None:
        weights = np.ones(len(tail.distances), np.int64)
        every = labelled.non_mated
    else:
        weights = drawn[tail.first] * drawn[tail.second]
        sizes = drawn * labelled.sizes
        every = (int(sizes.sum()) ** 2 - int((sizes**2).sum())) // 2
    passed = np.cumsum(weights)
    place = int(np.searchsorted(passed, rate * every, "right"))
    if place >= len(passed):
        return None
    # Halfway to the last one before, unless they are the same, which would both match.
    above = float(tail.distances[place])
    below = float(tail.distances[place - 1]) if place else above
    return (below + above) / 2 if below < above else float(np.nextafter(above, -np.inf))


def _share(misses: npt.NDArray[np.bool_], weights: Integers) -> float | None:
    every = int(weights.sum())
    return float(weights[misses].sum()) / every if every else None


def _interval(values: list[float], confidence: float) -> Interval:
    low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _det(mated: _Sorted, counted: Integers, span: Interval) -> dict[str, list[float]]:
    """Both rates at thresholds from the lowest false match rate that was seen to 1."""
    passed = np.cumsum(counted)
    rates = np.geomspace(1 / passed[-1], 1, _POINTS)
    edges = np.unique(np.searchsorted(passed, rates * passed[-1]))
    thresholds = span[0] + (edges + 1) * (span[1] - span[0]) / _FINE
    misses = 1 - np.searchsorted(mated, thresholds, "right") / len(mated)
    return {
        "threshold": thresholds.tolist(),
        "false_match_rate": (passed[edges] / passed[-1]).tolist(),
        "false_non_match_rate": misses.tolist(),
    }


def _histograms(mated: _Sorted, non_mated: Integers, span: Interval) -> dict[str, list[Any]]:
    edges = np.linspace(*span, _COARSE + 1)
    counts = np.histogram(mated, edges)[0]
    return {
        "edges": edges.tolist(),
        "mated": counts.tolist(),
        "non_mated": non_mated.tolist(),
    }
