"""VeRi-776 as VehicleNet reads it, by lists of names, and scores it, after k-reciprocal re-ranking.

Source: research/cv/VehicleNet (branch r1.8). Gallery items with the identity and the camera of
the query are removed. Two peculiarities change numbers and have options: images without identity
(label -1) are meant to be junk and are not, and queries without a match count as failures. The
original also renumbers identities by their first appearance, separately for queries and gallery.
With sorted lists of the same identities, which the data set has, that changes nothing, and it is
not repeated here.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from mindspore_hub.errors import DatasetError, FeaturesError
from mindspore_hub.gallery.distances import Blocks, Distances, check_norms
from mindspore_hub.gallery.features import Features
from mindspore_hub.tasks.datasets import Source, choose, integer, slashes
from mindspore_hub.tasks.retrieval import metrics
from mindspore_hub.tasks.retrieval.datasets import Dataset, Item
from mindspore_hub.tasks.retrieval.ranking import Relevance, match_ranks
from mindspore_hub.tasks.retrieval.rerank import KReciprocal

SOURCE = Source(
    "VeRi-776",
    "https://vehiclereid.github.io/VeRi/ (by mail to its authors)",
    "VeRi/name_query.txt, VeRi/name_test.txt, VeRi/image_query/ and VeRi/image_test/",
)

_CAMERA = re.compile(r"(?<![a-z0-9])c([0-9]+)(?=s[0-9]|[^a-z0-9]|$)(?!.*/)", re.IGNORECASE)
"""The camera in the name of a file, such as 0002_c015_00029855_0.jpg or 0002_c1s1_000451_03.jpg."""


@dataclass(frozen=True)
class VehicleNet(Dataset):
    """Queries, and test images, copies of the queries among them, in the folder that holds `VeRi/`."""

    def queries(self) -> list[Item]:
        """Images of `name_query.txt`, in its order."""
        return self._items("query")

    def gallery(self) -> list[Item]:
        """Images of `name_test.txt`, in its order."""
        return self._items("test")

    def _items(self, part: str) -> list[Item]:
        path = self.root / "VeRi" / f"name_{part}.txt"
        items = []
        for number, row in enumerate(SOURCE.parsed(path, _row, "file label camera"), 1):
            name, label, camera = row
            named = _CAMERA.search(name)
            if named and int(named[1]) != camera:
                msg = (
                    f"{path}, entry {number}: {name} is of camera {int(named[1])} by its name, but "
                    f"of camera {camera} by its column; they must agree. Columns are name, label "
                    f"and camera. Correct the list, or get it again: {SOURCE.ask}"
                )
                raise DatasetError(msg)
            items.append(Item(f"VeRi/image_{part}/{name}", label, camera))
        return SOURCE.present(self.root, items)


def _row(line: str) -> tuple[str, int, int]:
    name, label, camera = line.split()
    return slashes(name), integer(label), integer(camera)


@dataclass(frozen=True)
class VehicleNetProtocol:
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
            metrics.at_least(option, getattr(self, option), least)
        if self.original_share > 1:
            msg = f"original_share must be at most 1, but is {self.original_share}."
            raise FeaturesError(msg)
        choose("unlabelled", self.unlabelled, ("kept", "removed"), error=FeaturesError)
        choose("unmatched", self.unmatched, ("failures", "skipped"), error=FeaturesError)

    def evaluate(self, query: Features, gallery: Features | None = None) -> metrics.Result:
        """Score features of norm 1."""
        gallery = metrics.needed(gallery)
        cameras = (query.known("cameras"), gallery.known("cameras"))
        labels = (query.known("labels"), gallery.known("labels"))
        left_out = (labels[1] < 0) & (self.unlabelled == "removed")
        blocks = _without(self._blocks(query, gallery), left_out)
        ranks = match_ranks(blocks, Relevance(*labels, cameras=cameras))
        metrics.require_match(ranks.counts, *labels, removed=metrics.SAME_CAMERA)
        return metrics.standard_result(
            "vehiclenet",
            asdict(self),
            ranks,
            gallery=len(gallery),
            precisions=metrics.trapezoid_precisions,
            queries=len(ranks.counts) if self.unmatched == "failures" else None,
        )

    def _blocks(self, query: Features, gallery: Features) -> Blocks:
        parts = (query.vectors, gallery.vectors)
        for vectors, role in zip(parts, ("queries", "gallery"), strict=True):
            check_norms(vectors, "The protocol 'vehiclenet'", role)
        if not self.k1:
            return Distances(*parts, kind="dot", dtype=np.float64).blocks()
        share = self.original_share
        return KReciprocal(*parts, k1=self.k1, k2=self.k2, original_share=share).blocks()


def _without(blocks: Blocks, left_out: npt.NDArray[np.bool_]) -> Blocks:
    """The same distances, with some gallery items out of reach."""
    for start, block in blocks:
        block[:, left_out] = np.inf
        yield start, block


DATASET, PROTOCOL = VehicleNet, VehicleNetProtocol
