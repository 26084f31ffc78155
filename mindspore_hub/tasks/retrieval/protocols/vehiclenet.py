"""VeRi-776 as VehicleNet evaluates it: after k-reciprocal re-ranking.

Source: research/cv/VehicleNet (branch r1.8). Gallery items with the identity and the camera of
the query are removed. Two peculiarities change numbers and have options: images without identity
(label -1) are meant to be junk and are not, and queries without a match count as failures. The
original also renumbers identities by their first appearance, separately for queries and gallery.
With sorted lists of the same identities, which the data set has, that changes nothing, and it is
not repeated here.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from mindspore_hub.errors import FeaturesError
from mindspore_hub.tasks.retrieval.features import Features
from mindspore_hub.tasks.retrieval.protocols import _shared
from mindspore_hub.tasks.retrieval.scoring import metrics
from mindspore_hub.tasks.retrieval.scoring.distance import Distances, check_norms
from mindspore_hub.tasks.retrieval.scoring.ranking import Blocks, Ranks, Relevance, match_ranks
from mindspore_hub.tasks.retrieval.scoring.rerank import KReciprocal
from mindspore_hub.tasks.retrieval.scoring.result import Result, ranks_of


@dataclass(frozen=True)
class VehicleNet:
    """VeRi-776, re-ranked.

    Args:
        k1: How many neighbours may be reciprocal; 0 ranks by similarity, without re-ranking.
        k2: Over how many neighbours weights are averaged.
        original_share: Share of the original distance; 0 leaves the Jaccard distance alone.
        unlabelled: `kept`, as published, ranks gallery items with a negative label as wrong
            answers; `removed` leaves them out after re-ranking, as intended.
        unmatched: `failures`, as published, counts queries without a match with 0; `skipped` leaves
            them out.
        length: Length of the CMC curve, or the size of the gallery if that is smaller.
    """

    k1: int = 100
    k2: int = 15
    original_share: float = 0.0
    unlabelled: str = "kept"
    unmatched: str = "failures"
    length: int = 50

    def __post_init__(self) -> None:
        for option, least in (("k1", 0), ("k2", 1), ("length", 1), ("original_share", 0)):
            _shared.at_least(option, getattr(self, option), least)
        if self.original_share > 1:
            msg = f"original_share must be at most 1, but is {self.original_share}."
            raise FeaturesError(msg)
        _shared.chosen("unlabelled", self.unlabelled, ("kept", "removed"))
        _shared.chosen("unmatched", self.unmatched, ("failures", "skipped"))

    def evaluate(self, query: Features, gallery: Features | None = None) -> Result:
        """Score features of norm 1."""
        gallery = _shared.needed(gallery)
        cameras = (query.known("cameras"), gallery.known("cameras"))
        labels = (query.known("labels"), gallery.known("labels"))
        left_out = (labels[1] < 0) & (self.unlabelled == "removed")
        blocks = _without(self._blocks(query, gallery), left_out)
        ranks = match_ranks(blocks, Relevance(*labels, cameras=cameras))
        _shared.require_match(ranks.counts, *labels, removed=_shared.SAME_CAMERA)
        cmc, values = self._score(ranks, min(self.length, len(gallery)))
        return Result("vehiclenet", asdict(self), values, _shared.sizes(ranks, len(gallery)), cmc)

    def _blocks(self, query: Features, gallery: Features) -> Blocks:
        parts = (query.vectors, gallery.vectors)
        for vectors, role in zip(parts, ("queries", "gallery"), strict=True):
            check_norms(vectors, "The protocol 'vehiclenet'", role)
        if not self.k1:
            return Distances(*parts, kind="dot", dtype=np.float64).blocks()
        share = self.original_share
        return KReciprocal(*parts, k1=self.k1, k2=self.k2, original_share=share).blocks()

    def _score(self, ranks: Ranks, length: int) -> tuple[tuple[float, ...], dict[str, float]]:
        present = int(np.count_nonzero(ranks.counts))
        queries = present if self.unmatched == "skipped" else len(ranks.counts)
        curve = metrics.cmc(metrics.first_ranks(ranks), length, queries=queries)
        precisions = metrics.trapezoid_precisions(ranks)
        penalties = metrics.inverse_negative_penalties(ranks)
        cmc = tuple(float(value) for value in curve)
        averages = {
            "mAP": metrics.mean(precisions, queries=queries),
            "mINP": metrics.mean(penalties, queries=queries),
        }
        return cmc, {**ranks_of(cmc), **averages}


def _without(blocks: Blocks, left_out: npt.NDArray[np.bool_]) -> Blocks:
    """The same distances, with some gallery items out of reach."""
    for start, block in blocks:
        block[:, left_out] = np.inf
        yield start, block


PROTOCOL = VehicleNet
