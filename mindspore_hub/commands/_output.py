"""How commands print text, JSON and tables.

Whatever a command prints goes through `echo`, so that no card, file name or answer of a server can
steer a terminal, or a runner that takes lines of a log for commands.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any

import click

from mindspore_hub._files import naming
from mindspore_hub._text import json_text, one_line, printable, takes_utf8, without_commands

_WIDEST = 1000
"""Characters in a line of a table where nobody looks at a terminal."""


def echo(text: object = "", *, err: bool = False, nl: bool = True) -> None:
    """Print to stdout, or to stderr, what may hold text of others."""
    echo_as_it_is(printable(str(text)), err=err, nl=nl)


def echo_as_it_is(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Print text with colours or commands of our own, whose other parts are `printable`."""
    stream, name = (sys.stderr, "stderr") if err else (sys.stdout, "stdout")
    with naming(name):
        # By itself, click would write UTF-8 where the stream is ASCII.
        click.echo(text, file=stream, nl=nl)  # noqa: TID251 - this is the place


def print_json(value: Any) -> None:
    """Print a value as JSON, indented."""
    echo(json_text(value))


def print_facts(facts: Mapping[str, Any]) -> None:
    """Print facts with their values, lists in one line for each item."""
    print_table(("Fact", "Value"), [(key, _cell(value)) for key, value in facts.items()])


def _cell(value: Any) -> str:
    if isinstance(value, list) and not all(isinstance(item, int) for item in value):
        return "\n".join(map(_cell, value))
    if isinstance(value, dict):
        return "\n".join(one_line(f"{key}: {item}") for key, item in value.items())
    return one_line(value)


def json_number(value: float) -> float | str:
    """A number for JSON, which has none that is infinite or NaN."""
    return value if math.isfinite(value) else str(value)


def print_table(
    header: Sequence[str], rows: Iterable[tuple[str, ...]], *, optional: int = 0
) -> None:
    """Print rows under a header, as wide as they are where nobody looks at a terminal.

    Args:
        header: Titles of the columns. The first one is never folded.
        rows: Their cells; a line feed begins a line inside of one.
        optional: How many columns at the end are left out where a terminal is too narrow for all.
    """
    rows = [tuple(map(printable, row)) for row in rows]
    is_terminal = bool(sys.stdout and sys.stdout.isatty())
    aligned = None if is_terminal else _aligned([tuple(header), *rows])
    if aligned is not None:
        echo_as_it_is(without_commands(aligned))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=None if is_terminal else _WIDEST)
    columns = len(header) - (optional if _width(header, rows) > console.width else 0)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for index, title in enumerate(header[:columns]):
        table.add_column(title, overflow="fold", no_wrap=index == 0)
    for row in rows:
        table.add_row(*map(Text, row[:columns]))
    with naming("stdout"), console.capture() as capture:  # which writes nothing, but tries to
        console.print(table)
    text = "\n".join(line.rstrip() for line in capture.get().splitlines())
    echo_as_it_is(without_commands(text))  # the title may be bold


def _aligned(rows: list[tuple[str, ...]]) -> str | None:
    """The same table where nobody looks at a terminal; None if it is not so simple.

    Importing what can fold cells and measure characters takes longer than most commands.
    """
    text = "".join(map("".join, rows))
    if not (text.isascii() and takes_utf8()) or "\t" in text or "\r" in text:
        return None
    cells = [[cell.split("\n") for cell in row] for row in rows]
    widths = [
        max(len(line) for cell in column for line in cell) for column in zip(*cells, strict=True)
    ]
    whole = sum(widths) + 3 * (len(widths) - 1)
    if whole > _WIDEST:
        return None
    lines = [
        "   ".join(map(str.ljust, parts, widths)).rstrip()
        for row in cells
        for parts in zip_longest(*row, fillvalue="")
    ]
    head = max(map(len, cells[0]))
    return "\n".join([*lines[:head], "─" * whole, *lines[head:]])


def _width(header: Sequence[str], rows: list[tuple[str, ...]]) -> int:
    """Cells of a terminal that a table takes if nothing is folded."""
    from rich.cells import cell_len

    columns = zip(header, *rows, strict=True)
    return sum(max(map(cell_len, column)) for column in columns) + 3 * (len(header) - 1)
