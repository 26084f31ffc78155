"""Exact nearest neighbours: distances one block of queries at a time, and the nearest of them.

No gallery is sorted. Wherever two gallery items are at the same distance, the one with the lower index
comes first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from mindspore_hub.errors import FeaturesError
from mindspore_hub.gallery.features import Floats, Integers, squared_norms

BLOCK_BYTES = 24 * 2**20
"""Bytes of one block of distances, however large the gallery."""

_CHUNK_BYTES = 8 * 2**20
"""Bytes of gallery features that are converted to another dtype at a time."""

_MOST_ROWS = 512

Kind = Literal["dot", "euclidean"]


class Distances:
    """Distances of queries `(Q, D)` to a gallery `(G, D)`.

    `dot` is the negative inner product; `euclidean` the squared Euclidean distance without the squared norm
    of the query, which changes no ranking. Some originals rank in float64, which `dtype` is for.
    """

    def __init__(
        self,
        query: Floats,
        gallery: Floats,
        *,
        kind: Kind,
        dtype: type[np.floating[Any]] = np.float32,
    ) -> None:
        check_dimensions(query, gallery)
        self.shape = (len(query), len(gallery))
        self._query = query
        self._gallery = gallery
        self._dtype = np.dtype(dtype)
        self._scale = -1.0 if kind == "dot" else -2.0
        self._offset = squared_norms(gallery, dtype).astype(dtype) if kind == "euclidean" else None

    def blocks(self) -> Iterator[tuple[int, npt.NDArray[Any]]]:
        """Index of the first query of a block, and its distances `(B, G)`.

        The array is overwritten by the next block; until then, the caller may write to it.
        """
        rows = block_rows(self.shape[1], self._dtype.itemsize)
        buffer = np.empty((min(rows, self.shape[0]), self.shape[1]), self._dtype)
        for start in range(0, self.shape[0], rows):
            query = self._query[start : start + rows].astype(self._dtype)
            query *= self._scale
            block = buffer[: len(query)]
            self._multiply(query, block)
            if self._offset is not None:
                block += self._offset
            yield start, block

    def _multiply(self, query: npt.NDArray[Any], out: npt.NDArray[Any]) -> None:
        if self._gallery.dtype == self._dtype:
            np.matmul(query, self._gallery.T, out=out)
            return
        columns = max(1, _CHUNK_BYTES // (self._gallery.shape[1] * self._dtype.itemsize))
        for start in range(0, self.shape[1], columns):
            chunk = self._gallery[start : start + columns].astype(self._dtype)
            np.matmul(query, chunk.T, out=out[:, start : start + columns])


def check_dimensions(query: Floats, gallery: Floats) -> None:
    """Refuse a gallery whose features have another length than those of the queries."""
    if query.shape[1] != gallery.shape[1]:
        msg = (
            f"Queries have {query.shape[1]} values each, but the gallery {gallery.shape[1]}; "
            "make both with the same network."
        )
        raise FeaturesError(msg)


def check_norms(vectors: Floats, taker: str, role: str) -> None:
    """Refuse features `(N, D)` whose norm is not 1; what takes them and their role are for the message."""
    norms = np.sqrt(squared_norms(vectors))
    bad = np.flatnonzero(np.abs(norms - 1) > 1e-3)
    if bad.size:
        msg = (
            f"{taker} takes features of norm 1, but {bad.size} of {len(vectors)} have another, "
            f"the first at index {bad[0]} of the {role} with {norms[bad[0]]:.4g}. Divide them by "
            "their norms: vectors / np.linalg.norm(vectors, axis=1, keepdims=True)."
        )
        raise FeaturesError(msg)


def block_rows(columns: int, itemsize: int) -> int:
    """How many rows of so many columns make a block."""
    return max(1, min(_MOST_ROWS, BLOCK_BYTES // max(1, columns * itemsize)))


def block_columns(itemsize: int) -> int:
    """How many columns a block has if it has as many rows as blocks have at most."""
    return max(1, BLOCK_BYTES // (_MOST_ROWS * itemsize))


Blocks = Iterable[tuple[int, npt.NDArray[Any]]]
"""Index of the first query of a block, and its distances `(B, G)`, which the reader may change."""

_GROUPS = 64

Found = tuple[Integers, Floats]
"""Indices and distances `(Q, min(k, G))`, nearest first, and of equals the lower index first."""


def exact(
    query: Floats, gallery: Floats, *, k: int, kind: Kind, keep: Integers | None = None
) -> Found:
    """Compare all queries `(Q, D)` with all of the gallery `(G, D)`; distances are float32.

    `keep` is which rows of the gallery are looked at, ascending; None for all.
    """
    if kind == "dot":
        return top_k(query, gallery, k=k, keep=keep)
    # A small distance between long vectors is the difference of large numbers.
    indices, ranking = top_k(query, gallery, k=k, kind=kind, dtype=np.float64, keep=keep)
    distances = ranking + squared_norms(query, np.float64)[:, None]  # the query's own part
    return indices, np.maximum(distances, 0).astype(np.float32)


def top_k(
    query: Floats,
    gallery: Floats,
    *,
    k: int,
    kind: Kind = "dot",
    dtype: type[np.floating[Any]] = np.float32,
    keep: Integers | None = None,
) -> Found:
    """Indices and distances of the k nearest gallery items of each query, `(Q, min(k, G))`, nearest first.

    The gallery is taken part by part, so that blocks have many rows however large it is: with few, a
    matrix product spends its time on reading the gallery. `kind` and `dtype` are as for `Distances`, `keep`
    as for `exact`. Raises FeaturesError if k is less than 1, or dimensions differ.
    """
    if k < 1:
        msg = f"k must be at least 1, but is {k}."
        raise FeaturesError(msg)
    columns = max(k, block_columns(np.dtype(dtype).itemsize))
    count = len(gallery) if keep is None else len(keep)

    def part(begin: int) -> Distances:
        rows = slice(begin, begin + columns)
        taken = gallery[rows] if keep is None else gallery[keep[rows]]
        return Distances(query, taken, kind=kind, dtype=dtype)

    first = part(0)
    indices, values = nearest(first.blocks(), first.shape, k=k, dtype=dtype)
    del first  # with the rows that it took
    for begin in range(columns, count, columns):
        for start, block in part(begin).blocks():
            rows = slice(start, start + len(block))
            _merge(indices[rows], values[rows], block, begin)
    return indices if keep is None else keep[indices], values


def _merge(indices: Integers, values: Floats, block: npt.NDArray[Any], begin: int) -> None:
    """Put what is nearer than the furthest of each row into its place; columns count from `begin`."""
    near = block < values[:, -1:]
    for row in np.flatnonzero(near.any(axis=1)):
        columns = np.flatnonzero(near[row])
        merged = np.concatenate([values[row], block[row, columns]])
        order = np.argsort(merged, kind="stable")[: values.shape[1]]
        values[row] = merged[order]
        indices[row] = np.concatenate([indices[row], columns + begin])[order]


def nearest(
    blocks: Blocks, shape: tuple[int, int], *, k: int, dtype: type[np.floating[Any]] = np.float32
) -> tuple[Integers, Floats]:
    """The k nearest items of each query, as `top_k` returns them, from any source of distances.

    The blocks are those of all queries in their order; the shape is `(Q, G)`.
    """
    indices = np.empty((shape[0], min(k, shape[1])), np.int64)
    values = np.empty(indices.shape, dtype)
    for start, block in blocks:
        for row, found in enumerate(nearest_in_rows(block, k), start):
            indices[row] = found
            values[row] = block[row - start, found]
    return indices, values


def nearest_in_rows(block: npt.NDArray[Any], k: int) -> Iterator[Integers]:
    """Indices of the k smallest values of each row, smallest first.

    The k-th smallest of the minima of groups of columns bounds the k-th smallest value, so only
    what is not above that bound is sorted.
    """
    bounds = _bounds(block, min(k, block.shape[1]))
    for row, bound in zip(block, bounds, strict=True):
        candidates = np.flatnonzero(row <= bound)
        yield candidates[np.argsort(row[candidates], kind="stable")[:k]]


def _bounds(block: npt.NDArray[Any], k: int) -> npt.NDArray[Any]:
    """A value per row that at least k of its values do not exceed."""
    width = block.shape[1] // _GROUPS
    if width < k:
        return np.partition(block, k - 1, axis=1)[:, k - 1]
    grouped = block[:, : width * _GROUPS].reshape(len(block), _GROUPS, width)
    return np.partition(grouped.min(axis=1), k - 1, axis=1)[:, k - 1]
