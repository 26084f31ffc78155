"""MSMT17: persons, seen by fifteen cameras.

Source: research/cv/osnet (branches r1.7 to r1.10; before, the distance was Euclidean); see `_persons`.
"""

from __future__ import annotations

from dataclasses import dataclass

from mindspore_hub.tasks.datasets import Source, integer, slashes
from mindspore_hub.tasks.retrieval.datasets import Dataset, Item
from mindspore_hub.tasks.retrieval.datasets._persons import Persons, folder_of

SOURCE = Source(
    "MSMT17",
    "https://www.pkuvmc.com/dataset.html",
    "list_query.txt, list_gallery.txt and test/ (version 2: mask_test_v2/), in msmt17/MSMT17_V1/ or "
    "a folder of these",
)


@dataclass(frozen=True)
class MSMT17(Dataset):
    """Queries and gallery, by their lists.

    Args:
        root: Folder that holds `msmt17/`, or that is it, or `MSMT17_V1` or `MSMT17_V2` itself.
    """

    def queries(self) -> list[Item]:
        """Images of `list_query.txt`, in its order."""
        return self._items("query")

    def gallery(self) -> list[Item]:
        """Images of `list_gallery.txt`, in its order."""
        return self._items("gallery")

    def _items(self, part: str) -> list[Item]:
        folder = folder_of(self.root, "msmt17", "MSMT17_V1", "MSMT17_V2")
        images = folder / ("mask_test_v2" if (folder / "mask_test_v2").is_dir() else "test")
        below = images.relative_to(self.root).as_posix()

        def item(line: str) -> Item:
            path, label = line.rsplit(maxsplit=1)
            return Item(f"{below}/{slashes(path)}", integer(label), integer(path.split("_")[2]))

        path = folder / f"list_{part}.txt"
        return SOURCE.present(
            self.root, SOURCE.parsed(path, item, "0000/0000_000_01_0303morning_0008_0.jpg 0")
        )


@dataclass(frozen=True)
class MSMT17Protocol(Persons):
    """MSMT17; the options are those of `Persons`, with another distance by default."""

    name = "msmt17"

    distance: str = "cosine"


DATASET, PROTOCOL = MSMT17, MSMT17Protocol
