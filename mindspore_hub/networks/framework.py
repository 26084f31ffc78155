"""MindSpore in this process: imported, and as fast as the processor allows.

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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mindspore_hub.errors import MissingDependencyError
from mindspore_hub.networks.collector import collector_paused
from mindspore_hub.settings import Settings

logger = logging.getLogger(__name__)

VARIABLE = "ONEDNN_MAX_CPU_ISA"
"""What holds oneDNN to older instructions; it is read before its first operator."""

_AFFECTED = re.compile(r"2\.(9|10)(\D.*)?")
_AVX512 = frozenset({"avx512f", "avx512bw", "avx512dq", "avx512vl"})
_CPU_INFO = Path("/proc/cpuinfo")


@collector_paused()
def require_mindspore() -> None:
    """Import MindSpore, prepared for this processor; a MissingDependencyError if it cannot be."""
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

    `flags` say what the processor can do, in the words of Linux.
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
