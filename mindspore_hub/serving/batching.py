"""Pictures of many requests run through a network together, within a bound of time.

A batch begins as soon as the network is free, with what waits then: nobody waits for a batch to fill, and
under load batches fill by themselves. What cannot be computed within the bound is refused when it comes.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from mindspore_hub.errors import BusyError
from mindspore_hub.serving.limits import Limits

Array = npt.NDArray[Any]

Compute = Callable[[tuple[Array, ...]], Array]
"""What makes rows `(N, D)` of the stacked inputs of N pictures."""

_KEPT, _KEPT_PACE = 0.8, 0.95
"""Shares of a measured time that the next measurement leaves: of a batch, and of a picture under load."""

_USED = 0.5
"""Share of the latency that is filled by plan; the rest is for what cannot be foreseen."""


def _future() -> asyncio.Future[Array]:
    return asyncio.get_running_loop().create_future()


@dataclass(frozen=True)
class Ticket:
    """Places that are held: since when, until when, and with how many pictures in work."""

    begin: float
    deadline: float
    pictures: int


@dataclass(eq=False)
class _Waiting:
    """The inputs of one picture, and who waits for its row."""

    inputs: tuple[Array, ...]
    deadline: float
    row: asyncio.Future[Array] = field(default_factory=_future)


class Batcher:
    """Takes pictures one by one, and computes them in batches of at most `limits.batch`.

    Args:
        compute: Runs in a thread of its own, the same for every batch.
        limits: `batch`, `queue` and `latency` are looked at.
        observe: Called with the pictures and the seconds of each batch.
    """

    def __init__(
        self,
        compute: Compute,
        limits: Limits,
        observe: Callable[[int, float], None] = lambda pictures, seconds: None,
    ) -> None:
        self._compute = compute
        self._limits = limits
        self._observe = observe
        self._waiting: deque[_Waiting] = deque()
        self._thread = ThreadPoolExecutor(1, "mshub-network")
        self._more: asyncio.Event | None = None
        self._task: asyncio.Task[None] | None = None
        self._seconds: dict[int, float] = {}  # of a batch, by its size
        self._pace = 0.0  # seconds of a picture under load, whatever it is that takes them
        self.size = limits.batch
        self.pictures = 0
        """Pictures that were admitted and have no answer yet."""

    def warm_up(self, inputs: tuple[Array, ...]) -> int:
        """Compute batches of every size, to compile and to measure; gives the values of a row.

        Batches of which one would take half of the latency are not made: others would wait for it too long.
        """
        width = 0
        for size in _sizes(self._limits.batch):
            stacked = tuple(np.stack([values] * size) for values in inputs)
            for _ in range(2):  # the first may compile
                begin = time.perf_counter()
                width = self._thread.submit(self._compute, stacked).result().shape[1]
                self._seconds[size] = time.perf_counter() - begin
            if size > 1 and self._seconds[size] > self._limits.latency / 2:
                break
            self.size = size
        return width

    @contextmanager
    def admitted(self, count: int) -> Iterator[Ticket]:
        """Hold places for so many pictures.

        Raises:
            BusyError: They do not fit into the queue, or could not be computed in time.
        """
        pictures = self.pictures + count
        expected = self._expected(pictures)
        if self.pictures and (
            pictures > self._limits.queue or expected > _USED * self._limits.latency
        ):
            msg = (
                f"{self.pictures} pictures are being computed, and {count} more would not be ready "
                f"within {self._limits.latency:g} s; try again later."
            )
            raise BusyError(msg, self._expected(self.pictures))
        begin = time.perf_counter()
        # What comes alone may take longer than the bound by itself.
        bound = max(self._limits.latency, 2 * self._expected(count))
        self.pictures = pictures
        try:
            yield Ticket(begin, begin + bound, pictures)
        finally:
            self.pictures -= count

    async def row(self, inputs: tuple[Array, ...], ticket: Ticket) -> Array:
        """Compute one picture, with others.

        Raises:
            BusyError: Its batch would end after the deadline.
        """
        if self._task is None or self._more is None:
            self._more = asyncio.Event()
            self._task = asyncio.create_task(self._work(self._more))
        waiting = _Waiting(inputs, ticket.deadline)
        self._waiting.append(waiting)
        self._more.set()
        row = await waiting.row
        if ticket.pictures >= self.size:  # so many came out of it in this time (Little's law)
            pace = (time.perf_counter() - ticket.begin) / ticket.pictures
            self._pace = _KEPT_PACE * (self._pace or pace) + (1 - _KEPT_PACE) * pace
        return row

    async def close(self) -> None:
        """End, after the batch that is being computed."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._thread.shutdown()

    def _expected(self, pictures: int) -> float:
        """Seconds that so many pictures take: of the network, or as long as such took lately."""
        batches = -(-pictures // self.size) * self._seconds.get(self.size, 0.0)
        return max(batches, pictures * self._pace)

    async def _work(self, more: asyncio.Event) -> None:
        while True:
            batch = self._next()
            if not batch:
                more.clear()
                await more.wait()
                continue
            begin = time.perf_counter()
            try:
                rows = await self._rows(batch)
            except Exception as error:  # it is theirs who wait
                for waiting in batch:
                    _answer(waiting, error)
            else:
                for waiting, row in zip(batch, rows, strict=True):
                    _answer(waiting, row)
            self._measure(len(batch), time.perf_counter() - begin)

    def _next(self) -> list[_Waiting]:
        """The pictures of the next batch; what nobody waits for is left out, what comes too late refused."""
        batch: list[_Waiting] = []
        while self._waiting and len(batch) < self.size:
            waiting = self._waiting.popleft()
            if waiting.row.done():
                continue
            if time.perf_counter() + self._seconds.get(self.size, 0.0) > waiting.deadline:
                msg = f"Not ready within {self._limits.latency:g} s; try again later."
                _answer(waiting, BusyError(msg, self._expected(self.pictures)))
                continue
            batch.append(waiting)
        return batch

    async def _rows(self, batch: list[_Waiting]) -> Array:
        """Rows of a batch, which is filled up to one of a few sizes: compiled networks know no others."""
        size = min(size for size in _sizes(self.size) if size >= len(batch))
        inputs = [waiting.inputs for waiting in batch]
        inputs += inputs[-1:] * (size - len(batch))
        compute = functools.partial(self._compute, tuple(map(np.stack, zip(*inputs, strict=True))))
        rows = await asyncio.get_running_loop().run_in_executor(self._thread, compute)
        return rows[: len(batch)]

    def _measure(self, pictures: int, seconds: float) -> None:
        self._observe(pictures, seconds)
        size = min(size for size in _sizes(self.size) if size >= pictures)
        before = self._seconds.get(size, seconds)
        self._seconds[size] = _KEPT * before + (1 - _KEPT) * seconds


def _sizes(largest: int) -> list[int]:
    """1, 2, 4 and so on, and the largest."""
    return [*(2**n for n in range(largest.bit_length()) if 2**n < largest), largest]


def _answer(waiting: _Waiting, answer: Array | Exception) -> None:
    if waiting.row.done():  # its client is gone
        return
    if isinstance(answer, Exception):
        waiting.row.set_exception(answer)
    else:
        waiting.row.set_result(answer)
