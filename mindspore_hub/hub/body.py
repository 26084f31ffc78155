"""The body of a card: sections, code blocks and links, found when they are asked for.

Headings and fenced code need a look at each line only. Links need a Markdown parser, which costs
more than the rest of a check; rules ask for them when a search of the text says that it is worth it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from mindspore_hub.hub.findings import Place
from mindspore_hub.hub.patterns import pattern

MAX_MARKDOWN = 100_000
"""No links are looked for in a longer body; the largest published card has 40,000 characters."""

_FENCE = pattern(r"([ \t]*)(?:(`{3,})[ \t]*([^`]*)|(~{3,})[ \t]*(.*))")
_HEADING = pattern(r" {0,3}(#{1,6})(?:[ \t]+(.*))?")
_UNDERLINE = pattern(r" {0,3}(=+|-+)[ \t]*")
_NO_PARAGRAPH = pattern(r"\s*(?:$|[#>|]|[-*+][ \t]|\d{1,9}[.)][ \t])|(?: {4}|\t)")
_ITEM = pattern(r"[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+")
_BEFORE_LETTERS = pattern(r"[\W\d_]+")

_ODD_TARGET = pattern(r"\]\(\s*<?(?!https?://(?!https?:)[^/\s])", re.IGNORECASE)
_DEFINITION = pattern(r"^[ >]*\[[^\]\n]+\]:\s*<?(?!https?://|\s)", re.MULTILINE | re.IGNORECASE)

_IMPLEMENTATION = pattern(
    r"implementation of\s+(?P<name>\S.{0,80}?)\s+from\s"
    r"(?:(?:(?!\n\n).){0,200}?\bat\s+\[?(?P<path>[\w.+-]+(?:/[\w.+-]+)+))?",
    re.DOTALL,
)
"""The sentence with which cards say what they use, and where it is."""

_SHOW_MARKDOWN = frozenset({"markdown", "md"})
"""Languages of blocks in which a fence may be shown."""

_LOOK_BACK = 100
"""Lines before an indented fence among which the list item that it belongs to is looked for."""


class Heading(NamedTuple):
    """A heading, `## Usage`."""

    level: int
    text: str
    place: Place


class CodeBlock(NamedTuple):
    """A fenced code block; `line` is that of its first line of code.

    Its lines come without `indent`, the blanks that the fence itself stands behind. One that is not
    closed has all lines to the next fence or the end, whatever they were meant to be.
    """

    language: str
    line: int
    lines: tuple[str, ...]
    indent: int = 0

    @property
    def text(self) -> str:
        """Its code."""
        return "\n".join(self.lines)


class Link(NamedTuple):
    """A link or image of prose, `[text](target)`, or an address by itself."""

    target: str
    text: str
    place: Place
    image: bool = False


class Implementation(NamedTuple):
    """The network that the introduction of a card says it uses, and the folder of its code."""

    name: str
    path: str | None
    place: Place


class _Fence(NamedTuple):
    mark: str
    indent: int
    language: str
    line: int

    def is_closed_by(self, line: str) -> bool:
        stripped = line.strip(" \t")
        return (
            stripped.startswith(self.mark)
            and not stripped.strip(self.mark[0])
            and len(line) - len(line.lstrip(" \t")) < self.indent + 4
        )

    def forgotten_before(self, number: int, line: str) -> _Fence | None:
        """The fence that a line inside opens, which shows that this one should have ended."""
        inner = _opened(number, line, [])
        as_long = inner and inner.mark.startswith(self.mark) and inner.indent <= self.indent
        return inner if as_long and self.language not in _SHOW_MARKDOWN else None


class Body:
    """Lines after the front matter, the first of which has the line number `first_line`."""

    def __init__(self, lines: tuple[str, ...], first_line: int) -> None:
        self.lines = lines
        self.first_line = first_line

    @cached_property
    def text(self) -> str:
        """The lines, each but the last with a line feed."""
        return "\n".join(self.lines)

    @cached_property
    def _parts(self) -> tuple[list[tuple[int, str]], list[CodeBlock], list[CodeBlock]]:
        """Lines of prose with their numbers, the code blocks, and those that are not closed."""
        numbered = enumerate(self.lines, self.first_line)
        if "```" not in self.text and "~~~" not in self.text:
            return list(numbered), [], []
        prose: list[tuple[int, str]] = []
        blocks: list[CodeBlock] = []
        unclosed: list[CodeBlock] = []
        fence: _Fence | None = None
        code: list[str] = []
        for number, line in numbered:
            if fence:
                if fence.mark in line and fence.is_closed_by(line):
                    blocks.append(_block(fence, code))
                    fence = None
                elif fence.mark in line and (inner := fence.forgotten_before(number, line)):
                    unclosed.append(_block(fence, code))
                    blocks.append(unclosed[-1])
                    fence, code = inner, []
                else:
                    code.append(line)
                continue
            fence = _opened(number, line, prose) if "```" in line or "~~~" in line else None
            if fence:
                code = []
            else:
                prose.append((number, line))
        if fence:
            unclosed.append(_block(fence, code))
            blocks.append(unclosed[-1])
        return prose, blocks, unclosed

    @property
    def prose(self) -> list[tuple[int, str]]:
        """Lines outside code blocks, with their numbers."""
        return self._parts[0]

    def code_blocks(self, *languages: str) -> Iterator[CodeBlock]:
        """Fenced code blocks of these languages, or all."""
        return (block for block in self._parts[1] if not languages or block.language in languages)

    @property
    def unclosed_blocks(self) -> list[CodeBlock]:
        """Code blocks that end with the card, or where another one begins inside them."""
        return self._parts[2]

    @cached_property
    def headings(self) -> list[Heading]:
        """Headings in order, with `#` marks or underlined."""
        found = [
            heading
            for number, line in self.prose
            if "#" in line[:4] and (heading := _heading(number, line))
        ]
        if "\n=" in self.text or "\n-" in self.text:
            found += _underlined(self.prose)
            found.sort(key=lambda heading: heading.place)
        return found

    @cached_property
    def all_headings(self) -> list[Heading]:
        """Headings, and those below the first level that a code block that is not closed took in."""
        swallowed = [
            heading
            for block in self.unclosed_blocks
            for number, line in enumerate(block.lines, block.line)
            if line.startswith("##") and (heading := _heading(number, line))
        ]
        return sorted([*self.headings, *swallowed], key=lambda heading: heading.place)

    @cached_property
    def _section_names(self) -> list[str]:
        """Text of the headings in lower case, without the numbers and marks before it."""
        names = [heading.text.lower() for heading in self.all_headings]
        return [name if name[:1].isalpha() else _BEFORE_LETTERS.sub("", name, 1) for name in names]

    def has_section(self, *names: str) -> bool:
        """Whether a heading begins with one of these names, which are in lower case."""
        return any(name.startswith(names) for name in self._section_names)

    @property
    def implementation(self) -> Implementation | None:
        """What the introduction says that the card uses, if it has the usual sentence."""
        start = self.text.find("implementation of")
        match = _IMPLEMENTATION.match(self.text, start) if start >= 0 else None
        if not match:
            return None
        begin = self.text.rfind("\n\n", 0, start) + 2
        place = Place(self.first_line + self.text.count("\n", 0, begin))
        path = match["path"]
        return Implementation(match["name"], path.rstrip(".") if path else None, place)

    @cached_property
    def has_odd_links(self) -> bool:
        """Whether a link may lead elsewhere than to an http address; False is certain."""
        text = self.text
        return bool(
            _ODD_TARGET.search(text)
            or "<img" in text
            or "<a " in text
            or ("]:" in text and _DEFINITION.search(text))
        )

    @cached_property
    def links(self) -> list[Link]:
        """Links and images of the prose, by the Markdown parser."""
        if len(self.text) > MAX_MARKDOWN:
            return []
        from mindspore_hub.hub.links import find_links

        return find_links(self.lines, self.first_line)


def _opened(number: int, line: str, prose: list[tuple[int, str]]) -> _Fence | None:
    match = _FENCE.fullmatch(line)
    if not match:
        return None
    indent = len(match[1])
    if indent > 3 and not _is_in_list(indent, prose):
        return None
    words = (match[3] or match[5] or "").split(None, 1)
    return _Fence(match[2] or match[4], indent, words[0].lower() if words else "", number + 1)


def _block(fence: _Fence, code: Iterable[str]) -> CodeBlock:
    indent = fence.indent
    lines = [line[min(indent, len(line) - len(line.lstrip(" \t"))) :] for line in code]
    return CodeBlock(fence.language, fence.line, tuple(lines), indent)


def _is_in_list(indent: int, prose: list[tuple[int, str]]) -> bool:
    """Whether a line with this indentation belongs to a list item; else it is indented code."""
    for _, line in prose[: -_LOOK_BACK - 1 : -1]:
        before = len(line) - len(line.lstrip(" \t"))
        if before == len(line) or before >= indent:
            continue
        match = _ITEM.match(line)
        if match:
            return match.end() <= indent
        if not before:
            return False
        indent = before
    return False


def _heading(number: int, line: str) -> Heading | None:
    match = _HEADING.fullmatch(line)
    if not match:
        return None
    text = (match[2] or "").strip()
    without_marks = text.rstrip("#")
    if not without_marks or without_marks[-1] in " \t":
        text = without_marks.rstrip()
    return Heading(len(match[1]), text, Place(number, match.start(1) + 1))


def _underlined(prose: list[tuple[int, str]]) -> Iterator[Heading]:
    for (number, line), (after, underline) in pairwise(prose):
        if underline[:1] not in {"=", "-"} or after != number + 1:
            continue
        match = _UNDERLINE.fullmatch(underline)
        if match and not _NO_PARAGRAPH.match(line):
            column = len(line) - len(line.lstrip()) + 1
            level = 1 if match[1][0] == "=" else 2
            yield Heading(level, line.strip(), Place(number, column))
