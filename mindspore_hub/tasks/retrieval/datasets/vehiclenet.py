"""VeRi-776 as VehicleNet reads it: lists of names."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mindspore_hub.errors import DatasetError
from mindspore_hub.tasks.retrieval.datasets._dataset import Dataset
from mindspore_hub.tasks.retrieval.datasets._read import Item, Source, integer, slashes

SOURCE = Source(
    "VeRi-776",
    "https://vehiclereid.github.io/VeRi/ (by mail to its authors)",
    "VeRi/name_query.txt, VeRi/name_test.txt, VeRi/image_query/ and VeRi/image_test/",
)

_CAMERA = re.compile(r"(?<![a-z0-9])c([0-9]+)(?=s[0-9]|[^a-z0-9]|$)(?!.*/)", re.IGNORECASE)
"""The camera in the name of a file, such as 0002_c015_00029855_0.jpg or 0002_c1s1_000451_03.jpg."""


@dataclass(frozen=True)
class VehicleNet(Dataset):
    """Queries, and the test images, among which are copies of the queries.

    Args:
        root: Folder that holds `VeRi/`.
    """

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


DATASET = VehicleNet
