"""What the rules about sections of a card share."""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.hub.body import Body
from mindspore_hub.hub.findings import Place
from mindspore_hub.hub.patterns import pattern

_END = pattern(r"[.!?](?=[\"')\]*_]*\s+[^\sa-z0-9])|[。！？]")
_NO_PROSE = pattern(r"\s*(?:$|#|\||[-*+]\s|\d{1,9}[.)]\s)")


def section_lines(body: Body, name: str) -> range:
    """Line numbers of the first section whose heading begins with a name, in lower case.

    From the heading to the next one of its level; empty if there is no such section.
    """
    begin = None
    for heading in body.headings:
        if begin is None:
            begin = heading if heading.text.lower().startswith(name) else None
        elif heading.level <= begin.level:
            return range(begin.place.line, heading.place.line)
    return range(begin.place.line, body.first_line + len(body.lines)) if begin else range(0)


def sentences(body: Body) -> Iterator[tuple[str, Place]]:
    """Each sentence of the prose, which may be on several lines, and where its text begins.

    Headings are none; an item of a list and a row of a table end the sentence before them.
    """
    for text, line in _paragraphs(body):
        begin = 0
        ends = [match.end() for match in _END.finditer(text)]
        for end in [*ends, len(text)]:
            sentence = text[begin:end]
            start = begin + len(sentence) - len(sentence.lstrip())
            if start < end:
                above = text.count("\n", 0, start)
                column = start - text.rfind("\n", 0, start)
                yield text[start:end], Place(line + above, column)
            begin = end


def _paragraphs(body: Body) -> Iterator[tuple[str, int]]:
    """Lines that belong together, and the number of the first of them."""
    lines: list[str] = []
    first = last = 0
    for number, line in body.prose:
        if lines and (number != last + 1 or _NO_PROSE.match(line)):
            yield "\n".join(lines), first
            lines = []
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        first = first if lines else number
        last = number
        lines.append(line)
    if lines:
        yield "\n".join(lines), first
