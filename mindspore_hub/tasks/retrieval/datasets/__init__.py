"""Readers of data sets as they are published: one module each, a reader by being in this folder.

A module is called by the name of its data set and has a `DATASET`, a frozen dataclass that is a
`Dataset` and has the options as further fields. Images are not opened here; an item says where one
lies. All of these data sets have licences of their own and must be asked for; a reader says where.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, cast

from mindspore_hub.errors import DatasetError
from mindspore_hub.tasks.retrieval._registry import Registry, fitting
from mindspore_hub.tasks.retrieval.datasets._dataset import Dataset
from mindspore_hub.tasks.retrieval.datasets._read import Item

__all__ = ["Dataset", "Item", "dataset", "default_options", "names"]

_DATASETS = Registry(__name__, Path(__file__).parent, noun="data set", constant="DATASET")


def names() -> list[str]:
    """Names of all data sets."""
    return _DATASETS.names()


def default_options(name: str) -> dict[str, Any]:
    """Options of a data set, with the values that they have if nobody says.

    Raises:
        UnknownNameError: There is no such data set.
    """
    return _DATASETS.options(name)


def dataset(name: str, root: str | os.PathLike[str], **options: Any) -> Dataset:
    """Make the reader of a data set; nothing is read yet.

    Args:
        name: Its name.
        root: Its folder.
        options: Its options, as its class documents them.

    Raises:
        UnknownNameError: There is no such data set.
        DatasetError: It has no such option, or the value of one means nothing.
    """
    known = default_options(name)
    unknown = sorted(options.keys() - known.keys())
    if unknown:
        there = ", ".join(known) or "none"
        msg = f"The data set {name!r} has no option {unknown[0]!r}; options: {there}."
        raise DatasetError(msg)
    values = {
        option: fitting(option, value, known[option], error=DatasetError)
        for option, value in options.items()
    }
    return cast("Dataset", _DATASETS.find(name)(Path(root or ""), **values))
