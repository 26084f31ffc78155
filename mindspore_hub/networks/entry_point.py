"""From a card to its network, by way of the model's entry point."""

from __future__ import annotations

import importlib.util
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mindspore_hub._collector import collector_paused
from mindspore_hub.errors import CardError, MissingDependencyError
from mindspore_hub.networks.cpu import tune_cpu

ENTRY_POINT = "mindspore_hub_conf"
"""Name of the folder of all entry points, and of the module of each."""


def entry_point_path(root: Path, model_name: str) -> Path:
    """Where the entry point of a model lies under a hub root."""
    return root / ENTRY_POINT / model_name / f"{ENTRY_POINT}.py"


def has_entry_point(root: Path, model_name: str) -> bool:
    """Whether a hub root has an entry point of a model."""
    return entry_point_path(root, model_name).is_file()


def load_entry_point(root: Path, model_name: str, *, copy: Path | None = None) -> Any:
    """Import the entry point of a model.

    Args:
        root: Hub root.
        model_name: Name of the model as its card writes it.
        copy: Copy of the hub root whose files are imported, by default the hub root itself.

    Returns:
        Module with `network_class()` and `constructor_arguments(network, args, kwargs)`.

    Raises:
        CardError: The hub root has no entry point for the model.
        MissingDependencyError: MindSpore is not installed.
    """
    if not has_entry_point(copy or root, model_name):
        msg = (
            f"{root} has no entry point of {model_name}. A card is built with the networks of this "
            "package; in a checkout of it, `mshub generate` writes the entry points."
        )
        raise CardError(msg)
    require_mindspore()
    return import_file(entry_point_path(copy or root, model_name))


@collector_paused()
def require_mindspore() -> None:
    """Import MindSpore, and prepare its work on this processor.

    Raises:
        MissingDependencyError: It cannot be imported.
    """
    try:
        with _interrupt_deferred():
            import mindspore
    except ImportError as error:
        msg = (
            f"MindSpore cannot be imported ({error}). On a CPU machine "
            "with Python 3.10 to 3.12 run `pip install 'mindspore>=2.7' 'numpy<2'`; for Ascend follow "
            "https://www.mindspore.cn/install."
        )
        raise MissingDependencyError(msg) from error
    tune_cpu(mindspore.__version__)


@contextmanager
def _interrupt_deferred() -> Iterator[None]:
    """Let a first Ctrl-C take effect at the end of the block, and a second one at once.

    Raised while MindSpore's extension is initialised, KeyboardInterrupt aborts the process, or comes out
    as the ImportError of a package that is half imported.
    """
    before = signal.getsignal(signal.SIGINT)
    if not callable(before) or threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed = False

    def note(_number: int, _frame: object) -> None:
        nonlocal pressed
        pressed = True
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if pressed:
            signal.raise_signal(signal.SIGINT)


def import_file(path: Path) -> Any:
    """Run a file as the module of an entry point, which is not kept among the imported modules."""
    spec = importlib.util.spec_from_file_location(ENTRY_POINT, path)
    if spec is None or spec.loader is None:
        msg = f"{path} is no Python module."
        raise CardError(msg)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
