"""Recall among images themselves: every pair is compared once.

A float32 product decides what is clearly closer than the nearest image of the same class; what is
too near to call is compared in float64. So the result is that of an exact ranking by cosine
similarity, which for vectors of norm 1 is the ranking by Euclidean distance. Equal ones are
ordered by index.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from mindspore_hub.errors import FeaturesError
from mindspore_hub.reid.features import Floats, Integers, squared_norms

_ROWS = 2560
_COLUMNS = 1024
"""Images on the sides of a block: with 2,048 values each, the sides and the block are 40 MB."""

_SMALL = 256

Array = npt.NDArray[Any]


def closer_counts(vectors: Floats, labels: Integers, *, most: int) -> Integers:
    """How many images of other classes are closer to each image than its nearest of the same class.

    Args:
        vectors: Features `(N, D)`, of any norm but 0.
        labels: Class of each image, `(N,)`.
        most: Counting an image's stops when it reaches this.

    Returns:
        Counts `(N,)`; -1 for an image that is the only one of its class.

    Raises:
        FeaturesError: A feature is 0 and has no direction.
    """
    return _Search(vectors, labels, most).run()


class _Search:
    """One search; images are looked at in the order of their labels, `self.order`."""

    def __init__(self, vectors: Floats, labels: Integers, most: int) -> None:
        self.vectors = vectors
        self.order = np.argsort(labels, kind="stable")
        self.labels = labels[self.order]
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
        buffer = np.empty(_ROWS * _COLUMNS, np.float32)
        for rows in self._slices(0, len(self.order), _ROWS):
            self._compare(rows, buffer)
        counts = np.empty_like(self.counts)
        counts[self.order] = self.counts
        return counts

    def _compare(self, rows: slice, buffer: Array) -> None:
        """Compare these images with each other and with all that follow."""
        left = self._units(rows)
        inside = self._slices(rows.start, rows.stop, _COLUMNS)
        for columns in (*inside, *self._slices(rows.stop, len(self.order), _COLUMNS)):
            right = self._units(columns)
            # Rows after these columns meet them as columns.
            upper = left[: columns.stop - rows.start]
            tile = buffer[: len(upper) * len(right)].reshape(len(upper), len(right))
            np.matmul(upper, right.T, out=tile)
            self._tally_tile(tile, rows.start, columns)

    @staticmethod
    def _slices(start: int, stop: int, size: int) -> Iterator[slice]:
        for begin in range(start, stop, size):
            yield slice(begin, min(begin + size, stop))

    def _units(self, places: slice) -> Array:
        """Vectors of norm 1, float32."""
        units = self.vectors[self.order[places]].astype(np.float32, copy=False)
        units *= self.inverse[places, None]
        return np.asarray(units)

    def _nearest_of_class(self) -> Array:
        """Largest similarity to an image of the same class; -infinity where there is none."""
        best = np.full(len(self.order), -np.inf, np.float32)
        for rows in self._slices(0, len(self.order), _SMALL):
            left = self._units(rows)
            for columns in self._slices(
                self.starts[rows.start], self.stops[rows.stop - 1], _COLUMNS
            ):
                tile = left @ self._units(columns).T
                tile[self.labels[rows, None] != self.labels[columns]] = -np.inf
                own = np.arange(max(rows.start, columns.start), min(rows.stop, columns.stop))
                tile[own - rows.start, own - columns.start] = -np.inf
                np.maximum(best[rows], tile.max(axis=1), out=best[rows])
        return best

    def _tally_tile(self, tile: Array, start: int, columns: slice) -> None:
        """Count for the rows, from `start` on, and for columns that are not among the rows."""
        rows = slice(start, start + len(tile))
        if self.labels[rows.stop - 1] >= self.labels[columns.start]:
            tile[self.labels[rows, None] == self.labels[columns]] = -np.inf
        for row in np.flatnonzero(tile.max(axis=1) >= self.least[rows]):
            self._tally(start + row, tile[row], columns.start)
        before = tile[: columns.start - start]
        if len(before):
            for column in np.flatnonzero(before.max(axis=0) >= self.least[columns]):
                self._tally(columns.start + column, before[:, column], start)

    def _tally(self, place: int, similarities: Array, start: int) -> None:
        """Count what is closer to the image at `place`, among those from `start` on."""
        candidates = np.flatnonzero(similarities >= self.least[place])
        sure = similarities[candidates] > self.best[place] + self.tolerance
        self.counts[place] += np.count_nonzero(sure)
        near = start + candidates[~sure]
        if self.counts[place] < self.most and near.size:
            self.counts[place] += self._closer(place, near)
        if self.counts[place] >= self.most:
            self.counts[place] = self.most
            self.least[place] = np.inf

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
