"""RegDB: pairs of visible-light and thermal images of 412 people, in ten trials."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mindspore_hub.errors import DatasetError
from mindspore_hub.tasks.retrieval.datasets._dataset import Dataset
from mindspore_hub.tasks.retrieval.datasets._read import Item, Source, choose, integer, slashes

SOURCE = Source(
    "RegDB",
    "http://dm.dongguk.edu/link.html (Dongguk University, by a signed agreement)",
    "idx/test_visible_1.txt to _10.txt, idx/test_thermal_1.txt to _10.txt, Visible/ and Thermal/",
)

_SPECTRA = {
    "visible-to-infrared": ("visible", "thermal"),
    "infrared-to-visible": ("thermal", "visible"),
}

_TRIALS = tuple(range(1, 11))


@dataclass(frozen=True)
class RegDB(Dataset):
    """The test images of one trial.

    Args:
        root: Folder with `idx/`, `Visible/` and `Thermal/`.
        direction: `visible-to-infrared` or `infrared-to-visible`: from queries to gallery.
        trial: Number of the trial, 1 to 10; published numbers are of 1.
    """

    direction: str = "visible-to-infrared"
    trial: int = 1

    def __post_init__(self) -> None:
        choose("direction", self.direction, tuple(_SPECTRA))
        choose("trial", self.trial, _TRIALS)

    def queries(self) -> list[Item]:
        """Images of the first spectrum, in the order of the list."""
        return self._items(_SPECTRA[self.direction][0])

    def gallery(self) -> list[Item]:
        """Images of the second spectrum, in the order of the list."""
        return self._items(_SPECTRA[self.direction][1])

    def trials(self, count: int) -> list[Dataset]:
        """The first so many of the ten."""
        if count not in _TRIALS:
            msg = f"RegDB has {len(_TRIALS)} trials, but {count} are asked for."
            raise DatasetError(msg)
        if count == 1:
            return [self]
        return [replace(self, trial=number) for number in range(1, count + 1)]

    def _items(self, spectrum: str) -> list[Item]:
        path = self.root / "idx" / f"test_{spectrum}_{self.trial}.txt"
        return SOURCE.present(self.root, SOURCE.parsed(path, _item, "path label"))


def _item(line: str) -> Item:
    path, label = line.rsplit(maxsplit=1)
    return Item(slashes(path), integer(label))


DATASET = RegDB
