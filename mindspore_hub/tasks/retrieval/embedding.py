"""Features of many pictures: prepared ahead, computed batch by batch, taken up where a run stopped."""

from __future__ import annotations

import functools
import hashlib
import logging
import platform
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from mindspore_hub._progress import Progress, counter
from mindspore_hub.errors import FeaturesError, PictureError
from mindspore_hub.files.checkpoint import loadable_asset
from mindspore_hub.hub.card import stated
from mindspore_hub.hub.hub import Hub
from mindspore_hub.networks.build import build
from mindspore_hub.networks.classes import network_hub
from mindspore_hub.settings import Settings
from mindspore_hub.tasks.pictures.fields import MODALITIES, as_preprocessing
from mindspore_hub.tasks.pictures.preprocess import Transform
from mindspore_hub.tasks.retrieval.chunks import Chunk, Chunks, HeldChunks, StoredChunks
from mindspore_hub.tasks.retrieval.features import Features, unusable
from mindspore_hub.tasks.retrieval.fields import as_retrieval
from mindspore_hub.tasks.retrieval.forward import Forward, inference
from mindspore_hub.tasks.retrieval.samples import Sample, Samples

if TYPE_CHECKING:
    from mindspore import nn

_Part = TypeVar("_Part")
_Made = TypeVar("_Made")

Array = npt.NDArray[Any]

Known = Mapping[str, Sequence[Any]]
"""What is known of every picture, by the names that `Features` has."""

BATCH_SIZE = 16

_AHEAD = 2
"""Batches that are prepared while the network computes."""

_COMPILED_FROM = 8
"""Batches from which compiling the network takes less time than it saves."""

logger = logging.getLogger(__name__)


