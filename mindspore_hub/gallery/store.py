"""What a kind of gallery has to do, and what a search in it finds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from mindspore_hub.gallery.distances import Kind
from mindspore_hub.gallery.features import Features, Floats, Integers
from mindspore_hub.gallery.index import Measured
from mindspore_hub.gallery.where import Filter

NOBODY = -1
"""The id in place of a row that was not found."""

UNKNOWN = -1
"""The label or camera that nobody knows."""


@dataclass(frozen=True, eq=False)
class Found:
    """The k nearest rows of a gallery to each of Q queries.

    Where fewer than k rows fit the filter, the places that are left have the id -1, the distance infinity,
    the label and camera -1 and an empty path.

    Attributes:
        ids: Ids of the rows, `(Q, k)`, int64, nearest first.
        distances: How far they are, `(Q, k)`, float32.
        labels: Their labels, `(Q, k)`, int64; -1 where nobody knows.
        cameras: Their cameras, likewise.
        paths: Their paths, `(Q, k)`, text; empty where nobody knows.
        how: How they were found, as plain JSON: `kind` is `exact`, or that of an index, whose measured
            `recall` is there, too.
    """

    ids: Integers
    distances: npt.NDArray[np.float32]
    labels: Integers
    cameras: Integers
    paths: npt.NDArray[np.str_]
    how: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def none(cls, queries: int, how: Mapping[str, Any]) -> Found:
        """Nothing, for so many queries."""
        nothing = np.empty((queries, 0), np.int64)
        far = np.empty(nothing.shape, np.float32)
        return cls(nothing, far, nothing, nothing, np.empty(nothing.shape, "U1"), dict(how))

    @classmethod
    def joined(cls, parts: Sequence[Found], how: Mapping[str, Any]) -> Found:
        """Answers to some queries and to others, of one k."""
        names = ("ids", "distances", "labels", "cameras", "paths")
        columns: dict[str, Any] = {
            name: np.concatenate([getattr(part, name) for part in parts]) for name in names
        }
        return cls(**columns, how=dict(how))

    def padded(self, k: int) -> Found:
        """The same with k columns."""
        width = [(0, 0), (0, k - self.ids.shape[1])]
        if not width[1][1]:
            return self

        def pad(array: npt.NDArray[Any], value: Any) -> npt.NDArray[Any]:
            return np.pad(array, width, constant_values=value)

        return Found(
            *(pad(self.ids, NOBODY), pad(self.distances, np.inf), pad(self.labels, UNKNOWN)),
            *(pad(self.cameras, UNKNOWN), pad(self.paths, ""), self.how),
        )


class Store(Protocol):
    """What keeps the rows of a gallery."""

    kind: str

    @property
    def about(self) -> Mapping[str, Any]:
        """What made the features."""

    @property
    def dimension(self) -> int | None:
        """Values of each feature; None while there are no rows."""

    def refresh(self) -> None:
        """See what other processes have changed."""

    def writing(self) -> AbstractContextManager[None]:
        """What is changed in the block is not disturbed by other writers."""

    def count(self, where: Filter | None) -> int:
        """How many rows there are, or fit a filter."""

    def known(self, ids: Integers) -> dict[int, str]:
        """Digests, by id, of those ids that are there."""

    def append(self, rows: Features, about: Mapping[str, Any]) -> int:
        """Add rows with all that a gallery keeps, unless they are there, and say how many that were.

        They are there for good when it returns.
        """

    def delete(self, where: Filter) -> int:
        """Remove what fits, and say how many rows that was."""

    def nearest(
        self, vectors: Floats, k: int, where: Filter | None, *, kind: Kind, use_index: bool
    ) -> Found:
        """The nearest rows; fewer than k if there are fewer."""

    def rows(self, ids: Integers) -> Features | None:
        """Rows of those of the ids that are there, in this order; None if none is."""

    def parts(self, where: Filter | None) -> Iterator[Features]:
        """All rows, or those that fit, part by part, as they are now."""

    def facts(self) -> dict[str, Any]:
        """What only this kind has to say, as plain JSON."""

    def index(self, *, kind: Kind, partitions: int | None, target: float) -> Measured:
        """Make an index and measure it; `target` is the recall that its searches are to have."""

    def compact(self, *, now: bool) -> None:
        """Tidy up after many changes."""
