"""What a benchmark ran on, to stand beside its figures: `print(processor())`.

`kernels()` adds what matrix products ran in: OpenBLAS takes other code on other processors, and NumPy and faiss each
bring an OpenBLAS of their own.
"""

import ctypes
import os
import platform
from pathlib import Path

# OpenBLAS under its own name, with 64-bit integers, and as NumPy's newer wheels rename it.
CORE_NAMES = tuple(
    f"{prefix}openblas_get_corename{suffix}" for prefix in ("", "scipy_") for suffix in ("", "64_")
)


def processor() -> str:
    """The processor's model and how many of them this process may use, such as "AMD EPYC, 2 of 2"."""
    everything = os.cpu_count() or 1
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else everything
    return f"{_model()}, {usable} of {everything}"


def kernels() -> str:
    """Each OpenBLAS that this process has loaded, with its kernels; "" if there is none, or no way to ask."""
    maps = Path("/proc/self/maps")
    lines = maps.read_text().splitlines() if maps.exists() else []
    libraries = sorted({line.split(maxsplit=5)[5] for line in lines if "openblas" in line})
    return ", ".join(f"{Path(path).name}: {_core(path)}" for path in libraries)


def _model() -> str:
    """Linux says it in a file; elsewhere, and on processors that do not tell, the architecture."""
    facts = Path("/proc/cpuinfo")
    for line in facts.read_text().splitlines() if facts.exists() else ():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine()


def _core(path: str) -> str:
    """The kernels that the library chose when it was loaded."""
    library = ctypes.CDLL(path)
    for name in CORE_NAMES:
        if hasattr(library, name):
            function = getattr(library, name)
            function.restype = ctypes.c_char_p
            return function().decode()
    return "unknown"
