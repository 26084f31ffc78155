"""Links of a Markdown text with their places, by markdown-it-py.

The parser says in which paragraph a link stands. Where in it is found again in its text, from left
to right, so that the second of two equal links is not taken for the first.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import cache, cached_property
from html import unescape
from html.entities import html5
from itertools import islice

from markdown_it import MarkdownIt
from markdown_it.token import Token

from mindspore_hub.hub.body import Link
from mindspore_hub.hub.findings import Place

_TARGET = re.compile(r"\]\(\s*<?")
_HTML_LINK = re.compile(
    r"<(?P<tag>img|a)\b[^>]{0,1000}?\s(?:src|href)\s*=\s*"
    r"(?:\"(?P<double>[^\"]{0,2000})\"|'(?P<single>[^']{0,2000})'|(?P<bare>[^\s\"'=<>][^\s<>]{0,2000}))",
    re.IGNORECASE,
)
_REFERENCE = re.compile(r"&(?:#[0-9]{1,9}|#[xX][0-9a-fA-F]{1,8}|[a-zA-Z][a-zA-Z0-9]{1,40});?")

_BARE = re.compile(
    r"(?<![a-z0-9])https?://(?=\w)[^\s<>、。《》「」『』【】！（），：；？]+", re.IGNORECASE
)
"""An address by itself; where it stands in Chinese, punctuation ends it."""

_TRAILING = frozenset("?!.,:;*_~'\"’”]}")
"""Characters that end a sentence rather than an address."""

_TEXT = frozenset({"text", "text_special", "softbreak", "hardbreak"})
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)

_WINDOW = 10_000
"""How far ahead a piece of a paragraph is looked for; without a bound, n links take n² steps."""


class _Parser(MarkdownIt):
    def normalizeLink(self, url: str) -> str:
        """Keep targets as they are written."""
        return url


_FORMULA = re.compile(
    r"(?<![\\$])\$\$(?:(?!\n[ \t>]*\n)[^$]){1,500}\$\$"
    r"|(?:(?<![\\$A-Za-z0-9_])|(?<=[0-9])(?=\$[A-Za-z\\]))\$(?=[^\s$])(?:[^$\n\\]|\\.){0,500}"
    r"(?<=[^\s\\])\$(?![0-9$])"
    r"|\\\((?:(?!\n[ \t>]*\n|\\[()])[\s\S]){1,500}\\\)"
    r"|\\\[(?:(?!\n[ \t>]*\n|\\[\[\]])[\s\S]){1,500}\\\]"
)
"""A formula in the ways of TeX, in one paragraph and no longer than formulas are, so that the search
takes no time. A dollar between a blank and a digit is a price.
"""

_FOOTNOTE = re.compile(r"(?m)^ {0,3}\[\^[^\]\n]{1,100}\]:.*(?:\n(?: {4}|\t).*)*")
"""A footnote, which Markdown without them takes for the address of a reference."""

_CODE = re.compile(
    r"(?m)^ {0,3}(?P<fence>```|~~~)[\s\S]*?(?:^ {0,3}(?P=fence)|\Z)"
    r"|(?<!`)(?P<span>`{1,10})(?!`)[\s\S]{1,500}?(?<!`)(?P=span)(?!`)"
)


def _without_formulas(text: str) -> str:
    """The text with blanks for formulas and footnotes; no place in it moves."""
    if "$" not in text and "\\" not in text and "[^" not in text:
        return text
    parts = []
    begin = 0
    for code in [*_CODE.finditer(text), None]:
        end = code.start() if code else len(text)
        prose = _FORMULA.sub(_blanks, _FOOTNOTE.sub(_blanks, text[begin:end]))
        parts += [prose, code[0] if code else ""]
        begin = code.end() if code else end
    return "".join(parts)


def _blanks(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match[0])


def find_links(lines: tuple[str, ...], first_line: int) -> list[Link]:
    """Find every link and image, in order; `first_line` is the line number of `lines[0]`."""
    found: list[Link] = []
    parser = _parser()
    references: dict[str, object] = {}
    text = _without_formulas("\n".join(lines))
    lines = tuple(text.split("\n"))
    for token in parser.parse(text, references):
        if not token.map:
            continue
        source = _Source(token.content, lines, token.map[0], first_line)
        if token.type == "html_block":
            found += source.html_links(token.content, 0)
        elif token.type == "inline" and any(mark in token.content for mark in ("[", "<", "://")):
            children: list[Token] = []
            parser.inline.parse(token.content, parser, references, children)
            found += source.links(children)
    return sorted(found, key=lambda link: link.place)


@cache
def _parser() -> MarkdownIt:
    """A parser of blocks; what stands inside them is parsed where it may hold a link."""
    parser = _Parser("commonmark", {"maxNesting": 20, "store_labels": True})
    return parser.enable("table").disable("inline")


class _Source:
    """Text of one block, and a cursor that moves over what has been found in it."""

    def __init__(self, text: str, lines: tuple[str, ...], start: int, first_line: int) -> None:
        self._text = text
        self._lines = lines
        self._start = start
        self._first_line = first_line
        self._cursor = 0

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self._text))]

    def links(self, tokens: list[Token]) -> Iterator[Link]:
        """Links among the inline tokens of the block."""
        opened: list[tuple[Token, list[str]]] = []
        prose: list[str] = []
        for token in tokens:
            if token.type in _TEXT and not opened:
                prose.append(token.content or "\n")
                continue
            yield from self._bare_links(prose)
            if token.type == "link_open":
                opened.append((token, []))
            elif token.type == "link_close" and opened:
                begin, words = opened.pop()
                yield self._link(begin, "href", "".join(words))
            elif token.type == "image":
                yield self._link(token, "src", token.content, image=True)
            elif token.type == "html_inline":
                yield from self.html_links(token.content, self._pass(token.content))
            elif token.type == "code_inline":
                self._pass(token.content)
            for _, words in opened:
                words.append(token.content)
        yield from self._bare_links(prose)

    def _bare_links(self, prose: list[str]) -> Iterator[Link]:
        """Addresses by themselves in pieces of text outside links, which are taken."""
        text = "".join(prose)
        prose.clear()
        for match in _BARE.finditer(text):
            url = _without_punctuation(match[0])
            # What is written may hold entities, or marks that were taken off.
            position = self._find(re.split(r"[&_\\]", url, maxsplit=1)[0])
            self._cursor = position + len(url)
            yield Link(url, url, self._place(position))

    def html_links(self, html: str, offset: int) -> Iterator[Link]:
        """Targets of `<img>` and `<a>`; `html` stands at `offset` in the block."""
        text = _COMMENT.sub(lambda match: " " * len(match[0]), html) if "<!--" in html else html
        for match in _HTML_LINK.finditer(text):
            group = str(match.lastgroup)
            place = self._place(offset + match.start(group))
            yield Link(_attribute(match[group]), "", place, match["tag"].lower() == "img")

    def _link(self, token: Token, attribute: str, text: str, *, image: bool = False) -> Link:
        target = str(token.attrs.get(attribute, ""))
        if token.markup == "autolink":
            position = self._find(f"<{text}") + 1
            target = re.sub(r"&#?\w{1,40};", _entity, target)
        elif "label" in token.meta:
            position = self._find(f"[{text}")
        else:
            position = self._find_target(target)
        self._cursor = max(self._cursor, position + len(target) * ("label" not in token.meta))
        return Link(target, text, self._place(position), image)

    def _pass(self, piece: str) -> int:
        """Move behind a piece that holds no link; where it begins, or the cursor if it is lost."""
        position = self._text.find(piece, self._cursor, self._cursor + _WINDOW)
        if position < 0:
            return self._cursor
        self._cursor = position + len(piece)
        return position

    def _find(self, piece: str) -> int:
        position = self._text.find(piece, self._cursor, self._cursor + _WINDOW)
        return max(position, self._cursor)

    def _find_target(self, target: str) -> int:
        candidates = _TARGET.finditer(self._text, self._cursor, self._cursor + _WINDOW)
        positions = [match.end() for match in islice(candidates, 20)]
        for position in positions:
            if self._text.startswith(target or (")", ">", '"', "'"), position):
                return position
        return positions[0] if positions else self._cursor

    def _place(self, position: int) -> Place:
        """Line and column in the card of a position in the block."""
        above = bisect_right(self._line_starts, position) - 1
        begin = self._line_starts[above]
        end = self._text.find("\n", begin)
        index = min(self._start + above, len(self._lines) - 1)
        line = self._text[begin : end if end >= 0 else None]
        column = max(self._lines[index].find(line), 0) + min(position, len(self._text)) - begin + 1
        return Place(self._first_line + index, column)


def _without_punctuation(url: str) -> str:
    """An address without what follows it in a sentence; a bracket that it opens is its own."""
    surplus, end = url.count(")") - url.count("("), len(url)
    while url[end - 1] in _TRAILING or (url[end - 1] == ")" and surplus > 0):
        surplus -= url[end - 1] == ")"
        end -= 1
    return url[:end]


def _attribute(text: str) -> str:
    """The value of an HTML attribute as a browser takes it for an address."""
    return re.sub(r"[\t\r\n]", "", _REFERENCE.sub(_character, text)).strip()


def _entity(reference: re.Match[str]) -> str:
    """What a character reference with its semicolon means in Markdown."""
    return _REFERENCE.sub(_character, reference[0])


def _character(reference: re.Match[str]) -> str:
    """What a character reference means; in attributes, `&copy=1` is none."""
    name = reference[0][1:]
    if name.startswith("#"):
        return unescape(reference[0])
    is_query = not name.endswith(";") and reference.string.startswith("=", reference.end())
    return reference[0] if is_query else html5.get(name, reference[0])
