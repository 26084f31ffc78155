"""What galleries cost: adding, searching, filtering, removing, an index, compaction, memory.

    python -m benchmarks.gallery [--rows 100000] [--dimensions 512] [--folder DIR]

Both kinds of galleries get the same made-up features, in groups with a common centre. What exact searches find is
compared with NumPy's answer before anything is timed. Latency is that of one query, the median of several in
turns, beside plain LanceDB and faiss Flat (which holds all features in memory). Memory is what a process of its own
holds at most during an exact search of 1,000 queries, beyond what it held with the gallery open: its own pages,
without those of the file, which the system can take back.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._processor import processor
from mindspore_hub import Features, Gallery

K = 10


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--dimensions", type=int, default=512)
    parser.add_argument("--batch", type=int, default=1000, help="rows that LanceDB gets at a time")
    parser.add_argument("--repeat", type=int, default=15)
    parser.add_argument("--folder", type=Path, help="where galleries are made, and removed")
    parser.add_argument("--memory", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.memory:
        print(memory_of_search(arguments.memory, arguments.dimensions))
        return
    print(f"{arguments.rows:,} rows of {arguments.dimensions} values on {processor()}")
    folder = Path(tempfile.mkdtemp(dir=arguments.folder))
    try:
        measure(folder, arguments)
    finally:
        shutil.rmtree(folder)


def measure(folder: Path, arguments: argparse.Namespace) -> None:
    """Make both galleries, and time what is done with them."""
    vectors = drawn(arguments.rows, arguments.dimensions)
    paths = np.array([f"camera{n % 6}/{n:08}.png" for n in range(len(vectors))])
    rows = Features(vectors, np.arange(len(vectors)) // 20, np.arange(len(vectors)) % 6, paths)
    queries = drawn(1000, arguments.dimensions, seed=1)
    true = np.sort(np.partition(-(queries[:100] @ vectors.T), K, axis=1)[:, :K], axis=1)
    filled(folder / "g.npz", rows, len(vectors) // 4, arguments, queries, true)
    filled(folder / "g.lance", rows, arguments.batch, arguments, queries, true)
    latencies(folder, vectors, queries, arguments.repeat)
    indexed(folder / "g.lance", queries, arguments.repeat)
    for kind in ("npz", "lance"):
        path = folder / f"g.{kind}"
        emptied(path)
        left = int((rows.known("cameras") != 3).sum())
        assert Gallery(path).count() == left  # noqa: S101 - the figures hold for this count only


def emptied(path: Path) -> None:
    """Remove rows, and tidy up."""
    gallery = Gallery(path, writable=True)
    step(f"{gallery.kind}: remove a sixth", lambda: gallery.remove("camera = 3"))
    step(f"{gallery.kind}: compact", lambda: gallery.compact(now=True))
    print(f"  {size(path):,} bytes, {gallery.count():,} rows")


def filled(
    path: Path, rows: Features, batch: int, arguments: argparse.Namespace, queries: Any, true: Any
) -> None:
    """Add all rows, compare what is found with the truth, and search."""
    gallery = Gallery.create(path)
    kind = gallery.kind
    step(f"{kind}: add, {batch:,} at a time", lambda: add(gallery, rows, batch))
    print(f"  {size(path):,} bytes")
    for count in (1, 100):
        found = gallery.search(queries[:count], K)
        np.testing.assert_allclose(found.distances, true[:count], atol=2e-6)
    step(f"{kind}: open and search once", lambda: Gallery(path).search(queries[:1], K))
    step(f"{kind}: 1,000 queries, exact", lambda: gallery.search(queries, K))
    step(f"{kind}: 1 query, a filter", lambda: gallery.search(queries[:1], K, "camera != 2"))
    print(f"  memory of an exact search of 1,000 queries: {memory(path, arguments)} MiB")


def indexed(path: Path, queries: Any, repeat: int) -> None:
    """Make an index, and search with it."""
    gallery = Gallery(path, writable=True)
    step("lance: index", lambda: print(f"  {gallery.index()}"))
    measured = gallery.search(queries, K)
    exact = gallery.search(queries, K, use_index=False)
    hits = [len(set(a) & set(b)) for a, b in zip(measured.ids, exact.ids, strict=True)]
    print(f"  recall of 1,000 queries that are not in it: {sum(hits) / K / len(hits):.3f}")
    each("lance, index: 1 query", lambda q: gallery.search(q, K), queries, repeat)
    name = "lance, index and filter: 1 query"
    each(name, lambda q: gallery.search(q, K, "camera != 2"), queries, repeat)


def latencies(folder: Path, vectors: Any, queries: Any, repeat: int) -> None:
    """One query at a time: ours, plain LanceDB, faiss Flat, and the product alone."""
    import faiss
    import lancedb

    ways: dict[str, Callable[[Any], object]] = {}
    for kind in ("npz", "lance"):
        gallery = Gallery(folder / f"g.{kind}")
        ways[f"{kind}: 1 query, exact"] = lambda q, gallery=gallery: gallery.search(q, K)
    table = lancedb.connect(folder / "g.lance").open_table("features")
    columns = ["id", "label", "camera", "path", "_distance"]
    ways["plain LanceDB: 1 query"] = lambda q: (
        table.search(q[0]).distance_type("dot").limit(K).select(columns).to_arrow()
    )
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    ways["faiss Flat: 1 query"] = lambda q: index.search(q, K)
    ways["product alone: 1 query"] = lambda q: q @ vectors.T
    for name, way in ways.items():
        each(name, way, queries, repeat)


def each(name: str, way: Callable[[Any], object], queries: Any, repeat: int) -> None:
    """Print the median time of a query."""
    way(queries[:1])
    times = []
    for number in range(repeat):
        start = time.perf_counter()
        way(queries[number : number + 1])
        times.append(time.perf_counter() - start)
    print(f"{name:44} {1000 * statistics.median(times):8.1f} ms (best {1000 * min(times):.1f})")


def step(name: str, act: Callable[[], object]) -> None:
    """Print how long something takes."""
    start = time.perf_counter()
    act()
    print(f"{name:44} {time.perf_counter() - start:8.2f} s", flush=True)


def add(gallery: Gallery, rows: Features, batch: int) -> None:
    """Add rows in batches."""
    places = np.arange(len(rows))
    for start in range(0, len(rows), batch):
        gallery.add(rows.take(places[start : start + batch]))


def drawn(rows: int, dimensions: int, seed: int = 0) -> np.ndarray:
    """Features of norm 1, in groups: those of a group have a common centre."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(2000, dimensions)).astype(np.float32)
    found = centres[random.integers(0, len(centres), rows)]
    found += 0.8 * random.normal(size=found.shape).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def size(path: Path) -> int:
    """Bytes of a file, or of all in a folder."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files)


def memory(path: Path, arguments: argparse.Namespace) -> str:
    """What a process of its own says of its memory."""
    command = [sys.executable, "-m", "benchmarks.gallery", "--memory", str(path)]
    command += ["--dimensions", str(arguments.dimensions)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - the command is ours
    return done.stdout.strip()


def memory_of_search(path: str, dimensions: int) -> str:
    """MiB beyond what the process holds with the gallery open."""
    gallery = Gallery(path)
    queries = drawn(1000, dimensions, seed=1)
    before, most, done = resident(), [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.005):
            most[0] = max(most[0], resident())

    thread = threading.Thread(target=watch)
    thread.start()
    gallery.search(queries, K)
    done.set()
    thread.join()
    return json.dumps((most[0] - before) // 1024)


def resident() -> int:
    """KiB of pages of this process's own."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1])
    return 0


if __name__ == "__main__":
    main()
