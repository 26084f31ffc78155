"""Front matter: keys and values with their places, from YAML or from what was meant to be YAML.

Nearly every card is `key: value` lines and one list of assets, which a scanner of lines reads ten
times faster than a YAML parser, and to the same result; of values in brackets it reads the shapes
and arguments that cards of this package have. What it is not sure of goes to PyYAML; where PyYAML refuses,
what the scanner could read counts, and a problem says why. The problems are in words and places of our
own, the same with every release of PyYAML, with libyaml or without.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from mindspore_hub.hub.findings import Place, Problem
from mindspore_hub.hub.patterns import pattern
from mindspore_hub.hub.values import YamlList, YamlMapping, YamlNode, YamlText

_FORBIDDEN = pattern(
    r"[^\t\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
"""What YAML refuses, and what it takes for a line break where no editor shows one."""

_QUOTED = pattern(r"\"([^\"\\]*)\"|'([^']*)'")

_WORD = r"-?[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}"
"""A plain scalar that means the same inside brackets and outside."""

_LIST = rf"\[ *{_WORD}(?: *, *{_WORD})* *\]"
_PAIR = rf"{_WORD}: +(?:{_WORD}|{_LIST})"
_FLAT = rf"\{{ *{_PAIR}(?: *, *{_PAIR})* *\}}"
_FIELD = rf"{_WORD}: +(?:{_WORD}|{_LIST}|{_FLAT})"

_A_WORD = pattern(_WORD)
_A_LIST = pattern(_LIST)
_LIST_OF_LISTS = pattern(rf"\[ *{_LIST}(?: *, *{_LIST})* *\]")
_A_FIELD = pattern(rf"({_WORD}): +({_WORD}|{_LIST}|{_FLAT})")
_MAPPING = pattern(rf"\{{ *{_FIELD}(?: *, *{_FIELD})* *\}}")

_MAX_KEY = 1000
"""Longer keys YAML takes only with a question mark before them."""

_SPECIAL = frozenset("-?:,[]{}#&*!|>'\"%@`")
"""What a plain scalar does not begin with, or not without a thought."""

MAX_DEPTH = 20
"""Lists and mappings inside each other: deeper ones would end the interpreter, not the parser."""

_QUOTE_LEFT_OPEN = pattern(
    r"\s*(?:-\s+)?[\w-]+:\s+(?:[\[{][^\"']*)?(\"(?:[^\"\\]|\\.)*\\?|'(?:[^']|'')*)"
)
"""A line whose value, or the first in its brackets, begins with a quote that the line does not close."""

_A_KEY = pattern(r"\s*(?:-\s+)?[\w-]+:(?:\s|$)")

_OPENING = {"[": "bracket", "{": "bracket", '"': "quote", "'": "quote"}

_QUOTE_HELP = "quote a value that holds `: ` or a leading special character"


Problems = list[tuple[str, Problem]]


def read(lines: Sequence[str], first_line: int) -> tuple[YamlMapping, Problems]:
    """Read what stands between the two rules, from the line `first_line` on.

    Returns:
        Keys and values, and what is broken, under the code of the rule that reports it.
    """
    scan = _Scan(lines, first_line)
    if scan.sure:
        return scan.mapping, scan.problems
    forbidden = _forbidden_character(lines, first_line)
    if forbidden:
        return scan.mapping, [*scan.problems, ("F014", forbidden)]
    mapping, error = _read_yaml(scan.without_bare_dashes(lines), first_line)
    if error:
        return scan.mapping, [*scan.problems, ("F014", error)]
    return mapping, [item for item in scan.problems if item[0] == "F015"]


class _Scan:
    """What the lines say when each is taken by itself; `sure` if a YAML parser would read the same."""

    def __init__(self, lines: Sequence[str], first_line: int) -> None:
        # Tabs and what no editor shows mean to YAML what they do not mean here.
        self.sure = "".join(lines).isprintable()
        self.problems: Problems = []
        self._entries: list[tuple[YamlText, Any]] = []
        self._items: list[tuple[list[tuple[YamlText, YamlNode]], Place]] | None = None
        self._list_place = Place()
        self._indent = 0
        self._first_line = first_line
        for number, line in enumerate(lines, first_line):
            stripped = line.strip(" \t")
            if stripped and not stripped.startswith("#"):
                self._take(number, line, stripped)
        self._close()
        self.mapping = YamlMapping(
            tuple(self._entries),
            self._entries[0][0].place if self._entries else Place(first_line),
        )

    def without_bare_dashes(self, lines: Sequence[str]) -> list[str]:
        """The lines with every `key: -` as `key:`, which is YAML."""
        bare = {problem.place.line for code, problem in self.problems if code == "F015"}
        return [
            line.rstrip()[:-1] if number in bare else line
            for number, line in enumerate(lines, self._first_line)
        ]

    def _take(self, number: int, line: str, stripped: str) -> None:
        indent = len(line) - len(line.lstrip(" \t"))
        if stripped == "-" or stripped.startswith(("- ", "-\t")):
            self._begin_item(Place(number, indent + 1))
            inner = stripped[1:].lstrip(" \t")
            if not inner:
                return
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

    def _entry(self, number: int, indent: int, stripped: str) -> tuple[YamlText, YamlNode] | None:
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
        key = YamlText(name, Place(number, indent + 1))
        return key, self._value(key, written, Place(number, column))

    def _value(self, key: YamlText, written: str, place: Place) -> YamlNode:
        if not written or _is_sure(written):
            return YamlText(written, place)
        if written == "-":
            help_ = "remove the line: the value is absent"
            message = f"{key.text}: - is not YAML"
            self.problems.append(("F015", Problem(key.place, message, help_)))
            return YamlText("", place)
        quoted = _QUOTED.fullmatch(written)
        if quoted:
            return YamlText(quoted[1] if quoted[1] is not None else quoted[2], place, plain=False)
        flow = _flow(written, place)
        self.sure = self.sure and flow is not None
        return flow or YamlText(written, place)

    def _begin_item(self, place: Place) -> None:
        if self._items is None:
            last = self._entries[-1][1] if self._entries else None
            if not isinstance(last, YamlText) or last.text or not last.plain:
                self.sure = False
                problem = Problem(place, "a list item without a list", "write `key: value`")
                self.problems.append(("F017", problem))
                return
            self._items = []
            self._list_place = place
        if place.column != self._list_place.column:
            self.sure = False
        self._indent = 0
        self._items.append(([], place))

    def _add_to_item(self, entry: tuple[YamlText, YamlNode]) -> None:
        key, value = entry
        if not self._items:
            self._stray(key.place.line, key.place.column - 1)
            return
        self._indent = self._indent or key.place.column
        nested = self._list_place.column < key.place.column == self._indent
        if not nested or (isinstance(value, YamlText) and not value.text):
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
        self.sure = self.sure and all(entries for entries, _ in self._items)
        items = [
            YamlMapping(tuple(entries), entries[0][0].place if entries else place)
            for entries, place in self._items
        ]
        key = self._entries[-1][0]
        self._entries[-1] = (key, YamlList(tuple(items), self._list_place))
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


def _flow(written: str, place: Place) -> YamlList | YamlMapping | None:
    """A list or a mapping of words that holds others of them, but no deeper; None for anything else."""
    if written[0] == "{" and _MAPPING.fullmatch(written):
        return _mapping(written, place)
    if written[0] == "[" and _A_LIST.fullmatch(written):
        return _list_of_words(written, place)
    if written[0] == "[" and _LIST_OF_LISTS.fullmatch(written):
        lists = _parts(_A_LIST, written, place)
        return YamlList(tuple(_list_of_words(*part) for part in lists), place)
    return None


def is_flow(written: str) -> bool:
    """Whether a value in brackets is one that is read without PyYAML."""
    kinds = (_MAPPING,) if written.startswith("{") else (_A_LIST, _LIST_OF_LISTS)
    return any(kind.fullmatch(written) for kind in kinds)


def _mapping(written: str, place: Place) -> YamlMapping:
    line, column = place
    entries = []
    for match in _A_FIELD.finditer(written):
        value, at = match[2], Place(line, column + match.start(2))
        node = _flow(value, at) or YamlText(value, at)
        entries.append((YamlText(match[1], Place(line, column + match.start(1))), node))
    return YamlMapping(tuple(entries), place)


def _list_of_words(written: str, place: Place) -> YamlList:
    return YamlList(tuple(YamlText(*part) for part in _parts(_A_WORD, written, place)), place)


def _parts(kind: re.Pattern[str], written: str, place: Place) -> list[tuple[str, Place]]:
    """Texts of a kind inside a value, with their places."""
    line, column = place
    return [(match[0], Place(line, column + match.start())) for match in kind.finditer(written)]


def _forbidden_character(lines: Sequence[str], first_line: int) -> Problem | None:
    for number, line in enumerate(lines, first_line):
        match = _FORBIDDEN.search(line)
        if match:
            place = Place(number, match.start() + 1)
            message = f"not YAML: the character U+{ord(match[0]):04X} cannot stand here"
            return Problem(place, message, "remove that character")
    return None


def _read_yaml(lines: Sequence[str], first_line: int) -> tuple[YamlMapping, Problem | None]:
    """Read front matter as YAML: keys and values, or none and why."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = "\n".join(lines)
    root = None
    try:
        problem = _alias_or_depth(yaml.parse(text, Loader=loader), first_line)
        root = None if problem else yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        problem = _refused(error, text, loader, first_line)
    node = _convert(root, first_line) if root is not None else None
    return (node if isinstance(node, YamlMapping) else YamlMapping((), Place(first_line))), problem


