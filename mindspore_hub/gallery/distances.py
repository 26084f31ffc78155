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
    check_dimensions(query, gallery)
    size = part_rows(k, kind)
    count = len(gallery) if keep is None else len(keep)
    rows = (slice(begin, begin + size) for begin in range(0, count, size))
    parts = (gallery[part] if keep is None else gallery[keep[part]] for part in rows)
    indices, distances = exact_in_parts(query, parts, k=k, kind=kind)
    return indices if keep is None else keep[indices], distances


def exact_in_parts(query: Floats, parts: Iterable[Floats], *, k: int, kind: Kind) -> Found:
    """The same for a gallery that comes in parts of `part_rows`, of which only the last may be smaller."""
    if kind == "dot":
        return _top_k(query, parts, k=k, kind=kind, dtype=np.float32)
    # A small distance between long vectors is the difference of large numbers.
    indices, ranking = _top_k(query, parts, k=k, kind=kind, dtype=np.float64)
    distances = ranking + squared_norms(query, np.float64)[:, None]  # the query's own part
    return indices, np.maximum(distances, 0).astype(np.float32)


def part_rows(k: int, kind: Kind) -> int:
    """Rows of each part of a gallery: so many that blocks have many rows of queries.

    With few, a matrix product spends its time on reading the gallery.
    """
    return max(k, block_columns(4 if kind == "dot" else 8))


def top_k(
    query: Floats,
    gallery: Floats,
    *,
    k: int,
    kind: Kind = "dot",
    dtype: type[np.floating[Any]] = np.float32,
) -> Found:
    """Indices and distances of the k nearest gallery items of each query, `(Q, min(k, G))`, nearest first.

    `kind` and `dtype` are as for `Distances`. Raises FeaturesError if k is less than 1, or dimensions differ.
    """
    size = max(k, block_columns(np.dtype(dtype).itemsize))
    parts = (gallery[begin : begin + size] for begin in range(0, len(gallery), size))
    return _top_k(query, parts, k=k, kind=kind, dtype=dtype)


def _top_k(
    query: Floats, parts: Iterable[Floats], *, k: int, kind: Kind, dtype: type[np.floating[Any]]
) -> Found:
    if k < 1:
        msg = f"k must be at least 1, but is {k}."
        raise FeaturesError(msg)
    indices, values = np.empty((len(query), 0), np.int64), np.empty((len(query), 0), dtype)
    begin = 0
    for part in parts:
        distances = Distances(query, part, kind=kind, dtype=dtype)
        if not begin:
            indices, values = nearest(distances.blocks(), distances.shape, k=k, dtype=dtype)
        else:
            for start, block in distances.blocks():
                rows = slice(start, start + len(block))
                _merge(indices[rows], values[rows], block, begin)
        begin += len(part)
    return indices, values


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
