"""Read a Markdown card: its front matter with the place of every value, and its body.

Values stay text: YAML would turn a version `1.10` into 1.1 and a digest of digits into a number.
What they mean, a `Card` says. What is broken is kept as a problem under the code of the rule that
reports it, and what can be read of the rest is read.
"""

from __future__ import annotations

from bisect import bisect
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from mindspore_hub._files import is_file
from mindspore_hub.errors import CardError
from mindspore_hub.hub import front_matter as front
from mindspore_hub.hub.body import Body
from mindspore_hub.hub.findings import Edit, Place, Problem, Rewrite
from mindspore_hub.hub.keys import CHINESE
from mindspore_hub.hub.paths import published_uid, read_bytes, uid_of
from mindspore_hub.hub.patterns import pattern
from mindspore_hub.hub.values import YamlList, YamlMapping, YamlNode, YamlText

if TYPE_CHECKING:
    from mindspore_hub.hub.card import Card

_CHINESE_KEY = pattern(r"(\s*(?:-\s+)?)(\w+)\s*(?::(?!\S)|：)\s*(.*)")
"""A key of a translated card, with the colon of either script."""

_LINE_BREAK = pattern(r"\r\n|\r|\n")


@dataclass(frozen=True)
class Document:
    """A card as written.

    Attributes:
        uid: `publisher/version/card`, its path under the folder of all cards.
        text: All of it, without a byte order mark, with its line ends as they are.
        lines: Its lines without their ends.
        title: Text of the `# Title` line; None if the first line is not one.
        front_matter: Keys and values, as far as they can be read.
        rules: Line numbers of all lines that begin with `---`.
        problems: What is broken, under the code of the rule that reports it.
    """

    path: Path
    uid: str
    text: str = field(repr=False, compare=False)
    lines: tuple[str, ...]
    title: str | None
    front_matter: YamlMapping
    rules: tuple[int, ...]
    problems: tuple[tuple[str, Problem], ...] = ()
    byte_order_mark: bool = field(default=False, compare=False)

    @cached_property
    def body(self) -> Body:
        """Lines after the front matter; all lines where it is not delimited."""
        end = self.rules[1] if len(self.rules) > 1 else 0
        return Body(self.lines[end:], end + 1)

    @cached_property
    def card(self) -> Card:
        """What the front matter says, typed."""
        from mindspore_hub.hub.card import Card

        return Card(self.path, self.uid, self.title or "", self.front_matter)

    @cached_property
    def values(self) -> dict[str, YamlNode]:
        """Value of every key of the front matter, the last one of a key that stands twice."""
        return self.card.values

    @cached_property
    def published_uid(self) -> str:
        """Uid by which it is loaded; empty where its folders do not say it."""
        return published_uid(self.uid, self.path)

    @property
    def name(self) -> str:
        """File name without its extension."""
        return self.path.stem

    @property
    def syntax_error(self) -> Problem | None:
        """Why the front matter cannot be trusted as a whole."""
        return next((problem for code, problem in self.problems if code == "F014"), None)

    @property
    def outcome(self) -> str:
        """How reading went: `ok`, `recovered` (broken, and read all the same) or `failed`."""
        if not self.front_matter.entries:
            return "failed"
        return "recovered" if self.problems else "ok"

    @property
    def front_lines(self) -> tuple[str, ...]:
        """Lines between the two rules; none where there are not two."""
        return self.lines[self.rules[0] : self.rules[1] - 1] if len(self.rules) > 1 else ()

    @cached_property
    def translation(self) -> YamlMapping | None:
        """Front matter under the usual keys, where the card translates them for an English twin.

        Such a card is called `<card>_cn`, and no loader reads it: only its twin is loaded.
        """
        if not self.name.endswith("_cn"):
            return None
        twin = self.path.with_name(f"{self.name[:-3]}{self.path.suffix}")
        lines = [_in_english(line) for line in self.front_lines]
        if all(new == old for new, old in zip(lines, self.front_lines, strict=True)):
            return None
        return front.read(lines, self.rules[0] + 1)[0] if is_file(twin) else None

    def line(self, number: int) -> str:
        """The line with this number; empty where there is none."""
        return self.lines[number - 1] if number <= len(self.lines) else ""

    def edit(self, place: Place, old: str, new: str | None) -> tuple[Edit, ...]:
        """An edit, if `old` stands at that place; nothing otherwise."""
        start = place.column - 1
        return (Edit(place, old, new),) if self.line(place.line).startswith(old, start) else ()

    def edit_value(self, value: YamlText, new: str) -> tuple[Edit, ...]:
        """An edit of the text of a value, inside its quotes if it has any."""
        place = Place(value.place.line, value.place.column + (not value.plain))
        return self.edit(place, value.text, new)

    def sure(self, edits: tuple[Edit | Rewrite, ...]) -> tuple[Edit | Rewrite, ...]:
        """Edits, unless one touches a key that stands twice: which line counts is not sure."""
        lines = (edit.place.line for edit in edits if isinstance(edit, Edit))
        return () if any(line in self._doubled for line in lines) else edits

    def begin_of(self, item: YamlMapping) -> Place:
        """Where an item of `asset` begins: the dash before its first key."""
        for number in range(item.place.line, 0, -1):
            line = self.lines[number - 1]
            if line.lstrip().startswith("-"):
                return Place(number, line.index("-") + 1)
            if number < item.place.line and line.strip():
                break
        return item.place

    def asset_at(self, line: int) -> str:
        """What tells the asset that a line belongs to from the others; empty outside of assets."""
        index = bisect(self._assets, line, key=lambda item: item[0].start) - 1
        lines, name = self._assets[index] if index >= 0 else (range(0), "")
        return name if line in lines else ""

    @cached_property
    def _end(self) -> int:
        """Line number of the rule behind the front matter."""
        return self.rules[1] if len(self.rules) > 1 else len(self.lines) + 1

    @cached_property
    def _doubled(self) -> frozenset[int]:
        """Lines of every key that stands twice in its mapping."""
        return frozenset(_doubled_lines(self.front_matter, self._end))

    @cached_property
    def _assets(self) -> list[tuple[range, str]]:
        """Lines of every asset from its dash on, and its link, else its digest, else its place."""
        items = self.card.assets
        starts = [self.begin_of(item.node).line for item in items]
        ends = [*starts[1:], _end_of(self.front_matter, "asset", self._end)]
        return [
            (range(start, end), item.link or item.sha256 or f"asset {number}")
            for number, (item, start, end) in enumerate(zip(items, starts, ends, strict=False), 1)
        ]

    def problems_of(self, code: str) -> Iterator[Problem]:
        """What reading found that the rule `code` reports."""
        return (problem for of, problem in self.problems if of == code)


