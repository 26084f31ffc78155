"""What an index of a gallery finds of the nearest rows: measured when it is made, said with every answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mindspore_hub.gallery.features import Floats, Integers
from mindspore_hub.gallery.origin import ID_BITS
from mindspore_hub.gallery.where import Comparison, Filter

K = 10
"""Nearest rows of which the recall is measured."""

SAMPLE = 100
"""Rows that are looked for."""

_SHARES = (0.1, 0.01)
"""Shares of the rows that filters keep with which the recall is measured; the lower one counts."""

Search = Callable[[Floats, int, Filter | None, int | None], Integers]
"""Ids of the k nearest rows that fit a filter, with so many probes; exactly, without."""


@dataclass(frozen=True)
class Measured:
    """What is known of an index.

    Attributes:
        kind: `IVF_FLAT`.
        distance: What it ranks by.
        partitions: How many lists it has.
        rows: How many rows it was measured with.
        sample: How many of them were looked for; none counts as its own neighbour.
        k: How many nearest rows of each.
        probes: Lists that a search without a filter looks at.
        recall: Share of the nearest rows that it then finds.
        filtered_probes: Lists that a search with a filter looks at.
        filtered_recall: The same share, of filters that keep a tenth or a hundredth of the rows at random.
    """

    kind: str
    distance: str
    partitions: int
    rows: int
    sample: int
    k: int
    probes: int
    recall: float
    filtered_probes: int
    filtered_recall: float

    def probes_for(self, *, filtered: bool) -> int:
        """Lists that a search looks at."""
        return self.filtered_probes if filtered else self.probes

    def how(self, *, filtered: bool) -> dict[str, Any]:
        """What an answer says of the search."""
        return {
            "kind": self.kind,
            "partitions": self.partitions,
            "probes": self.probes_for(filtered=filtered),
            "filtered": filtered,
            "recall": self.filtered_recall if filtered else self.recall,
            "measured": f"the {self.k} nearest of {self.sample} of {self.rows} rows",
        }


def measure(
    search: Search, queries: Floats, ids: Integers, *, partitions: int, target: float
) -> tuple[int, float, int, float]:
    """Probes and recall without and with filters: as few probes as reach the wanted recall.

    Args:
        search: What searches.
        queries: Features of the sample.
        ids: Ids of the rows that they are of.
        partitions: How many lists the index has.
        target: The wanted recall.
    """
    filters = [Comparison("id", "<", (int(share * 2**ID_BITS),)) for share in _SHARES]
    plain = _least(search, queries, ids, [None], partitions, target)
    return *plain, *_least(search, queries, ids, filters, partitions, target)


def _least(
    search: Search,
    queries: Floats,
    ids: Integers,
    filters: list[Comparison] | list[None],
    partitions: int,
    target: float,
) -> tuple[int, float]:
    true = [search(queries, K + 1, where, None) for where in filters]
    probes, recall = 1, 0.0
    while True:
        found = [search(queries, K + 1, where, probes) for where in filters]
        recall = min(_recall(*both, ids) for both in zip(true, found, strict=True))
        if recall >= target or probes >= partitions:
            return probes, round(recall, 4)
        probes = min(2 * probes, partitions)


def _recall(true: Integers, found: Integers, own: Integers) -> float:
    """Share of the true neighbours, other than the row itself, that were found."""
    wanted = hits = 0
    for ours, theirs, one in zip(true.tolist(), found.tolist(), own.tolist(), strict=True):
        neighbours = [other for other in ours if other not in {one, -1}][:K]
        wanted += len(neighbours)
        hits += len(set(neighbours) & set(theirs))
    return hits / wanted if wanted else float(np.nan)
