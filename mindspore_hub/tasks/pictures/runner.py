"""A network run over many pictures: prepared ahead, computed batch by batch, taken up where a run stopped.

What is made of the outputs, and what of it is kept, is what a task adds.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import os
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mindspore_hub._progress import Progress, counter
from mindspore_hub.errors import PictureError
from mindspore_hub.files.checkpoint import loadable_asset
from mindspore_hub.hub.card import stated
from mindspore_hub.networks.classes import find_network
from mindspore_hub.runtimes import Computation, Wanted, open_derived
from mindspore_hub.runtimes.choice import Choice, Situation, check_asked, choose, installed
from mindspore_hub.runtimes.derived import Derived, derive, find
from mindspore_hub.runtimes.processor import available_threads, features
from mindspore_hub.settings import Settings
from mindspore_hub.tasks.pictures.chunks import Chunk, StoredChunks
from mindspore_hub.tasks.pictures.fields import as_preprocessing
from mindspore_hub.tasks.pictures.preprocess import Transform
from mindspore_hub.tasks.pictures.samples import Sample, Samples
from mindspore_hub.tasks.report import versions

if TYPE_CHECKING:
    from mindspore import nn

    from mindspore_hub.hub.hub import Hub
    from mindspore_hub.tasks.pictures import AnyHub

Array = npt.NDArray[Any]

Outputs = Callable[..., tuple[Array, ...]]
"""Outputs `(N, D)` of a network for N pictures."""

Rows = Callable[..., dict[str, Array]]
"""What makes float32 `(N, D)` by name of the inputs of a network for N pictures."""

_Prepared = tuple[tuple[Array, ...], dict[int, str]]
"""The inputs of the network for a batch, and which of its pictures were skipped, and why."""

_AHEAD, _THREADS = 2, 8
"""Batches that are prepared while the network computes, and threads that do it at most."""

_COMPILED_FROM = 8
"""Batches from which compiling the network takes less time than it saves."""

logger = logging.getLogger(__name__)


class Runner(ABC):
    """Runs the network of a card over pictures.

    Args:
        name: Any name that `mindspore_hub.load` takes.
        batch_size: Pictures that the network sees at once.
        skip_bad: Leave out pictures that cannot be read, with a warning each, instead of failing.
        network: The network, if it is loaded already or was fine-tuned.
        checkpoint: A file of one's own to load in place of the published one; MindSpore computes.
        hub: Hub root whose card the name means and whose network runs, as in `load`.
        trust: Run the networks of a hub that is not this package's own, as in `load`.
        progress: Called with the pictures done and all; by default, it is a bar on a terminal.
        runtime: What computes: `mindspore`, `onnxruntime`, `openvino`, or `auto`, see
            `runtimes.choice.choose`; by default what `MSHUB_RUNTIME` says, else `auto`.
        precision: `f32`; `bf16`, by OpenVINO where the processor has it; `auto`, one of both.
        threads: Threads of the runtime; by default as many as this process may use. MindSpore has as
            many as its context says.

    Raises:
        PictureError: The batch size or the threads are not a whole number of at least 1.
        SettingsError: Runtime and precision do not fit each other, or this machine.
        HubError: As in `load` and `transforms`.
    """

    def __init__(
        self,
        name: str,
        *,
        batch_size: int = 16,
        skip_bad: bool = False,
        network: nn.Cell | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        hub: AnyHub = None,
        trust: bool = False,
        progress: Progress | None = None,
        runtime: str | None = None,
        precision: str = "f32",
        threads: int | None = None,
    ) -> None:
        _require_count("batch_size", batch_size)
        if threads is not None:
            _require_count("threads", threads)
        self._asked = runtime or Settings.from_environment().runtime, precision
        self._threads = threads
        check_asked(*self._asked)
        self.card, self._hub = find_network(name, hub, trust=trust)
        self._preprocessing = stated(self.card, "preprocessing", as_preprocessing)
        self._batch_size = batch_size
        self._skip_bad = skip_bad
        self._transform = Transform(self._preprocessing, name=self.card.short_name)
        self._given = network
        self._checkpoint = checkpoint
        self._progress = progress
        self._choice: Choice | None = None
        self._derived: Derived | None = None
        # By whether MindSpore compiles them, once for all runs.
        self._opened: dict[bool, tuple[Computation, Rows]] = {}
        self._computing = threading.Lock()

    @property
    def arguments(self) -> Mapping[str, object]:
        """Arguments of the network that go before those of the card."""
        return {}

    @property
    @abstractmethod
    def places(self) -> tuple[int, ...]:
        """Places, from 0, of the outputs that are needed."""

    @abstractmethod
    def rows_of(self, outputs: Outputs) -> Rows:
        """What is made of these outputs, which are in the order of `places`."""

    @abstractmethod
    def require_usable(self, arrays: Mapping[str, Array], names: Sequence[str]) -> None:
        """Refuse rows that nothing can be done with, whose pictures have these names."""

    def run(
        self,
        samples: Sequence[Sample],
        append: Callable[[Chunk], None],
        *,
        missing: Sequence[int] | None = None,
    ) -> None:
        """Hand on what is made of samples, batch by batch, in their order.

        Args:
            samples: The pictures; each is asked for when its batch is prepared.
            append: Takes the rows of a batch.
            missing: Numbers of the samples that are wanted; None for all.

        Raises:
            PictureError: A picture cannot be read, or lacks what the network takes besides.
            FeaturesError: The network gives other outputs than the card names, or unusable ones.
        """
        count = len(samples)
        missing = range(count) if missing is None else missing
        size = min(self._batch_size, count)
        # All samples decide, so that a run that was stopped goes on with the same numbers.
        compiled = -(-count // max(size, 1)) >= _COMPILED_FROM
        parts = [missing[begin : begin + size] for begin in range(0, len(missing), max(size, 1))]
        if not parts:
            return
        done = count - len(missing)
        computation, rows_of = self._open(count, compiled=compiled)
        with (
            computation.running(),
            self._shown() as progress,
            closing(self._prepared_ahead(samples, parts)) as prepared,
        ):
            for numbers, (inputs, skipped) in zip(parts, prepared, strict=True):
                read = [number for number in numbers if number not in skipped]
                arrays = _computed(rows_of, inputs, computation.batch and size) if read else {}
                self.require_usable(arrays, [_name(samples, number) for number in read])
                append(Chunk(arrays, numbers, skipped))
                done += len(numbers)
                progress(done, count)

    def prepared(self, sample: Sample) -> tuple[Array, ...]:
        """The arrays `(...)` of one picture that the network takes, without an axis for the batch.

        Raises:
            PictureError: It cannot be read, or lacks what the network takes besides.
        """
        made = self._transform(sample.picture, **sample.extras)
        return made if isinstance(made, tuple) else (made,)

    def compute(self, inputs: tuple[Array, ...]) -> dict[str, Array]:
        """What is made of a batch of prepared pictures, stacked: float32 `(N, D)` by name.

        It may be called from several threads, which wait for each other.

        Raises:
            FeaturesError: The network gives other outputs than the card names.
        """
        with self._computing:
            computation, rows_of = self._open(None, compiled=False)
            with computation.running():
                return rows_of(*inputs)

    def chosen(self, pictures: int | None = None) -> Choice:
        """What computes, decided once for all calls, for so many pictures.

        Raises:
            SettingsError: What was asked for does not fit this machine.
            MissingDependencyError: What could compute is not installed.
        """
        if self._choice is None:
            runtime, precision = self._asked
            if runtime == "auto" and self._origin == "published" and installed() - {"mindspore"}:
                self._derived = find(self._wanted)
            situation = Situation(
                installed=installed(),
                features=features(),
                derived=self._derived is not None,
                given=self._origin != "published",
                pictures=pictures,
            )
            self._choice = choose(runtime, precision, situation)
            if runtime == "auto":
                logger.info(
                    "%s computes in %s: %s.",
                    *(self._choice.runtime, self._choice.precision, self._choice.reason),
                )
        return self._choice

    @property
    def hub(self) -> Hub:
        """The hub whose network runs."""
        return self._hub

    @property
    def transform(self) -> Transform:
        """What prepares the pictures."""
        return self._transform

    @property
    def _origin(self) -> str:
        """Whose weights they are."""
        if self._given is not None:
            return "given"
        return "published" if self._checkpoint is None else "own"

    @contextmanager
    def stored(
        self, pictures: Samples, output: Path, plan: Mapping[str, Any]
    ) -> Iterator[StoredChunks]:
        """Chunks beside an output, some of which an earlier run of the same plan may have left."""
        states = pictures.states()
        plan = {**plan, "pictures": hashlib.sha256("\n".join(states).encode()).hexdigest()}
        with StoredChunks(output, plan, states, skipping=self._skip_bad) as chunks:
            done = chunks.rows + len(chunks.skipped)
            if done:
                logger.info("%s: going on after %d pictures", chunks.folder, done)
            yield chunks

    def about(self, pictures: Samples, **facts: Any) -> dict[str, Any]:
        """What makes the rows, and more facts of the task, as plain JSON."""
        choice = self.chosen(len(pictures.samples))
        return {
            "card": self.card.uid,
            "network": self._origin,
            "sha256": self._weights,
            "runtime": choice.runtime,
            "precision": choice.precision,
            **({"derived": self._file().sha256} if choice.runtime != "mindspore" else {}),
            "preprocessing": self._preprocessing.as_json(),
            **facts,
            "batch_size": self._batch_size,
            "root": str(pictures.root) if pictures.root else None,
            "versions": versions(),
        }

    @functools.cached_property
    def _wanted(self) -> Wanted:
        return Wanted(self.card, self._hub, self.arguments, self.places)

    def _file(self) -> Derived:
        """The derived file, which is made where there is none."""
        if self._derived is None:
            self._derived = derive(self._wanted)
        return self._derived

    def _open(self, count: int | None, *, compiled: bool) -> tuple[Computation, Rows]:
        """What computes outputs for so many pictures, and what makes rows of them."""
        choice = self.chosen(count)
        compiled = compiled and choice.runtime == "mindspore"
        if compiled not in self._opened:
            computation = self._computation(choice, compiled=compiled)
            self._opened[compiled] = computation, self.rows_of(computation)
        return self._opened[compiled]

    def _computation(self, choice: Choice, *, compiled: bool) -> Computation:
        if choice.runtime != "mindspore":
            return open_derived(self._file(), choice, threads=self._threads)
        if self._threads is not None:
            logger.warning("threads=%d is not for MindSpore, whose context says it", self._threads)
        from mindspore_hub.runtimes.mindspore import MindSpore

        return MindSpore(self._network, self.places, compiled=compiled, batch=self._batch_size)

    @functools.cached_property
    def _network(self) -> nn.Cell:
        if self._given is not None:
            return self._given
        from mindspore_hub.networks.build import build

        return build(self.card, self._hub, self.arguments, checkpoint=self._checkpoint)

    @functools.cached_property
    def _weights(self) -> str:
        """Digest of the weights, which stay as they are while this object is used."""
        if self._given is not None:
            return _digest(self._given)
        if self._checkpoint is not None:
            from mindspore_hub.networks.own import open_own

            return open_own(self._checkpoint, self.card).sha256
        return loadable_asset(self.card).sha256

    def _shown(self) -> AbstractContextManager[Progress]:
        if self._progress is not None:
            return nullcontext(self._progress)
        return counter(self.card.short_name, shown=Settings.from_environment().progress)

    def _prepared_ahead(
        self, samples: Sequence[Sample], parts: Iterable[Sequence[int]]
    ) -> Generator[_Prepared]:
        """Prepare pictures in threads, some batches ahead of the one that is looked at."""

        def prepare(number: int) -> tuple[Array, ...]:
            return self.prepared(samples[number])

        pending: deque[tuple[Sequence[int], list[Future[tuple[Array, ...]]]]] = deque()
        with ThreadPoolExecutor(min(available_threads(), _THREADS), "pictures") as pool:
            try:
                for part in parts:
                    pending.append((part, [pool.submit(prepare, number) for number in part]))
                    if len(pending) > _AHEAD:
                        yield self._gathered(samples, *pending.popleft())
                while pending:
                    yield self._gathered(samples, *pending.popleft())
            finally:
                pool.shutdown(cancel_futures=True)

    def _gathered(
        self,
        samples: Sequence[Sample],
        numbers: Sequence[int],
        made: Sequence[Future[tuple[Array, ...]]],
    ) -> _Prepared:
        """The pictures of a batch, side by side, in their order."""
        arrays: list[tuple[Array, ...]] = []
        skipped: dict[int, str] = {}
        for number, future in zip(numbers, made, strict=True):
            try:
                arrays.append(future.result())
            except PictureError as error:
                if not self._skip_bad:
                    if samples[number].path:
                        raise
                    msg = f"Picture {number}: {error}"
                    raise PictureError(msg) from error
                logger.warning("skipped %s: %s", _name(samples, number), error)
                skipped[number] = str(error)
        return tuple(map(np.stack, zip(*arrays, strict=True))), skipped


def _require_count(name: str, value: object) -> None:
    if type(value) is not int or value < 1:
        msg = f"{name} must be a whole number of at least 1, but is {value!r}."
        raise PictureError(msg)


def _name(samples: Sequence[Sample], number: int) -> str:
    return samples[number].path or f"picture {number}"


def _computed(rows_of: Rows, inputs: tuple[Array, ...], size: int | None) -> dict[str, Array]:
    """Rows of a batch; a short one is filled up to a size, if every call should have it."""
    count = len(inputs[0])
    if size is None or count == size:
        return rows_of(*inputs)
    rows = np.minimum(np.arange(size), count - 1)
    made = rows_of(*(values[rows] for values in inputs))
    return {name: values[:count] for name, values in made.items()}


def _digest(network: nn.Cell) -> str:
    """What tells the weights of a network from those of another, in place of a file's digest."""
    found = hashlib.sha256()
    for name, parameter in sorted(network.parameters_and_names(), key=lambda item: item[0]):
        found.update(name.encode())
        found.update(parameter.asnumpy().tobytes())
    return found.hexdigest()
