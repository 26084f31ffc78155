"""RegDB: pairs of visible-light and thermal images of 412 people, in ten trials."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mindspore_hub.reid.datasets._read import Item, Source, choose, slashes

SOURCE = Source(
    "RegDB",
    "http://dm.dongguk.edu/link.html (Dongguk University, by a signed agreement)",
    "idx/test_visible_1.txt to _10.txt, idx/test_thermal_1.txt to _10.txt, Visible/ and Thermal/",
)

_SPECTRA = {
    "visible-to-infrared": ("visible", "thermal"),
    "infrared-to-visible": ("thermal", "visible"),
}


@dataclass(frozen=True)
class RegDB:
    """The test images of one trial.

    Args:
        root: Folder with `idx/`, `Visible/` and `Thermal/`.
        direction: `visible-to-infrared` or `infrared-to-visible`: from queries to gallery.
        trial: Number of the trial, 1 to 10; published numbers are of 1.
    """

    root: Path
    direction: str = "visible-to-infrared"
    trial: int = 1

    def __post_init__(self) -> None:
        choose("direction", self.direction, tuple(_SPECTRA))
        choose("trial", self.trial, tuple(range(1, 11)))

    def queries(self) -> list[Item]:
        """Images of the first spectrum, in the order of the list."""
        return self._items(_SPECTRA[self.direction][0])

    def gallery(self) -> list[Item]:
        """Images of the second spectrum, in the order of the list."""
        return self._items(_SPECTRA[self.direction][1])

    def _items(self, spectrum: str) -> list[Item]:
        path = self.root / "idx" / f"test_{spectrum}_{self.trial}.txt"
        return SOURCE.present(self.root, SOURCE.parsed(path, _item, "path label"))


def _item(line: str) -> Item:
    path, label = line.rsplit(maxsplit=1)
    return Item(slashes(path), int(label))


DATASET = RegDB