def _refused(error: Any, text: str, loader: Any, first_line: int) -> Problem:
    """Say in our own words what a parser refuses: its words are those of its release.

    A parser that looks ahead for a colon refuses deep nesting before it tells of any list; what
    stands before that place tells of them all.
    """
    import yaml

    mark = error.problem_mark or error.context_mark
    lines = [*text.split("\n"), ""]
    with suppress(yaml.MarkedYAMLError):
        before = "\n".join([*lines[: mark.line], lines[mark.line][: mark.column]])
        problem = _alias_or_depth(yaml.parse(before, Loader=loader), first_line)
        if problem:
            return problem
    quote = _open_quote(lines[: mark.line + 1], first_line)
    if quote:
        return _not_closed("quote", quote)
    character = lines[mark.line][mark.column : mark.column + 1]
    opened = error.context_mark or mark
    what = _OPENING.get(lines[opened.line][opened.column : opened.column + 1])
    if what and (opened.line < mark.line or not character):
        return _not_closed(what, _place(opened, first_line))
    shown = {"": "the end", "\t": "a tab", "`": "a backtick"}.get(character, f"`{character}`")
    return Problem(_place(mark, first_line), f"not YAML: {shown} cannot stand here", _QUOTE_HELP)


def _not_closed(what: str, place: Place) -> Problem:
    return Problem(place, f"not YAML: the {what} is not closed", "close it in its line")


