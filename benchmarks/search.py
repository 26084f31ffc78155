"""How long a search of all published files takes, next to the shortest command, in one run.

    python -m benchmarks.search [--runs N]

Each figure is the median of N runs of a whole process, the two commands by turns; the ratio is what
counts. Below stand the least processor times that a name costs in a process that has everything else
imported: one of a card of this hub, and one that only the index knows.
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import time

from benchmarks._processor import processor
from mindspore_hub.hub import index
from mindspore_hub.hub.hub import Hub

COMMANDS = {
    "mshub --version": ["--version"],
    "mshub list": ["list"],
    "mshub search resnet imagenet": ["search", "resnet", "imagenet"],
    "mshub info resnet50": ["info", "resnet50"],
}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    runs = parser.parse_args().runs
    print(f"median of {runs} runs, on {processor()}")
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(runs):
        for name, arguments in COMMANDS.items():
            seconds[name].append(run(arguments))
    least = statistics.median(seconds["mshub --version"])
    for name, found in seconds.items():
        median = statistics.median(found)
        print(f"{name:30} {1000 * median:7.0f} ms {median / least:6.2f}")
    for name in ("MVD", "resnet50", "mindspore/1.9/resnet50_imagenet2012", "resnet5O"):
        print(f"resolve {name:36} {min(resolving(name) for _ in range(runs)):7.1f} ms")


def run(arguments: list[str]) -> float:
    """Seconds of a whole process."""
    command = [sys.executable, "-m", "mindspore_hub", *arguments]
    # Without bytecode in files, it is the compiler that would be measured.
    env = {key: text for key, text in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    begin = time.perf_counter()
    subprocess.run(command, capture_output=True, check=True, env=env)  # noqa: S603 - this interpreter
    return time.perf_counter() - begin


def resolving(name: str) -> float:
    """Milliseconds of the processor that a name costs, its index read anew if it needs one."""
    index._remembered.cache_clear()
    hub = Hub.of()
    hub.cards  # noqa: B018 - what names of this hub cost is not the question
    begin = time.process_time()
    with contextlib.suppress(ValueError):
        hub.resolve(name)
    return 1000 * (time.process_time() - begin)


if __name__ == "__main__":
    main()
