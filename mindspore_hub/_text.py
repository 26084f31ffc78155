"""Text of others, made safe for terminals, logs and reports.

Cards, file names, features and answers of servers may hold what steers a terminal, or lines that a
runner of workflows takes for commands. `_output.echo` applies this to whatever a command prints.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from typing import Any

_OLD_COMMAND = r"#(?=#(?:vso)?\[)"
"""A form of commands that runners of workflows obey wherever it stands in a line: `##[add-mask]`."""

_OBEYED = (
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|\r(?!\n)"
    rf"|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|[\ud800-\udfff]|{_OLD_COMMAND}"
)
"""What moves the cursor of a terminal, ends a line, turns the direction of text, or is not a character:
bytes of names that are not UTF-8. And the first sign of a command of `_OLD_COMMAND`."""

_COMMAND = r"(?m)^((?:[^\S\n]|\ufeff)*):(?=:)"
"""How a line begins that runners of workflows take for a command."""


def printable(text: str) -> str:
    r"""Text of others as it may be printed: what would be obeyed is shown by its code.

    Line feeds and tabs stay; the first colon of a line that begins with `::` is shown as `\x3a`,
    and the first sign of `##[` as `\x23`.
    """
    return without_commands(_escaped(text))


def without_commands(text: str) -> str:
    """Lines of which none begins with `::`, for a text with colours of our own."""
    return re.sub(_COMMAND, r"\1\\x3a", text) if "::" in text else text


def one_line(text: object) -> str:
    """A value, a name or a message for a part of a line, which it does not end."""
    return _escaped(str(text).replace("\r", r"\r").replace("\n", r"\n"))


def _escaped(text: str) -> str:
    if text.isprintable() and "##" not in text:
        return text
    return re.sub(_OBEYED, lambda match: _code(ord(match[0])), text)


def _code(number: int) -> str:
    """Code of a character, as Python's own `backslashreplace` shows it."""
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"


def json_text(value: Any) -> str:
    """A value as JSON, indented; ASCII unless stdout is UTF-8, and never anything to obey."""
    import json

    return printable_json(json.dumps(value, indent=2, ensure_ascii=not takes_utf8(), default=str))


def printable_json(text: str) -> str:
    """JSON as it may be printed: the same values, by escapes of its own."""
    return re.sub(_OBEYED, lambda match: f"\\u{ord(match[0]):04x}", text)


def takes_utf8() -> bool:
    """Whether stdout is UTF-8; formats that have an encoding of their own need to know."""
    import codecs

    encoding = getattr(sys.stdout, "encoding", None)
    return encoding is None or codecs.lookup(encoding).name == "utf-8"


def count(number: int, noun: str) -> str:
    """A number and its noun: `1 card`, `2 cards`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def and_more(names: Iterable[str], most: int = 8) -> str:
    """The first names, and how many more there are: `a, b and 3 more`."""
    found = list(names)
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return ", ".join(found[:most]) + more


def size(number: int) -> str:
    """Bytes for people: `324.1 MB`."""
    from rich.filesize import decimal

    return decimal(number)
