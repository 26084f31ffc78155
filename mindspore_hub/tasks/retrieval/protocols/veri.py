"""VeRi-776 as MultiTaskNet evaluates it: retrieval, colours and types.

Source: research/cv/PAMTRI (branch r1.7). Gallery items with the identity and the camera of the
query are removed, and queries without a match are skipped. The original fails where fewer than 50
gallery items remain for some query; this does not.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mindspore_hub.tasks.retrieval.features import Features
from mindspore_hub.tasks.retrieval.protocols import _shared
from mindspore_hub.tasks.retrieval.scoring import metrics
from mindspore_hub.tasks.retrieval.scoring.distance import Distances
from mindspore_hub.tasks.retrieval.scoring.ranking import Relevance, match_ranks
from mindspore_hub.tasks.retrieval.scoring.result import Result


@dataclass(frozen=True)
class VeRi:
    """VeRi-776 with attributes.

    Args:
        length: Length of the CMC curve, or the size of the gallery if that is smaller.
        colors: Colours of the training labels; their place, when sorted, is the class.
        types: Types of the training labels.
        type_map: `colors` numbers the types as the original does, with the places of the
            *colours*, which is right only where both map values alike, as 1..10 and 1..9 do;
            `types` numbers them with their own.
    """

    length: int = 50
    colors: tuple[int, ...] = tuple(range(1, 11))
    types: tuple[int, ...] = tuple(range(1, 10))
    type_map: str = "colors"

    def __post_init__(self) -> None:
        _shared.at_least("length", self.length, 1)
        _shared.at_least("number of colors", len(self.colors), 1)
        _shared.at_least("number of types", len(self.types), 1)
        _shared.chosen("type_map", self.type_map, ("colors", "types"))

    def evaluate(self, query: Features, gallery: Features | None = None) -> Result:
        """Score features; colours and types too where scores are given."""
        gallery = _shared.needed(gallery)
        distances = Distances(query.vectors, gallery.vectors, kind="euclidean")
        cameras = (query.known("cameras"), gallery.known("cameras"))
        labels = (query.known("labels"), gallery.known("labels"))
        ranks = match_ranks(distances.blocks(), Relevance(*labels, cameras=cameras))
        _shared.require_match(ranks.counts, *labels, removed=_shared.SAME_CAMERA)
        first = metrics.first_ranks(ranks)
        curve = metrics.cmc(first, min(self.length, len(gallery)), queries=len(first))
        cmc, values = _shared.standard(ranks, curve)
        values |= self._attributes((query, gallery))
        return Result("veri", asdict(self), values, _shared.sizes(ranks, len(gallery)), cmc)

    def _attributes(self, parts: tuple[Features, Features]) -> dict[str, float]:
        """Accuracies over queries and gallery together."""
        accuracies = {}
        if all(part.color_scores is not None for part in parts):
            accuracies["color_accuracy"] = _accuracy(parts, "color", self.colors)
        if all(part.type_scores is not None for part in parts):
            trained = self.colors if self.type_map == "colors" else self.types
            accuracies["type_accuracy"] = _accuracy(parts, "type", trained)
        return accuracies


def _accuracy(parts: tuple[Features, ...], attribute: str, trained: tuple[int, ...]) -> float:
    """Share of images whose highest score is that of their class."""
    hits = [
        _classes(part.known(f"{attribute}s"), trained)
        == part.known(f"{attribute}_scores").argmax(axis=1)
        for part in parts
    ]
    return float(np.concatenate(hits).mean())


def _classes(values: npt.NDArray[Any], trained: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """Place of each value among those of training; -1, which is no class, for any other."""
    known = np.unique(np.array(trained, np.int64))
    places = np.minimum(np.searchsorted(known, values), len(known) - 1)
    return np.where(known[places] == values, places, -1)


PROTOCOL = VeRi
