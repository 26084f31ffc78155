"""From pictures of any kind to the inputs of a network, as its card says it.

`decode` finds and reads them, `resize` has the values of OpenCV, and `preprocess` follows what a card
says under `preprocessing` (`fields`). `runner` runs a network over many (`samples`), of whose `outputs`
a task makes rows, which `chunks` keep until an output is whole. Importing this package alone needs
neither NumPy nor Pillow.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeAlias, Union

from mindspore_hub.tasks import required_by

if TYPE_CHECKING:
    from mindspore_hub.hub.hub import Hub
    from mindspore_hub.tasks.pictures.preprocess import Transform

AnyHub: TypeAlias = Union["Hub", str, os.PathLike[str], None]
"""A hub, the path of its root, or None for the usual one."""


def transforms(name: str, *, hub: AnyHub = None) -> Transform:
    """What prepares pictures for a network, as its card says it.

    Args:
        name: Any name that `mindspore_hub.load` takes.
        hub: Hub root whose card the name means, as in `load`.

    Returns:
        A callable: pictures in, `(C, H, W)` or `(N, C, H, W)` float32 out; see `Transform`.

    Raises:
        UnknownNameError: No card has that name.
        AmbiguousNameError: Several cards have that name.
        CardError: The card does not say how pictures are prepared.
        MissingDependencyError: NumPy or Pillow is not installed.
    """
    from mindspore_hub.hub.card import stated
    from mindspore_hub.hub.hub import Hub
    from mindspore_hub.tasks.pictures.fields import as_preprocessing

    card = Hub.of(hub).resolve(name)
    facts = stated(card, "preprocessing", as_preprocessing)
    with required_by("Preparing pictures"):
        from mindspore_hub.tasks.pictures.preprocess import Transform
    return Transform(facts, name=card.short_name)
