"""Python's garbage collector, which takes a tenth of the time of whatever only creates objects."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


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
        # The next full collection is to be the first to look at what was created meanwhile, which else
        # would be looked through at once. What somebody has frozen is to stay so: that is at least the
        # 4,000 objects of a bare interpreter, of which Python 3.12 itself freezes some hundred.
        if gc.get_freeze_count() < 1000:
            gc.freeze()
            gc.unfreeze()
        gc.enable()
