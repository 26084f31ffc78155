"""VeRi-776 as MultiTaskNet (PAMTRI) reads and scores it: retrieval, colours and types.

Source: research/cv/PAMTRI (branch r1.7). Gallery items with the identity and the camera of the
query are removed, and queries without a match are skipped. The original fails where fewer than 50
gallery items remain for some query; this does not.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mindspore_hub.errors import FeaturesError
from mindspore_hub.gallery.distances import Distances
from mindspore_hub.gallery.features import Features
from mindspore_hub.tasks.datasets import Source, choose, finite, integer
from mindspore_hub.tasks.pictures.fields import KEYPOINTS
from mindspore_hub.tasks.retrieval import metrics
from mindspore_hub.tasks.retrieval.datasets import Dataset, Item
from mindspore_hub.tasks.retrieval.ranking import Relevance, match_ranks

SOURCE = Source(
    "VeRi-776 with the labels of PAMTRI",
    "https://vehiclereid.github.io/VeRi/ for the images (by mail to its authors), "
    "https://github.com/NVlabs/PAMTRI for the labels",
    "veri/label_train.csv, veri/label_query.csv, veri/label_test.csv, veri/image_query/ and "
    "veri/image_test/",
)

_CAMERA = re.compile(r"[^c]*c(\d{3})(?!\d)")


@dataclass(frozen=True)
class VeRi(Dataset):
    """Queries and gallery with attributes, below the folder that holds `veri/`.

    Heatmaps and segments lie beside the images: `veri/heatmap_query/STEM/00.jpg` to `35.jpg`,
    `veri/segment_query/STEM/00.jpg` to `12.jpg`, and the same with `test`.
    """

    def queries(self) -> list[Item]:
        """Images of `label_query.csv`, in its order."""
        return SOURCE.present(self.root, self._rows("query"))

    def gallery(self) -> list[Item]:
        """Images of `label_test.csv`, in its order."""
        return SOURCE.present(self.root, self._rows("test"))

    def protocol_options(self) -> dict[str, Any]:
        """Which class each colour and each type is: those of the training labels, ascending."""
        trained = self._rows("train")
        return {
            "colors": tuple(sorted({item.color for item in trained if item.color is not None})),
            "types": tuple(sorted({item.type for item in trained if item.type is not None})),
        }

    def extras(self, item: Item) -> dict[str, Any]:
        """Heatmaps and segments of an image, and its key points."""
        image = self.root / item.path
        part = image.parent.name.removeprefix("image_")
        folders = {
            f"{kind}s": image.parent.with_name(f"{kind}_{part}") / image.stem
            for kind in ("heatmap", "segment")
        }
        return {**folders, "keypoints": item.keypoints}

    def _rows(self, part: str) -> list[Item]:
        def item(line: str) -> Item:
            name, label, color, kind, *points = (cell.strip() for cell in line.split(","))
            if len(points) != 3 * KEYPOINTS:
                raise ValueError(points)
            return Item(
                f"veri/image_{part}/{name}",
                integer(label),
                _camera(name),
                integer(color),
                integer(kind),
                tuple(map(finite, points)),
            )

        path = self.root / "veri" / f"label_{part}.csv"
        return SOURCE.parsed(path, item, "name,vehicle,colour,type and 36 x,y,confidence")


def _camera(name: str) -> int:
    """The three digits behind the first letter c; -1, as in the original, without a c."""
    if "c" not in name:
        return -1
    found = _CAMERA.match(name)
    if not found:
        raise ValueError(name)
    return int(found[1])


@dataclass(frozen=True)
class VeRiProtocol:
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
        metrics.at_least("length", self.length, 1)
        metrics.at_least("number of colors", len(self.colors), 1)
        metrics.at_least("number of types", len(self.types), 1)
        choose("type_map", self.type_map, ("colors", "types"), error=FeaturesError)

    def evaluate(self, query: Features, gallery: Features | None = None) -> metrics.Result:
        """Score features; colours and types too where scores are given."""
        gallery = metrics.needed(gallery)
        distances = Distances(query.vectors, gallery.vectors, kind="euclidean")
        cameras = (query.known("cameras"), gallery.known("cameras"))
        labels = (query.known("labels"), gallery.known("labels"))
        ranks = match_ranks(distances.blocks(), Relevance(*labels, cameras=cameras))
        metrics.require_match(ranks.counts, *labels, removed=metrics.SAME_CAMERA)
        result = metrics.standard_result("veri", asdict(self), ranks, gallery=len(gallery))
        result.metrics.update(self._attributes((query, gallery)))
        return result

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
    """Place of each value among those of training; -1, which is not a class, for any other."""
    known = np.unique(np.array(trained, np.int64))
    places = np.minimum(np.searchsorted(known, values), len(known) - 1)
    return np.where(known[places] == values, places, -1)


DATASET, PROTOCOL = VeRi, VeRiProtocol
