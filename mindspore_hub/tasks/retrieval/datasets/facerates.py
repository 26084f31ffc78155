"""Faces of persons by file name: how many pairs of one person are told at a false acceptance rate.

Source: research/cv/FaceRecognitionForTracking (branches r1.3 to r1.10).
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass

from mindspore_hub.errors import FeaturesError
from mindspore_hub.gallery.distances import check_norms
from mindspore_hub.gallery.features import Features
from mindspore_hub.tasks.datasets import Source, choose
from mindspore_hub.tasks.retrieval import metrics
from mindspore_hub.tasks.retrieval.datasets import Dataset, Item
from mindspore_hub.tasks.retrieval.faces import rates_of_all_pairs

SOURCE = Source(
    "A folder of faces",
    "https://vis-www.cs.umass.edu/lfw/ for LFW",
    "a folder for each person, or any other folders, of images NAME_0001.jpg",
)

RATES = (0.5, 0.3, 0.1, 0.01, 1e-3, 1e-4, 1e-5)

_NUMBER = re.compile(r"_\d{4}")


@dataclass(frozen=True)
class FaceRates(Dataset):
    """All images of the folders below the root, as one set without queries.

    Args:
        root: Folder of folders.
    """

    def queries(self) -> list[Item]:
        """Images, sorted by path. A person is the name of a file up to `_` and four digits."""
        paths = sorted(path for path in self.root.glob("*/*") if path.is_file())
        names = [_NUMBER.split(path.name.split(".")[0], maxsplit=1)[0] for path in paths]
        if not paths:
            raise SOURCE.missing(self.root / "*" / "*")
        numbers = {name: number for number, name in enumerate(sorted(set(names)))}
        return [
            Item(path.relative_to(self.root).as_posix(), numbers[name])
            for path, name in zip(paths, names, strict=True)
        ]


@dataclass(frozen=True)
class FaceRatesProtocol:
    """True acceptance rates at false acceptance rates, over all pairs of images in both orders.

    Args:
        own: `counted`, as published, takes each image for a pair with itself as well, which makes
            the rates higher; `left out` does not.
    """

    own: str = "counted"

    def __post_init__(self) -> None:
        choose("own", self.own, ("counted", "left out"), error=FeaturesError)

    def evaluate(self, query: Features, gallery: Features | None = None) -> metrics.Result:
        """Score features of norm 1, looked up among themselves."""
        if gallery is not None:
            msg = "The protocol 'facerates' looks images up among themselves; give them without roles."
            raise FeaturesError(msg)
        check_norms(query.vectors, "The protocol 'facerates'", "queries")
        labels = query.known("labels")
        found = rates_of_all_pairs(query.vectors, labels, RATES, own=self.own == "counted")
        shares = {f"recall@far{rate:g}": share for rate, (share, _) in found.items()}
        return metrics.Result("facerates", asdict(self), shares, {"images": len(labels)})


DATASET, PROTOCOL = FaceRates, FaceRatesProtocol