class Embedding:
    """Makes features with the network of a card.

    Args:
        name: Any name that `mindspore_hub.load` takes.
        modality: Kind of the pictures; None where nobody said.
        batch_size: Pictures that the network sees at once.
        skip_bad: Leave out, with a warning, what cannot be read.
        network: The network, if it is loaded already.
        progress: Called with the pictures done and all; by default, a bar on a terminal.

    Raises:
        HubError: As in `load`.
        CardError: The card does not say how pictures are prepared or features made.
        PictureError: The network was not trained on pictures of that modality.
    """

    def __init__(
        self,
        name: str,
        *,
        modality: str | None = None,
        batch_size: int = BATCH_SIZE,
        skip_bad: bool = False,
        network: nn.Cell | None = None,
        progress: Progress | None = None,
    ) -> None:
        if type(batch_size) is not int or batch_size < 1:
            msg = f"batch_size must be a whole number of at least 1, but is {batch_size!r}."
            raise PictureError(msg)
        self._hub = Hub.of()
        self.card = self._hub.resolve(name)
        self._preprocessing = stated(self.card, "preprocessing", as_preprocessing)
        self._retrieval = stated(self.card, "retrieval", as_retrieval)
        self._modality = modality
        self._check_modality()
        self._batch_size = batch_size
        self._skip_bad = skip_bad
        self._transform = Transform(self._preprocessing, name=self.card.short_name)
        self._given = network
        self._progress = progress
        self._forwards: dict[bool, Forward] = {}

    def features(
        self, pictures: Samples, *, known: Known, facts: Mapping[str, Any] | None = None
    ) -> Features:
        """Features of pictures, made in memory; arguments and errors are those of `write`."""
        chunks = HeldChunks()
        self._add(chunks, pictures.samples)
        others = _others(chunks.skipped, pictures, known)
        about = {**self._about(pictures), **(facts or {}), **_skipped(chunks.skipped, pictures)}
        return Features(**chunks.arrays(), **others, about=about)

    def write(
        self,
        pictures: Samples,
        output: Path,
        *,
        known: Known,
        facts: Mapping[str, Any] | None = None,
    ) -> Written:
        """Write features of pictures to a file; what an earlier call left of them is taken up.

        Args:
            pictures: The pictures.
            output: The npz file.
            known: What is known of each, by the names that `Features` has.
            facts: What is known of them all, as plain JSON.

        Raises:
            HubError: As in `mindspore_hub.embed`.
        """
        made_by = self._about(pictures)
        states = pictures.states()
        plan = {**made_by, "pictures": hashlib.sha256("\n".join(states).encode()).hexdigest()}
        with StoredChunks(output, plan, states, skipping=self._skip_bad) as chunks:
            done = chunks.rows + len(chunks.skipped)
            if done:
                logger.info("%s: going on after %d pictures", chunks.folder, done)
            self._add(chunks, pictures.samples)
            others = _others(chunks.skipped, pictures, known)
            about = {**made_by, **(facts or {}), **_skipped(chunks.skipped, pictures)}
            # The vectors are on disk; what else is known of them is checked without them.
            arrays = Features(np.zeros((chunks.rows, 1)), **others, about=about).arrays()
            del arrays["vectors"]
            chunks.save(arrays)
        return Written(chunks.rows, chunks.widths["vectors"], about)

    def _check_modality(self) -> None:
        kinds = self._preprocessing.modality
        if self._modality is None or self._modality in (kinds or MODALITIES):
            return
        if not kinds:
            known = ", ".join(MODALITIES)
            msg = f"modality must be one of {known}, but is {self._modality!r}."
            raise PictureError(msg)
        msg = (
            f"{self.card.short_name} was trained on {' and '.join(kinds)} pictures, but "
            f"modality is {self._modality!r}; its features of others mean little."
        )
        raise PictureError(msg)

    @functools.cached_property
    def _network(self) -> nn.Cell:
        if self._given is not None:
            return self._given
        return build(self.card, network_hub(self.card, self._hub))

    @functools.cached_property
    def _weights(self) -> str:
        """Digest of the weights, which stay as they are while this object is used."""
        return loadable_asset(self.card).sha256 if self._given is None else _digest(self._given)

    def _about(self, pictures: Samples) -> dict[str, Any]:
        """What makes the features, as plain JSON."""
        return {
            "card": self.card.uid,
            "network": "published" if self._given is None else "given",
            "sha256": self._weights,
            "preprocessing": self._preprocessing.as_json(),
            "retrieval": self._retrieval.as_json(),
            "modality": self._modality,
            "batch_size": self._batch_size,
            "root": str(pictures.root) if pictures.root else None,
            "versions": versions(),
        }

    def _add(self, chunks: Chunks, samples: Sequence[Sample]) -> None:
        """Add the features of those samples to chunks that are not there yet."""
        for extras in {tuple(sample.extras) for sample in samples}:
            self._transform.require(extras)
        size, count = min(self._batch_size, len(samples)), len(samples)
        # Told by all samples, so that a run that was stopped goes on with the same numbers.
        compiled = -(-count // size) >= _COMPILED_FROM
        missing = chunks.missing(count)
        parts = [missing[begin : begin + size] for begin in range(0, len(missing), size)]
        if not parts:
            return
        done = count - len(missing)
        prepare = functools.partial(self._prepare, samples)
        with (
            inference(self._network),
            self._shown() as progress,
            closing(_ahead(prepare, parts)) as made,
        ):
            forward = self._forward(compiled)
            for batch in made:
                chunks.append(_compute(forward, batch, size, samples))
                done += len(batch.numbers)
                progress(done, count)

    def _forward(self, compiled: bool) -> Forward:
        """The network as a function, which is compiled once for all runs."""
        if compiled not in self._forwards:
            self._forwards[compiled] = Forward(self._network, self._retrieval, compiled=compiled)
        return self._forwards[compiled]

    def _shown(self) -> AbstractContextManager[Progress]:
        if self._progress is not None:
            return nullcontext(self._progress)
        return counter(self.card.short_name, shown=Settings.from_environment().progress)

    def _prepare(self, samples: Sequence[Sample], numbers: Sequence[int]) -> _Batch:
        made: list[tuple[Array, ...]] = []
        read: list[int] = []
        skipped: dict[int, str] = {}
        for number in numbers:
            sample = samples[number]
            try:
                prepared = self._transform(sample.picture, **sample.extras)
            except PictureError as error:
                if not self._skip_bad:
                    if sample.path:
                        raise
                    msg = f"Picture {number}: {error}"
                    raise PictureError(msg) from error
                logger.warning("skipped %s: %s", sample.path or f"picture {number}", error)
                skipped[number] = str(error)
                continue
            made.append(prepared if isinstance(prepared, tuple) else (prepared,))
            read.append(number)
        inputs = tuple(map(np.stack, zip(*made, strict=True)))
        return _Batch(inputs, numbers, read, skipped)


@dataclass(frozen=True)
class Written:
    """What a file of features holds, without the vectors, which may be more than fits into memory.

    Attributes:
        pictures: Pictures that have a feature.
        dimension: Values of a feature.
        about: As in `Features`.
    """

    pictures: int
    dimension: int
    about: dict[str, Any]


@dataclass(frozen=True, eq=False)
class _Batch:
    """Prepared pictures: the inputs of the network, which samples they are, and what was skipped."""

    inputs: tuple[Array, ...]
    numbers: Sequence[int]
    read: list[int]
    skipped: dict[int, str]


def _compute(forward: Forward, batch: _Batch, size: int, samples: Sequence[Sample]) -> Chunk:
    """Features of a batch; a short one is filled up, so that every batch is computed alike."""
    count = len(batch.read)
    if not count:
        return Chunk({}, batch.numbers, batch.skipped)
    rows = slice(None) if count == size else np.minimum(np.arange(size), count - 1)
    made = forward(*(values[rows] for values in batch.inputs))
    arrays = {name: values[:count] for name, values in made.items()}
    for name, values in arrays.items():
        bad = unusable(name, values)
        if bad.size:
            number = batch.read[bad[0]]
            what = "feature" if name == "vectors" else f"row of {name}"
            msg = (
                f"The {what} of {samples[number].path or f'picture {number}'} is infinite, not a "
                "number or too large to be squared; look at the network's output for it."
            )
            raise FeaturesError(msg)
    return Chunk(arrays, batch.numbers, batch.skipped)


def _ahead(prepare: Callable[[_Part], _Made], parts: Iterable[_Part]) -> Generator[_Made]:
    """Prepare parts in a thread, a few ahead of the one that is looked at."""
    pending: deque[Future[_Made]] = deque()
    with ThreadPoolExecutor(1) as pool:
        try:
            for part in parts:
                pending.append(pool.submit(prepare, part))
                if len(pending) > _AHEAD:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()


def _others(skipped: Mapping[int, str], pictures: Samples, known: Known) -> dict[str, Any]:
    """What is known of the pictures that could be read, by the names that `Features` has."""
    samples = pictures.samples
    read = [number for number in range(len(samples)) if number not in skipped]
    if not read:
        number, why = next(iter(skipped.items()))
        msg = f"None of {len(skipped)} pictures could be read; the first, number {number}: {why}"
        raise FeaturesError(msg)
    paths = {"paths": [samples[number].path for number in read]} if pictures.are_files else {}
    return {
        **paths,
        **{name: [values[number] for number in read] for name, values in known.items()},
    }


def _skipped(skipped: Mapping[int, str], pictures: Samples) -> dict[str, Any]:
    """Pictures that were skipped, by path or number, with the reason; nothing if none was."""
    names = {pictures.samples[number].path or str(number): why for number, why in skipped.items()}
    return {"skipped": names} if names else {}


def _digest(network: nn.Cell) -> str:
    """What tells the weights of a network from those of another, in place of a file's digest."""
    found = hashlib.sha256()
    for name, parameter in sorted(network.parameters_and_names(), key=lambda item: item[0]):
        found.update(name.encode())
        found.update(parameter.asnumpy().tobytes())
    return found.hexdigest()


def versions() -> dict[str, str]:
    """Versions of what features depend on."""
    found = {"python": platform.python_version()}
    for package in (
        "mindspore-hub",
        "mindspore",
        "numpy",
        "pillow",
        "opencv-python-headless",
        "opencv-python",
    ):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
