"""SYSU-MM01 as MVD and DDAG evaluate it: all search and indoor search, single shot.

Source: `eval.py` of research/cv/MVD (branch r1.9) and research/cv/DDAG (r1.8). For queries of
camera 3, which stands where camera 2 does, gallery items of camera 2 are removed. The CMC curve
counts identities: only the first item of each is kept. mAP and mINP count items. The published
numbers are of one gallery, drawn with seed 0; the literature averages ten. The originals fail
where fewer than 20 identities remain for some query; this does not.

One peculiarity is not the default, since it is chance: see `shuffled_cameras`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mindspore_hub.errors import FeaturesError
from mindspore_hub.tasks.retrieval.features import Features, Integers, identities
from mindspore_hub.tasks.retrieval.protocols import _shared
from mindspore_hub.tasks.retrieval.scoring import metrics
from mindspore_hub.tasks.retrieval.scoring.distance import Distances
from mindspore_hub.tasks.retrieval.scoring.draws import CAMERAS, draw
from mindspore_hub.tasks.retrieval.scoring.ranking import Ranks
from mindspore_hub.tasks.retrieval.scoring.result import Result, mean_of

Array = npt.NDArray[Any]

_SEEDS = 2**32
"""How many seeds NumPy's generator has."""

_REMOVED = "images of camera 2 are removed for queries of camera 3"


@dataclass(frozen=True)
class SYSU:
    """SYSU-MM01: infrared queries in a gallery of visible-light images.

    Args:
        search: `all` or `indoor`.
        seeds: A gallery is drawn with each, and the metrics are averaged: `(0,)` as published,
            `tuple(range(10))` for ten trials. Empty: the gallery is taken as it is given.
        shuffled_cameras: None keeps each camera with its image. The originals shuffle images with
            their identities and leave cameras in the order of the files, so that published numbers
            are of cameras dealt at random; a seed does the same.
        length: Length of the CMC curve, or the size of the gallery if that is smaller.
    """

    search: str = "all"
    seeds: tuple[int, ...] = (0,)
    shuffled_cameras: int | None = None
    length: int = 20

    def __post_init__(self) -> None:
        _shared.at_least("length", self.length, 1)
        if self.shuffled_cameras is not None:
            _shared.at_least("shuffled_cameras", self.shuffled_cameras, 0)
            if self.shuffled_cameras >= _SEEDS:
                msg = f"shuffled_cameras must be below {_SEEDS}, but is {self.shuffled_cameras}."
                raise FeaturesError(msg)
        _shared.chosen("search", self.search, tuple(CAMERAS))

    def evaluate(self, query: Features, gallery: Features | None = None) -> Result:
        """Score features of the queries and of all candidates for the gallery."""
        gallery = _shared.needed(gallery)
        galleries = self._galleries(gallery)
        trials = [_Trial(query, gallery, chosen, self.shuffled_cameras) for chosen in galleries]
        used = np.unique(np.concatenate(galleries))
        vectors = gallery.vectors if len(used) == len(gallery) else gallery.vectors[used]
        places = [np.searchsorted(used, chosen) for chosen in galleries]
        blocks = Distances(query.vectors, vectors, kind="dot", dtype=np.float64).blocks()
        for start, block in blocks:
            for trial, columns in zip(trials, places, strict=True):
                trial.add(start, np.take(block, columns[trial.order], axis=1))
        return mean_of([self._result(query, trial) for trial in trials])

    def _galleries(self, gallery: Features) -> list[Integers]:
        if not self.seeds:
            return [np.arange(len(gallery))]
        labels, cameras, paths = map(gallery.known, ("labels", "cameras", "paths"))
        draws = [draw(labels, cameras, paths, search=self.search, seed=seed) for seed in self.seeds]
        if not draws[0].size:
            msg = (
                f"No gallery item is of the cameras {CAMERAS[self.search]} of the {self.search} "
                f"search; there are cameras {sorted(set(cameras.tolist()))}."
            )
            raise FeaturesError(msg)
        return draws

    def _result(self, query: Features, trial: _Trial) -> Result:
        ranks = trial.ranks()
        _shared.require_match(ranks.counts, *trial.labels, removed=_REMOVED)
        first = np.concatenate(trial.identities)[ranks.counts > 0]
        curve = metrics.cmc(first, min(self.length, len(trial.order)), queries=len(first))
        cmc, values = _shared.standard(ranks, curve)
        sizes = _shared.sizes(ranks, len(trial.order))
        return Result("sysu", asdict(self), values, sizes, cmc)


