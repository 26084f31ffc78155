"""Features of many pictures, in memory or in a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mindspore_hub.errors import FeaturesError, PictureError
from mindspore_hub.gallery.features import Features, unusable
from mindspore_hub.gallery.gallery import Gallery
from mindspore_hub.gallery.origin import digest_of_file
from mindspore_hub.hub.card import stated
from mindspore_hub.tasks.pictures.chunks import Chunk
from mindspore_hub.tasks.pictures.cluster import Engine
from mindspore_hub.tasks.pictures.fields import MODALITIES
from mindspore_hub.tasks.pictures.runner import Outputs, Rows, Runner
from mindspore_hub.tasks.pictures.samples import Sample, Samples, require_some, skipped_of
from mindspore_hub.tasks.pictures.shards import Shard
from mindspore_hub.tasks.pictures.worker import Recipe
from mindspore_hub.tasks.registry import read_task
from mindspore_hub.tasks.retrieval.forward import forward
from mindspore_hub.tasks.retrieval.parts import Part, Written, finished_part
from mindspore_hub.tasks.retrieval.task import HEADLESS, Retrieval

_ENROLLED = 256
"""Pictures that a gallery takes at a time."""

Array = npt.NDArray[Any]

Known = Mapping[str, Sequence[Any]]
"""What is known of every picture, by the names that `Features` has."""


class Embedding(Runner):
    """Makes features with the network of a card; arguments and errors are those of `mindspore_hub.embed`.

    Further keyword arguments are those of `Runner`. With `on`, processes elsewhere compute, see `Engine`.
    """

    def __init__(
        self,
        name: str,
        *,
        modality: str | None = None,
        on: Engine | None = None,
        **options: Any,
    ) -> None:
        super().__init__(name, **options)
        settings = {**options, "modality": modality}
        self._elsewhere = (
            None
            if on is None
            else (on, Recipe.of(type(self), name, self._hub, self.card, settings))
        )
        task = stated(self.card, "task", read_task, "task: {name: retrieval, ...}")
        self._is_headless = task.HAS_HEAD
        self._retrieval = HEADLESS if self._is_headless else Retrieval.of(self.card)
        self._modality = modality
        self._check_modality()

    @property
    def arguments(self) -> Mapping[str, object]:
        """A network that tells classes is built without what does so."""
        return {"num_classes": 0} if self._is_headless else {}

    @property
    def places(self) -> tuple[int, ...]:
        """Outputs that make the feature, and those that score attributes."""
        return self._retrieval.places

    def rows_of(self, outputs: Outputs) -> Rows:
        """Features and scores, see `forward`."""
        return forward(outputs, self._retrieval)

    def require_usable(self, arrays: Mapping[str, Array], names: Sequence[str]) -> None:
        """Refuse what `Features` cannot hold."""
        for name, values in arrays.items():
            bad = unusable(name, values)
            if bad.size:
                what = "feature" if name == "vectors" else f"row of {name}"
                msg = (
                    f"The {what} of {names[bad[0]]} is infinite, not a number or too large to be "
                    "squared; look at the network's output for it."
                )
                raise FeaturesError(msg)

    def made_by(self) -> dict[str, Any]:
        """What makes the features of any picture, as plain JSON."""
        return self._about(Samples(None, []))

    def features(
        self, pictures: Samples, *, known: Known, facts: Mapping[str, Any] | None = None
    ) -> Features:
        """Features of pictures, made in memory; arguments and errors are those of `write`."""
        self._require_extras(pictures)
        chunks: list[Chunk] = []
        self.run(pictures.samples, chunks.append)
        skipped = {number: why for chunk in chunks for number, why in chunk.skipped.items()}
        others = _others(skipped, pictures, known, {**self._about(pictures), **(facts or {})})
        chunks.sort(key=lambda chunk: chunk.numbers[0])  # others compute in any order
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
        shard: Shard | None = None,
    ) -> Written:
        """Write features of pictures to a file; what an earlier call left of them is taken up.

        `known` is what is known of each picture, `facts` what is known of them all, as plain JSON. Of a
        `shard`, only its pictures are computed, as the run of all computes them.
        """
        part = Part.of(shard, pictures, known, batch_size=self._batch_size)
        made_by = {**self._about(pictures), **part.facts}
        with self.stored(part.pictures, output, made_by) as chunks:
            self._require_extras(part.pictures)
            missing = [part.numbers[place] for place in chunks.missing()]
            self.run(pictures.samples, part.placing(chunks.append), missing=missing)
            about = {**made_by, **(facts or {}), **part.finished(chunks.skipped)}
            # The vectors are on disk; what else is known of them is checked without them.
            if chunks.rows or shard is None:
                others = _others(chunks.skipped, part.pictures, part.known, about)
                arrays = Features(np.zeros((chunks.rows, 1)), **others).arrays()
                about = others["about"]
            else:  # no picture of the shard could be read
                about = {**about, **skipped_of(part.pictures, chunks.skipped)}
                arrays = {"about": Features(np.zeros((1, 1)), about=about).arrays()["about"]}
            arrays.pop("vectors", None)
            chunks.save(arrays)
        return Written(chunks.rows, chunks.widths.get("vectors", 0), about)

    def finished(
        self, pictures: Samples, output: Path, *, known: Known, shard: Shard
    ) -> Written | None:
        """What an earlier call wrote of the same part; None if there is no such file."""
        part = Part.of(shard, pictures, known, batch_size=self._batch_size)
        return finished_part(output, {**self._about(pictures), **part.facts})

    def run(
        self,
        samples: Sequence[Sample],
        append: Callable[[Chunk], None],
        *,
        missing: Sequence[int] | None = None,
    ) -> None:
        """As in `Runner`; what others compute comes in any order."""
        if self._elsewhere is None:
            super().run(samples, append, missing=missing)
            return
        missing = range(len(samples)) if missing is None else missing
        size = max(min(self._batch_size, len(samples)), 1)
        batches = [missing[begin : begin + size] for begin in range(0, len(missing), size)]
        done = len(samples) - len(missing)
        engine, recipe = self._elsewhere
        choice = self.chosen(len(samples))  # which is not for each worker to make
        recipe = recipe.using(runtime=choice.runtime, precision=choice.precision)
        found = engine.compute(recipe, self._about(Samples(None, [])), samples, batches)
        with self._shown() as progress, closing(found):
            for chunk in found:
                append(chunk)
                done += len(chunk.numbers)
                progress(done, len(samples))

    def enrol(
        self,
        pictures: Samples,
        gallery: Gallery,
        *,
        known: Known,
        written: Callable[[int, int], None] = lambda *_: None,
    ) -> Enrolled:
        """Add the features of those pictures to a gallery that are not in it yet, by their content.

        What was written stays: a call that was stopped goes on where it was.

        Args:
            pictures: Files.
            gallery: A gallery that is open for writing.
            known: What is known of each picture.
            written: Called after each batch that the gallery has taken for good, with the pictures that
                need nothing more and all.
        """
        about = self._about(pictures)
        gallery.require_made_of(about, name="What would be added")
        self._require_extras(pictures)
        digests = [digest_of_file(Path(str(sample.picture))) for sample in pictures.samples]
        missing = gallery.missing(digests)
        before, total = len(digests) - len(missing), len(digests)
        known = {**known, "digests": digests, "paths": [one.path for one in pictures.samples]}
        batch = _Batch(gallery, known, about)

        def append(chunk: Chunk) -> None:
            batch.append(chunk)
            if batch.rows >= batch.size:
                batch.write()
                written(before + batch.done, total)

        self.run(pictures.samples, append, missing=missing)
        batch.write()
        written(before + batch.done, total)
        return Enrolled(batch.added, before, batch.skipped, about)

    def _require_extras(self, pictures: Samples) -> None:
        """Refuse maps and key points that do not fit the network, before anything is computed."""
        for extras in {tuple(sample.extras) for sample in pictures.samples}:
            self._transform.require(extras)

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

    def _about(self, pictures: Samples) -> dict[str, Any]:
        """What makes the features, as plain JSON."""
        return self.about(pictures, retrieval=self._retrieval.feature, modality=self._modality)


@dataclass(frozen=True)
class Enrolled:
    """Pictures that were added to a gallery, that were in it before, and that could not be read, and why."""

    added: int
    before: int
    skipped: dict[str, str]
    about: dict[str, Any]


class _Batch:
    """Rows that a gallery is to take together: each time costs it a commit, or an npz file all of it."""

    def __init__(self, gallery: Gallery, known: Known, about: dict[str, Any]) -> None:
        self.added = self.done = self.rows = 0
        self.skipped: dict[str, str] = {}
        self._gallery, self._known, self._about = gallery, known, about
        self._chunks: list[Chunk] = []

    @property
    def size(self) -> int:
        """Rows from which on they are written."""
        return max(_ENROLLED, len(self._gallery) // 4 if self._gallery.kind == "npz" else 0)

    def append(self, chunk: Chunk) -> None:
        """Keep rows for the next time."""
        self._chunks.append(chunk)
        self.rows += len(chunk.numbers)

    def write(self) -> None:
        """Hand over what was kept."""
        made = [chunk for chunk in self._chunks if chunk.arrays]
        skipped = {number: why for chunk in self._chunks for number, why in chunk.skipped.items()}
        read = [n for chunk in made for n in chunk.numbers if n not in skipped]
        if read:
            vectors = np.concatenate([chunk.arrays["vectors"] for chunk in made])
            known: dict[str, Any] = {
                name: [values[n] for n in read] for name, values in self._known.items()
            }
            self.added += self._gallery.add(Features(vectors, **known, about=self._about))
        self.skipped.update({self._known["paths"][n]: why for n, why in skipped.items()})
        self.done += self.rows
        self._chunks, self.rows = [], 0


def _others(
    skipped: Mapping[int, str], pictures: Samples, known: Known, about: Mapping[str, Any]
) -> dict[str, Any]:
    """What `Features` has besides rows; `about` names by path or number what was skipped, and why."""
    samples = pictures.samples
    require_some(skipped, len(samples))
    read = [number for number in range(len(samples)) if number not in skipped]
    found = {name: [values[number] for number in read] for name, values in known.items()}
    if pictures.are_files:
        found["paths"] = [samples[number].path for number in read]
    return {**found, "about": {**about, **skipped_of(pictures, skipped)}}
