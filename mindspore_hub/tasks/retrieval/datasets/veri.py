"""VeRi-776 as MultiTaskNet (PAMTRI) reads it: tables with colours, types and key points."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from mindspore_hub.tasks.retrieval.datasets._dataset import Dataset
from mindspore_hub.tasks.retrieval.datasets._read import Item, Source, finite, integer

SOURCE = Source(
    "VeRi-776 with the labels of PAMTRI",
    "https://vehiclereid.github.io/VeRi/ for the images (by mail to its authors), "
    "https://github.com/NVlabs/PAMTRI for the labels",
    "veri/label_train.csv, veri/label_query.csv, veri/label_test.csv, veri/image_query/ and "
    "veri/image_test/",
)

KEYPOINTS = 36
"""Key points of each vehicle: x, y and confidence."""

_CAMERA = re.compile(r"[^c]*c(\d{3})(?!\d)")


@dataclass(frozen=True)
class VeRi(Dataset):
    """Queries and gallery with attributes.

    Heatmaps and segments lie beside the images: `veri/heatmap_query/STEM/00.jpg` to `35.jpg`,
    `veri/segment_query/STEM/00.jpg` to `12.jpg`, and the same with `test`.

    Args:
        root: Folder that holds `veri/`.
    """

    def queries(self) -> list[Item]:
        """Images of `label_query.csv`, in its order."""
        return SOURCE.present(self.root, self._rows("query"))

    def gallery(self) -> list[Item]:
        """Images of `label_test.csv`, in its order."""
        return SOURCE.present(self.root, self._rows("test"))

    def training_colors(self) -> tuple[int, ...]:
        """Colours of the training labels, ascending: the protocol's option `colors`."""
        return tuple(sorted({item.color for item in self._rows("train") if item.color is not None}))

    def training_types(self) -> tuple[int, ...]:
        """Types of the training labels, ascending: the protocol's option `types`."""
        return tuple(sorted({item.type for item in self._rows("train") if item.type is not None}))

    def protocol_options(self) -> dict[str, Any]:
        """Which class each colour and each type is."""
        return {"colors": self.training_colors(), "types": self.training_types()}

    def beside(self, item: Item) -> dict[str, Any]:
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


DATASET = VeRi
