"""What `MSHUB_CPU_TUNING` gains: convolutions with and without it, side by side in one run.

    python -m benchmarks.convolution

Each figure is the best of several forward passes in a process of its own. On a processor without
AVX-512, or with a MindSpore that needs no tuning, all ratios are about 1.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

SHAPES = ((1, 64, 56), (3, 64, 56), (7, 3, 112), (3, 256, 14))
"""Side of the kernel, channels, and side of the picture, as in ResNet-50."""

PASSES = 5


def main() -> None:
    """Print the figures, or measure if the process was started for it."""
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1])))
        return
    for mode in ("PYNATIVE_MODE", "GRAPH_MODE"):
        plain, tuned = run(mode, "0"), run(mode, "1")
        for shape, before, after in zip(SHAPES, plain, tuned, strict=True):
            side, channels, picture = shape
            title = f"{mode} {side}x{side}, {channels} channels, {picture}x{picture}"
            print(f"{title:44} {before:8.2f} ms {after:8.2f} ms  ratio {before / after:6.1f}")


def run(mode: str, tuning: str) -> list[float]:
    """Measure in a fresh process, since oneDNN decides once."""
    environment = {**os.environ, "MSHUB_CPU_TUNING": tuning}
    environment.pop("ONEDNN_MAX_CPU_ISA", None)
    command = [sys.executable, "-m", "benchmarks.convolution", mode]
    done = subprocess.run(  # noqa: S603 - a command of ours
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True
    )
    return list(json.loads(done.stdout.splitlines()[-1]))


def measure(mode: str) -> list[float]:
    """Milliseconds of one forward pass for each shape."""
    import mindspore
    import numpy as np

    from mindspore_hub.networks.framework import require_mindspore

    require_mindspore()
    mindspore.set_context(mode=getattr(mindspore, mode))
    figures = []
    for side, channels, picture in SHAPES:
        sample = mindspore.Tensor(np.ones((1, channels, picture, picture), np.float32))
        convolution = mindspore.nn.Conv2d(channels, 64, side)
        convolution(sample).asnumpy()  # compiles
        figures.append(min(seconds(convolution, sample) for _ in range(PASSES)) * 1e3)
    return figures


def seconds(convolution: Callable[[Any], Any], sample: Any) -> float:
    """Time of one forward pass, with its result in memory."""
    begin = time.perf_counter()
    convolution(sample).asnumpy()
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