class Outline(Document):
    """A card that was let go: all but its path and its uid is read again when it is asked for.

    A folder may have more cards than should be held at once, and rules that compare them look
    closer at few. Two outlines are equal if they are the same.
    """

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __init__(self, document: Document) -> None:
        vars(self).update(path=document.path, uid=document.uid, state=hash(document.text))


def _read_again(name: str) -> property:
    return property(lambda outline: getattr(_again(outline), name))


for _name in (
    *("text", "lines", "title", "front_matter", "rules", "problems", "byte_order_mark"),
    *("body", "card", "values", "translation", "_doubled", "_assets"),
):
    setattr(Outline, _name, _read_again(_name))


@lru_cache(maxsize=32)
def _again(outline: Outline) -> Document:
    document = read_document(outline.path, outline.uid)
    if hash(document.text) != vars(outline)["state"]:
        msg = f"{outline.path} has changed while it was checked; run the check again."
        raise CardError(msg)
    return document


def read_document(path: Path, uid: str | None = None) -> Document:
    """Read the card at `path`, or raise a CardError; without a uid, it is what its path says."""
    return decode_document(read_bytes(path), path, uid)


def decode_document(data: bytes, path: Path, uid: str | None = None) -> Document:
    """Parse the bytes of a card; what is not UTF-8 is a problem of the code F001."""
    try:
        return parse_document(data.decode("utf-8"), path, uid)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        message = f"not UTF-8: byte {error.start} is 0x{data[error.start]:02x}"
        problem = Problem(Place(line, column), message, "save the card as UTF-8")
        return parse_document(data.decode("utf-8", "replace"), path, uid, ("F001", problem))


def parse_document(
    text: str, path: Path, uid: str | None = None, *known: tuple[str, Problem]
) -> Document:
    """Parse the text of a card; `path` is kept for messages, and `known` problems come first."""
    marked = text.startswith("\ufeff")
    text = text.removeprefix("\ufeff")
    lines = _LINE_BREAK.split(text) if "\r" in text else text.split("\n")
    if not lines[-1]:
        del lines[-1]
    first = next((line for line in lines if line.strip()), "")
    rules = tuple(number for number, line in enumerate(lines, 1) if line.startswith("---"))
    start, end = rules[:2] if len(rules) > 1 else (0, 0)
    mapping, problems = front.read(lines[start : max(end - 1, 0)], start + 1)
    return Document(
        path=path,
        uid=uid_of(path) if uid is None else uid,
        text=text,
        lines=tuple(lines),
        title=first[2:].strip() or None if first.startswith("# ") else None,
        front_matter=mapping,
        rules=rules,
        problems=(*known, *problems),
        byte_order_mark=marked,
    )


def _doubled_lines(node: YamlNode, end: int) -> Iterator[int]:
    """Lines of every key that stands twice in a mapping, and of its values, before the line `end`."""
    parts: list[tuple[str | None, Place, YamlNode]] = []
    if isinstance(node, YamlMapping):
        parts = [(name.text, name.place, value) for name, value in node.entries]
    elif isinstance(node, YamlList):
        parts = [(None, item.place, item) for item in node.items]
    starts = [place.line for _, place, _ in parts]
    times = Counter(name for name, _, _ in parts)
    for (name, place, value), after in zip(parts, [*starts[1:], end], strict=False):
        if name is not None and times[name] > 1:
            yield from range(place.line, max(after, place.line + 1))
        yield from _doubled_lines(value, after)


def _end_of(mapping: YamlMapping, key: str, end: int) -> int:
    """First line behind the value of a key, where the mapping ends before the line `end`."""
    place = mapping.place_of(key)
    return min((name.place.line for name, _ in mapping.entries if name.place > place), default=end)


def _in_english(line: str) -> str:
    """A line of front matter with its Chinese key, if it has one, in English."""
    match = _CHINESE_KEY.fullmatch(line)
    key = CHINESE.get(match[2]) if match else None
    return f"{match[1]}{key}: {match[3]}".rstrip() if match and key else line
