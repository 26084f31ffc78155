"""How fast cards are checked, against what no checker can do without, in one run.

    python -m benchmarks.cards FOLDER [--runs N]

FOLDER holds cards, the more the better. Each figure is the median of N runs with a warm file cache;
the ratios are what counts. Memory is the most that the process of the command has resident, Python and
its libraries included; it uses no other process.
"""

import argparse
import hashlib
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from benchmarks._processor import processor
from mindspore_hub.checking.check import check_paths
from mindspore_hub.hub.paths import card_paths

_FRONT_MATTER = re.compile(r"^---.*?\n(.*?)^---", re.DOTALL | re.MULTILINE)
_BARE_DASH = re.compile(r": -$", re.MULTILINE)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    paths = [path for _, path in card_paths(arguments.folder)]
    texts = [front_matter(path) for path in paths]
    parse = median(arguments.runs, lambda: [parse_yaml(text) for text in texts])
    read = median(arguments.runs, lambda: digests(arguments.folder))
    check = median(arguments.runs, lambda: check_paths([arguments.folder]))
    bare = median(arguments.runs, lambda: run("-c", "pass"))
    one = median(arguments.runs, lambda: run("-m", "mindspore_hub", "card", "check", str(paths[0])))
    print(f"{len(paths)} cards, median of {arguments.runs} runs, on {processor()}")
    show("PyYAML's C parser, front matter only", parse, len(paths))
    show("walk, read and sha256", read, len(paths))
    show("check, all default rules", check, len(paths))
    print(f"check / C parse            {check / parse:6.2f}")
    print(f"check / walk+read+sha256   {check / read:6.2f}")
    print(f"one card / python -c pass  {one / bare:6.2f}  ({one:.3f} s / {bare:.3f} s)")
    peak = peak_resident("card", "check", str(arguments.folder))
    print(f"peak resident memory       {peak / 1e6:6.1f} MB")


def front_matter(path: Path) -> str:
    """Front matter of a card, in the form that PyYAML takes."""
    match = _FRONT_MATTER.search(path.read_text(encoding="utf-8", errors="replace"))
    return _BARE_DASH.sub(":", match[1]) if match else ""


def parse_yaml(text: str) -> object:
    """Parse with the C loader; what it refuses costs what it cost."""
    try:
        return yaml.load(text, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError):
        return None


def digests(folder: Path) -> list[str]:
    """What reading every card takes at the least."""
    return [hashlib.sha256(path.read_bytes()).hexdigest() for _, path in card_paths(folder)]


def run(*arguments: str) -> None:
    """A whole process; a card with findings is as good as one without."""
    # Without bytecode in files, it is the compiler that would be measured.
    env = {key: text for key, text in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, *arguments]
    subprocess.run(command, capture_output=True, check=False, env=env)  # noqa: S603 - this interpreter


def median(runs: int, work: Callable[[], object]) -> float:
    """Median of the seconds that the work takes, after one run that warms the caches."""
    work()
    seconds = []
    for _ in range(runs):
        begin = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds)


def peak_resident(*arguments: str) -> int:
    """Bytes that the command in a process of its own has resident at most; Linux says it."""
    # What the system notes of a child begins with what its parent had.
    code = (
        "import atexit, pathlib, sys\n"
        "status = pathlib.Path('/proc/self/status')\n"
        "atexit.register(lambda: sys.stderr.write(status.read_text()))\n"
        "from mindspore_hub.commands.main import main\n"
        "main()\n"
    )
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, check=False, text=True)  # noqa: S603 - this interpreter
    return int(re.findall(r"VmHWM:\s*(\d+) kB", done.stderr)[-1]) * 1024


def show(what: str, seconds: float, cards: int) -> None:
    """A line with the time and the cards per second."""
    print(f"{what:38} {seconds:7.3f} s  {cards / seconds:9,.0f} cards/s")


if __name__ == "__main__":
    main()
