"""Re-ranking with k-reciprocal encoding (Zhong et al., CVPR 2017, arXiv:1701.08398).

Precision follows VehicleNet's evaluation (research/cv/VehicleNet of the MindSpore models, branch
r1.8), since near-ties are common: similarities in float64, everything from the normalised
distances on in float32, sums in ascending order of the index. The original holds several matrices
over queries and gallery together; here, the weights are sparse and distances exist one block at a
time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mindspore_hub.errors import FeaturesError
from mindspore_hub.gallery.distances import Distances, block_rows, nearest_in_rows
from mindspore_hub.gallery.features import Floats, Integers

Array = npt.NDArray[Any]


class _Sparse(NamedTuple):
    """Rows of a sparse matrix: the columns and values of row i are those from starts[i] on."""

    starts: Integers
    columns: npt.NDArray[np.int32]
    values: npt.NDArray[np.float32]

    def entries(self, rows: Array) -> tuple[Integers, Integers]:
        """Which of these rows each of their entries belongs to, and where the entry is."""
        counts = self.starts[rows + 1] - self.starts[rows]
        owners = np.repeat(np.arange(len(rows)), counts)
        begins = self.starts[rows] - np.cumsum(counts) + counts
        return owners, np.arange(len(owners)) + begins[owners]


class KReciprocal:
    """Re-ranked distances of queries `(Q, D)` to a gallery `(G, D)`, or among themselves, of norm 1.

    Without a gallery, each query counts once as a neighbour. `k1` is how many neighbours may be reciprocal,
    `k2` over how many weights are averaged, and `original_share` the share of the distance before re-ranking
    in the result (lambda in the paper). Raises FeaturesError if there are no more than k1 images.
    """

    def __init__(
        self,
        query: Floats,
        gallery: Floats | None,
        *,
        k1: int = 20,
        k2: int = 6,
        original_share: float = 0.3,
    ) -> None:
        self._joint = query if gallery is None else np.concatenate([query, gallery])
        self._first = 0 if gallery is None else len(query)
        self.shape = (len(query), len(self._joint) - self._first)
        self._k2 = k2
        self._share = original_share
        if len(self._joint) <= k1 or k1 < 1 or k2 < 1:
            msg = (
                f"Re-ranking with k1={k1} and k2={k2} needs at least {max(k1, 1) + 1} images, and "
                f"both at least 1, but there are {len(self._joint)} images; lower k1."
            )
            raise FeaturesError(msg)
        self._order = _neighbours(self._joint, k1 + 1)

    def blocks(self) -> Iterator[tuple[int, Array]]:
        """Index of the first query of a block, and its distances `(B, G)`, float32."""
        queries, items = self.shape
        weights = _average(_weights(self._joint, self._order), self._order[:, : self._k2])
        inverse = _transposed(weights, self._first)
        rows = block_rows(items, 4)
        original = self._original(rows)
        for start in range(0, queries, rows):
            stop = min(start + rows, queries)
            block = np.empty((stop - start, items), np.float32)
            for row in range(start, stop):
                block[row - start] = _jaccard(weights, inverse, row, items)
            if self._share:
                block *= np.float32(1 - self._share)
                block += next(original) * np.float32(self._share)
            yield start, block

    def _original(self, rows: int) -> Iterator[Array]:
        for start in range(0, self.shape[0], rows):
            query = self._joint[start : min(start + rows, self.shape[0])]
            parts = [block[:, self._first :] for _, block in _normalised(query, self._joint)]
            yield np.concatenate(parts)


def _normalised(query: Floats, joint: Floats) -> Iterator[tuple[int, Array]]:
    """Squares of 2 - 2 x similarity as float32, divided by the largest of each row."""
    for start, block in Distances(query, joint, kind="dot", dtype=np.float64).blocks():
        np.multiply(block, 2, out=block)
        np.add(block, 2, out=block)
        distances = np.square(block, out=block).astype(np.float32)
        distances /= distances.max(axis=1, keepdims=True)
        yield start, distances


def _neighbours(joint: Floats, count: int) -> npt.NDArray[np.int32]:
    """Nearest images of each image, itself among them, nearest first: `(N, count)`."""
    order = np.empty((len(joint), count), np.int32)
    for start, block in _normalised(joint, joint):
        for row, nearest in enumerate(nearest_in_rows(block, count), start):
            order[row] = nearest
    return order


def _reciprocal(order: npt.NDArray[np.int32]) -> _Sparse:
    """Neighbours that have the image among theirs, by image, in ascending order."""
    images = len(order)
    near = np.repeat(np.arange(images, dtype=np.int64), order.shape[1])
    far = order.reshape(-1).astype(np.int64)
    forward = np.sort(near * images + far)
    pairs = np.intersect1d(forward, far * images + near, assume_unique=True)
    starts = np.searchsorted(pairs, np.arange(images + 1) * images)
    return _Sparse(starts, (pairs % images).astype(np.int32), np.empty(0, np.float32))


def _weights(joint: Floats, order: npt.NDArray[np.int32]) -> _Sparse:
    """Gaussian weights of each image on its expanded set of reciprocal neighbours."""
    k1 = order.shape[1] - 1
    wide, narrow = _reciprocal(order), _reciprocal(order[:, : int(np.around(k1 / 2)) + 1])
    member = np.zeros(len(joint), bool)
    columns, values = [], []
    for start, block in _normalised(joint, joint):
        for row, distances in enumerate(block, start):
            own = wide.columns[wide.starts[row] : wide.starts[row + 1]]
            expanded = _expanded(own, narrow, member)
            weights = np.exp(-distances[expanded])
            columns.append(expanded)
            values.append(weights / np.sum(weights))
    return _rows(columns, values)


def _expanded(own: Array, narrow: _Sparse, member: npt.NDArray[np.bool_]) -> Array:
    """A set, and the narrow sets of its members of which more than two thirds lie in it."""
    member[own] = True
    owners, places = narrow.entries(own)
    candidates = narrow.columns[places]
    sizes = np.bincount(owners, minlength=len(own))
    shared = np.bincount(owners, member[candidates], minlength=len(own))
    added = candidates[(shared > 2 / 3 * sizes)[owners]]
    member[own] = False
    return np.asarray(np.unique(np.concatenate([own, added])))


def _average(weights: _Sparse, order: npt.NDArray[np.int32]) -> _Sparse:
    """Mean of the weights of each image's nearest neighbours."""
    images, neighbours = order.shape
    if neighbours == 1:
        return weights
    columns, values = [], []
    rows = block_rows(images, 4)
    for start in range(0, images, rows):
        dense = np.zeros((min(rows, images - start), images), np.float32)
        for nearest in order[start : start + rows].T:
            owners, places = weights.entries(nearest)
            # No pair of row and column occurs twice for one neighbour, so plain addition is whole.
            dense[owners, weights.columns[places]] += weights.values[places]
        dense /= np.float32(neighbours)
        for row in dense:
            columns.append(np.flatnonzero(row).astype(np.int32))
            values.append(row[columns[-1]])
    return _rows(columns, values)


