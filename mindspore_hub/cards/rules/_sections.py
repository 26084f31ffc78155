"""What the rules about sections of a card share."""

from __future__ import annotations

from mindspore_hub.cards.body import Body


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
