"""Stanford Online Products, scored as metric_learn does: recall@k of each image among all others.

Source: research/cv/metric_learn (branches r1.5 to r1.8). Features are divided by their norm, and
an image is found if one of its k nearest, itself excluded, has its class. The published numbers
are of the first 30,003 images of the test list, of which the original leaves out three by chance,
since it drops what does not fill a batch of 30.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mindspore_hub.errors import DatasetError, FeaturesError
from mindspore_hub.gallery.features import (
    Features,
    Floats,
    Integers,
    identities,
    squared_norms,
)
from mindspore_hub.tasks.datasets import Source, choose, integer, slashes
from mindspore_hub.tasks.retrieval import metrics
from mindspore_hub.tasks.retrieval.datasets import Dataset, Item, labelled

SOURCE = Source(
    "Stanford Online Products",
    "https://cvgl.stanford.edu/projects/lifted_struct/ (for research only)",
    "Ebay_test.txt and the folders of images that it names, such as chair_final/",
)

_LISTS = {"half": "test_half.txt", "all": "test.txt"}

_HALF = 30_003

_ROWS = 3072
_COLUMNS = 1536
"""Images on the sides of a tile: with 2,048 values each, the sides and the tile are 54 MB."""

_SMALL = 64

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class SOP(Dataset):
    """The test images: `half` of them, 30,003, as published, or `all` 60,502, as in the literature.

    Lists that were derived for the original evaluation are read if they are in `root`; else they are
    derived from `Ebay_test.txt`, which the data set comes with.
    """

    part: str = "half"

    def __post_init__(self) -> None:
        choose("part", self.part, tuple(_LISTS))

    def queries(self) -> list[Item]:
        """The images, in the order of the list."""
        derived = self.root / _LISTS[self.part]
        if derived.is_file():
            items = SOURCE.parsed(derived, labelled, "path class_id")
        else:
            items = self._published()
        return SOURCE.present(self.root, items)

    def _published(self) -> list[Item]:
        path, expected = self.root / "Ebay_test.txt", "image_id class_id super_class_id path"
        items = [item for item in SOURCE.parsed(path, _published, expected) if item]
        if not items:
            msg = f"{path} names no image; get it again: {SOURCE.ask}"
            raise DatasetError(msg)
        return items[:_HALF] if self.part == "half" else items


def _published(line: str) -> Item | None:
    """An image; None for the header."""
    number, label, _, path = line.split()
    if number == "image_id":
        return None
    return Item(slashes(path), integer(label))


@dataclass(frozen=True)
class SOPProtocol:
    """Recall among the images themselves.

    Args:
        at: The values of k. Images of a class of their own are never found.
    """

    at: tuple[int, ...] = (1, 2, 5, 10)

    def __post_init__(self) -> None:
        if not self.at or min(self.at) < 1:
            msg = f"at must hold numbers of neighbours from 1 on, but is {self.at!r}."
            raise FeaturesError(msg)

    def evaluate(self, query: Features, gallery: Features | None = None) -> metrics.Result:
        """Score features; there is no gallery besides them."""
        if gallery is not None:
            msg = (
                "SOP looks images up among themselves; give no gallery, and features without roles, "
                "which say what is a query and what is in the gallery."
            )
            raise FeaturesError(msg)
        labels = query.known("labels")
        counts = closer_counts(query.vectors, labels, most=max(self.at))
        metrics.require_match(counts >= 0, labels)
        values = {f"recall@{k}": float(np.mean((counts >= 0) & (counts < k))) for k in self.at}
        alone = int(np.count_nonzero(counts < 0))
        sizes = {"queries": len(query), "queries_without_match": alone}
        return metrics.Result("sop", asdict(self), values, sizes)


def closer_counts(vectors: Floats, labels: Integers, *, most: int) -> Integers:
    """Counts `(N,)` of images of other classes that are closer to each image than its nearest of the same.

    Features `(N, D)` have any norm but 0, which is a FeaturesError; a negative label equals no other. The
    only image of a class has -1. Counting an image's stops when it reaches `most`.
    """
    return _Search(vectors, labels, most).run()


class _Search:
    """Recall among images themselves: every pair is compared once, in the order of labels, `self.order`.

    A float32 product decides what is clearly closer than the nearest image of the same class; what is
    too near to call is compared in float64. So the result is that of an exact ranking by cosine
    similarity, which for vectors of norm 1 is the ranking by Euclidean distance. Equal ones are
    ordered by index.
    """

    def __init__(self, vectors: Floats, labels: Integers, most: int) -> None:
        self.vectors = vectors
        [classes] = identities(labels)
        self.order = np.argsort(classes, kind="stable")
        self.labels = classes[self.order]
        self.most = most
        norms = np.sqrt(squared_norms(vectors))
        if not norms.all():
            msg = f"The feature at index {int(norms.argmin())} is 0 and has no direction."
            raise FeaturesError(msg)
        self.inverse = (1 / norms[self.order]).astype(np.float32)
        self.starts = np.searchsorted(self.labels, self.labels, "left")
        self.stops = np.searchsorted(self.labels, self.labels, "right")
        # Rounding errors of products behave like a random walk (Higham and Mary, 2019): the bound
        # that grows with the root of the length fails practically never. Two values are compared.
        self.tolerance = np.float32(8 * vectors.shape[1] ** 0.5 * 2.0**-24)

    def run(self) -> Integers:
        self.counts = np.zeros(len(self.order), np.int64)
        self.best = self._nearest_of_class()
        self.counts[self.best == -np.inf] = -1
        # What an image must at least be similar by to matter; nothing does if this is infinite.
        self.least = np.where(self.best == -np.inf, np.inf, self.best - self.tolerance)
        self.tile = np.empty(max(_ROWS * _COLUMNS, _ROWS**2 // 4), np.float32)
        left, right = (self._room(size) for size in (_ROWS, _COLUMNS))
        for rows in self._slices(0, len(self.order), _ROWS):  # each pair once
            units = self._units(rows, left)
            self._compare_within(units, rows.start)
            for columns in self._slices(rows.stop, len(self.order), _COLUMNS):
                self._compare(units, rows.start, self._units(columns, right), columns.start)
        counts = np.empty_like(self.counts)
        counts[self.order] = self.counts
        return counts

    def _compare_within(self, units: Array, start: int) -> None:
        """Compare these images, from `start` on, with each other: halves of halves."""
        if len(units) <= _SMALL:
            self._compare(units, start, units, start)
            return
        half = len(units) // 2
        self._compare_within(units[:half], start)
        self._compare_within(units[half:], start + half)
        self._compare(units[:half], start, units[half:], start + half)

    def _compare(self, left: Array, start: int, right: Array, other: int) -> None:
        """Compare images from `start` on with images from `other` on: the same, or later ones."""
        tile = self.tile[: len(left) * len(right)].reshape(len(left), len(right))
        np.matmul(left, right.T, out=tile)
        if other == start:
            labels = self.labels[start : start + len(left)]
            tile[labels[:, None] == labels] = -np.inf
        else:  # at most one class reaches from these into those
            tile[max(self.starts[other] - start, 0) :, : self.stops[other] - other] = -np.inf
        self._tally(tile, start, other)
        if other != start:
            self._tally(tile.T, other, start)

    @staticmethod
    def _slices(start: int, stop: int, size: int) -> Iterator[slice]:
        for begin in range(start, stop, size):
            yield slice(begin, min(begin + size, stop))

    def _room(self, images: int) -> Array:
        return np.empty((min(images, len(self.order)), self.vectors.shape[1]), np.float32)

    def _units(self, places: slice, room: Array) -> Array:
        """Vectors of norm 1, float32."""
        for part in self._slices(places.start, places.stop, _SMALL):
            np.multiply(
                self.vectors[self.order[part]],
                self.inverse[part, None],
                out=room[part.start - places.start : part.stop - places.start],
                casting="same_kind",
            )
        return room[: places.stop - places.start]

    def _nearest_of_class(self) -> Array:
        """Largest similarity to an image of the same class; -infinity where there is none."""
        best = np.full(len(self.order), -np.inf, np.float32)
        left, right = (self._room(size) for size in (_SMALL, _COLUMNS))
        for rows in self._slices(0, len(self.order), _SMALL):
            units = self._units(rows, left)
            for columns in self._slices(
                self.starts[rows.start], self.stops[rows.stop - 1], _COLUMNS
            ):
                tile = units @ self._units(columns, right).T
                tile[self.labels[rows, None] != self.labels[columns]] = -np.inf
                own = np.arange(max(rows.start, columns.start), min(rows.stop, columns.stop))
                tile[own - rows.start, own - columns.start] = -np.inf
                np.maximum(best[rows], tile.max(axis=1), out=best[rows])
        return best

    def _tally(self, tile: Array, start: int, other: int) -> None:
        """Count, for the images from `start` on, the closer ones among those from `other` on."""
        least = self.least[start : start + len(tile)]
        matter = np.flatnonzero(tile.max(axis=1) >= least)
        for part in self._slices(0, len(matter), _SMALL):
            rows = matter[part]
            places, similarities = start + rows, tile[rows]
            sure = similarities > (self.best[places] + self.tolerance)[:, None]
            self.counts[places] += np.count_nonzero(sure, axis=1)
            near = (similarities >= self.least[places, None]) & ~sure
            for row in np.flatnonzero(near.any(axis=1) & (self.counts[places] < self.most)):
                found = self._closer(places[row], other + np.flatnonzero(near[row]))
                self.counts[places[row]] += found
            full = places[self.counts[places] >= self.most]
            self.counts[full] = self.most
            self.least[full] = np.inf

    def _closer(self, place: int, others: Integers) -> int:
        """How many of these come before the nearest image of the same class, in float64."""
        family = np.arange(self.starts[place], self.stops[place])
        family = family[family != place]
        kin = self._exact(place, family)
        best = kin.max()
        first = self.order[family[kin == best]].min()
        values = self._exact(place, others)
        tied = (values == best) & (self.order[others] < first)
        return int(np.count_nonzero((values > best) | tied))

    def _exact(self, place: int, others: Integers) -> Array:
        """Similarities in float64, equal for equal vectors wherever they stand."""
        own = self.vectors[self.order[place]].astype(np.float64)
        parts = []
        for part in self._slices(0, len(others), _SMALL):
            vectors = self.vectors[self.order[others[part]]].astype(np.float64)
            # Not a matrix product: its kernels may sum the last rows in another order.
            products = np.einsum("ij,j->i", vectors, own)
            parts.append(products / np.sqrt(squared_norms(vectors)))
        return np.concatenate(parts)


DATASET, PROTOCOL = SOP, SOPProtocol
