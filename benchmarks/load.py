"""How fast checkpoints are loaded, and in how much memory, against the usual way, in one run.

    python -m benchmarks.load [NAME ...] [--runs N] [--patience SECONDS]

The files are made here, with the published names, shapes and random values; nothing is downloaded.
Each figure is the median of N runs, each in a fresh process, in turns, with the files in the page
cache. What hashes the file is compared with the usual way after hashing it, what does not with the
usual way alone; every way has to give the same weights. Before a run, other programs get up to SECONDS to become quiet; how loud they stayed is said
at the end. The ratios are what counts.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import _load_ways as ways
from benchmarks._processor import processor

STARTS = ("import", "start, hashed", "start, hashed before")
BASES = {
    "the usual way, hashed": "read and sha256",
    "load, hashed": "read and sha256",
    "load, hashed before": "network without values",
    "start, hashed": "import",
    "start, hashed before": "import",
}
"""The least that each way has to do, to compare with."""

PAIRS = {"load, hashed": "the usual way, hashed", "load, hashed before": "the usual way"}
"""What does the same work, but for where the weights end."""

QUIET = 0.1
"""Share of the processors that others may use at most."""


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=["MVD", "metric_learn"])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--patience", type=float, default=10)
    arguments = parser.parse_args()
    loudness: list[float] = []
    print(processor())
    for name in arguments.names:
        with tempfile.TemporaryDirectory() as folder:
            measure(name, Path(folder), arguments.runs, arguments.patience, loudness)
    print(f"others used {statistics.median(loudness):.0%} of the processors (median of all runs)")


def measure(name: str, folder: Path, runs: int, patience: float, loudness: list[float]) -> None:
    """Measure every way of loading a network, and print a table."""
    made = run("prepare", name, folder)
    size, card = made["size"], made["card"]
    run("load, hashed before", card, folder)  # fills the store, and the page cache
    results: dict[str, list[dict[str, float]]] = {way: [] for way in ways.WAYS if way != "prepare"}
    for _ in range(runs):
        for way, figures in results.items():
            loudness.append(wait_until_quiet(patience))
            figures.append(run(way, card, folder))
    digests = {
        str(one["digest"]) for figures in results.values() for one in figures if "digest" in one
    }
    if len(digests) != 1:
        sys.exit(f"{name}: the ways of loading do not give the same weights")
    medians = {way: median(figures) for way, figures in results.items()}
    print(f"{name}, {size / 1e6:.0f} MB, median (minimum) of {runs} runs")
    for way, figures in medians.items():
        least = min(one["seconds"] for one in results[way])
        print(f"  {way:24} {figures['seconds']:6.3f} s ({least:.3f}){compared(way, medians, size)}")
    for ours, usual in PAIRS.items():
        ratio = medians[usual]["seconds"] / medians[ours]["seconds"]
        print(f"  {usual + ' / ' + ours:44} {ratio:6.2f}")
    print("  every way gave the same weights")


def compared(way: str, medians: dict[str, dict[str, float]], size: int) -> str:
    """Ratio to what a way is compared with, and its memory as shares of the file."""
    base = BASES.get(way)
    text = f"  {medians[way]['seconds'] / medians[base]['seconds']:6.2f} x {base}" if base else ""
    if "own" in medians[way]:
        own, peak = medians[way]["own"], medians[way]["peak"]
        text += f"; own memory {own / size:.1%} of the file, at most {peak / size:.0%} in use"
    return text


def median(figures: list[dict[str, float]]) -> dict[str, float]:
    """Median of each figure."""
    keys = [key for key in figures[0] if key != "digest"]
    return {key: statistics.median(one[key] for one in figures) for key in keys}


def run(way: str, name: str, folder: Path) -> dict[str, float]:
    """Go one way in a fresh process."""
    environment = {
        **os.environ,
        "MSHUB_HOME": str(folder / "store"),
        "MSHUB_MIRRORS": str(folder / "mirror"),
        "MSHUB_OFFLINE": "1",
        "MSHUB_VERIFY": "always" if way.endswith(", hashed") else "memo",
        "MSHUB_NO_PROGRESS": "1",
    }
    # Without bytecode in files, it is the compiler that would be measured.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    begin = time.monotonic()
    done = subprocess.run(  # noqa: S603 - a command of ours
        [sys.executable, "-m", ways.__name__, way, name, str(folder)],
        env=environment,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stderr.decode())
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    if way in STARTS:
        figures["seconds"] = figures.pop("ready") - begin
    return figures


def wait_until_quiet(patience: float) -> float:
    """Wait until others use few of the processors; return the share that they used last."""
    end = time.monotonic() + patience
    while (share := busy_share(0.2)) > QUIET and time.monotonic() < end:
        pass
    return share


def busy_share(seconds: float) -> float:
    """Share of the processors that were in use for a while, during which this process sleeps."""
    before = processor_times()
    time.sleep(seconds)
    passed = [now - then for now, then in zip(processor_times(), before, strict=True)]
    return 1 - (passed[3] + passed[4]) / max(1, sum(passed))


def processor_times() -> list[int]:
    """Ticks in each state; the fourth and fifth are idle."""
    return [int(text) for text in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]


if __name__ == "__main__":
    main()
