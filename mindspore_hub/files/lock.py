"""A lock that saves work, and that nothing rests on.

Some file systems have no locks, some keep them for one machine, and some grant them to everybody who
asks. One that does not keep off even its own process counts as none.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

logger = logging.getLogger(__name__)

PATIENCE = 3.0
"""Seconds of waiting before a warning says so."""

REMINDER = 60.0
"""Seconds between two warnings."""

_POLL = 0.05
"""Seconds between two attempts."""


@contextmanager
def locked(path: Path, *, wait: bool, name: str) -> Iterator[bool]:
    """Hold off others who want the same lock, where that is possible.

    Gives whether they are held off. The system drops the lock of a process that is killed, and what
    goes wrong with a lock is no error: the block runs without it.

    Args:
        path: The file of the lock.
        wait: Wait for who holds it, however long, with a warning now and then.
        name: What the warning says is waited for.

    Raises:
        TimeoutError: Another process holds it, and `wait` is false.
    """
    with ExitStack() as stack:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = _open(stack, path)
            is_free = _acquire(descriptor, path, name) if wait else _try(descriptor)
            keeps_off = is_free and not _try(_open(stack, path))
        except OSError as error:
            logger.debug("No lock %s (%s); going on without", path, error)
            is_free, keeps_off = True, False
        if not is_free:
            raise TimeoutError(path)
        yield keeps_off


def _open(stack: ExitStack, path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    stack.callback(_release, descriptor)
    return descriptor


def _try(descriptor: int) -> bool:
    from filelock import lock_descriptor

    return lock_descriptor(descriptor, blocking=False)


def _acquire(descriptor: int, path: Path, name: str) -> bool:
    """Wait for the lock."""
    begin = time.monotonic()
    due = begin + PATIENCE
    while not _try(descriptor):
        now = time.monotonic()
        if now >= due:
            logger.warning(
                "Still waiting for %s after %.0f s: another process, here or on another machine, holds "
                "the lock %s. If it hangs, end it; or press Ctrl-C and point MSHUB_HOME to another "
                "folder.",
                name,
                now - begin,
                path,
            )
            due = now + REMINDER
        time.sleep(_POLL)
    return True


def _release(descriptor: int) -> None:
    """Give up the lock; where the system cannot, closing the file does."""
    from filelock import unlock_descriptor

    for step in (unlock_descriptor, os.close):
        with suppress(OSError):
            step(descriptor)
