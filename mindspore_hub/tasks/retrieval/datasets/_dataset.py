"""What every reader of a data set can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mindspore_hub.errors import DatasetError
from mindspore_hub.tasks.retrieval.datasets._read import Item


@dataclass(frozen=True)
class Dataset(ABC):
    """A data set as it is published.

    Args:
        root: Folder of the data set; paths of items are relative to it.
    """

    root: Path

    @abstractmethod
    def queries(self) -> list[Item]:
        """Images that are looked up, in the order of the published list.

        Raises:
            DatasetError: Something is missing or cannot be read.
        """

    def gallery(self) -> list[Item] | None:
        """Images that are looked through; None where queries are looked up among themselves.

        Raises:
            DatasetError: Something is missing or cannot be read.
        """
        return None

    def trials(self, count: int) -> list[Dataset]:
        """Readers of so many trials, each with its queries and its gallery.

        Raises:
            DatasetError: The data set has not so many.
        """
        if count != 1:
            msg = f"{type(self).__name__} has a single trial, but {count} are asked for."
            raise DatasetError(msg)
        return [self]

    def protocol_options(self) -> dict[str, Any]:
        """What the protocol of the same name must be told about these images.

        Raises:
            DatasetError: Something is missing or cannot be read.
        """
        return {}

    def beside(self, item: Item) -> dict[str, Any]:
        """What lies beside an image: `heatmaps` and `segments` (folders), `keypoints`."""
        return {}
