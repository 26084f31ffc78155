"""A network in NumPy, for processes that are not to import MindSpore, and the runner that uses it."""

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mindspore_hub.tasks.pictures.runner import Rows
from mindspore_hub.tasks.retrieval.embedding import Embedding

CARD = "metric_learn"


class Placed(Embedding):
    """Makes rows that depend on the place in the batch, as those of many networks do by rounding.

    MSHUB_TEST_SECONDS is how long each batch takes.
    """

    @property
    def _network(self) -> Any:
        return _Network()

    def rows_of(self, network: Any, *, compiled: bool) -> Rows:
        """Three values, the places, and whether this is the compiled network."""

        def rows(images: np.ndarray) -> dict[str, np.ndarray]:
            time.sleep(float(os.environ.get("MSHUB_TEST_SECONDS", "0")))
            places = np.arange(len(images))[:, None]
            flag = np.full((len(images), 1), compiled)
            means = images.mean(axis=(2, 3))
            return {"vectors": np.hstack([means, places, flag]).astype(np.float32)}

        return rows


class _Network:
    """As much of a cell as `inference` asks for."""

    training = False

    def cells_and_names(self) -> list[tuple[str, "_Network"]]:
        return [("", self)]

    def set_train(self, _mode: bool) -> None:
        pass

    def add_flags(self, **_flags: bool) -> None:
        pass


def draw(folder: Path, count: int) -> Path:
    """That many pictures, each of one colour."""
    folder.mkdir()
    for number in range(count):
        color = (number % 256, number // 256, 7)
        Image.new("RGB", (5, 7), color).save(folder / f"{number:04}.png")
    return folder
