"""Galleries of SYSU-MM01: one random image of every identity and camera."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import numpy.typing as npt

from mindspore_hub.tasks.retrieval.features import Integers, identities

CAMERAS = {"all": (1, 2, 4, 5), "indoor": (1, 2)}
"""Visible-light cameras of each search, in the order in which images are drawn."""


def draw(
    labels: Integers,
    cameras: Integers,
    paths: npt.NDArray[Any],
    *,
    search: str,
    seed: int,
) -> Integers:
    """Draw a gallery as the originals do, so that a seed means the same images.

    Python's generator is seeded; identities go up, and for each of them cameras in the order of
    `CAMERAS`; candidates are sorted by path. An identity that a camera never saw draws nothing.
    Images of negative labels are all in the gallery: each may be of a person of its own. They come
    last, and so change no draw of others.

    Args:
        labels: Identities of all candidates, `(N,)`.
        cameras: Their cameras, `(N,)`.
        paths: Their paths, `(N,)`.
        search: `all` or `indoor`.
        seed: The seed; published numbers have 0.

    Returns:
        Indices of the gallery in the order of drawing.
    """
    place = {camera: number for number, camera in enumerate(CAMERAS[search])}
    rank = np.array([place.get(camera, -1) for camera in cameras.tolist()], np.int64)
    [people] = identities(labels)
    order = np.lexsort((paths, rank, people))
    order = order[rank[order] >= 0]
    groups = np.stack([people[order], rank[order]])
    borders = np.flatnonzero((groups[:, 1:] != groups[:, :-1]).any(axis=0)) + 1
    generator = random.Random(seed)  # noqa: S311 - the seed is published, nothing is secret
    parts = [part for part in np.split(order, borders) if part.size]
    return np.array([generator.choice(part) for part in parts], np.int64)
