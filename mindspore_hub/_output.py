"""How commands print: JSON, tables, counts and sizes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from mindspore_hub.settings import Settings

_Command = TypeVar("_Command", bound=Callable[..., Any])


def format_option(command: _Command) -> _Command:
    """Give a command the option `--format`."""
    option = click.option(
        "--format",
        "style",
        type=click.Choice(["human", "json"]),
        default="human",
        show_default=True,
        help="How results are printed.",
    )
    return option(command)


def settings_of_command() -> Settings:
    """What the environment asks for; under `-q`, no progress is shown either."""
    from dataclasses import replace

    from mindspore_hub.settings import Settings

    settings = Settings.from_environment()
    quiet = click.get_current_context().find_root().params.get("quiet", False)
    return replace(settings, progress=settings.progress and not quiet)


def progress_of_command() -> bool:
    """Whether progress is shown; if not, a download that the command needs is silent, too."""
    import os

    shown = settings_of_command().progress
    if not shown:
        os.environ["MSHUB_NO_PROGRESS"] = "1"
    return shown


def print_json(value: Any) -> None:
    """Print a value as JSON, indented."""
    import json

    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def print_table(header: Iterable[str], rows: Iterable[tuple[str, ...]]) -> None:
    """Print rows under a header, as wide as they are where nobody looks at a terminal."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for index, title in enumerate(header):
        table.add_column(title, overflow="fold", no_wrap=index == 0)
    for row in rows:
        table.add_row(*map(Text, row))
    console = Console(width=None if sys.stdout and sys.stdout.isatty() else 1000)
    with console.capture() as capture:
        console.print(table)
    click.echo("\n".join(line.rstrip() for line in capture.get().splitlines()))


def count(number: int, noun: str) -> str:
    """A number and its noun: `1 card`, `2 cards`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def size(number: int) -> str:
    """Bytes for people: `324.1 MB`."""
    from rich.filesize import decimal

    return decimal(number)
