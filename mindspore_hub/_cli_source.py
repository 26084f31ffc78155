"""What the commands over files of tensors share: their arguments and options, and how they print."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import click

from mindspore_hub._output import settings_of_command

if TYPE_CHECKING:
    from mindspore_hub.source import Source


def read(name: str) -> Source:
    """Read a FILE or NAME; a path that leads to no file is a usage error, as ever in click."""
    from mindspore_hub.errors import HubError
    from mindspore_hub.source import read_source

    try:
        return read_source(name, settings_of_command())
    except HubError:
        raise
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no such user
        raise click.BadParameter(str(error)) from error


def size(number: int) -> str:
    """Bytes for people."""
    from rich.filesize import decimal

    return decimal(number)


def number(value: float) -> float | str:
    """A number for JSON, which has none that is infinite or NaN."""
    return value if math.isfinite(value) else str(value)


def shape_text(shape: tuple[int, ...]) -> str:
    """A shape for people: `64x3x7x7`, or `scalar`."""
    return "x".join(map(str, shape)) or "scalar"


def plain(value: Any, width: int = 60) -> str:
    """A text of a file on one line, without what a terminal would obey."""
    text = ascii(value) if not str(value).isprintable() else str(value)
    return text if len(text) <= width else f"{text[: width - 3]}..."
