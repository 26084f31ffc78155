"""RegDB as MVD and DDAG evaluate it.

Source: `eval.py` of research/cv/MVD (branch r1.9) and research/cv/DDAG (r1.8). Nothing is removed
from the gallery, and queries without a match are skipped in all metrics. A trial is a pair of
lists of the data set; the published numbers are of trial 1, those of the literature means over
ten.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from mindspore_hub.errors import FeaturesError
from mindspore_hub.tasks.retrieval.features import Features
from mindspore_hub.tasks.retrieval.protocols import _shared
from mindspore_hub.tasks.retrieval.scoring import metrics
from mindspore_hub.tasks.retrieval.scoring.distance import Distances
from mindspore_hub.tasks.retrieval.scoring.ranking import Relevance, match_ranks
from mindspore_hub.tasks.retrieval.scoring.result import Result, mean_of


@dataclass(frozen=True)
class RegDB:
    """One direction of RegDB: visible to infrared or back is which features are the queries.

    Args:
        length: Length of the CMC curve, or the size of the gallery if that is smaller.
    """

    length: int = 20

    def __post_init__(self) -> None:
        _shared.at_least("length", self.length, 1)

    def evaluate(self, query: Features, gallery: Features | None = None) -> Result:
        """Score the features of one trial."""
        gallery = _shared.needed(gallery)
        distances = Distances(query.vectors, gallery.vectors, kind="dot", dtype=np.float64)
        labels = (query.known("labels"), gallery.known("labels"))
        ranks = match_ranks(distances.blocks(), Relevance(*labels))
        _shared.require_match(ranks.counts, *labels)
        first = metrics.first_ranks(ranks)
        curve = metrics.cmc(first, min(self.length, len(gallery)), queries=len(first))
        cmc, values = _shared.standard(ranks, curve)
        return Result("regdb", asdict(self), values, _shared.sizes(ranks, len(gallery)), cmc)

    def evaluate_trials(self, trials: list[tuple[Features, Features]]) -> Result:
        """Score several trials, each a pair of queries and gallery, and average them.

        Raises:
            FeaturesError: There is no trial.
        """
        if not trials:
            msg = "No trial was given; RegDB has ten, numbered from 1."
            raise FeaturesError(msg)
        return mean_of([self.evaluate(query, gallery) for query, gallery in trials])


PROTOCOL = RegDB