class _Trial:
    """Ranks in one gallery; its items are looked at by identity, in `order`."""

    def __init__(
        self, query: Features, gallery: Features, chosen: Integers, seed: int | None
    ) -> None:
        self.labels = (query.known("labels"), gallery.known("labels")[chosen])
        wanted, labels = identities(*self.labels)
        self.order = np.argsort(labels, kind="stable")
        self.query_cameras = query.known("cameras")
        cameras = gallery.known("cameras")[chosen]
        if seed is not None:
            random = np.random.RandomState(seed)
            self.query_cameras = random.permutation(self.query_cameras)
            cameras = random.permutation(cameras)
        self.same_place = cameras[self.order] == 2
        names, self.starts = np.unique(labels[self.order], return_index=True)
        self.stops = np.append(self.starts[1:], len(labels))
        place = np.minimum(np.searchsorted(names, wanted), len(names) - 1)
        self.own = np.where(names[place] == wanted, place, -1)
        self.identities: list[Integers] = []
        self.values: list[Integers] = []
        self.counts: list[Integers] = []

    def ranks(self) -> Ranks:
        """Ranks of the matches of all queries."""
        return Ranks(np.concatenate(self.values), np.concatenate(self.counts))

    def add(self, start: int, distances: Array) -> None:
        """Rank a block of queries `(B, G)`, with the columns in `order`; it is changed."""
        rows = slice(start, start + len(distances))
        elsewhere = np.flatnonzero(self.query_cameras[rows] == 3)
        distances[np.ix_(elsewhere, self.same_place)] = np.inf
        ranks = self._item_ranks(distances, self.own[rows])
        found = ranks >= 0
        self.counts.append(np.count_nonzero(found, axis=1))
        self.values.append(ranks[found])
        self.identities.append(self._identity_ranks(distances, self.own[rows]))

    def _item_ranks(self, distances: Array, own: Integers) -> Integers:
        """Ranks of matches, ascending, after as many -1 as a query has fewer than the most."""
        starts, sizes = self.starts[own], np.where(own < 0, 0, (self.stops - self.starts)[own])
        ranks = np.full((len(own), max(int(sizes.max()), 1)), -1, np.int64)
        for number in range(int(sizes.max())):
            rows = np.flatnonzero(sizes > number)
            columns = starts[rows] + number
            limits = distances[rows, columns]
            rows, columns, limits = (part[limits < np.inf] for part in (rows, columns, limits))
            ranks[rows, number] = self._rank(distances, rows, columns)
        ranks.sort(axis=1)
        return ranks

    def _rank(self, distances: Array, rows: Integers, columns: Integers) -> Integers:
        """Rank of one item in each of these rows."""
        block = distances if len(rows) == len(distances) else distances[rows]
        limits = distances[rows, columns][:, None]
        ranks = _row_sums(block < limits)
        tied = np.flatnonzero(_row_sums(block == limits) > 1)
        equal = block[tied] == limits[tied]
        earlier = self.order[None, :] < self.order[columns[tied], None]
        ranks[tied] += np.count_nonzero(equal & earlier, axis=1)
        return ranks

    def _identity_ranks(self, distances: Array, own: Integers) -> Integers:
        """How many identities come before the own one; of no meaning without a match."""
        nearest = np.minimum.reduceat(distances, self.starts, axis=1)
        limits = nearest[np.arange(len(own)), own][:, None]
        ranks = _row_sums(nearest < limits)
        for row in np.flatnonzero(_row_sums(nearest == limits) > 1):
            ranks[row] += self._tied_before(distances[row], nearest[row], int(own[row]))
        return ranks

    def _tied_before(self, distances: Array, nearest: Array, own: int) -> int:
        """How many identities are as near as the own one and come before it by index."""
        firsts = [
            self.order[start:stop][distances[start:stop] == nearest[own]].min()
            for start, stop, least in zip(self.starts, self.stops, nearest, strict=True)
            if least == nearest[own]
        ]
        own_items = slice(self.starts[own], self.stops[own])
        mine = self.order[own_items][distances[own_items] == nearest[own]].min()
        return sum(bool(first < mine) for first in firsts)


def _row_sums(mask: npt.NDArray[np.bool_]) -> Integers:
    return np.asarray(np.count_nonzero(mask, axis=1))


PROTOCOL = SYSU
