"""SYSU-MM01: people before four visible-light and two infrared cameras."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mindspore_hub.errors import DatasetError
from mindspore_hub.tasks.retrieval.datasets._dataset import Dataset
from mindspore_hub.tasks.retrieval.datasets._read import Item, Source, choose, integer, visible
from mindspore_hub.tasks.retrieval.scoring.draws import CAMERAS, draw

SOURCE = Source(
    "SYSU-MM01",
    "https://github.com/wuancong/SYSU-MM01 (by a signed agreement)",
    "cam1/ to cam6/ with a folder such as 0006/ per identity, and exp/test_id.txt",
)

_INFRARED = (3, 6)

_CAMERAS = range(1, 7)


@dataclass(frozen=True)
class SYSU(Dataset):
    """Test identities: infrared queries and candidates for the visible-light gallery.

    Args:
        root: Folder with `cam1/` to `cam6/` and `exp/`.
        search: `all` or `indoor`, which decides the cameras of the gallery.
        seed: None gives every candidate, from which the protocol draws; a seed gives the one
            gallery that is drawn with it, which saves work where one is enough.
    """

    search: str = "all"
    seed: int | None = None

    def __post_init__(self) -> None:
        choose("search", self.search, tuple(CAMERAS))

    def queries(self) -> list[Item]:
        """Every image of the infrared cameras, by identity and camera."""
        return self._items(_INFRARED)

    def gallery(self) -> list[Item]:
        """Candidates, by identity and camera, or the gallery that is drawn with the seed."""
        items = self._items(CAMERAS[self.search])
        if self.seed is None:
            return items
        labels = np.array([item.label for item in items])
        cameras = np.array([item.camera for item in items])
        paths = np.array([item.path for item in items])
        drawn = draw(labels, cameras, paths, search=self.search, seed=self.seed)
        return [items[index] for index in drawn]

    def trials(self, count: int) -> list[Dataset]:
        """Galleries that are drawn with the seeds 0, 1 and so on, or with the seed that is given."""
        if count == 1 and self.seed is not None:
            return [self]
        return [replace(self, seed=seed) for seed in range(count)]

    def protocol_options(self) -> dict[str, Any]:
        """Galleries are drawn here, unless they hold every candidate."""
        return {} if self.seed is None else {"seeds": ()}

    def _items(self, cameras: tuple[int, ...]) -> list[Item]:
        for camera in cameras:
            if not (self.root / f"cam{camera}").is_dir():
                raise SOURCE.missing(self.root / f"cam{camera}")
        names = self._identities()
        for name in names:
            self._require_any(name)
        items = [item for name in names for item in self._images(name, cameras)]
        if not items:
            numbers = ", ".join(map(str, cameras))
            msg = (
                f"No camera of {numbers} below {self.root} has an image of an identity of "
                "exp/test_id.txt; look at the list."
            )
            raise DatasetError(msg)
        return items

    def _identities(self) -> list[int]:
        """Test identities: every number of the list, with commas, not always sorted."""
        path = self.root / "exp" / "test_id.txt"
        rows = SOURCE.parsed(path, _numbers, "identities such as 6,10,17")
        found = sorted({name for row in rows for name in row})
        if not found:
            msg = f"{path} names no identity; get it again: {SOURCE.ask}"
            raise DatasetError(msg)
        return found

    def _require_any(self, name: int) -> None:
        """Refuse an identity of the list that no camera has a picture of."""
        if next(self._images(name, _CAMERAS), None) is None:
            looked_for = self.root / "cam*" / f"{name:04}"
            msg = (
                f"Identity {name} of exp/test_id.txt has no picture in any camera: {looked_for} was "
                f"looked for. {SOURCE.name} is expected to hold {SOURCE.layout}. Correct the list, "
                f"or get what is missing: {SOURCE.ask}"
            )
            raise DatasetError(msg)

    def _images(self, name: int, cameras: Iterable[int]) -> Iterator[Item]:
        """Images of an identity; not every camera saw every one."""
        for camera in cameras:
            folder = self.root / f"cam{camera}" / f"{name:04}"
            for path in visible(folder) if folder.is_dir() else ():
                yield Item(path.relative_to(self.root).as_posix(), name, camera)


def _numbers(line: str) -> list[int]:
    """Numbers of a line; a comma may end it."""
    return [integer(name) for name in line.replace(",", " ").split()]


DATASET = SYSU
