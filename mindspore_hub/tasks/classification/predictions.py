"""The most probable classes of pictures, in memory and as CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mindspore_hub import _files
from mindspore_hub.errors import FeaturesError
from mindspore_hub.tasks.classification.labels import Labels

FORMATS = (".csv", ".json")

_COLUMNS = ("picture", "rank", "class", "id", "label", "probability")


class Guess(NamedTuple):
    """A class that a picture may show.

    Attributes:
        rank: 1 for the most probable class.
        number: Number of the class, from 0.
        id: Its id, such as `n01440764`; empty where classes have none.
        label: Its name, such as `tench, Tinca tinca`.
        probability: How probable it is, from 0 to 1.
    """

    rank: int
    number: int
    id: str
    label: str
    probability: float


@dataclass(frozen=True, eq=False)
class Predictions:
    """The most probable classes of N pictures.

    Attributes:
        classes: Numbers of the k most probable classes `(N, k)`, int64, the best first.
        probabilities: How probable each is, `(N, k)` float32; all classes of a picture sum up to 1.
        labels: Names of all classes.
        paths: Path of each picture below the folder of all, where all are files.
        about: What made them, as plain JSON.
    """

    classes: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.float32]
    labels: Labels
    paths: Sequence[str] | None = None
    about: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.classes)

    def name(self, picture: int) -> str:
        """Path of a picture, or its number where it is not a file."""
        return self.paths[picture] if self.paths is not None else str(picture)

    def guesses(self, picture: int) -> list[Guess]:
        """The k classes that a picture shows most probably."""
        pairs = zip(self.classes[picture], self.probabilities[picture], strict=True)
        return [
            Guess(
                rank,
                int(number),
                self.labels.ids[number] if self.labels.ids else "",
                self.labels.names[number],
                float(probability),
            )
            for rank, (number, probability) in enumerate(pairs, 1)
        ]

    def to_json(self) -> dict[str, Any]:
        """All of it as plain JSON; docs/classification.md describes it."""
        return {
            "about": self.about,
            "pictures": [
                {
                    "picture": self.name(picture),
                    "classes": [_as_json(guess) for guess in self.guesses(picture)],
                }
                for picture in range(len(self))
            ],
        }

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a CSV or JSON file; an existing one is replaced.

        Raises:
            FeaturesError: The name ends in neither `.csv` nor `.json`.
            StoreError: It cannot be written (an OSError); what was there is untouched.
        """
        require_format(Path(path))
        _files.replace(Path(path), self.content(Path(path)))

    def save_sheet(
        self,
        path: str | os.PathLike[str],
        *,
        images: str | os.PathLike[str] | None = None,
        pictures: int = 50,
    ) -> None:
        """Write an HTML page of pictures with their classes.

        Args:
            path: The file, whose name ends in `.html`; an existing one is replaced.
            images: Folder that the paths of the pictures are below, if it is not the one that they
                were classified from.
            pictures: How many are shown, evenly spread over all.

        Raises:
            FeaturesError: The name has another end, pictures are not files, or too many are wanted.
            DatasetError: The pictures are not in that folder.
            StoreError: It cannot be written (an OSError).
        """
        from mindspore_hub.tasks.classification.sheet import save

        save(self, Path(path), images=images, pictures=pictures)

    def content(self, path: Path) -> bytes:
        """What a file of that name holds."""
        if path.suffix.lower() == ".json":
            return (json.dumps(self.to_json(), indent=1) + "\n").encode()
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(_COLUMNS)
        writer.writerows(self._lines())
        return text.getvalue().encode("utf-8", "surrogateescape")

    def _lines(self) -> Iterator[tuple[object, ...]]:
        for picture in range(len(self)):
            for guess in self.guesses(picture):
                facts = (guess.number, guess.id, guess.label, f"{guess.probability:.6g}")
                yield self.name(picture), guess.rank, *facts


def _as_json(guess: Guess) -> dict[str, Any]:
    facts = {"rank": guess.rank, "class": guess.number, "id": guess.id, "label": guess.label}
    known = {name: value for name, value in facts.items() if value != ""}
    return {**known, "probability": float(f"{guess.probability:.6g}")}


def require_format(path: Path) -> None:
    """Refuse a name whose end does not say what to write."""
    if path.suffix.lower() not in FORMATS:
        msg = (
            f"{path} must end in {' or '.join(FORMATS)}, since that says what to write; rename it."
        )
        raise FeaturesError(msg)
