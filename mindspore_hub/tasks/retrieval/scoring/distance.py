"""Distances between queries and a gallery, one block of queries at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from mindspore_hub.errors import FeaturesError
from mindspore_hub.tasks.retrieval.features import Floats, squared_norms

BLOCK_BYTES = 24 * 2**20
"""Bytes of one block of distances, however large the gallery."""

_CHUNK_BYTES = 8 * 2**20
"""Bytes of gallery features that are converted to another dtype at a time."""

_MOST_ROWS = 512

_NORM_TOLERANCE = 1e-3

Kind = Literal["dot", "euclidean"]


class Distances:
    """Distances of queries `(Q, D)` to a gallery `(G, D)`.

    Args:
        query: Features of the queries.
        gallery: Features of the gallery.
        kind: `dot`: the negative inner product. `euclidean`: the squared Euclidean distance without
            the squared norm of the query, which changes no ranking.
        dtype: What is computed in. Some originals rank in float64.

    Raises:
        FeaturesError: Queries and gallery have different dimensions.
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
    """Refuse features whose norm is not 1.

    Args:
        vectors: Features `(N, D)`.
        taker: What takes only those of norm 1, for the message.
        role: `queries` or `gallery`, for the message.

    Raises:
        FeaturesError: Some have another norm; the message names the first.
    """
    norms = np.sqrt(squared_norms(vectors))
    bad = np.flatnonzero(np.abs(norms - 1) > _NORM_TOLERANCE)
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
