"""How far a long piece of work has come: a callback, a bar for people, JSON for programs."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, TypeAlias

from mindspore_hub._text import one_line, printable_json

if TYPE_CHECKING:
    from collections.abc import Iterator

Progress: TypeAlias = Callable[[int, int | None], None]
"""Called with what is done and the total, which is None where it is not known."""

_INTERVAL = 0.25
"""Seconds between two lines of JSON."""


def bar(title: str, *, shown: bool) -> AbstractContextManager[Progress]:
    """Give a callback that draws a bar of bytes on stderr, if `shown` and where bars can be."""
    return _drawn(title, ("DownloadColumn", "TransferSpeedColumn"), shown=shown)


def counter(title: str, *, shown: bool) -> AbstractContextManager[Progress]:
    """The same for things that are counted."""
    return _drawn(title, ("MofNCompleteColumn",), shown=shown)


@contextmanager
def stepper(title: str, *, shown: bool) -> Iterator[Callable[[int, int, str], None]]:
    """A counter of steps, whose callback also takes what is to be said beside them."""
    if not (shown and _draws()):
        yield lambda _done, _total, _facts: None
        return
    from rich import progress
    from rich.console import Console

    columns = (
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as display:
        task = display.add_task(one_line(title), total=None)
        yield lambda done, total, facts: display.update(
            task, completed=done, total=total, description=one_line(f"{title}: {facts}")
        )


@contextmanager
def _drawn(title: str, amounts: tuple[str, ...], *, shown: bool) -> Iterator[Progress]:
    if not (shown and _draws()):
        yield lambda _done, _total: None
        return
    from rich import progress
    from rich.console import Console

    columns = (
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(),
        *(getattr(progress, amount)() for amount in amounts),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as display:
        task = display.add_task(one_line(title), total=None)
        yield lambda done, total: display.update(task, completed=done, total=total)


def _draws() -> bool:
    """Whether a bar can be drawn: on a terminal, or in a notebook, where rich needs ipywidgets."""
    if sys.stderr and sys.stderr.isatty():
        return True
    if "ipykernel" not in sys.modules:
        return False
    from importlib.util import find_spec

    from rich.console import Console

    return Console().is_jupyter and find_spec("ipywidgets") is not None


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
            sys.stderr.write(f"{printable_json(json.dumps(facts))}\n")
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
