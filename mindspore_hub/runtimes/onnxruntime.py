"""ONNX Runtime as a runtime; derived files are what it reads."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mindspore_hub.errors import ExportError, MissingDependencyError

if TYPE_CHECKING:
    from mindspore_hub.runtimes import Array
    from mindspore_hub.runtimes.derived import Derived


class OnnxRuntime:
    """The outputs of a derived file, computed in float32 on the processor.

    It may be called from several threads.
    """

    batch: int | None = None

    def __init__(self, derived: Derived, *, threads: int) -> None:
        self._session = session_of(derived.path, threads)
        self._names = [item.name for item in self._session.get_inputs()]

    def __call__(self, *inputs: Any) -> tuple[Array, ...]:
        """Rows `(N, D)` for each output."""
        return tuple(self._session.run(None, dict(zip(self._names, inputs, strict=True))))

    def running(self) -> AbstractContextManager[None]:
        """Nothing needs to hold."""
        return nullcontext()


def session_of(path: Path, threads: int) -> Any:
    """A session of an ONNX file, on the processor."""
    try:
        import onnxruntime
    except ImportError as error:
        msg = f"ONNX Runtime cannot be imported ({error}); `pip install 'mindspore-hub[onnx]'` brings it."
        raise MissingDependencyError(msg) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors
    try:
        return onnxruntime.InferenceSession(
            os.fspath(path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # of any kind, as it pleases
        msg = f"ONNX Runtime {onnxruntime.__version__} cannot run {path}: {error}"
        raise ExportError(msg) from error
