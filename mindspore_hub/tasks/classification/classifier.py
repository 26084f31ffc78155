"""From pictures to scores, and to the most probable classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mindspore_hub.errors import FeaturesError
from mindspore_hub.tasks.classification.labels import Labels, labels_of, numbered
from mindspore_hub.tasks.classification.predictions import Predictions, require_format
from mindspore_hub.tasks.classification.task import Classification
from mindspore_hub.tasks.pictures.chunks import Chunk
from mindspore_hub.tasks.pictures.runner import Outputs, Rows, Runner
from mindspore_hub.tasks.pictures.samples import Samples, require_some, skipped_of

Array = npt.NDArray[Any]


class Classifier(Runner):
    """Scores pictures with the network of a card.

    `run` hands on chunks with one array, `scores` `(B, C)` float32, as the network gives them: with the
    unused ones, and before any softmax.

    Args:
        name: Any name that `mindspore_hub.load` takes.
        labels: Names of the classes instead of those of the card, for a network with other ones.
        options: As in `Runner`.

    Raises:
        CardError: The card does not say that its network classifies, or how pictures are prepared.
        HubError: As in `Runner`.
    """

    def __init__(self, name: str, *, labels: Sequence[str] | None = None, **options: Any) -> None:
        super().__init__(name, **options)
        self.task = Classification.of(self.card)
        self._labels = Labels(tuple(labels)) if labels is not None else None

    @property
    def places(self) -> tuple[int, ...]:
        """The output that scores classes."""
        return self.task.places

    def rows_of(self, outputs: Outputs) -> Rows:
        """Scores `(N, C)`."""
        return lambda *inputs: {"scores": outputs(*inputs)[0]}

    def require_usable(self, arrays: Mapping[str, Array], names: Sequence[str]) -> None:
        """Refuse scores that are not numbers."""
        for values in arrays.values():
            bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
            if bad.size:
                msg = (
                    f"A score of {names[bad[0]]} is infinite or not a number; look at the network's "
                    "output for it."
                )
                raise FeaturesError(msg)

    def labels(self, scores: int) -> Labels:
        """The classes of a network that gives so many scores; unused ones are not among them.

        Raises:
            FeaturesError: They are not as many as the classes.
        """
        unused = 0 if self._labels is not None else self.task.unused
        known = self._labels
        if known is None:
            known = labels_of(self.task.labels) if self.task.labels else numbered(scores - unused)
        if len(known) + unused != scores or not len(known):
            more = f" and {unused} unused" if unused else ""
            msg = (
                f"The network gives {scores} scores, but there are {len(known)} labels{more}. A network "
                "with classes of its own needs their names: labels=[...]."
            )
            raise FeaturesError(msg)
        return known

    def predictions(self, pictures: Samples, *, k: int) -> Predictions:
        """The most probable classes of pictures, in memory."""
        chunks: list[Chunk] = []
        self.run(pictures.samples, lambda chunk: chunks.append(self._ranked(chunk, k)))
        skipped = {number: why for chunk in chunks for number, why in chunk.skipped.items()}
        require_some(skipped, len(pictures.samples))
        made = [chunk.arrays for chunk in chunks if chunk.arrays]
        arrays = {name: np.concatenate([rows[name] for rows in made]) for name in made[0]}
        return self._predictions(pictures, arrays, skipped, k)

    def write(self, pictures: Samples, output: Path, *, k: int) -> Predictions:
        """The same, and written to a CSV or JSON file; what an earlier call left is taken up."""
        require_format(output)
        plan = {**self.about(pictures), "k": k, "labels": self._named()}
        with self.stored(pictures, output, plan) as chunks:
            self.run(
                pictures.samples,
                lambda chunk: chunks.append(self._ranked(chunk, k)),
                missing=chunks.missing(),
            )
            require_some(chunks.skipped, len(pictures.samples))
            arrays = {name: chunks.read(name) for name in chunks.widths}
            made = self._predictions(pictures, arrays, chunks.skipped, k)
            chunks.finish(made.content(output))
        return made

    def _named(self) -> str | list[str]:
        return self.task.labels if self._labels is None else list(self._labels.names)

    def _ranked(self, chunk: Chunk, k: int) -> Chunk:
        """The best classes in place of all scores, and how many scores there were."""
        if not chunk.arrays:
            return chunk
        scores = chunk.arrays["scores"]
        classes, probabilities = most_probable(scores[:, : len(self.labels(scores.shape[1]))], k)
        counts = np.full((len(scores), 1), scores.shape[1])
        arrays = {"classes": classes, "probabilities": probabilities, "counts": counts}
        return Chunk(
            {name: rows.astype(np.float32) for name, rows in arrays.items()},
            chunk.numbers,
            chunk.skipped,
        )

    def _predictions(
        self, pictures: Samples, arrays: Mapping[str, Array], skipped: Mapping[int, str], k: int
    ) -> Predictions:
        samples = pictures.samples
        read = [number for number in range(len(samples)) if number not in skipped]
        about = {**self.about(pictures), "k": k, "labels": self._named()}
        return Predictions(
            arrays["classes"].astype(np.int64),
            arrays["probabilities"],
            self.labels(int(arrays["counts"][0, 0])),
            [samples[number].path for number in read] if pictures.are_files else None,
            {**about, **skipped_of(pictures, skipped)},
        )


def most_probable(scores: Array, k: int) -> tuple[Array, Array]:
    """The k best classes `(N, k)` of scores `(N, C)`, and how probable each is, float64.

    Probabilities are the softmax over all classes. Of classes with the same score, the one with the lower
    number comes first; where there are fewer classes than k, all are given.
    """
    wide = scores.astype(np.float64)
    best = np.argsort(-wide, axis=1, kind="stable")[:, :k]
    powers = np.exp(wide - wide.max(axis=1, keepdims=True))
    shares = powers / powers.sum(axis=1, keepdims=True)
    return best, np.take_along_axis(shares, best, axis=1)
