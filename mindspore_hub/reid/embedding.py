"""Features of many pictures: prepared ahead, computed batch by batch, taken up where a run stopped."""

from __future__ import annotations

import functools
import hashlib
import logging
import platform
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from mindspore_hub import _files
from mindspore_hub._progress import counter
from mindspore_hub.cards import preprocessing, retrieval
from mindspore_hub.cards.schema import stated
from mindspore_hub.catalog import Catalog
from mindspore_hub.errors import PictureError
from mindspore_hub.pretrained import loadable_asset
from mindspore_hub.reid.chunks import Chunk, Chunks, StoredChunks, gather
from mindspore_hub.reid.features import Features
from mindspore_hub.reid.forward import Forward, inference
from mindspore_hub.reid.preprocess import Transform
from mindspore_hub.reid.samples import Sample, Samples
from mindspore_hub.settings import Settings

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

_log = logging.getLogger(__name__)


class Embedding:
    """Makes features with the network of a card.

    Args:
        name: Any name that `mindspore_hub.load` takes.
        modality: Kind of the pictures; None where nobody said.
        batch_size: Pictures that the network sees at once.
        skip_bad: Leave out, with a warning, what cannot be read.
        network: The network, if it is loaded already.

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
    ) -> None:
        if batch_size < 1:
            msg = f"batch_size must be at least 1, but is {batch_size}."
            raise PictureError(msg)
        self._name = name
        self.card = Catalog.read().resolve(name)
        self._preprocessing: preprocessing.Preprocessing = stated(self.card, "preprocessing")
        self._retrieval: retrieval.Retrieval = stated(self.card, "retrieval")
        self._modality = modality
        self._check_modality()
        self._batch_size = batch_size
        self._skip_bad = skip_bad
        self._transform = Transform(self._preprocessing, name=self.card.short_name)
        self._given = network

    def features(
        self, pictures: Samples, *, known: Known, facts: Mapping[str, Any] | None = None
    ) -> Features:
        """Features of pictures, made in memory.

        Args:
            pictures: The pictures.
            known: What is known of each, by the names that `Features` has.
            facts: What is known of them all, as plain JSON.

        Raises:
            HubError: As in `mindspore_hub.embed`.
        """
        network = self._load()
        chunks: list[Chunk] = []
        self._add(chunks, network, pictures.samples)
        about = {**self._about(network, pictures), **(facts or {})}
        return _collect(chunks, pictures, about=about, known=known)

    def write(
        self,
        pictures: Samples,
        output: Path,
        *,
        known: Known,
        facts: Mapping[str, Any] | None = None,
    ) -> Features:
        """Write features of pictures to a file; what an earlier call left is taken up.

        Args:
            pictures: The pictures.
            output: The npz file.
            known: What is known of each, by the names that `Features` has.
            facts: What is known of them all, as plain JSON.

        Returns:
            The features without their vectors, which may be more than fits into memory.

        Raises:
            HubError: As in `mindspore_hub.embed`.
            OSError: The file cannot be written.
        """
        network = self._load()
        about = {**self._about(network, pictures), **(facts or {})}
        plan = {**about, "pictures": pictures.stats() if pictures.are_files else str(uuid.uuid4())}
        chunks = StoredChunks(output, plan)
        if len(chunks):
            _log.info("%s: going on after %d batches", chunks.folder, len(chunks))
        self._add(chunks, network, pictures.samples)
        found = _collect(chunks, pictures, about=about, known=known, scratch=chunks.folder)
        with _files.replacing(output) as path:
            found.save(path)
        chunks.remove()
        return found

    def _check_modality(self) -> None:
        kinds = self._preprocessing.modality
        if self._modality is not None and self._modality not in kinds:
            msg = (
                f"{self.card.short_name} was trained on {' and '.join(kinds)} pictures, but "
                f"modality is {self._modality!r}; its features of others mean little."
            )
            raise PictureError(msg)

    def _load(self) -> nn.Cell:
        from mindspore_hub.load import load

        return self._given if self._given is not None else load(self._name)

    def _about(self, network: nn.Cell, pictures: Samples) -> dict[str, Any]:
        """What makes the features, as plain JSON."""
        weights = loadable_asset(self.card).sha256 if self._given is None else _digest(network)
        return {
            "card": self.card.uid,
            "sha256": weights,
            "preprocessing": preprocessing.as_json(self._preprocessing),
            "retrieval": retrieval.as_json(self._retrieval),
            "modality": self._modality,
            "batch_size": self._batch_size,
            "root": str(pictures.root) if pictures.root else None,
            "versions": versions(),
        }

    def _add(self, chunks: Chunks, network: nn.Cell, samples: Sequence[Sample]) -> None:
        """Add the features of samples to chunks, from the first that is not there yet."""
        size, count = min(self._batch_size, len(samples)), len(samples)
        parts = [range(begin, min(begin + size, count)) for begin in range(0, count, size)]
        parts = parts[len(chunks) :]
        compiled = len(parts) >= _COMPILED_FROM
        with (
            counter(self.card.short_name, shown=Settings.from_environment().progress) as progress,
            inference(network),
        ):
            forward = Forward(network, self._retrieval, compiled=compiled)
            for batch in _ahead(functools.partial(self._prepare, samples), parts):
                chunks.append(_compute(forward, batch, size))
                progress(batch.stop, count)

    def _prepare(self, samples: Sequence[Sample], numbers: range) -> _Batch:
        made: list[tuple[Array, ...]] = []
        kept: list[int] = []
        skipped: dict[int, str] = {}
        for number in numbers:
            sample = samples[number]
            try:
                prepared = self._transform(sample.picture, **sample.beside)
            except PictureError as error:
                if not self._skip_bad:
                    raise
                _log.warning("skipped %s: %s", sample.name, error)
                skipped[number] = str(error)
                continue
            made.append(prepared if isinstance(prepared, tuple) else (prepared,))
            kept.append(number)
        inputs = tuple(map(np.stack, zip(*made, strict=True)))
        return _Batch(inputs, kept, skipped, numbers.stop)


@dataclass(frozen=True, eq=False)
class _Batch:
    """Prepared pictures: the inputs of the network, which samples they are, and what was skipped."""

    inputs: tuple[Array, ...]
    kept: list[int]
    skipped: dict[int, str]
    stop: int


def _compute(forward: Forward, batch: _Batch, size: int) -> Chunk:
    """Features of a batch; a short one is filled up, so that every batch is computed alike."""
    kept = np.array(batch.kept, np.int64)
    if not batch.kept:
        return Chunk(np.empty((0, 0), np.float32), kept, batch.skipped)
    count = len(batch.kept)
    rows = slice(None) if count == size else np.minimum(np.arange(size), count - 1)
    vectors, scores = forward(*(values[rows] for values in batch.inputs))
    used = {name: values[:count] for name, values in scores.items()}
    return Chunk(vectors[:count], kept, batch.skipped, used)


def _ahead(prepare: Callable[[_Part], _Made], parts: Iterable[_Part]) -> Iterator[_Made]:
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


def _collect(
    chunks: Chunks,
    pictures: Samples,
    *,
    about: dict[str, Any],
    known: Known,
    scratch: Path | None = None,
) -> Features:
    """Make features of chunks."""
    samples, whole = pictures.samples, gather(chunks, scratch)
    if whole.skipped:
        names = {samples[number].path or str(number): why for number, why in whole.skipped.items()}
        about = {**about, "skipped": names}
    facts: dict[str, Any] = {f"{name[:-1]}_scores": values for name, values in whole.scores.items()}
    if pictures.are_files:
        facts["paths"] = [samples[number].path for number in whole.kept]
    for name, values in known.items():
        facts[name] = [values[number] for number in whole.kept]
    return Features(whole.vectors, **facts, about=about)


def _digest(network: nn.Cell) -> str:
    """What tells the weights of a network from those of another, in place of a file's digest."""
    found = hashlib.sha256()
    for name, parameter in sorted(network.parameters_dict().items()):
        found.update(name.encode())
        found.update(parameter.asnumpy().tobytes())
    return found.hexdigest()


def versions() -> dict[str, str]:
    """Versions of what features depend on."""
    found = {"python": platform.python_version()}
    for package in ("mindspore-hub", "mindspore", "numpy", "pillow", "opencv-python-headless"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
