"""Features of many pictures: prepared ahead, computed batch by batch, taken up where a run stopped."""

from __future__ import annotations

import functools
import hashlib
import logging
import platform
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from dataclasses import dataclass
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
from mindspore_hub.settings import Settings
from mindspore_hub.tasks.pictures.fields import MODALITIES, as_preprocessing
from mindspore_hub.tasks.pictures.preprocess import Transform
from mindspore_hub.tasks.retrieval.chunks import Chunk, StoredChunks
from mindspore_hub.tasks.retrieval.features import Features, unusable
from mindspore_hub.tasks.retrieval.forward import forward, inference
from mindspore_hub.tasks.retrieval.samples import Sample, Samples
from mindspore_hub.tasks.retrieval.task import Retrieval

if TYPE_CHECKING:
    from mindspore import nn

    from mindspore_hub.tasks.retrieval import AnyHub

Array = npt.NDArray[Any]

_Prepared = tuple[tuple[Array, ...], dict[int, str]]
"""The inputs of the network for a batch, and which of its pictures were skipped, and why."""

Known = Mapping[str, Sequence[Any]]
"""What is known of every picture, by the names that `Features` has."""

_AHEAD = 2
"""Batches that are prepared while the network computes."""

_COMPILED_FROM = 8
"""Batches from which compiling the network takes less time than it saves."""

logger = logging.getLogger(__name__)


