"""Stanford Online Products: images of products, looked up among themselves."""

from __future__ import annotations

from dataclasses import dataclass

from mindspore_hub.errors import DatasetError
from mindspore_hub.tasks.retrieval.datasets._dataset import Dataset
from mindspore_hub.tasks.retrieval.datasets._read import Item, Source, choose, integer, slashes

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
            items = SOURCE.parsed(derived, _derived, "path class_id")
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


def _derived(line: str) -> Item:
    path, label = line.rsplit(maxsplit=1)
    return Item(slashes(path), integer(label))


def _published(line: str) -> Item | None:
    """An image; None for the header."""
    number, label, _, path = line.split()
    if number == "image_id":
        return None
    return Item(slashes(path), integer(label))


DATASET = SOP
