"""How fast a file is fetched and verified, against curl and openssl, in one run.

    python -m benchmarks.fetch [--megabytes 50 500] [--runs N] [--folder FOLDER]

One server on this machine serves all of them, each writes to FOLDER, and they take turns. Every way
that is compared does the same: the file is downloaded, hashed, and brought to the disk, and its digest
is compared afterwards. openssl is what Python hashes with, too; `sha256sum` may take several times as
long. curl alone, which neither hashes nor syncs, shows what the rest costs. Each figure is the best of
N runs; the ratios are what counts. What was written is synced before each run, so that none pays for
another.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks._processor import processor

ROOT = Path(__file__).parents[1]

SERVE = """
import sys
from pathlib import Path
from server import FileServer
with FileServer(Path(sys.argv[1])) as server:
    print(server.url, flush=True)
    sys.stdin.read()
"""

FETCH = """
import json, resource, sys, time
from pathlib import Path
from mindspore_hub.files.download import obtain
from mindspore_hub.settings import Settings
import urllib3, filelock
link, sha256, home = sys.argv[1:]
settings = Settings(home=Path(home), progress=False)
begin = time.perf_counter()
obtain(link, sha256, settings=settings).verify()
seconds = time.perf_counter() - begin
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"seconds": seconds, "peak": peak * 1024}))
"""

PIPE = 'curl -fsS "$1" | tee "$2" | openssl dgst -sha256 -r'
"""Hashes while it downloads, as `obtain` does."""


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, nargs="+", default=[50, 500])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--folder", type=Path, help="a folder on the disk that is measured")
    arguments = parser.parse_args()
    if lacking := [name for name in ("curl", "openssl") if not shutil.which(name)]:
        sys.exit(f"{' and '.join(lacking)} must be installed")
    print(f"{processor()}\n")
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder, serving(Path(folder)) as url:
        for megabytes in arguments.megabytes:
            compare(Path(folder), url, megabytes, runs=arguments.runs)


def compare(folder: Path, url: str, megabytes: int, *, runs: int) -> None:
    """Measure one size."""
    served = folder / "file.ckpt"
    write(served, megabytes)
    link, sha256 = f"{url}/{served.name}", digest(served)
    goal, home = folder / "curl.ckpt", folder / "home"
    blob = home / "blobs" / "sha256" / sha256[:2] / sha256[2:]
    ways: dict[str, tuple[Callable[[], float], Path]] = {
        "curl alone": (lambda: timed(curl, link, goal), goal),
        "curl, then openssl, and sync": (lambda: timed(curl_then_hash, link, goal), goal),
        "curl into openssl, and sync": (lambda: timed(curl_and_hash, link, goal), goal),
        "fetch": (lambda: fetch(link, sha256, home)["seconds"], blob),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(runs):
        for name, (measure, result) in ways.items():
            os.sync()
            seconds[name].append(measure())
            if digest(result) != sha256:
                sys.exit(f"{name} left another file")
            goal.unlink(missing_ok=True)
            shutil.rmtree(home, ignore_errors=True)
    best = {name: min(found) for name, found in seconds.items()}
    print(f"{megabytes} MB, best of {runs} runs; every way left the same file")
    for name, found in best.items():
        print(f"{name:30} {found:6.3f} s  {megabytes / found:6.0f} MB/s")
    for name in list(best)[1:-1]:
        print(f"fetch / {name:30} {best['fetch'] / best[name]:5.2f}")
    print(f"peak memory of fetch           {fetch(link, sha256, home)['peak'] / 1e6:6.1f} MB\n")
    shutil.rmtree(home)


def timed(way: Callable[[str, Path], None], link: str, goal: Path) -> float:
    """Seconds that a way takes, with the start of its programs."""
    begin = time.perf_counter()
    way(link, goal)
    return time.perf_counter() - begin


def curl(link: str, goal: Path) -> None:
    """Download, and no more."""
    run("curl", "-fsSo", str(goal), link)


def curl_then_hash(link: str, goal: Path) -> None:
    """One after the other."""
    curl(link, goal)
    digest(goal)
    sync(goal)


def curl_and_hash(link: str, goal: Path) -> None:
    """Both at the same time."""
    run("sh", "-c", PIPE, "sh", link, str(goal))
    sync(goal)


def digest(path: Path) -> str:
    """What openssl says of a file."""
    return run("openssl", "dgst", "-sha256", "-r", str(path)).split()[0]


def sync(path: Path) -> None:
    """Bring a file and its name to the disk, as `obtain` does."""
    run("sync", str(path), str(path.parent))


def fetch(link: str, sha256: str, home: Path) -> dict[str, float]:
    """Seconds and peak memory of our fetch in a process of its own; its imports are not counted."""
    figures: dict[str, float] = json.loads(
        run(sys.executable, "-c", FETCH, link, sha256, str(home))
    )
    return figures


def run(*command: str) -> str:
    """What a command prints."""
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout  # noqa: S603 - ours


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve a folder from another process, so that it does not wait for ours."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "tests")}
    command = [sys.executable, "-c", SERVE, str(folder)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment, **pipes) as server:  # noqa: S603 - this interpreter
        yield server.stdout.readline().strip()
        server.stdin.close()


def write(path: Path, megabytes: int) -> None:
    """Write a file that nothing can compress."""
    with path.open("wb") as file:
        for _ in range(megabytes):
            file.write(os.urandom(1_000_000))


if __name__ == "__main__":
    main()
