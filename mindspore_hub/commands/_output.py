"""What commands share: groups, options, and how they print JSON, tables, counts and sizes.

Whatever a command prints goes through `echo`, so that no card, file name or answer of a server can
steer a terminal, or a runner that takes lines of a log for commands.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from inspect import cleandoc
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mindspore_hub._files import naming
from mindspore_hub._text import json_text, one_line, printable, without_commands
from mindspore_hub.errors import HubError

if TYPE_CHECKING:
    from mindspore_hub.hub.card import Card
    from mindspore_hub.networks.examine import Examination
    from mindspore_hub.settings import Settings

_Command = TypeVar("_Command", bound=Callable[..., Any])


_NAMES = (
    "NAME is a model (MVD), a model and its variant (MVD@sysumm01-all), the name, uid or address of a "
    "card, or the path of a card's file; `mshub list` has all."
)

_QUIET = f"{__name__}.quiet"


def _be_quiet(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        import logging

        context.meta[_QUIET] = True
        logging.getLogger("mindspore_hub").setLevel(logging.WARNING)


quiet_option = click.option(
    "-q",
    "--quiet",
    is_flag=True,
    expose_value=False,
    callback=_be_quiet,
    help="Print results, warnings and errors only.",
)


def is_quiet() -> bool:
    """Whether `-q` was given, to a group or to its command."""
    return bool(click.get_current_context().meta.get(_QUIET))


class Group(click.Group):
    """A group that lists commands with their whole first sentence, and gives them `-q` as well."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Find a command."""
        command = self.find_command(ctx, cmd_name)
        if command and not isinstance(command, click.Group) and not _takes_quiet(command):
            quiet_option(command)
        return command

    def find_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Find a command as it was written."""
        return super().get_command(ctx, name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands; click's own cuts sentences where a line ends."""
        commands = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, item.get_short_help_str(1000)) for name, item in commands.items() if item]
            )


def _takes_quiet(command: click.Command) -> bool:
    return any(parameter.name == "quiet" for parameter in command.params)


def explain_name(command: _Command) -> _Command:
    """Say at the end of a command's help what its argument NAME may be."""
    command.__doc__ = f"{cleandoc(command.__doc__ or '')}\n\n{_NAMES}"
    return command


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
    return replace(settings, progress=settings.progress and not is_quiet())


def progress_of_command() -> bool:
    """Whether progress is shown; if not, a download that the command needs is silent, too."""
    import os

    shown = settings_of_command().progress
    if not shown:
        os.environ["MSHUB_NO_PROGRESS"] = "1"
    return shown


def read_file_or_name(name: str) -> tuple[Examination, Card | None]:
    """Examine a FILE or NAME; a path that leads to no file is a usage error, as ever in click."""
    from mindspore_hub.networks.examine import examine_named

    try:
        return examine_named(name, settings_of_command())
    except HubError:
        raise
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no such user
        raise click.BadParameter(str(error)) from error


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
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=None if sys.stdout and sys.stdout.isatty() else 1000)
    rows = [tuple(map(printable, row)) for row in rows]
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


def _width(header: Sequence[str], rows: list[tuple[str, ...]]) -> int:
    """Cells of a terminal that a table takes if nothing is folded."""
    from rich.cells import cell_len

    columns = zip(header, *rows, strict=True)
    return sum(max(map(cell_len, column)) for column in columns) + 3 * (len(header) - 1)
