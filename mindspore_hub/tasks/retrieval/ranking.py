"""Exact ranks of the true matches of queries.

No gallery is sorted. Wherever two gallery items are at the same distance, the one with the lower index
comes first. The originals sort with NumPy's default, unstable algorithm, so that their order of ties is
chance.
"""

from __future__ import annotations

import functools
import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mindspore_hub.gallery.distances import Blocks
from mindspore_hub.gallery.features import Integers, identities


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