def _open_quote(lines: Sequence[str], first_line: int) -> Place | None:
    """The first value that begins with a quote and has no other one before the next key."""
    for number, line in enumerate(lines):
        match = _QUOTE_LEFT_OPEN.fullmatch(line)
        after = next((line for line in lines[number + 1 :] if line.strip()), "key:")
        if match and _A_KEY.match(after):
            return Place(first_line + number, match.start(1) + 1)
    return None


def _alias_or_depth(events: Iterator[Any], first_line: int) -> Problem | None:
    """What would make the composer run out of stack or memory in a few lines."""
    import yaml

    depth = 0
    for event in events:
        place = _place(event.start_mark, first_line)
        if isinstance(event, yaml.AliasEvent):
            message = "a value that begins with `*` is an alias, which cards do not have"
            return Problem(place, message, "quote it, or write the value out")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            message = f"more than {MAX_DEPTH} lists and mappings inside each other"
            return Problem(place, message, "write it flatter")
    return None


def _place(mark: Any, first_line: int) -> Place:
    return Place(first_line + mark.line, mark.column + 1) if mark else Place(first_line)


def _convert(node: Any, first_line: int) -> YamlNode:
    import yaml

    place = _place(node.start_mark, first_line)
    if isinstance(node, yaml.MappingNode):
        pairs = [[_convert(item, first_line) for item in pair] for pair in node.value]
        entries = [(name, value) for name, value in pairs if isinstance(name, YamlText)]
        return YamlMapping(tuple(entries), place)
    if isinstance(node, yaml.SequenceNode):
        return YamlList(tuple(_convert(item, first_line) for item in node.value), place)
    return YamlText(node.value, place, _is_plain(node))


def _is_plain(node: Any) -> bool:
    """Whether YAML chooses the type by the text: a tag before it says the type as quotes do."""
    import yaml

    text = "tag:yaml.org,2002:str"
    resolver: Any = yaml.SafeLoader
    if node.tag != text or node.style:
        return bool(node.tag != text)
    return bool(resolver("").resolve(yaml.ScalarNode, node.value, (True, False)) == text)
