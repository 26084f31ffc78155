"""MindSpore in this process: imported, as fast as the processor allows, and building networks.

oneDNN 3.10.1, which MindSpore 2.9 and 2.10 bundle, computes convolutions larger than 1x1 on
processors with AVX-512 in reference code (`jit_uni_ncsp:conv+ref:any` in the output of
ONEDNN_VERBOSE=1), about 100 times slower than with AVX2. `python -m benchmarks.convolution` measures
it; MindSpore 2.7.0, 2.7.1 and 2.8.0 were measured too and do not need this.
"""

from __future__ import annotations

import logging
import os
import re
import signal
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from mindspore_hub._collector import collector_paused
from mindspore_hub.errors import MissingDependencyError
from mindspore_hub.settings import Settings

if TYPE_CHECKING:
    from mindspore import nn

logger = logging.getLogger(__name__)

VARIABLE = "ONEDNN_MAX_CPU_ISA"
"""What holds oneDNN to older instructions; it is read before its first operator."""

_AFFECTED = re.compile(r"2\.(9|10)(\D.*)?")
_AVX512 = frozenset({"avx512f", "avx512bw", "avx512dq", "avx512vl"})
_CPU_INFO = Path("/proc/cpuinfo")

_CARELESS = "2.7.0"
"""A MindSpore that computes with parameters without values instead of refusing to."""

_ONE_AT_A_TIME = threading.RLock()
"""MindSpore skips initial values in the whole process; networks built here meanwhile want theirs."""


class Network(Protocol):
    """What a card names as its network: a class of cells, or a function that builds one."""

    __name__: str

    def __call__(self, *args: object, **kwargs: object) -> nn.Cell:
        """Build the network."""


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


def tune_cpu(mindspore_version: str) -> None:
    """Hold oneDNN to AVX2 where AVX-512 would make it slow, and say so once.

    To be called before MindSpore's first operator; later it has no effect. Outputs differ by
    rounding, as they do between any two processors.

    Args:
        mindspore_version: Version of the imported MindSpore.
    """
    if not needs_tuning(mindspore_version, _cpu_flags(), os.environ):
        return
    if Settings.from_environment().cpu_tuning:
        os.environ[VARIABLE] = "AVX2"
        logger.info(
            "%s=AVX2 is set: without it, MindSpore %s computes convolutions about 100 times slower "
            "on this processor. MSHUB_CPU_TUNING=0 leaves it unset.",
            VARIABLE,
            mindspore_version,
        )


def needs_tuning(
    mindspore_version: str, flags: frozenset[str], environment: Mapping[str, str]
) -> bool:
    """Whether convolutions would be slow, and the user has not decided otherwise.

    Args:
        mindspore_version: Version of the imported MindSpore.
        flags: What the processor can do, in the words of Linux.
        environment: Variables that are set.
    """
    affected = bool(_AFFECTED.fullmatch(mindspore_version))
    return affected and flags >= _AVX512 and VARIABLE not in environment


def _cpu_flags() -> frozenset[str]:
    """Flags of the first processor; none where the system does not tell."""
    try:
        lines = _CPU_INFO.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return frozenset()
    flags = (line.partition(":")[2] for line in lines if line.startswith("flags"))
    return frozenset(next(flags, "").split())


def build_initialised(cell: Network, arguments: Mapping[str, object]) -> nn.Cell:
    """Build a network whose parameters have initial values.

    Args:
        cell: The network's class, or a function that builds it.
        arguments: Its arguments.
    """
    with _ONE_AT_A_TIME:
        return cell(**arguments)


def build_uninitialised(cell: Network, arguments: Mapping[str, object]) -> nn.Cell:
    """Build a network whose parameters get values when they are set, or by `init_data`.

    A constructor that computes with its own parameters cannot go without values, and neither can a
    MindSpore that does not offer it: both build as usual. While the constructor runs, parameters
    that another thread creates by itself wait for their values too; MindSpore draws them when
    their network is called.

    Args:
        cell: The network's class, or a function that builds it.
        arguments: Its arguments.

    Raises:
        Exception: What the constructor raises with values, too.
    """
    _raise_pending()  # of the caller; it is not for the constructor to answer
    with _ONE_AT_A_TIME, ExitStack() as stack:
        try:
            _skip_initialisers(stack)
            network = cell(**arguments)
            _raise_pending()
        except Exception as error:  # of any kind, since the same call decides below
            logger.debug("%s is built with initial values: %s", cell.__name__, error)
        else:
            return network
    return build_initialised(cell, arguments)


def _skip_initialisers(stack: ExitStack) -> None:
    """Let parameters be created without values until the stack unwinds.

    Raises:
        ImportError: This MindSpore cannot.
    """
    import mindspore

    if mindspore.__version__ == _CARELESS:
        msg = f"MindSpore {_CARELESS} would compute with parameters that have no values"
        raise ImportError(msg)
    with warnings.catch_warnings():  # the interface is to be removed, which is not for users
        warnings.simplefilter("ignore")
        from mindspore.nn.utils import no_init_parameters

        stack.enter_context(no_init_parameters())


def _raise_pending() -> None:
    """Raise what operators that were called before have failed with; MindSpore computes later."""
    import mindspore

    mindspore.Tensor(0).asnumpy()
