"""Readers of data sets as they are published: one module each, a reader by being in this folder.

A module is called by the name of its data set and has a frozen dataclass `DATASET` with the field
`root` and the options as further fields. Images are not opened here; an item says where one lies.
All of these data sets have licences of their own and must be asked for; a reader says where.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Protocol, cast

from mindspore_hub.errors import DatasetError
from mindspore_hub.reid._registry import Registry
from mindspore_hub.reid.datasets._read import Item

_DATASETS = Registry(__name__, Path(__file__).parent, noun="data set", constant="DATASET")


class Dataset(Protocol):
    """What every reader can do."""

    @property
    def root(self) -> Path:
        """Folder of the data set; paths of items are relative to it."""

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


def names() -> list[str]:
    """Names of all data sets."""
    return _DATASETS.names()


def dataset(name: str, root: Path, **options: Any) -> Dataset:
    """Make the reader of a data set; nothing is read yet.

    Args:
        name: Its name.
        root: Its folder.
        options: Its options, as its class documents them.

    Raises:
        UnknownNameError: There is no such data set.
        DatasetError: It has no such option, or the value of one means nothing.
    """
    made = _DATASETS.find(name)
    known = [field.name for field in dataclasses.fields(made) if field.name != "root"]
    unknown = sorted(set(options) - set(known))
    if unknown:
        there = ", ".join(known) or "none"
        msg = f"The data set {name!r} has no option {unknown[0]!r}; options: {there}."
        raise DatasetError(msg)
    return cast("Dataset", made(root, **options))
