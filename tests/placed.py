"""A network in NumPy, for processes that are not to import MindSpore, and the runner that uses it."""

import os
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mindspore_hub.tasks.pictures.runner import Rows
from mindspore_hub.tasks.retrieval.embedding import Embedding

CARD = "mindspore/1.5/resnet50_triplet_sop"


class Placed(Embedding):
    """Makes rows that depend on the place in the batch, as those of many networks do by rounding.

    MSHUB_TEST_SECONDS is how long each batch takes.
    """

    def _computation(self, _choice: object, *, compiled: bool) -> Any:
        return _Computation(compiled)

    def rows_of(self, outputs: Any) -> Rows:
        """Means of colours, the place, and whether this would be compiled."""

        def rows(images: np.ndarray) -> dict[str, np.ndarray]:
            time.sleep(float(os.environ.get("MSHUB_TEST_SECONDS", "0")))
            places = np.arange(len(images))[:, None]
            flag = np.full((len(images), 1), outputs.compiled)
            return {"vectors": np.hstack([images.mean(axis=(2, 3)), places, flag]).astype("f4")}

        return rows


@dataclass
class _Computation:
    """As much of what runtimes open as a runner asks for."""

    compiled: bool
    batch: bool = True

    def running(self) -> AbstractContextManager[None]:
        return nullcontext()


def draw(folder: Path, count: int) -> Path:
    """That many pictures, each of one colour."""
    folder.mkdir()
    for number in range(count):
        color = (number % 256, number // 256, 7)
        Image.new("RGB", (5, 7), color).save(folder / f"{number:04}.png")
    return folder
