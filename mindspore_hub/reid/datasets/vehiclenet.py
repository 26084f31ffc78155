"""VeRi-776 as VehicleNet reads it: lists of names."""

from __future__ import annotations

from dataclasses import dataclass

from mindspore_hub.reid.datasets._dataset import Dataset
from mindspore_hub.reid.datasets._read import Item, Source

SOURCE = Source(
    "VeRi-776",
    "https://vehiclereid.github.io/VeRi/ (by mail to its authors)",
    "VeRi/name_query.txt, VeRi/name_test.txt, VeRi/image_query/ and VeRi/image_test/",
)


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
        def item(line: str) -> Item:
            name, label, _ = line.split()
            # As the original: the camera is that of the name, 0002_c015_00029855_0.jpg.
            return Item(f"VeRi/image_{part}/{name}", int(label), int(name[6:9]))

        path = self.root / "VeRi" / f"name_{part}.txt"
        return SOURCE.present(self.root, SOURCE.parsed(path, item, "file label camera"))


DATASET = VehicleNet
