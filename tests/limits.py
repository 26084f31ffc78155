"""An end for what would compute for hours, on any machine and beside any load."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

SECONDS = 60
"""Of the processor; what is bounded takes a fraction of it, what is quadratic many times more."""


@contextmanager
def bounded() -> Iterator[None]:
    """Raise in the block when it has used the processor for too long."""

    def stop(*_: object) -> None:
        msg = f"more than {SECONDS} s of processor time"
        raise AssertionError(msg)

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
