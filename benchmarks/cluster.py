"""What an engine costs: `embed --on` against plain shards, and both against one process.

    python -m benchmarks.cluster [PICTURES [PROCESSES [SECONDS_OF_A_BATCH]]]

Three ways make features of the same pictures: one process; 16 shards in so many processes, which are merged;
the same number of Dask workers. Their files are compared byte by byte before anything is printed. The
network is a stand-in that waits for some time with each batch, instead of one that computes: what is
measured is what is handed out, read, prepared, sent and written, and a busy machine does not blur it. Workers
and processes are there before the clock starts, since how long they take to start is the same for both.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks._processor import processor

TESTS = Path(__file__).parents[1] / "tests"
sys.path.insert(0, str(TESTS))

SHARDS = 16
SIZE = 16


def main() -> None:
    """Print the figures."""
    words = sys.argv[1:]
    count, processes = (int(word) for word in [*words, *["2000", "4"][len(words) :]][:2])
    os.environ["MSHUB_TEST_SECONDS"] = words[2] if len(words) > 2 else "0.2"
    os.environ["MSHUB_NO_PROGRESS"] = "1"
    os.environ["PYTHONPATH"] = os.pathsep.join([str(TESTS.parent), str(TESTS)])
    import placed

    print(f"{count} pictures, batches of {SIZE}, {processes} processes, on {processor()}")
    with tempfile.TemporaryDirectory() as name:
        folder = placed.draw(Path(name, "all"), count)
        context = multiprocessing.get_context("spawn")
        with context.Pool(processes) as pool, workers(processes) as address:
            pool.map(part, [(folder, Path(name, f"warm-{n}.npz"), n) for n in range(1, 5)])
            taken = {
                "one process": timed(lambda: whole(folder, Path(name, "one.npz"), None)),
                "plain shards": timed(lambda: sharded(pool, folder, Path(name))),
                "engine": timed(lambda: whole(folder, Path(name, "engine.npz"), address)),
            }
        contents = {Path(name, f"{way}.npz").read_bytes() for way in ("one", "plain", "engine")}
    print("the files are the same" if len(contents) == 1 else "THE FILES DIFFER")
    for way, seconds in taken.items():
        print(f"  {way:13} {seconds:6.1f} s")
    print(
        f"  the engine takes {taken['engine'] / taken['plain shards'] - 1:+.1%} over plain shards"
    )


def timed(way: Callable[[], object]) -> float:
    """Seconds that it takes."""
    begin = time.perf_counter()
    way()
    return time.perf_counter() - begin


def whole(folder: Path, output: Path, address: str | None) -> None:
    """All pictures, in this process or by the workers of an address."""
    import placed

    from mindspore_hub.tasks.pictures.cluster import Engine
    from mindspore_hub.tasks.pictures.samples import list_samples

    on = Engine.of(address) if address else None
    made = placed.Placed(placed.CARD, on=on, batch_size=SIZE, runtime="mindspore")
    made.write(list_samples(folder), output, known={})


def sharded(pool: multiprocessing.pool.Pool, folder: Path, target: Path) -> None:
    """All pictures, in parts that are merged."""
    from mindspore_hub.tasks.retrieval.parts import merge

    numbers = range(1, SHARDS + 1)
    jobs = [(folder, target / f"part-{number}.npz", number) for number in numbers]
    pool.map(part, jobs, chunksize=1)
    merge([output for _, output, _ in jobs], target / "plain.npz")


def part(job: tuple[Path, Path, int]) -> None:
    """One shard, in a process of the pool."""
    import placed

    from mindspore_hub.tasks.pictures.samples import list_samples
    from mindspore_hub.tasks.pictures.shards import Shard

    folder, output, number = job
    made = placed.Placed(placed.CARD, batch_size=SIZE, runtime="mindspore")
    made.write(list_samples(folder), output, known={}, shard=Shard(number, SHARDS))


@contextmanager
def workers(count: int) -> Iterator[str]:
    """The address of a scheduler that has so many workers."""
    from distributed import Client, LocalCluster

    with LocalCluster(
        n_workers=0, host="127.0.0.1", protocol="tcp", dashboard_address=None, processes=False
    ) as cluster:
        command = [
            *(sys.executable, "-m", "distributed.cli.dask_worker", cluster.scheduler_address),
            *("--nthreads", "1", "--no-nanny", "--no-dashboard", "--memory-limit", "0"),
        ]
        found = [
            subprocess.Popen(command, stderr=subprocess.DEVNULL)  # noqa: S603 - the command is ours
            for _ in range(count)
        ]
        try:
            with Client(cluster.scheduler_address, set_as_default=False) as client:
                client.wait_for_workers(count)
                client.run(warm)
            yield cluster.scheduler_address.replace("tcp://", "dask://")
        finally:
            for process in found:
                process.kill()
                process.wait()


def warm() -> None:
    """Import in a worker what a job takes."""
    import placed  # noqa: F401 - that it is imported is all that is wanted

    import mindspore_hub.tasks.retrieval.embedding  # noqa: F401 - as above


if __name__ == "__main__":
    main()
