"""Pictures and matches for tests of contact sheets."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import mindspore_hub
from mindspore_hub.gallery.features import Features
from mindspore_hub.tasks.retrieval.matches import Matches

QUERY = "queries/a<b>&\"'.png"
"""A name that means something else in HTML, if it is not escaped."""

RED, GREEN, YELLOW = (200, 30, 40), (20, 140, 30), (240, 220, 20)
TALL, WIDE = (120, 240), (240, 120)


def picture(file: Path, color: tuple[int, int, int], size: tuple[int, int] = TALL) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, color).save(file)


def features(root: Path | None, paths: list[str], labels: list[int] | None = None) -> Features:
    """Features in the plane, each further from the first axis, and no two pairs equally far."""
    angles = np.square(np.arange(len(paths))) / 10
    about: dict[str, Any] = {} if root is None else {"card": "who/1.0/card", "root": str(root)}
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return Features(vectors, labels=labels, paths=paths, about=about)


def sides(root: Path) -> tuple[Features, Features]:
    """Two queries, and three gallery images: right, wrong and wide for the first query."""
    picture(root / QUERY, RED)
    picture(root / "queries/b.png", RED)
    for name, color, size in (
        ("right", RED, TALL),
        ("wrong", GREEN, TALL),
        ("wide", YELLOW, WIDE),
    ):
        picture(root / f"gallery/{name}.png", color, size)
    query = features(root, [QUERY, "queries/b.png"], [1, 2])
    names = ["gallery/right.png", "gallery/wrong.png", "gallery/wide.png"]
    return query, features(root, names, [1, 2, 3])


def matches(root: Path) -> Matches:
    return mindspore_hub.match(*sides(root), k=3)
