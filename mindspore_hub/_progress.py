"""How far a long piece of work has come: a callback, a bar on a terminal, JSON for programs."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

Progress: TypeAlias = Callable[[int, int | None], None]
"""Called with the bytes done and their total, which is None where it is not known."""

_INTERVAL = 0.25
"""Seconds between two lines of JSON."""


@contextmanager
def bar(title: str, *, shown: bool) -> Iterator[Progress]:
    """Give a callback that draws a bar on stderr, if `shown` and if stderr is a terminal."""
    if not (shown and sys.stderr.isatty()):
        yield lambda _done, _total: None
        return
    from rich import progress
    from rich.console import Console

    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.DownloadColumn(),
        progress.TransferSpeedColumn(),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as display:
        task = display.add_task(title, total=None)
        yield lambda done, total: display.update(task, completed=done, total=total)


@contextmanager
def lines(file: str, *, shown: bool) -> Iterator[Progress]:
    """Give a callback that writes lines of JSON to stderr, a few per second, if `shown`.

    A line is `{"file": ..., "done": ..., "total": ...}`; the last one says how far the work came.
    """
    said: tuple[int, int | None] | None = None
    seen: tuple[int, int | None] | None = None
    due = 0.0

    def say() -> None:
        nonlocal said, due
        if shown and seen and seen != said:
            said, due = seen, time.monotonic() + _INTERVAL
            facts = {"file": file, "done": seen[0], "total": seen[1]}
            sys.stderr.write(f"{json.dumps(facts)}\n")
            sys.stderr.flush()

    def note(done: int, total: int | None) -> None:
        nonlocal seen
        seen = done, total
        if time.monotonic() >= due:
            say()

    try:
        yield note
    finally:
        say()
