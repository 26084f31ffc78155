"""From names and files to a service."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from mindspore_hub.errors import FeaturesError, MissingDependencyError
from mindspore_hub.gallery.gallery import Gallery
from mindspore_hub.serving.limits import Limits
from mindspore_hub.serving.service import Service
from mindspore_hub.tasks.retrieval.calibration import Calibration
from mindspore_hub.tasks.retrieval.embedding import Embedding

AnyPath = str | os.PathLike[str]


def open_service(
    name: str,
    *,
    gallery: AnyPath | None = None,
    calibration: AnyPath | None = None,
    root: AnyPath | None = None,
    writable: bool = False,
    limits: Limits | None = None,
    **options: Any,
) -> Service:
    """Load a network, open its gallery, and warm up.

    Args:
        name: Any name that `mindspore_hub.load` takes.
        gallery: An npz file or a LanceDB folder of features of this network.
        calibration: A file that `mshub calibrate` wrote.
        root: Folder that the paths of the gallery are below; by default the one that it says.
        writable: Let clients add and remove rows.
        limits: Bounds.
        options: Those of `Embedding`.

    Raises:
        FeaturesError: Gallery or calibration cannot be read, or are of another network, or a calibration or
            `writable` is given without a gallery.
        HubError: As in `load` and `embed`.
    """
    require_server()
    if gallery is None and (calibration is not None or root is not None or writable):
        msg = "A calibration, a root and `writable` are about a gallery; name one as well."
        raise FeaturesError(msg)
    opened = None if gallery is None else Gallery(gallery, writable=writable)
    measured = None if calibration is None else Calibration.read(calibration)
    return Service(
        Embedding(name, **options),
        opened,
        measured,
        root=None if root is None else Path(root),
        writable=writable,
        limits=limits,
    )


def require_server() -> None:
    """A MissingDependencyError if what listens is not installed; it costs less to know before loading."""
    try:
        import starlette
        import uvicorn
    except ImportError as error:
        msg = (
            f"A server needs Starlette and uvicorn ({error}); `pip install 'mindspore-hub[serve]'`."
        )
        raise MissingDependencyError(msg) from error
    del starlette, uvicorn
