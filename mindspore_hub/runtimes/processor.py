"""What this process may use of the processor, and what the processor can do."""

from __future__ import annotations

import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")

_BF16 = frozenset({"avx512_bf16", "amx_bf16", "bf16"})
"""Features of processors that compute with bfloat16, in the words of Linux; the last one is Arm's."""

_CPU_INFO = Path("/proc/cpuinfo")


def available_threads(root: Path = _CGROUP) -> int:
    """Threads that can run at once: processors that this process may use, and its share of their time.

    Args:
        root: Where the limits of control groups are mounted, of version 2 or 1.
    """
    getter = getattr(os, "sched_getaffinity", None)
    count = len(getter(0)) if getter else os.cpu_count() or 1
    limit = _limit(root)
    return max(1, min(count, int(limit + 0.5))) if limit else count


def computes_bf16(flags: Collection[str] | None = None) -> bool:
    """Whether a processor with these features, by default this one, computes with bfloat16."""
    return bool(_BF16 & set(features() if flags is None else flags))


def _limit(root: Path) -> float | None:
    """Processors that a control group grants; None for no limit."""
    with suppress(OSError, ValueError, ZeroDivisionError):
        quota, period = (root / "cpu.max").read_text(encoding="ascii").split()
        return int(quota) / int(period)  # "max" is not a number: no limit
    with suppress(OSError, ValueError, ZeroDivisionError):
        granted, of = (
            int((root / "cpu" / f"cpu.cfs_{name}_us").read_text(encoding="ascii"))
            for name in ("quota", "period")
        )
        return granted / of if granted > 0 else None
    return None


def features(info: Path = _CPU_INFO) -> frozenset[str]:
    """What the first processor can do, in the words of Linux; nothing where the system does not tell."""
    try:
        lines = info.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return frozenset()
    found = (line.partition(":")[2] for line in lines if line.startswith(("flags", "Features")))
    return frozenset(next(found, "").split())
