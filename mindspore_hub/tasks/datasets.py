"""What readers of data sets share: lists, what to say of a missing file, and the values of options."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from mindspore_hub import _files
from mindspore_hub.errors import DatasetError, HubError
from mindspore_hub.hub.values import as_builtin

_T = TypeVar("_T")


class _Located(Protocol):
    @property
    def path(self) -> str: ...


_Item = TypeVar("_Item", bound=_Located)

_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?")

_INTEGER = re.compile(r"[+-]?[0-9]+")


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

    def present(self, root: Path, items: list[_Item]) -> list[_Item]:
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


def slashes(path: str) -> str:
    """A path of a list, with `/` between folders."""
    return path.replace("\\", "/")


def options_of(
    owner: str, known: Mapping[str, Any], given: Mapping[str, Any], *, error: type[HubError]
) -> dict[str, Any]:
    """Options that were given, each of the kind of its default in `known`.

    Raises:
        HubError: `error`, where the owner has no such option, or its value means nothing.
    """
    if unknown := sorted(given.keys() - known.keys()):
        msg = f"{owner} has no option {unknown[0]!r}; it has {', '.join(known) or 'none'}."
        raise error(msg)
    return {key: fitting(key, value, known[key], error=error) for key, value in given.items()}


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


def digest_of_files(paths: Iterable[Path]) -> str:
    """Sha256 of the sha256 of each file, in their order.

    Raises:
        DatasetError: One cannot be read.
    """
    found = hashlib.sha256()
    for path in paths:
        try:
            content = _files.read_regular(path)
        except OSError as error:
            msg = f"{path} cannot be read: {error.strerror}."
            raise DatasetError(msg) from error
        found.update(hashlib.sha256(content).digest())
    return found.hexdigest()