def _rows(columns: list[Array], values: list[Array]) -> _Sparse:
    counts = [len(row) for row in columns]
    return _Sparse(
        np.concatenate([[0], np.cumsum(counts)]), np.concatenate(columns), np.concatenate(values)
    )


def _transposed(weights: _Sparse, first: int) -> _Sparse:
    """Rows from `first` on of a square matrix, transposed; columns count from `first`."""
    begin = weights.starts[first]
    images = len(weights.starts) - 1
    columns = weights.columns[begin:]
    order = np.argsort(columns, kind="stable")
    owners = np.repeat(np.arange(images - first, dtype=np.int32), np.diff(weights.starts[first:]))
    counts = np.bincount(columns, minlength=images)
    return _Sparse(
        np.concatenate([[0], np.cumsum(counts)]), owners[order], weights.values[begin:][order]
    )


def _jaccard(weights: _Sparse, inverse: _Sparse, query: int, items: int) -> Array:
    """Jaccard distances of one query to the gallery."""
    entries = slice(weights.starts[query], weights.starts[query + 1])
    owners, places = inverse.entries(weights.columns[entries])
    smaller = np.minimum(weights.values[entries][owners], inverse.values[places])
    overlap = np.zeros(items, np.float32)
    np.add.at(overlap, inverse.columns[places], smaller)
    return 1 - overlap / (2 - overlap)
