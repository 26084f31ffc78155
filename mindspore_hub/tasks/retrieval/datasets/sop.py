"""Stanford Online Products, scored as metric_learn does: recall@k of each image among all others.

Source: research/cv/metric_learn (branches r1.5 to r1.8). Features are divided by their norm, and
an image is found if one of its k nearest, itself excluded, has its class. The published numbers
are of the first 30,003 images of the test list, of which the original leaves out three by chance,
since it drops what does not fill a batch of 30.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from mindspore_hub.errors import DatasetError, FeaturesError
from mindspore_hub.tasks.retrieval.datasets._dataset import (
    Dataset,
    Item,
    Source,
    choose,
    integer,
    labelled,
    slashes,
)
from mindspore_hub.tasks.retrieval.features import Features
from mindspore_hub.tasks.retrieval.scoring import metrics
from mindspore_hub.tasks.retrieval.scoring.recall import closer_counts

SOURCE = Source(
    "Stanford Online Products",
    "https://cvgl.stanford.edu/projects/lifted_struct/ (for research only)",
    "Ebay_test.txt and the folders of images that it names, such as chair_final/",
)

_LISTS = {"half": "test_half.txt", "all": "test.txt"}

_HALF = 30_003


@dataclass(frozen=True)
class SOP(Dataset):
    """The test images.

    Lists that were derived for the original evaluation are read if they are there; else they
    are derived from `Ebay_test.txt`, which the data set comes with.

    Args:
        root: Folder with `Ebay_test.txt`.
        part: `half`: the first 30,003 images, which the published numbers are of. `all`: all
            60,502, as in the literature.
    """

    part: str = "half"

    def __post_init__(self) -> None:
        choose("part", self.part, tuple(_LISTS))

    def queries(self) -> list[Item]:
        """The images, in the order of the list."""
        derived = self.root / _LISTS[self.part]
        if derived.is_file():
            items = SOURCE.parsed(derived, labelled, "path class_id")
        else:
            items = self._published()
        return SOURCE.present(self.root, items)

    def _published(self) -> list[Item]:
        path, expected = self.root / "Ebay_test.txt", "image_id class_id super_class_id path"
        items = [item for item in SOURCE.parsed(path, _published, expected) if item]
        if not items:
            msg = f"{path} names no image; get it again: {SOURCE.ask}"
            raise DatasetError(msg)
        return items[:_HALF] if self.part == "half" else items


def _published(line: str) -> Item | None:
    """An image; None for the header."""
    number, label, _, path = line.split()
    if number == "image_id":
        return None
    return Item(slashes(path), integer(label))


@dataclass(frozen=True)
class SOPProtocol:
    """Recall among the images themselves.

    Args:
        at: The values of k. Images of a class of their own are never found.
    """

    at: tuple[int, ...] = (1, 2, 5, 10)

    def __post_init__(self) -> None:
        if not self.at or min(self.at) < 1:
            msg = f"at must hold numbers of neighbours from 1 on, but is {self.at!r}."
            raise FeaturesError(msg)

    def evaluate(self, query: Features, gallery: Features | None = None) -> metrics.Result:
        """Score features; there is no gallery besides them."""
        if gallery is not None:
            msg = (
                "SOP looks images up among themselves; give no gallery, and features without roles, "
                "which say what is a query and what is in the gallery."
            )
            raise FeaturesError(msg)
        labels = query.known("labels")
        counts = closer_counts(query.vectors, labels, most=max(self.at))
        metrics.require_match(counts >= 0, labels)
        values = {f"recall@{k}": float(np.mean((counts >= 0) & (counts < k))) for k in self.at}
        alone = int(np.count_nonzero(counts < 0))
        sizes = {"queries": len(query), "queries_without_match": alone}
        return metrics.Result("sop", asdict(self), values, sizes)


DATASET, PROTOCOL = SOP, SOPProtocol
