"""A network run over many pictures: prepared ahead, computed batch by batch, taken up where a run stopped.

What is made of the outputs, and what of it is kept, is what a task adds.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import os
import platform
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mindspore_hub._progress import Progress, counter
from mindspore_hub.errors import FeaturesError, PictureError
from mindspore_hub.files.checkpoint import loadable_asset
from mindspore_hub.hub.card import stated
from mindspore_hub.networks.build import build
from mindspore_hub.networks.classes import find_network
from mindspore_hub.networks.own import open_own
from mindspore_hub.settings import Settings
from mindspore_hub.tasks.pictures.chunks import Chunk, StoredChunks
from mindspore_hub.tasks.pictures.fields import as_preprocessing
from mindspore_hub.tasks.pictures.outputs import inference
from mindspore_hub.tasks.pictures.preprocess import Transform
from mindspore_hub.tasks.pictures.samples import Sample, Samples

if TYPE_CHECKING:
    from mindspore import nn

    from mindspore_hub.hub.hub import Hub
    from mindspore_hub.tasks.pictures import AnyHub

Array = npt.NDArray[Any]

Rows = Callable[..., dict[str, Array]]
"""What makes float32 `(N, D)` by name of the inputs of a network for N pictures."""

_Prepared = tuple[tuple[Array, ...], dict[int, str]]
"""The inputs of the network for a batch, and which of its pictures were skipped, and why."""

_AHEAD = 2
"""Batches that are prepared while the network computes."""

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
        checkpoint: A file of one's own to load in place of the published one.
        hub: Hub root whose card the name means and whose network runs, as in `load`.
        trust: Run the networks of a hub that is not this package's own, as in `load`.
        progress: Called with the pictures done and all; by default, it is a bar on a terminal.

    Raises:
        PictureError: The batch size is not a whole number of at least 1.
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
    ) -> None:
        if type(batch_size) is not int or batch_size < 1:
            msg = f"batch_size must be a whole number of at least 1, but is {batch_size!r}."
            raise PictureError(msg)
        self.card, self._hub = find_network(name, hub, trust=trust)
        self._preprocessing = stated(self.card, "preprocessing", as_preprocessing)
        self._batch_size = batch_size
        self._skip_bad = skip_bad
        self._transform = Transform(self._preprocessing, name=self.card.short_name)
        self._given = network
        self._checkpoint = checkpoint
        self._progress = progress
        self._rows: dict[bool, Rows] = {}  # by whether they are compiled, once for all runs
        self._computing = threading.Lock()

    @property
    def arguments(self) -> Mapping[str, object]:
        """Arguments of the network that go before those of the card."""
        return {}

    @abstractmethod
    def rows_of(self, network: nn.Cell, *, compiled: bool) -> Rows:
        """What is made of the outputs of a network, which is in inference mode."""

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
        missing = range(len(samples)) if missing is None else missing
        size, count = min(self._batch_size, len(samples)), len(samples)
        # All samples decide, so that a run that was stopped goes on with the same numbers.
        compiled = -(-count // max(size, 1)) >= _COMPILED_FROM
        parts = [missing[begin : begin + size] for begin in range(0, len(missing), max(size, 1))]
        if not parts:
            return
        done = count - len(missing)
        prepare = functools.partial(self._prepare, samples)
        with (
            inference(self._network),
            self._shown() as progress,
            closing(_ahead(prepare, parts)) as prepared,
        ):
            if compiled not in self._rows:
                self._rows[compiled] = self.rows_of(self._network, compiled=compiled)
            for numbers, (inputs, skipped) in zip(parts, prepared, strict=True):
                read = [number for number in numbers if number not in skipped]
                arrays = _filled(self._rows[compiled], inputs, size) if read else {}
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
        with self._computing, inference(self._network):
            if False not in self._rows:
                self._rows[False] = self.rows_of(self._network, compiled=False)
            return self._rows[False](*inputs)

    @property
    def hub(self) -> Hub:
        """The hub whose network runs."""
        return self._hub

    @property
    def transform(self) -> Transform:
        """What prepares the pictures."""
        return self._transform

    def use(self, network: nn.Cell) -> None:
        """Run this network from now on, whose weights may change between runs."""
        if self._given is not network:
            self._given = network
            self.__dict__.pop("_network", None)
            self._rows.clear()

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
        return {
            "card": self.card.uid,
            "network": self._origin,
            "sha256": self._weights,
            "preprocessing": self._preprocessing.as_json(),
            **facts,
            "batch_size": self._batch_size,
            "root": str(pictures.root) if pictures.root else None,
            "versions": versions(),
        }

    @functools.cached_property
    def _network(self) -> nn.Cell:
        if self._given is not None:
            return self._given
        return build(self.card, self._hub, self.arguments, checkpoint=self._checkpoint)

    @property
    def _origin(self) -> str:
        if self._given is not None:
            return "given"
        return "published" if self._checkpoint is None else "own"

    @functools.cached_property
    def _weights(self) -> str:
        """Digest of the weights, which stay as they are while this object is used."""
        if self._given is not None:
            return _digest(self._given)
        if self._checkpoint is not None:
            return open_own(self._checkpoint, self.card).sha256
        return loadable_asset(self.card).sha256

    def _shown(self) -> AbstractContextManager[Progress]:
        if self._progress is not None:
            return nullcontext(self._progress)
        return counter(self.card.short_name, shown=Settings.from_environment().progress)

    def _prepare(self, samples: Sequence[Sample], numbers: Sequence[int]) -> _Prepared:
        made: list[tuple[Array, ...]] = []
        skipped: dict[int, str] = {}
        for number in numbers:
            sample = samples[number]
            try:
                prepared = self.prepared(sample)
            except PictureError as error:
                if not self._skip_bad:
                    if sample.path:
                        raise
                    msg = f"Picture {number}: {error}"
                    raise PictureError(msg) from error
                logger.warning("skipped %s: %s", _name(samples, number), error)
                skipped[number] = str(error)
                continue
            made.append(prepared)
        return tuple(map(np.stack, zip(*made, strict=True))), skipped


def require_some(skipped: Mapping[int, str], count: int) -> None:
    """Raise a FeaturesError if every one of so many pictures was skipped."""
    if len(skipped) == count:
        number, why = next(iter(skipped.items()))
        msg = f"None of {len(skipped)} pictures could be read; the first, number {number}: {why}"
        raise FeaturesError(msg)


def skipped_of(pictures: Samples, skipped: Mapping[int, str]) -> dict[str, Any]:
    """What was skipped, by path or number, and why, as a fact of an output; empty if nothing was."""
    names = {pictures.samples[n].path or str(n): why for n, why in skipped.items()}
    return {"skipped": names} if names else {}


def _name(samples: Sequence[Sample], number: int) -> str:
    return samples[number].path or f"picture {number}"


def _filled(rows_of: Rows, inputs: tuple[Array, ...], size: int) -> dict[str, Array]:
    """Rows of a batch; a short one is filled up, so that every batch is computed alike."""
    count = len(inputs[0])
    rows = slice(None) if count == size else np.minimum(np.arange(size), count - 1)
    made = rows_of(*(values[rows] for values in inputs))
    return {name: values[:count] for name, values in made.items()}


def _ahead(
    prepare: Callable[[Sequence[int]], _Prepared], parts: Iterable[Sequence[int]]
) -> Generator[_Prepared]:
    """Prepare parts in a thread, a few ahead of the one that is looked at."""
    pending: deque[Future[_Prepared]] = deque()
    with ThreadPoolExecutor(1) as pool:
        try:
            for part in parts:
                pending.append(pool.submit(prepare, part))
                if len(pending) > _AHEAD:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def _digest(network: nn.Cell) -> str:
    """What tells the weights of a network from those of another, in place of a file's digest."""
    found = hashlib.sha256()
    for name, parameter in sorted(network.parameters_and_names(), key=lambda item: item[0]):
        found.update(name.encode())
        found.update(parameter.asnumpy().tobytes())
    return found.hexdigest()


def versions() -> dict[str, str]:
    """Versions of what a network's outputs depend on."""
    found = {"python": platform.python_version()}
    for package in (
        "mindspore-hub",
        "mindspore",
        "numpy",
        "pillow",
        "opencv-python-headless",
        "opencv-python",
    ):
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found
