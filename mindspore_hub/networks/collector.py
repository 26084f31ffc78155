"""Python's garbage collector, which takes a tenth of the time of whatever only creates objects."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_LEAST_FROZEN = 1000
"""Who freezes objects freezes at least the 4,000 of a bare interpreter; Python 3.12 starts with
some hundred frozen ones of its own."""


@contextmanager
def collector_paused() -> Iterator[None]:
    """Look for no garbage while the block, or the decorated function, runs.

    Importing MindSpore and building a network create some hundred thousand objects and next to no
    garbage; the collector would look through them again and again. It is the whole process that goes
    without, so this is for what takes a second or two, never for a download.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        _call_all_old()
        gc.enable()


def _call_all_old() -> None:
    """Let the next full collection be the first to look at what was created meanwhile.

    Else everything would be looked through at once, as if it had been created just now.
    """
    if gc.get_freeze_count() < _LEAST_FROZEN:  # what somebody has frozen is to stay so
        gc.freeze()
        gc.unfreeze()
