"""Upstream's module `optimize`."""

from __future__ import annotations

from typing import Any, NoReturn

from mindspore_hub.errors import ExportError


def transform(*args: Any, **kwargs: Any) -> NoReturn:
    """Refuse, and say what there is instead.

    Raises:
        ExportError: Always.
    """
    del args, kwargs
    msg = (
        "optimize.transform does nothing. `mshub convert NAME -o net.onnx` writes a network for "
        "other engines, and `--runtime` of `mshub embed`, `bench` and `serve` chooses one."
    )
    raise ExportError(msg)
