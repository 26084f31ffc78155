"""From prepared pictures to features: a network's outputs, as the card's `task` says."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mindspore_hub.tasks.pictures.runner import Outputs, Rows
from mindspore_hub.tasks.retrieval.task import Retrieval

Array = npt.NDArray[np.float32]


def forward(wanted: Outputs, retrieval: Retrieval) -> Rows:
    """A function that computes features, and scores of attributes where the network gives them.

    It takes prepared pictures `(N, C, H, W)` and further inputs of the network, and gives rows by the
    names that `Features` has: `vectors` `(N, D)`, scores `(N, C)`. `wanted` computes the outputs at
    `retrieval.places`.
    """
    count = len(retrieval.outputs)

    def rows(images: Array, *others: Array) -> dict[str, Array]:
        outputs = wanted(images, *others)
        vectors = np.concatenate(outputs[:count], axis=1)
        if retrieval.mirrored:
            mirrored = wanted(np.ascontiguousarray(images[..., ::-1]), *others)
            vectors = vectors + np.concatenate(mirrored[:count], axis=1)
        if retrieval.normalised:
            vectors = vectors / np.sqrt(np.sum(vectors * vectors, axis=1, keepdims=True))
        scores = {
            f"{name[:-1]}_scores": rows
            for name, rows in zip(retrieval.scores, outputs[count:], strict=True)
        }
        return {"vectors": vectors, **scores}

    return rows
