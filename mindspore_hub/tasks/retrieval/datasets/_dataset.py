"""What readers of data sets share: items, lists, and errors that say where to ask for the data."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from mindspore_hub import _files
from mindspore_hub.errors import DatasetError, HubError

_T = TypeVar("_T")

_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?")

_INTEGER = re.compile(r"[+-]?[0-9]+")


@dataclass(frozen=True)
class Item:
    """One image.

    Attributes:
        path: Path below the root of the data set, with `/` between folders.
        label: Identity or class.
        camera: Camera that took it; None where the data set does not say.
        color: Colour of the vehicle, as published.
        type: Type of the vehicle, as published.
        keypoints: Key points as x, y and confidence, one after the other, in pixels.
    """

    path: str
    label: int
    camera: int | None = None
    color: int | None = None
    type: int | None = None
    keypoints: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Source:
    """Where a data set comes from, and what its folder looks like.

    Attributes:
        name: Its name, for people.
        ask: Where to ask for it.
        layout: What lies in its folder.
    """

    name: str
    ask: str
    layout: str

    def missing(self, path: Path) -> DatasetError:
        """The error for a file or folder that is not there."""
        return DatasetError(
            f"{path} is missing. {self.name} is expected to hold {self.layout}. If you do not have "
            f"it, ask its authors for it: {self.ask}"
        )

    def lines(self, path: Path) -> list[str]:
        """Lines of a list, without empty ones.

        Raises:
            DatasetError: It is missing, not text, or holds no line.
        """
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
        """What each line of a list says.

        Args:
            path: The list.
            parse: Reads one line; raises ValueError or IndexError for one that does not fit.
            expected: How a line looks, for the message.

        Raises:
            DatasetError: The list is missing, or a line does not fit.
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

    def present(self, root: Path, items: Iterable[Item]) -> list[Item]:
        """These items, whose images are all there.

        Raises:
            DatasetError: Some are not.
        """
        items = list(items)
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


def visible(folder: Path) -> Iterator[Path]:
    """Files of a folder by name, without those whose names begin with a dot."""
    return (
        path
        for path in sorted(folder.iterdir())
        if not path.name.startswith(".") and path.is_file()
    )


def choose(
    option: str,
    value: object,
    choices: tuple[object, ...],
    *,
    error: type[HubError] = DatasetError,
) -> None:
    """Refuse a value of an option that is not one of these."""
    if value not in choices:
        msg = f"{option} must be one of {', '.join(map(repr, choices))}, but is {value!r}."
        raise error(msg)


def integer(text: str) -> int:
    """A whole number of 64 bits; Python alone would take `1_0` for 10.

    Raises:
        ValueError: The text is not one.
    """
    number = int(text) if _INTEGER.fullmatch(text) and len(text) < 32 else None
    if number is None or not -(2**63) <= number < 2**63:
        raise ValueError(text)
    return number


def finite(text: str) -> float:
    """A number that is neither infinite nor NaN.

    Raises:
        ValueError: The text is not one.
    """
    number = float(text)
    if not math.isfinite(number) or "_" in text:
        raise ValueError(text)
    return number


def labelled(line: str) -> Item:
    """An image of a list of paths and labels.

    Raises:
        ValueError: The line has another form.
    """
    path, label = line.rsplit(maxsplit=1)
    return Item(slashes(path), integer(label))


def slashes(path: str) -> str:
    """A path of a list, with `/` between folders."""
    return path.replace("\\", "/")


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
        """Options that these images decide for the protocol of the same name.

        Raises:
            DatasetError: Something is missing or cannot be read.
        """
        return {}

    def extras(self, item: Item) -> dict[str, Any]:
        """What lies beside an image: `heatmaps` and `segments` (folders), `keypoints`."""
        return {}
