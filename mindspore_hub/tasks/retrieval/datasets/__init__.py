"""Data sets and how they are scored: one module each, found by being in this folder.

A module is called by the name of its data set. Its `DATASET` reads the data set as it is published:
a frozen dataclass that is a `Dataset`, with the options as further fields. Images are not opened; an
item says where one lies. All of these data sets have licences of their own and must be asked for; a
reader says where. Its `PROTOCOL` scores features: another frozen dataclass, whose fields are the
options. Where the published number depends on a peculiarity of the original evaluation, the published
definition is the default, and an option gives the clean one. The docstrings say where each comes from;
paths such as research/cv/MVD are those of the MindSpore models repository.
"""

from __future__ import annotations

import dataclasses
import difflib
import importlib
import os
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

from mindspore_hub.errors import DatasetError, FeaturesError, HubError, UnknownNameError
from mindspore_hub.gallery.features import Features
from mindspore_hub.tasks.datasets import integer, options_of, slashes
from mindspore_hub.tasks.retrieval.metrics import Result


@dataclass(frozen=True)
class Item:
    """One image: its path below the root of the data set, and its identity or class.

    Where the data set says so, also the camera, the colour and type of the vehicle, and key points: x, y
    and confidence, one after the other, in pixels.
    """

    path: str
    label: int
    camera: int | None = None
    color: int | None = None
    type: int | None = None
    keypoints: tuple[float, ...] | None = None


def labelled(line: str) -> Item:
    """An image of a list of paths and labels, or a ValueError."""
    path, label = line.rsplit(maxsplit=1)
    return Item(slashes(path), integer(label))


@dataclass(frozen=True)
class Dataset(ABC):
    """A data set as it is published.

    Whatever is missing or cannot be read is a DatasetError.

    Args:
        root: Folder of the data set; paths of items are relative to it.
    """

    root: Path

    @abstractmethod
    def queries(self) -> list[Item]:
        """Images that are looked up, in the order of the published list."""

    def gallery(self) -> list[Item] | None:
        """Images that are looked through; None where queries are looked up among themselves."""
        return None

    def trials(self, count: int) -> list[Dataset]:
        """Readers of so many trials, each with its queries and its gallery."""
        if count != 1:
            msg = f"{type(self).__name__} has a single trial, but {count} are asked for."
            raise DatasetError(msg)
        return [self]

    def protocol_options(self) -> dict[str, Any]:
        """Options that these images decide for the protocol of the same name."""
        return {}

    def extras(self, item: Item) -> dict[str, Any]:
        """What lies beside an image: `heatmaps` and `segments` (folders), `keypoints`."""
        return {}


class Evaluation(Protocol):
    """What every protocol can do."""

    def evaluate(self, query: Features, gallery: Features | None = None) -> Result:
        """Score features of queries and gallery; None where queries are looked up among themselves.

        A FeaturesError says that something is missing that the protocol needs.
        """


def names() -> list[str]:
    """Names of all data sets, which are those of their protocols."""
    return sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py"))


def dataset(name: str, root: str | os.PathLike[str], **options: Any) -> Dataset:
    """Make the reader of a data set below a root; nothing is read yet.

    Raises:
        UnknownNameError: There is no such data set.
        DatasetError: It has no such option, or the value of one means nothing.
    """
    values = _values(name, "data set", options, DatasetError)
    return cast("Dataset", _class(name, "data set")(Path(root or ""), **values))


def protocol(name: str, /, **options: Any) -> Evaluation:
    """Make a protocol.

    Raises:
        UnknownNameError: There is no such protocol.
        FeaturesError: It has no such option, or the value of one means nothing.
    """
    values = _values(name, "protocol", options, FeaturesError)
    return cast("Evaluation", _class(name, "protocol")(**values))


def _values(name: str, noun: str, options: dict[str, Any], error: type[HubError]) -> dict[str, Any]:
    """The options, each of the kind of its default."""
    known = _defaults(name, noun)
    return options_of(f"The {noun} {name!r}", known, options, error=error)


def dataset_options(name: str) -> dict[str, Any]:
    """Options of a data set, with their defaults."""
    return _defaults(name, "data set")


def protocol_options(name: str) -> dict[str, Any]:
    """Options of a protocol, with their defaults."""
    return _defaults(name, "protocol")


def _class(name: str, noun: str) -> Any:
    """The `DATASET` or `PROTOCOL` of a name."""
    there = names()
    if name not in there:
        near = difflib.get_close_matches(name, there, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        msg = f"No {noun} is called {name!r}; there are {', '.join(there)}.{hint}"
        raise UnknownNameError(msg)
    constant = {"data set": "DATASET", "protocol": "PROTOCOL"}[noun]
    return getattr(importlib.import_module(f"{__name__}.{name}"), constant)


def _defaults(name: str, noun: str) -> dict[str, Any]:
    fields = dataclasses.fields(_class(name, noun))
    return {f.name: f.default for f in fields if f.default is not dataclasses.MISSING}