class Embedding:
    """Makes features with the network of a card; arguments and errors are those of `mindspore_hub.embed`.

    `progress` is called with the pictures done and all; by default, it is a bar on a terminal.
    """

    def __init__(
        self,
        name: str,
        *,
        modality: str | None = None,
        batch_size: int = 16,
        skip_bad: bool = False,
        network: nn.Cell | None = None,
        hub: AnyHub = None,
        trust: bool = False,
        progress: Progress | None = None,
    ) -> None:
        if type(batch_size) is not int or batch_size < 1:
            msg = f"batch_size must be a whole number of at least 1, but is {batch_size!r}."
            raise PictureError(msg)
        self.card, self._hub = find_network(name, hub, trust=trust)
        self._preprocessing = stated(self.card, "preprocessing", as_preprocessing)
        self._retrieval = Retrieval.of(self.card)
        self._modality = modality
        self._check_modality()
        self._batch_size = batch_size
        self._skip_bad = skip_bad
        self._transform = Transform(self._preprocessing, name=self.card.short_name)
        self._given = network
        self._progress = progress
        self._forwards: dict[
            bool, Callable[..., dict[str, Array]]
        ] = {}  # by whether they are compiled, once for all runs

    def features(
        self, pictures: Samples, *, known: Known, facts: Mapping[str, Any] | None = None
    ) -> Features:
        """Features of pictures, made in memory; arguments and errors are those of `write`."""
        chunks: list[Chunk] = []
        self._compute(pictures.samples, range(len(pictures.samples)), chunks.append)
        skipped = {number: why for chunk in chunks for number, why in chunk.skipped.items()}
        others = _others(skipped, pictures, known, {**self._about(pictures), **(facts or {})})
        made = [chunk.arrays for chunk in chunks if chunk.arrays]
        arrays: dict[str, Any] = {
            name: np.concatenate([rows[name] for rows in made]) for name in made[0]
        }
        return Features(**arrays, **others)

    def write(
        self,
        pictures: Samples,
        output: Path,
        *,
        known: Known,
        facts: Mapping[str, Any] | None = None,
    ) -> Written:
        """Write features of pictures to a file; what an earlier call left of them is taken up.

        `known` is what is known of each picture, `facts` what is known of them all, as plain JSON.
        """
        made_by = self._about(pictures)
        states = pictures.states()
        plan = {**made_by, "pictures": hashlib.sha256("\n".join(states).encode()).hexdigest()}
        with StoredChunks(output, plan, states, skipping=self._skip_bad) as chunks:
            done = chunks.rows + len(chunks.skipped)
            if done:
                logger.info("%s: going on after %d pictures", chunks.folder, done)
            self._compute(pictures.samples, chunks.missing(), chunks.append)
            others = _others(chunks.skipped, pictures, known, {**made_by, **(facts or {})})
            # The vectors are on disk; what else is known of them is checked without them.
            arrays = Features(np.zeros((chunks.rows, 1)), **others).arrays()
            del arrays["vectors"]
            chunks.save(arrays)
        return Written(chunks.rows, chunks.widths["vectors"], others["about"])

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
        return build(self.card, self._hub)

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
            "retrieval": self._retrieval.feature,
            "modality": self._modality,
            "batch_size": self._batch_size,
            "root": str(pictures.root) if pictures.root else None,
            "versions": versions(),
        }

    def _compute(
        self, samples: Sequence[Sample], missing: Sequence[int], append: Callable[[Chunk], None]
    ) -> None:
        """Hand on the features of those samples that are missing, batch by batch."""
        for extras in {tuple(sample.extras) for sample in samples}:
            self._transform.require(extras)
        size, count = min(self._batch_size, len(samples)), len(samples)
        # All samples decide, so that a run that was stopped goes on with the same numbers.
        compiled = -(-count // size) >= _COMPILED_FROM
        parts = [missing[begin : begin + size] for begin in range(0, len(missing), size)]
        if not parts:
            return
        done = count - len(missing)
        prepare = functools.partial(self._prepare, samples)
        with (
            inference(self._network),
            self._shown() as progress,
            closing(_ahead(prepare, parts)) as prepared,
        ):
            if compiled not in self._forwards:
                made = forward(self._network, self._retrieval, compiled=compiled)
                self._forwards[compiled] = made
            rows_of = self._forwards[compiled]
            for numbers, (inputs, skipped) in zip(parts, prepared, strict=True):
                read = [number for number in numbers if number not in skipped]
                arrays = _rows(rows_of, inputs, size) if read else {}
                _require_usable(
                    arrays, [samples[number].path or f"picture {number}" for number in read]
                )
                append(Chunk(arrays, numbers, skipped))
                done += len(numbers)
                progress(done, count)

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
        return tuple(map(np.stack, zip(*made, strict=True))), skipped


@dataclass(frozen=True)
class Written:
    """Pictures and values of each in a file of features, which may be more than fits into memory."""

    pictures: int
    dimension: int
    about: dict[str, Any]


def _rows(
    rows_of: Callable[..., dict[str, Array]], inputs: tuple[Array, ...], size: int
) -> dict[str, Array]:
    """Features of a batch; a short one is filled up, so that every batch is computed alike."""
    count = len(inputs[0])
    rows = slice(None) if count == size else np.minimum(np.arange(size), count - 1)
    made = rows_of(*(values[rows] for values in inputs))
    return {name: values[:count] for name, values in made.items()}


def _require_usable(arrays: Mapping[str, Array], names: Sequence[str]) -> None:
    for name, values in arrays.items():
        bad = unusable(name, values)
        if bad.size:
            what = "feature" if name == "vectors" else f"row of {name}"
            msg = (
                f"The {what} of {names[bad[0]]} is infinite, not a number or too large to be "
                "squared; look at the network's output for it."
            )
            raise FeaturesError(msg)


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


def _others(
    skipped: Mapping[int, str], pictures: Samples, known: Known, about: Mapping[str, Any]
) -> dict[str, Any]:
    """What `Features` has besides rows; `about` names by path or number what was skipped, and why."""
    samples = pictures.samples
    read = [number for number in range(len(samples)) if number not in skipped]
    if not read:
        number, why = next(iter(skipped.items()))
        msg = f"None of {len(skipped)} pictures could be read; the first, number {number}: {why}"
        raise FeaturesError(msg)
    found = {name: [values[number] for number in read] for name, values in known.items()}
    if pictures.are_files:
        found["paths"] = [samples[number].path for number in read]
    names = {samples[number].path or str(number): why for number, why in skipped.items()}
    return {**found, "about": {**about, "skipped": names} if names else dict(about)}


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
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found
