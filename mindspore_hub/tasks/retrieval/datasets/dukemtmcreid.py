"""DukeMTMC-reID: persons, seen by 8 cameras.

Source: research/cv/osnet (branches r1.3 to r1.10) and research/cv/pcb_rpp (r1.7 to r1.10); see `_persons`.
"""

from __future__ import annotations

from dataclasses import dataclass

from mindspore_hub.tasks.datasets import Source
from mindspore_hub.tasks.retrieval.datasets import Dataset, Item
from mindspore_hub.tasks.retrieval.datasets._persons import Persons, folder_of, named_items

SOURCE = Source(
    "DukeMTMC-reID",
    "its authors took it back in 2019; copies are with researchers who keep to its licence",
    "query/ and bounding_box_test/, in dukemtmc-reid/DukeMTMC-reID/ or a folder of these",
)


@dataclass(frozen=True)
class DukeMTMCreID(Dataset):
    """Queries and gallery, by the names of their files.

    Args:
        root: Folder that holds `dukemtmc-reid/`, or that is it, or `DukeMTMC-reID` itself.
    """

    def queries(self) -> list[Item]:
        """Images of `query/`, sorted by name."""
        return self._items("query")

    def gallery(self) -> list[Item]:
        """Images of `bounding_box_test/`, sorted by name."""
        return self._items("bounding_box_test")

    def _items(self, part: str) -> list[Item]:
        folder = folder_of(self.root, "dukemtmc-reid", "DukeMTMC-reID") / part
        return named_items(self.root, folder, SOURCE, cameras=8)


@dataclass(frozen=True)
class DukeMTMCreIDProtocol(Persons):
    """DukeMTMC-reID; the options are those of `Persons`."""

    name = "dukemtmcreid"


DATASET, PROTOCOL = DukeMTMCreID, DukeMTMCreIDProtocol
