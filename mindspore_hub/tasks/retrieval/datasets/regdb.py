"""RegDB: pairs of visible-light and thermal images of 412 people, scored as MVD and DDAG do.

Source: `eval.py` of research/cv/MVD (branch r1.9) and research/cv/DDAG (r1.8). Nothing is removed
from the gallery, and queries without a match are skipped in all metrics. A trial is a pair of
lists of the data set; the published numbers are of trial 1, those of the literature means over
ten.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import numpy as np

from mindspore_hub.errors import DatasetError, FeaturesError
from mindspore_hub.gallery.distances import Distances
from mindspore_hub.gallery.features import Features
from mindspore_hub.tasks.datasets import Source, choose
from mindspore_hub.tasks.retrieval import metrics
from mindspore_hub.tasks.retrieval.datasets import Dataset, Item, labelled
from mindspore_hub.tasks.retrieval.ranking import Relevance, match_ranks

SOURCE = Source(
    "RegDB",
    "http://dm.dongguk.edu/link.html (Dongguk University, by a signed agreement)",
    "idx/test_visible_1.txt to _10.txt, idx/test_thermal_1.txt to _10.txt, Visible/ and Thermal/",
)

_SPECTRA = {
    "visible-to-infrared": ("visible", "thermal"),
    "infrared-to-visible": ("thermal", "visible"),
}

_TRIALS = tuple(range(1, 11))


@dataclass(frozen=True)
class RegDB(Dataset):
    """The test images of one trial, 1 to 10; published numbers are of 1.

    `root` has `idx/`, `Visible/` and `Thermal/`; `direction` is `visible-to-infrared` or
    `infrared-to-visible`: from queries to gallery.
    """

    direction: str = "visible-to-infrared"
    trial: int = 1

    def __post_init__(self) -> None:
        choose("direction", self.direction, tuple(_SPECTRA))
        choose("trial", self.trial, _TRIALS)

    def queries(self) -> list[Item]:
        """Images of the first spectrum, in the order of the list."""
        return self._items(_SPECTRA[self.direction][0])

    def gallery(self) -> list[Item]:
        """Images of the second spectrum, in the order of the list."""
        return self._items(_SPECTRA[self.direction][1])

    def trials(self, count: int) -> list[Dataset]:
        """The first so many of the ten."""
        if count not in _TRIALS:
            msg = f"RegDB has {len(_TRIALS)} trials, but {count} are asked for."
            raise DatasetError(msg)
        if count == 1:
            return [self]
        return [replace(self, trial=number) for number in range(1, count + 1)]

    def _items(self, spectrum: str) -> list[Item]:
        path = self.root / "idx" / f"test_{spectrum}_{self.trial}.txt"
        return SOURCE.present(self.root, SOURCE.parsed(path, labelled, "path label"))


@dataclass(frozen=True)
class RegDBProtocol:
    """One direction of RegDB: visible to infrared or back is which features are the queries.

    Args:
        length: Length of the CMC curve, or the size of the gallery if that is smaller.
    """

    length: int = 20

    def __post_init__(self) -> None:
        metrics.at_least("length", self.length, 1)

    def evaluate(self, query: Features, gallery: Features | None = None) -> metrics.Result:
        """Score the features of one trial."""
        gallery = metrics.needed(gallery)
        distances = Distances(query.vectors, gallery.vectors, kind="dot", dtype=np.float64)
        labels = (query.known("labels"), gallery.known("labels"))
        ranks = match_ranks(distances.blocks(), Relevance(*labels))
        metrics.require_match(ranks.counts, *labels)
        return metrics.standard_result("regdb", asdict(self), ranks, gallery=len(gallery))

    def evaluate_trials(self, trials: list[tuple[Features, Features]]) -> metrics.Result:
        """Score several trials, at least one, each a pair of queries and gallery, and average them."""
        if not trials:
            msg = "No trial was given; RegDB has ten, numbered from 1."
            raise FeaturesError(msg)
        return metrics.mean_of([self.evaluate(query, gallery) for query, gallery in trials])


DATASET, PROTOCOL = RegDB, RegDBProtocol
