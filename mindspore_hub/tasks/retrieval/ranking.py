"""Distances one block of queries at a time, exact ranks of the true matches, and nearest neighbours.

No gallery is sorted. Wherever two gallery items are at the same distance, the one with the lower index
comes first. The originals sort with NumPy's default, unstable algorithm, so that their order of ties is
chance.
"""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from mindspore_hub.errors import FeaturesError
from mindspore_hub.tasks.retrieval.features import Floats, Integers, identities, squared_norms

BLOCK_BYTES = 24 * 2**20
"""Bytes of one block of distances, however large the gallery."""

_CHUNK_BYTES = 8 * 2**20
"""Bytes of gallery features that are converted to another dtype at a time."""

_MOST_ROWS = 512

Kind = Literal["dot", "euclidean"]


class Distances:
    """Distances of queries `(Q, D)` to a gallery `(G, D)`.

    Args:
        query: Features of the queries.
        gallery: Features of the gallery, of the same dimension.
        kind: `dot`: the negative inner product. `euclidean`: the squared Euclidean distance without
            the squared norm of the query, which changes no ranking.
        dtype: What is computed in. Some originals rank in float64.
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


@dataclass(frozen=True, eq=False)
class Ranks:
    """Ranks of the true matches of each query, after what a protocol removes has been removed.

    Values are ranks from 0, ascending within a query, all queries one after the other; a count for each.
    """

    values: Integers
    counts: Integers

    @property
    def offsets(self) -> Integers:
        """Where each query's ranks begin in `values`, and their number: `(Q + 1,)`."""
        return np.concatenate([[0], np.cumsum(self.counts)])


class Relevance:
    """Which gallery items are matches of a query, and which are removed before it is ranked.

    A match has the label of the query, which must not be negative. If there are cameras, of queries and
    gallery, a gallery item with the label and the camera of the query is removed instead.
    """

    def __init__(
        self,
        query_labels: Integers,
        gallery_labels: Integers,
        *,
        cameras: tuple[Integers, Integers] | None = None,
    ) -> None:
        wanted, items = identities(query_labels, gallery_labels)
        self._order = np.argsort(items, kind="stable")
        ordered = items[self._order]
        self._starts = np.searchsorted(ordered, wanted, "left")
        self._stops = np.searchsorted(ordered, wanted, "right")
        self._cameras = cameras

    def of(self, query: int) -> tuple[Integers, Integers]:
        """Indices, ascending, of the matches of a query, and of what is removed for it."""
        same = self._order[self._starts[query] : self._stops[query]]
        if self._cameras is None:
            return same, same[:0]
        query_cameras, gallery_cameras = self._cameras
        seen = gallery_cameras[same] == query_cameras[query]
        return same[~seen], same[seen]


def match_ranks(blocks: Blocks, relevance: Relevance) -> Ranks:
    """Rank the matches of every query, from the distances of all queries in their order."""
    found: list[Integers] = []
    with ThreadPoolExecutor(_threads()) as pool:
        for start, block in blocks:
            parts = np.array_split(np.arange(len(block)), _threads())
            rank = functools.partial(_ranks_in_rows, block, start, relevance)
            found += itertools.chain.from_iterable(pool.map(rank, parts))
    counts = np.fromiter((len(ranks) for ranks in found), np.int64, len(found))
    return Ranks(np.concatenate([*found, np.empty(0, np.int64)]), counts)


def _threads() -> int:
    """Processors that may be used; NumPy sorts and compares without holding the interpreter."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _ranks_in_rows(
    block: npt.NDArray[Any], start: int, relevance: Relevance, rows: Integers
) -> list[Integers]:
    """Ranks of the matches in some rows of a block."""
    found = []
    for row in rows.tolist():
        matches, removed = relevance.of(start + row)
        distances = block[row]
        distances[removed] = np.inf
        found.append(_ranks_in_row(distances, matches))
    return found


def _ranks_in_row(distances: npt.NDArray[Any], matches: Integers) -> Integers:
    """Ranks of these items: if possible, only what is not further than the last one is sorted."""
    if not matches.size:
        return matches
    own = np.sort(distances[matches])
    near = distances <= own[-1]
    # To pick most of a row takes longer than to sort all of it.
    few = np.count_nonzero(near) < len(distances) // 4
    closer = np.sort(distances[near] if few else distances)
    ranks = closer.searchsorted(own)
    if (closer.searchsorted(own, "right") > ranks + 1).any():
        return _ranks_with_ties(distances, matches)
    return ranks


def _ranks_with_ties(distances: npt.NDArray[Any], matches: Integers) -> Integers:
    """Ranks where some distance occurs more than once."""
    ranks = [
        np.count_nonzero(distances[:match] <= distances[match])
        + np.count_nonzero(distances[match + 1 :] < distances[match])
        for match in matches
    ]
    return np.sort(np.array(ranks, np.int64))


def top_k(
    query: Floats,
    gallery: Floats,
    *,
    k: int,
    kind: Kind = "dot",
    dtype: type[np.floating[Any]] = np.float32,
) -> tuple[Integers, Floats]:
    """The k nearest gallery items of each query.

    The gallery is taken part by part, so that blocks have many rows however large it is: with few,
    a matrix product spends its time on reading the gallery. `kind` and `dtype` are as for `Distances`.

    Returns:
        Indices and distances, both `(Q, min(k, G))`, nearest first.

    Raises:
        FeaturesError: k is less than 1, or the dimensions differ.
    """
    if k < 1:
        msg = f"k must be at least 1, but is {k}."
        raise FeaturesError(msg)
    columns = max(k, block_columns(np.dtype(dtype).itemsize))
    first = Distances(query, gallery[:columns], kind=kind, dtype=dtype)
    indices, values = nearest(first.blocks(), first.shape, k=k, dtype=dtype)
    for begin in range(columns, len(gallery), columns):
        part = Distances(query, gallery[begin : begin + columns], kind=kind, dtype=dtype)
        for start, block in part.blocks():
            rows = slice(start, start + len(block))
            _merge(indices[rows], values[rows], block, begin)
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
