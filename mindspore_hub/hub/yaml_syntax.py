"""Front matter as PyYAML reads it, and what it refuses, in words and places of our own.

Whatever the release of PyYAML, and with libyaml or without, the findings are the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence as Lines
from contextlib import suppress
from typing import Any

from mindspore_hub.hub.findings import Place, Problem
from mindspore_hub.hub.front_matter import Mapping, Node, Scalar, Sequence
from mindspore_hub.hub.patterns import pattern

MAX_DEPTH = 20
"""Lists and mappings inside each other: deeper ones would end the interpreter, not the parser."""

_QUOTE_LEFT_OPEN = pattern(
    r"\s*(?:-\s+)?[\w-]+:\s+(?:[\[{][^\"']*)?(\"(?:[^\"\\]|\\.)*\\?|'(?:[^']|'')*)"
)
"""A line whose value, or the first in its brackets, begins with a quote that the line does not close."""

_A_KEY = pattern(r"\s*(?:-\s+)?[\w-]+:(?:\s|$)")

_OPENING = {"[": "bracket", "{": "bracket", '"': "quote", "'": "quote"}

_QUOTE_HELP = "quote a value that holds `: ` or a leading special character"


def read_yaml(lines: Lines[str], first_line: int) -> tuple[Mapping, Problem | None]:
    """Read front matter as YAML.

    Args:
        lines: What stands between the two rules.
        first_line: Line number of the first of them.

    Returns:
        Keys and values, none if it cannot be read, and then why.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    empty = Mapping((), Place(first_line))
    text = "\n".join(lines)
    try:
        problem = _alias_or_depth(yaml.parse(text, Loader=loader), first_line)
        root = None if problem else yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        return empty, _refused(error, text, loader, first_line)
    node = _convert(root, first_line) if root is not None else empty
    return (node if isinstance(node, Mapping) else empty), problem


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


def _open_quote(lines: Lines[str], first_line: int) -> Place | None:
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


def _convert(node: Any, first_line: int) -> Node:
    import yaml

    place = _place(node.start_mark, first_line)
    if isinstance(node, yaml.MappingNode):
        return Mapping(tuple(_entries(node, first_line)), place)
    if isinstance(node, yaml.SequenceNode):
        return Sequence(tuple(_convert(item, first_line) for item in node.value), place)
    return Scalar(node.value, place, _is_plain(node))


def _is_plain(node: Any) -> bool:
    """Whether YAML chooses the type by the text: a tag before it says the type as quotes do."""
    import yaml

    if node.style:
        return not _is_text(node.tag)
    resolver: Any = yaml.SafeLoader("")
    implied = resolver.resolve(yaml.ScalarNode, node.value, (True, False))
    return not _is_text(node.tag) or _is_text(implied)


def _is_text(tag: str) -> bool:
    return tag == "tag:yaml.org,2002:str"


def _entries(node: Any, first_line: int) -> Iterator[tuple[Scalar, Node]]:
    for key, value in node.value:
        name = _convert(key, first_line)
        if isinstance(name, Scalar):
            yield name, _convert(value, first_line)
