"""Front matter: keys and values with their places, from YAML or from what was meant to be YAML.

Nearly every card is `key: value` lines and one list of assets, which a scanner of lines reads ten
times faster than a YAML parser, and to the same result; of values in brackets it reads the shapes
and arguments that cards of this package have. What it is not sure of goes to PyYAML; what
PyYAML refuses is what the scanner could read, with the problem beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Sequence as Lines
from typing import Any, NamedTuple

from mindspore_hub.hub.findings import Place, Problem
from mindspore_hub.hub.patterns import pattern

_FORBIDDEN = pattern(
    r"[^\t\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
"""What YAML refuses, and what it takes for a line break where no editor shows one."""

_QUOTED = pattern(r"\"([^\"\\]*)\"|'([^']*)'")

_WORD = r"-?[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}"
"""A plain scalar that means the same inside brackets and outside."""

_LIST = rf"\[ *{_WORD}(?: *, *{_WORD})* *\]"
_PAIR = rf"{_WORD}: +(?:{_WORD}|{_LIST})"

_A_WORD = pattern(_WORD)
_A_LIST = pattern(_LIST)
_LIST_OF_LISTS = pattern(rf"\[ *{_LIST}(?: *, *{_LIST})* *\]")
_A_PAIR = pattern(rf"({_WORD}): +({_WORD}|{_LIST})")
_MAPPING = pattern(rf"\{{ *{_PAIR}(?: *, *{_PAIR})* *\}}")

_MAX_KEY = 1000
"""Longer keys YAML takes only with a question mark before them."""

_SPECIAL = frozenset("-?:,[]{}#&*!|>'\"%@`")
"""What a plain scalar does not begin with, or not without a thought."""


class Scalar(NamedTuple):
    """A value as written; `plain` when it stands without quotes and no tag makes it a text."""

    text: str
    place: Place
    plain: bool = True


class Sequence(NamedTuple):
    """A list."""

    items: tuple[Node, ...]
    place: Place


class Mapping(NamedTuple):
    """Keys and values in order; a key may stand twice."""

    entries: tuple[tuple[Scalar, Node], ...]
    place: Place

    def get(self, key: str) -> Node | None:
        """Value of a key, the last one if it stands twice, or None."""
        found = None
        for name, value in self.entries:
            if name.text == key:
                found = value
        return found

    def text(self, key: str) -> str | None:
        """Text of a scalar value, without the `<...>` around links; None if there is none."""
        value = self.get(key)
        return link_text(value.text) if isinstance(value, Scalar) else None

    def place_of(self, key: str) -> Place:
        """Where the key of that value stands, or the begin of the mapping if it is absent."""
        found = self.place
        for name, _ in self.entries:
            if name.text == key:
                found = name.place
        return found

    @property
    def names(self) -> list[str]:
        """Names of the keys, in order."""
        return [name.text for name, _ in self.entries]


Node = Scalar | Sequence | Mapping

Problems = list[tuple[str, Problem]]


def scalars(node: Node | None) -> tuple[Scalar, ...]:
    """A value, or the values of a list; nothing for anything else."""
    if isinstance(node, Scalar):
        return (node,)
    items = node.items if isinstance(node, Sequence) else ()
    return tuple(item for item in items if isinstance(item, Scalar))


def link_text(text: str) -> str:
    """A link without the angle brackets that Markdown puts around it."""
    return text[1:-1] if text.startswith("<") and text.endswith(">") else text


def read(lines: Lines[str], first_line: int) -> tuple[Mapping, Problems]:
    """Read front matter.

    Args:
        lines: What stands between the two rules.
        first_line: Line number of the first of them.

    Returns:
        Keys and values, and what is broken, under the code of the rule that reports it.
    """
    scan = _Scan(lines, first_line)
    if scan.sure:
        return scan.mapping, scan.problems
    forbidden = _forbidden_character(lines, first_line)
    if forbidden:
        return scan.mapping, [*scan.problems, ("F014", forbidden)]
    from mindspore_hub.hub.yaml_syntax import read_yaml

    mapping, error = read_yaml(scan.without_bare_dashes(lines), first_line)
    if error:
        return scan.mapping, [*scan.problems, ("F014", error)]
    return mapping, [item for item in scan.problems if item[0] == "F015"]


class _Scan:
    """What the lines say when each is taken by itself.

    Attributes:
        mapping: Keys and values.
        problems: Lines that are neither, and bare dashes in place of a value.
        sure: Whether a YAML parser would read the same.
    """

    def __init__(self, lines: Lines[str], first_line: int) -> None:
        # Tabs and what no editor shows mean to YAML what they do not mean here.
        self.sure = "".join(lines).isprintable()
        self.problems: Problems = []
        self._entries: list[tuple[Scalar, Any]] = []
        self._items: list[tuple[list[tuple[Scalar, Node]], Place]] | None = None
        self._list_place = Place()
        self._indent = 0
        self._first_line = first_line
        for number, line in enumerate(lines, first_line):
            stripped = line.strip(" \t")
            if stripped and not stripped.startswith("#"):
                self._take(number, line, stripped)
        self._close()
        self.mapping = Mapping(
            tuple(self._entries),
            self._entries[0][0].place if self._entries else Place(first_line),
        )

    def without_bare_dashes(self, lines: Lines[str]) -> list[str]:
        """The lines with every `key: -` as `key:`, which is YAML."""
        bare = {problem.place.line for code, problem in self.problems if code == "F015"}
        return [
            line.rstrip()[:-1] if number in bare else line
            for number, line in enumerate(lines, self._first_line)
        ]

    def _take(self, number: int, line: str, stripped: str) -> None:
        indent = len(line) - len(line.lstrip(" \t"))
        if stripped == "-":
            self._begin_item(Place(number, indent + 1))
            return
        if stripped.startswith(("- ", "-\t")):
            self._begin_item(Place(number, indent + 1))
            inner = stripped[1:].lstrip(" \t")
            indent += len(stripped) - len(inner)
            stripped = inner
        entry = self._entry(number, indent, stripped)
        if not entry:
            self._stray(number, indent)
        elif indent:
            self._add_to_item(entry)
        else:
            if self._items is not None:
                self._close()
            self._entries.append(entry)

    def _entry(self, number: int, indent: int, stripped: str) -> tuple[Scalar, Node] | None:
        """Key and value of a line, or None if it is no `key: value`."""
        name, colon, rest = stripped.partition(":")
        if not colon or not name or name[0] in _SPECIAL or (rest and rest[0] not in " \t"):
            return None
        written = rest.lstrip(" \t")
        column = indent + len(name) + 2
        if written:
            column += len(rest) - len(written)
        if name[-1] in " \t" or " #" in name or len(name) > _MAX_KEY:
            self.sure = False
            name = name.rstrip(" \t")
        key = Scalar(name, Place(number, indent + 1))
        return key, self._value(key, written, Place(number, column))

    def _value(self, key: Scalar, written: str, place: Place) -> Node:
        if not written or _is_sure(written):
            return Scalar(written, place)
        if written == "-":
            help_ = "remove the line: the value is absent"
            message = f"{key.text}: - is not YAML"
            self.problems.append(("F015", Problem(key.place, message, help_)))
            return Scalar("", place)
        quoted = _QUOTED.fullmatch(written)
        if quoted:
            return Scalar(quoted[1] if quoted[1] is not None else quoted[2], place, plain=False)
        flow = _flow(written, place)
        self.sure = self.sure and flow is not None
        return flow or Scalar(written, place)

    def _begin_item(self, place: Place) -> None:
        if self._items is None:
            last = self._entries[-1][1] if self._entries else None
            if not isinstance(last, Scalar) or last.text or not last.plain:
                self._stray_item(place)
                return
            self._items = []
            self._list_place = place
        if place.column != self._list_place.column:
            self.sure = False
        self._indent = 0
        self._items.append(([], place))

    def _stray_item(self, place: Place) -> None:
        self.sure = False
        self.problems.append(
            ("F017", Problem(place, "a list item without a list", "write `key: value`"))
        )

    def _add_to_item(self, entry: tuple[Scalar, Node]) -> None:
        key, value = entry
        if not self._items:
            self._stray(key.place.line, key.place.column - 1)
            return
        self._indent = self._indent or key.place.column
        nested = self._list_place.column < key.place.column == self._indent
        if not nested or (isinstance(value, Scalar) and not value.text):
            self.sure = False
        self._items[-1][0].append(entry)

    def _stray(self, number: int, indent: int) -> None:
        self.sure = False
        message = "the line is neither a key with a value nor an item of a list"
        help_ = "write `key: value`, or remove the line"
        self.problems.append(("F017", Problem(Place(number, indent + 1), message, help_)))

    def _close(self) -> None:
        """Make the list that has been open the value of its key."""
        if self._items is None:
            return
        items = []
        for entries, place in self._items:
            if entries:
                items.append(Mapping(tuple(entries), entries[0][0].place))
            else:
                self.sure = False
                items.append(Mapping((), place))
        key = self._entries[-1][0]
        self._entries[-1] = (key, Sequence(tuple(items), self._list_place))
        self._items = None


def _is_sure(written: str) -> bool:
    """Whether a value is a plain scalar that needs no thought."""
    return (
        written[0] not in _SPECIAL
        and written[-1] != ":"
        and ": " not in written
        and " #" not in written
        and "\t" not in written
    )


def _flow(written: str, place: Place) -> Sequence | Mapping | None:
    """A list of words or of such lists, or a mapping of words to either; None for anything else."""
    if written[0] == "{" and _MAPPING.fullmatch(written):
        return Mapping(tuple(_pairs(written, place)), place)
    if written[0] == "[" and _A_LIST.fullmatch(written):
        return _list_of_words(written, place)
    if written[0] == "[" and _LIST_OF_LISTS.fullmatch(written):
        lists = _parts(_A_LIST, written, place)
        return Sequence(tuple(_list_of_words(*part) for part in lists), place)
    return None


def _pairs(written: str, place: Place) -> Iterator[tuple[Scalar, Node]]:
    line, column = place
    for match in _A_PAIR.finditer(written):
        value, at = match[2], Place(line, column + match.start(2))
        node = _list_of_words(value, at) if value[0] == "[" else Scalar(value, at)
        yield Scalar(match[1], Place(line, column + match.start(1))), node


def _list_of_words(written: str, place: Place) -> Sequence:
    return Sequence(tuple(Scalar(*part) for part in _parts(_A_WORD, written, place)), place)


def _parts(kind: re.Pattern[str], written: str, place: Place) -> list[tuple[str, Place]]:
    """Texts of a kind inside a value, with their places."""
    line, column = place
    return [(match[0], Place(line, column + match.start())) for match in kind.finditer(written)]


def _forbidden_character(lines: Lines[str], first_line: int) -> Problem | None:
    for number, line in enumerate(lines, first_line):
        match = _FORBIDDEN.search(line)
        if match:
            place = Place(number, match.start() + 1)
            message = f"not YAML: the character U+{ord(match[0]):04X} cannot stand here"
            return Problem(place, message, "remove that character")
    return None
