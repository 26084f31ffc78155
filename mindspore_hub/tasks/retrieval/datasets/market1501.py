"""Market-1501: persons, seen by 6 cameras.

Source: research/cv/osnet (branches r1.3 to r1.10) and research/cv/pcb_rpp (r1.7 to r1.10); see `_persons`.
"""

from __future__ import annotations

from dataclasses import dataclass

from mindspore_hub.tasks.datasets import Source
from mindspore_hub.tasks.retrieval.datasets import Dataset, Item
from mindspore_hub.tasks.retrieval.datasets._persons import Persons, folder_of, named_items

SOURCE = Source(
    "Market-1501",
    "https://zheng-lab.cecs.anu.edu.au/Project/project_reid.html",
    "query/ and bounding_box_test/, in market1501/Market-1501-v15.09.15/ or a folder of these",
)


@dataclass(frozen=True)
class Market1501(Dataset):
    """Queries and gallery, by the names of their files.

    Args:
        root: Folder that holds `market1501/`, or that is it, or `Market-1501-v15.09.15` itself.
    """

    def queries(self) -> list[Item]:
        """Images of `query/`, sorted by name."""
        return self._items("query")

    def gallery(self) -> list[Item]:
        """Images of `bounding_box_test/`, sorted by name."""
        return self._items("bounding_box_test")

    def _items(self, part: str) -> list[Item]:
        folder = folder_of(self.root, "market1501", "Market-1501-v15.09.15") / part
        return named_items(self.root, folder, SOURCE, cameras=6)


@dataclass(frozen=True)
class Market1501Protocol(Persons):
    """Market-1501; the options are those of `Persons`."""

    name = "market1501"


DATASET, PROTOCOL = Market1501, Market1501Protocol
