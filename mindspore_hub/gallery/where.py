"""Filters of galleries: `camera != 2 and (label in (7, 8) or path like 'gate/%')`.

    filter     = term {"or" term}
    term       = factor {"and" factor}
    factor     = "not" factor | "(" filter ")" | comparison
    comparison = column operator value | column ["not"] "in" "(" value {"," value} ")"
               | column ["not"] "like" text
    column     = "label" | "camera" | "id" | "path"
    operator   = "=" | "==" | "!=" | "<>" | "<" | "<=" | ">" | ">="

`label`, `camera` and `id` are compared with whole numbers, `path` with texts in single quotes, in which `''`
is one quote. In a text after `like`, `%` stands for any characters and `_` for one. Words may be in
capitals. A label or camera that nobody knows is -1. The same filter is a mask for arrays and SQL for a table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from mindspore_hub.errors import FeaturesError

Mask = npt.NDArray[np.bool_]

Columns = Mapping[str, npt.NDArray[np.generic]]
"""Arrays of one length by the names of `COLUMNS`."""

COLUMNS = {"label": int, "camera": int, "id": int, "path": str}
"""What may be compared, and the kind of its values."""

Value = int | str

_TOKEN = re.compile(
    r"\s*(?:(?P<number>[+-]?\d+)(?![\w.])|(?P<text>'(?:[^']|'')*')|(?P<word>[A-Za-z]\w*)"
    r"|(?P<sign><=|>=|<>|!=|==|[=<>(),]))"
)

_COMPARISONS: dict[str, Callable[..., Mask]] = {
    "=": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}

_SAME = {"==": "=", "<>": "!="}

_LARGEST = 2**63

_DEPTH = 50
"""Levels of parentheses and `not`; what is deeper would exhaust the stack."""

EXAMPLE = "camera != 2 and label in (7, 8)"


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    place: int


@dataclass(frozen=True)
class Comparison:
    """A column compared with values: by a sign, `in` or `like`."""

    column: str
    operator: str
    values: tuple[Value, ...]

    @property
    def columns(self) -> set[str]:
        """The columns that it looks at."""
        return {self.column}

    def mask(self, columns: Columns) -> Mask:
        """Which rows it is true of."""
        column = columns[self.column]
        if self.operator == "in":
            return np.isin(column, np.array(self.values))
        if self.operator == "like":
            matches = _pattern(str(self.values[0])).fullmatch
            return np.fromiter((bool(matches(text)) for text in column), bool, len(column))
        return np.asarray(_COMPARISONS[self.operator](column, self.values[0]), bool)

    def sql(self) -> str:
        """The same for a table."""
        values = ", ".join(map(_literal, self.values))
        if self.operator == "like":
            values = values.replace("\\", "\\\\")  # SQL takes it for the mark of a plain % or _
        return (
            f"({self.column} {self.operator} {f'({values})' if self.operator == 'in' else values})"
        )


@dataclass(frozen=True)
class Combination:
    """Filters joined by `and` or `or`, or one after `not`."""

    operator: str
    parts: tuple[Filter, ...]

    @property
    def columns(self) -> set[str]:
        """The columns that it looks at."""
        return set().union(*(part.columns for part in self.parts))

    def mask(self, columns: Columns) -> Mask:
        """Which rows it is true of."""
        masks = [part.mask(columns) for part in self.parts]
        if self.operator == "not":
            return ~masks[0]
        join = np.logical_and if self.operator == "and" else np.logical_or
        return np.asarray(join.reduce(masks), bool)

    def sql(self) -> str:
        """The same for a table."""
        if self.operator == "not":
            return f"(NOT {self.parts[0].sql()})"
        joined = f" {self.operator.upper()} ".join(part.sql() for part in self.parts)
        return f"({joined})"


Filter = Comparison | Combination


def parse(text: str) -> Filter:
    """Read a filter.

    Raises:
        FeaturesError: It is not one; the message shows the place.
    """
    return _Parser(text).filter()


def _literal(value: Value) -> str:
    if isinstance(value, int):
        return str(value)
    escaped = value.replace("'", "''")
    return f"'{escaped}'"


def _pattern(text: str) -> re.Pattern[str]:
    parts = {"%": ".*", "_": "."}
    return re.compile("".join(parts.get(one, re.escape(one)) for one in text), re.DOTALL)


class _Parser:
    """Reads a filter from left to right; `_next` is what is to be read next."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._split()
        self._next = next(self._tokens)
        self._depth = 0

    def filter(self) -> Filter:
        found = self._joined("or", lambda: self._joined("and", self._factor))
        if self._next.kind != "end":
            self._refuse("and, or, or the end is expected")
        return found

    def _split(self) -> Iterator[_Token]:
        place, text = 0, self._text.rstrip()
        while place < len(text):
            found = _TOKEN.match(text, place)
            if not found or not found.lastgroup:
                space = len(text[place:]) - len(text[place:].lstrip())
                self._next = _Token("odd", "", place + space)
                quote = text[place + space] == "'"
                self._refuse("this text has no closing quote" if quote else "this means nothing")
            kind = found.lastgroup
            yield _Token(kind, found[kind], found.start(kind))
            place = found.end()
        yield _Token("end", "", len(text))

    def _joined(self, operator: str, part: Callable[[], Filter]) -> Filter:
        parts = [part()]
        while self._is(operator):
            self._advance()
            parts.append(part())
        return parts[0] if len(parts) == 1 else Combination(operator, tuple(parts))

    def _factor(self) -> Filter:
        if not (self._is("not") or self._is("(")):
            return self._comparison()
        self._depth += 1
        if self._depth > _DEPTH:
            self._refuse(f"it is nested deeper than {_DEPTH} levels")
        if self._is("not"):
            self._advance()
            found: Filter = Combination("not", (self._factor(),))
        else:
            self._advance()
            found = self._joined("or", lambda: self._joined("and", self._factor))
            self._take(")")
        self._depth -= 1
        return found

    def _comparison(self) -> Filter:
        column = self._next.text.lower()
        if self._next.kind != "word" or column not in COLUMNS:
            self._refuse(f"a column is expected: {', '.join(COLUMNS)}")
        self._advance()
        negated = self._is("not")
        if negated:
            self._advance()
        word = self._next.text.lower()
        operator = _SAME.get(word, word)
        if operator not in {"in", "like"} and (negated or operator not in _COMPARISONS):
            self._refuse(
                "in or like is expected" if negated else "=, !=, <, in or the like is expected"
            )
        if operator == "like" and COLUMNS[column] is not str:
            self._refuse("like is for path; other columns are whole numbers")
        self._advance()
        values = self._values(column) if operator == "in" else (self._value(column),)
        found = Comparison(column, operator, values)
        return Combination("not", (found,)) if negated else found

    def _values(self, column: str) -> tuple[Value, ...]:
        self._take("(")
        values = [self._value(column)]
        while self._is(","):
            self._advance()
            values.append(self._value(column))
        self._take(")")
        return tuple(values)

    def _value(self, column: str) -> Value:
        token = self._next
        if COLUMNS[column] is str:
            if token.kind != "text":
                self._refuse("path is compared with a text in single quotes, such as 'gate/1.png'")
            self._advance()
            return token.text[1:-1].replace("''", "'")
        if token.kind != "number":
            self._refuse(f"{column} is compared with a whole number")
        if len(token.text) > 20 or not -_LARGEST <= int(token.text) < _LARGEST:
            self._refuse("this number does not fit into 64 bits")
        self._advance()
        return int(token.text)

    def _is(self, text: str) -> bool:
        return self._next.kind in {"word", "sign"} and self._next.text.lower() == text

    def _take(self, text: str) -> None:
        if not self._is(text):
            self._refuse(f"{text!r} is expected")
        self._advance()

    def _advance(self) -> None:
        self._next = next(self._tokens)

    def _refuse(self, why: str) -> NoReturn:
        place = self._next.place
        msg = (
            f"The filter cannot be read at character {place + 1}: {why}.\n"
            f"  {self._text}\n  {' ' * place}^\nA filter is such as: {EXAMPLE}"
        )
        raise FeaturesError(msg)
