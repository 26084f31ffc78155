"""SYSU-MM01: people before six cameras, two of them infrared, scored as MVD and DDAG do.

Source: `eval.py` of research/cv/MVD (branch r1.9) and research/cv/DDAG (r1.8). For queries of
camera 3, which stands where camera 2 does, gallery items of camera 2 are removed. The CMC curve
counts identities: only the first item of each is kept. mAP and mINP count items. The published
numbers are of one gallery, drawn with seed 0; the literature averages ten. The originals fail
where fewer than 20 identities remain for some query; this does not.

One peculiarity is not the default, since it is chance: see `shuffled_cameras`.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from mindspore_hub.errors import DatasetError, FeaturesError
from mindspore_hub.gallery.distances import Distances
from mindspore_hub.gallery.features import Features, Integers, identities
from mindspore_hub.tasks.datasets import Source, choose, integer
from mindspore_hub.tasks.retrieval import metrics
from mindspore_hub.tasks.retrieval.datasets import Dataset, Item
from mindspore_hub.tasks.retrieval.ranking import Ranks

SOURCE = Source(
    "SYSU-MM01",
    "https://github.com/wuancong/SYSU-MM01 (by a signed agreement)",
    "cam1/ to cam6/ with a folder such as 0006/ per identity, and exp/test_id.txt",
)

_INFRARED = (3, 6)

CAMERAS = {"all": (1, 2, 4, 5), "indoor": (1, 2)}
"""Visible-light cameras of each search, in the order in which images are drawn."""

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class SYSU(Dataset):
    """Test identities: infrared queries and candidates for the visible-light gallery.

    `root` has `cam1/` to `cam6/` and `exp/`. `search` is `all` or `indoor`, which decides the cameras of the
    gallery. Without a `seed` it is every candidate, from which the protocol draws; a seed gives the one
    gallery that is drawn with it, which saves work where one is enough.
    """

    search: str = "all"
    seed: int | None = None

    def __post_init__(self) -> None:
        choose("search", self.search, tuple(CAMERAS))

    def queries(self) -> list[Item]:
        """Every image of the infrared cameras, by identity and camera."""
        return self._items(_INFRARED)

    def gallery(self) -> list[Item]:
        """Candidates, by identity and camera, or the gallery that is drawn with the seed."""
        items = self._items(CAMERAS[self.search])
        if self.seed is None:
            return items
        labels = np.array([item.label for item in items])
        cameras = np.array([item.camera for item in items])
        paths = np.array([item.path for item in items])
        drawn = draw(labels, cameras, paths, search=self.search, seed=self.seed)
        return [items[index] for index in drawn]

    def trials(self, count: int) -> list[Dataset]:
        """Galleries that are drawn with the seeds 0, 1 and so on, or with the seed that is given."""
        if count == 1 and self.seed is not None:
            return [self]
        return [replace(self, seed=seed) for seed in range(count)]

    def protocol_options(self) -> dict[str, Any]:
        """Galleries are drawn here, unless they hold every candidate."""
        return {} if self.seed is None else {"seeds": ()}

    def _items(self, cameras: tuple[int, ...]) -> list[Item]:
        for camera in cameras:
            if not (self.root / f"cam{camera}").is_dir():
                raise SOURCE.missing(self.root / f"cam{camera}")
        names = self._identities()
        items = [item for name in names for item in self._images(name, cameras)]
        if not items:
            numbers = ", ".join(map(str, cameras))
            msg = (
                f"No camera of {numbers} below {self.root} has an image of an identity of "
                "exp/test_id.txt; look at the list."
            )
            raise DatasetError(msg)
        return items

    def _identities(self) -> list[int]:
        """Test identities: every number of the list, with commas, not always sorted."""
        path = self.root / "exp" / "test_id.txt"
        rows = SOURCE.parsed(path, _numbers, "identities such as 6,10,17")
        found = sorted({name for row in rows for name in row})
        if not found:
            msg = f"{path} names no identity; get it again: {SOURCE.ask}"
            raise DatasetError(msg)
        for name in found:
            if next(self._images(name, range(1, 7)), None) is None:
                looked_for = self.root / "cam*" / f"{name:04}"
                msg = (
                    f"Identity {name} of exp/test_id.txt has no picture in any camera: {looked_for} "
                    f"was looked for. {SOURCE.name} is expected to hold {SOURCE.layout}. Correct the "
                    f"list, or get what is missing: {SOURCE.ask}"
                )
                raise DatasetError(msg)
        return found

    def _images(self, name: int, cameras: Iterable[int]) -> Iterator[Item]:
        """Images of an identity; not every camera saw every one."""
        for camera in cameras:
            folder = self.root / f"cam{camera}" / f"{name:04}"
            for path in sorted(folder.iterdir()) if folder.is_dir() else ():
                if path.is_file() and not path.name.startswith("."):
                    yield Item(path.relative_to(self.root).as_posix(), name, camera)


def _numbers(line: str) -> list[int]:
    """Numbers of a line; a comma may end it."""
    return [integer(name) for name in line.replace(",", " ").split()]


def draw(
    labels: Integers, cameras: Integers, paths: npt.NDArray[Any], *, search: str, seed: int
) -> Integers:
    """Draw a gallery as the originals do, so that a seed means the same images.

    Python's generator is seeded; identities go up, and for each of them cameras in the order of
    `CAMERAS`; candidates are sorted by path. An identity that a camera never saw draws nothing. Images of
    negative labels are all in the gallery: each may be of a person of its own. They come last, and so
    change no draw of others. Gives indices among all candidates `(N,)`, in the order of drawing.
    """
    place = {camera: number for number, camera in enumerate(CAMERAS[search])}
    rank = np.array([place.get(camera, -1) for camera in cameras.tolist()], np.int64)
    [people] = identities(labels)
    order = np.lexsort((paths, rank, people))
    order = order[rank[order] >= 0]
    groups = np.stack([people[order], rank[order]])
    borders = np.flatnonzero((groups[:, 1:] != groups[:, :-1]).any(axis=0)) + 1
    generator = random.Random(seed)  # noqa: S311 - the seed is published, nothing is secret
    parts = [part for part in np.split(order, borders) if part.size]
    return np.array([generator.choice(part) for part in parts], np.int64)


@dataclass(frozen=True)
class SYSUProtocol:
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
        metrics.at_least("length", self.length, 1)
        if self.shuffled_cameras is not None:
            metrics.at_least("shuffled_cameras", self.shuffled_cameras, 0)
            if self.shuffled_cameras >= 2**32:  # as many seeds as NumPy's generator has
                msg = f"shuffled_cameras must be below {2**32}, but is {self.shuffled_cameras}."
                raise FeaturesError(msg)
        choose("search", self.search, tuple(CAMERAS), error=FeaturesError)

    def evaluate(self, query: Features, gallery: Features | None = None) -> metrics.Result:
        """Score features of the queries and of all candidates for the gallery."""
        gallery = metrics.needed(gallery)
        galleries = self._galleries(gallery)
        trials = [_Trial(query, gallery, chosen, self.shuffled_cameras) for chosen in galleries]
        used = np.unique(np.concatenate(galleries))
        vectors = gallery.vectors if len(used) == len(gallery) else gallery.vectors[used]
        places = [np.searchsorted(used, chosen) for chosen in galleries]
        distances = Distances(query.vectors, vectors, kind="dot", dtype=np.float64)
        for start, block in distances.blocks():
            for trial, columns in zip(trials, places, strict=True):
                trial.add(start, np.take(block, columns[trial.order], axis=1))
        return metrics.mean_of([self._result(query, trial) for trial in trials])

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

    def _result(self, query: Features, trial: _Trial) -> metrics.Result:
        ranks = trial.ranks()
        removed = "images of camera 2 are removed for queries of camera 3"
        metrics.require_match(ranks.counts, *trial.labels, removed=removed)
        first = np.concatenate(trial.identities)[ranks.counts > 0]
        size = len(trial.order)
        return metrics.standard_result("sysu", asdict(self), ranks, gallery=size, first=first)


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


DATASET, PROTOCOL = SYSU, SYSUProtocol
