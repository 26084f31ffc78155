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
import math
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

from mindspore_hub import _files
from mindspore_hub.errors import DatasetError, FeaturesError, HubError, UnknownNameError
from mindspore_hub.hub.values import as_builtin
from mindspore_hub.tasks.retrieval.features import Features
from mindspore_hub.tasks.retrieval.metrics import Result

_T = TypeVar("_T")

_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?")

_INTEGER = re.compile(r"[+-]?[0-9]+")


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


@dataclass(frozen=True)
class Source:
    """Its name for people, where to ask for it, and what lies in its folder."""

    name: str
    ask: str
    layout: str

    def missing(self, path: Path) -> DatasetError:
        """What to raise for a file or folder that is not there."""
        return DatasetError(
            f"{path} is missing. {self.name} is expected to hold {self.layout}. If you do not have "
            f"it, ask its authors for it: {self.ask}"
        )

    def lines(self, path: Path) -> list[str]:
        """Lines of a list, without empty ones; a DatasetError where there is none."""
        try:
            with _files.open_regular(path) as file:
                text = file.read().decode("utf-8-sig")
        except (FileNotFoundError, NotADirectoryError) as error:
            raise self.missing(path) from error
        except (OSError, UnicodeDecodeError) as error:
            msg = f"{path} cannot be read as a list of {self.name}: {error}."
            raise DatasetError(msg) from error
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        if not lines:
            msg = f"{path} is empty, but must be a list of {self.name}; get it again: {self.ask}"
            raise DatasetError(msg)
        return lines

    def parsed(self, path: Path, parse: Callable[[str], _T], expected: str) -> list[_T]:
        """What `parse` makes of each line of a list.

        Raises:
            DatasetError: The list is missing, or `parse` raises ValueError or IndexError for a
                line; the message says how one is expected to look.
        """
        found = []
        for number, line in enumerate(self.lines(path), 1):
            try:
                found.append(parse(line))
            except (ValueError, IndexError) as error:
                shown = repr(line[:80])
                if number == 1 and _is_header(line):
                    shown = f"a header line, {shown}; remove it"
                msg = f"{path}, entry {number}: expected {expected!r}, but found {shown}."
                raise DatasetError(msg) from error
        return found

    def present(self, root: Path, items: list[Item]) -> list[Item]:
        """These items, or a DatasetError if some of their images are not there."""
        absent = [item.path for item in items if not (root / item.path).is_file()]
        if absent:
            msg = (
                f"{len(absent)} of {len(items)} listed images are missing below {root}, the first "
                f"is {absent[0]}. {self.name} is expected to hold {self.layout}. Get what is "
                f"missing: {self.ask}"
            )
            raise DatasetError(msg)
        return items


def _is_header(line: str) -> bool:
    """Whether a line names columns: no cell is a number, and the first is not a path."""
    cells = [cell.strip(" \"'#") for cell in re.split(r"[\s,;]+", line)]
    return not any(_NUMBER.fullmatch(cell) for cell in cells) and not re.search(r"[./\\]", cells[0])


def choose(
    option: str, value: object, choices: tuple[object, ...], *, error: type[HubError] = DatasetError
) -> None:
    """Refuse a value of an option that is not one of these."""
    if value not in choices:
        msg = f"{option} must be one of {', '.join(map(repr, choices))}, but is {value!r}."
        raise error(msg)


def integer(text: str) -> int:
    """A whole number of 64 bits, or a ValueError; Python alone would take `1_0` for 10."""
    number = int(text) if _INTEGER.fullmatch(text) and len(text) < 32 else None
    if number is None or not -(2**63) <= number < 2**63:
        raise ValueError(text)
    return number


def finite(text: str) -> float:
    """A number that is neither infinite nor NaN, or a ValueError."""
    number = float(text)
    if not math.isfinite(number) or "_" in text:
        raise ValueError(text)
    return number


def labelled(line: str) -> Item:
    """An image of a list of paths and labels, or a ValueError."""
    path, label = line.rsplit(maxsplit=1)
    return Item(slashes(path), integer(label))


def slashes(path: str) -> str:
    """A path of a list, with `/` between folders."""
    return path.replace("\\", "/")


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

        Raises:
            FeaturesError: Something that the protocol needs is missing.
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
    if unknown := sorted(options.keys() - known.keys()):
        there = ", ".join(known)
        has = f"; options: {there or 'none'}" if noun == "data set" else f"; it has {there}"
        msg = f"The {noun} {name!r} has no option {unknown[0]!r}{has}."
        raise error(msg)
    return {key: fitting(key, value, known[key], error=error) for key, value in options.items()}


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


def fitting(name: str, value: object, usual: object, *, error: type[HubError]) -> Any:
    """A value of the kind of the default of an option; numbers of NumPy are taken like Python's.

    A default of None stands for a whole number or None. A value of another kind raises `error`.
    """
    value = as_builtin(value)
    if isinstance(usual, tuple):
        value = _items(value)
        fits = all(type(item) is int for item in value)
    elif isinstance(usual, str):
        fits = isinstance(value, str)
    elif isinstance(usual, float):
        fits = type(value) in {int, float}
    else:
        fits = type(value) is int or value is usual is None
    if not fits:
        kinds = "a whole number or None" if usual is None else f"of the kind of {usual!r}, as usual"
        msg = f"{name} must be {kinds}, but is {value!r}."
        raise error(msg)
    return value


def _items(value: Any) -> tuple[Any, ...]:
    """The items of a list, an array or the like; one thing stands for itself."""
    try:
        return (value,) if isinstance(value, str) else tuple(map(as_builtin, value))
    except TypeError:
        return (value,)
