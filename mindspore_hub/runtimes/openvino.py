"""OpenVINO as a runtime; derived files are what it reads, and what it compiles of them is kept.

oneDNN, which both OpenVINO and MindSpore bring, reads the variable ONEDNN_MAX_CPU_ISA of the process at its
first use. MindSpore 2.9 and 2.10 need it to be AVX2 (`networks.framework`); OpenVINO is slower with it and
cannot compile bf16 at all. So it is taken out of the environment while OpenVINO compiles, and put back.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mindspore_hub.errors import ExportError, HubError, IntegrityError, MissingDependencyError
from mindspore_hub.files.records import stat_of
from mindspore_hub.files.sealed import read_seal, seal, size_of, verify_seal
from mindspore_hub.networks.framework import VARIABLE
from mindspore_hub.runtimes.processor import features
from mindspore_hub.settings import Settings

if TYPE_CHECKING:
    from mindspore_hub.runtimes import Array
    from mindspore_hub.runtimes.derived import Derived

logger = logging.getLogger(__name__)

_ENVIRONMENT = threading.Lock()


class OpenVino:
    """The outputs of a derived file, computed on the processor.

    `precision` is f32, or bf16, which rounds to 8 bits inside. It may be called from several threads.
    """

    batch: int | None = None

    def __init__(self, derived: Derived, *, precision: str, threads: int) -> None:
        self._model = _kept(derived, precision=precision, threads=threads)
        self._local = threading.local()

    def __call__(self, *inputs: Any) -> tuple[Array, ...]:
        """Rows `(N, D)` for each output."""
        request = getattr(self._local, "request", None)
        if request is None:
            request = self._local.request = self._model.create_infer_request()
        found = request.infer([np.ascontiguousarray(each) for each in inputs], share_inputs=True)
        return tuple(np.array(values) for values in found.to_tuple())

    def running(self) -> AbstractContextManager[None]:
        """Nothing needs to hold."""
        return nullcontext()


def compiled(path: Path, *, precision: str, threads: int) -> Any:
    """A compiled model of an ONNX file."""
    core = _core()
    try:
        with _own_instructions():
            return core.compile_model(os.fspath(path), "CPU", _options(precision, threads))
    except Exception as error:  # of any kind, as it pleases
        msg = f"OpenVINO cannot run {path} in {precision}: {error}"
        raise ExportError(msg) from error


def _core() -> Any:
    try:
        import openvino
    except ImportError as error:
        msg = f"OpenVINO cannot be imported ({error}); `pip install 'mindspore-hub[openvino]'` brings it."
        raise MissingDependencyError(msg) from error
    return openvino.Core()


def _options(precision: str, threads: int) -> dict[str, Any]:
    return {
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": threads,
        "PERFORMANCE_HINT": "LATENCY",
    }


@contextmanager
def _own_instructions() -> Iterator[None]:
    """Let oneDNN of OpenVINO choose its instructions, unless MSHUB_CPU_TUNING=0 leaves that to the user."""
    with _ENVIRONMENT:
        value = os.environ.get(VARIABLE)
        if value is None or not Settings.from_environment().cpu_tuning:
            yield
            return
        del os.environ[VARIABLE]
        try:
            yield
        finally:
            os.environ[VARIABLE] = value


def _kept(derived: Derived, *, precision: str, threads: int) -> Any:
    """What OpenVINO compiled of a derived file earlier, verified; else compiled, and kept if possible."""
    core = _core()
    version = core.get_versions("CPU")["CPU"].build_number
    parts = [derived.sha256, version, precision, str(threads), *sorted(features())]
    key = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    path = derived.store.derived(key, "openvino")
    try:
        if model := _imported(core, path, key, derived, _options(precision, threads)):
            return model
    except IntegrityError as error:
        logger.warning("%s It is compiled again.", error)
    except Exception as error:
        logger.info("%s is compiled again: %s", path, error)
    model = compiled(derived.path, precision=precision, threads=threads)
    with suppress(OSError, HubError):  # a store that cannot be written keeps nothing
        _keep(model, path, key, derived)
    return model


def _imported(core: Any, path: Path, key: str, derived: Derived, options: dict[str, Any]) -> Any:
    if not path.is_file():
        return None
    from openvino import Tensor

    memo = derived.store.memo
    with path.open("rb") as file:
        stat = stat_of(file.fileno())
        known = memo.knows(key, stat) and not derived.store.hash_always
        facts = (read_seal if known else verify_seal)(file, path)
        if facts["key"] != key:
            msg = f"{path} is of another model."
            raise IntegrityError(msg)
        if not known:
            memo.note(key, stat)
        content = np.memmap(file, np.uint8, "r", shape=(size_of(file),))
    with _own_instructions():
        return core.import_model(Tensor(content, shared_memory=True), "CPU", options)


def _keep(model: Any, path: Path, key: str, derived: Derived) -> None:
    store = derived.store
    if store.read_only:
        return
    store.prepare()
    temporary = store.partial / f"{key}.{os.urandom(8).hex()}.tmp"
    try:
        with temporary.open("xb") as file:
            file.write(model.export_model().getbuffer())
        seal(temporary, {"key": key, "of": derived.sha256, "card": derived.uid})
        store.install(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
