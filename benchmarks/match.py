"""How fast neighbours are found, against the matrix product alone and faiss-cpu's exact index.

    python -m benchmarks.match [--queries 1000] [--gallery 100000] [--dimensions 512] [-k 10]

All on the same made-up features, with the same number of threads, in turns; each figure is the best of
the repeats, since other work only adds time. Memory is what NumPy and Python held at most beyond the
features; faiss holds a copy of the gallery, which NumPy does not see.
"""

import argparse
import importlib.util
import time
import tracemalloc
from collections.abc import Callable

import numpy as np

import mindspore_hub
from mindspore_hub.reid.scoring.distance import Distances, block_columns


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--gallery", type=int, default=100_000)
    parser.add_argument("--dimensions", type=int, default=512)
    parser.add_argument("-k", type=int, default=10)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--index", nargs="*", default=["Flat"], help="what faiss makes")
    arguments = parser.parse_args()
    query, gallery = drawn(arguments.queries, arguments), drawn(arguments.gallery, arguments)

    def match(index: str | None = None) -> None:
        mindspore_hub.match(query, gallery, k=arguments.k, index=index)

    ways: dict[str, Callable[[], None]] = {"product": lambda: product(query, gallery)}
    ways["ours"] = match
    if importlib.util.find_spec("faiss"):
        ways |= {f"faiss {name}": lambda name=name: match(name) for name in arguments.index}
        ways["faiss, search alone"] = search_alone(query, gallery, arguments.k)
    found = best(arguments.repeat, ways)
    for name, (wall, cpu) in found.items():
        ratios = f"{wall / found['ours'][0]:6.2f} and {cpu / found['ours'][1]:6.2f} of ours"
        print(f"{name:28} {wall:8.3f} s, {cpu:8.3f} s of processors   {ratios}")
    print(f"memory of ours beyond the features: {growth(match):.1f} MB")


def drawn(count: int, arguments: argparse.Namespace) -> np.ndarray:
    """Features of norm 1."""
    vectors = np.random.default_rng(count).standard_normal(
        (count, arguments.dimensions), np.float32
    )
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def product(query: np.ndarray, gallery: np.ndarray) -> None:
    """All distances, in the blocks that ours takes, of which nothing is made."""
    columns = block_columns(query.itemsize)
    for begin in range(0, len(gallery), columns):
        for _ in Distances(query, gallery[begin : begin + columns], kind="dot").blocks():
            pass


def search_alone(query: np.ndarray, gallery: np.ndarray, k: int) -> Callable[[], None]:
    """The search in a flat index that is there already."""
    import faiss

    index = faiss.IndexFlatIP(gallery.shape[1])
    index.add(gallery)

    def search() -> None:
        index.search(query, k)

    return search


def best(repeat: int, ways: dict[str, Callable[[], None]]) -> dict[str, tuple[float, float]]:
    """Seconds by the clock and of processors of each, the ways taking turns."""
    found = dict.fromkeys(ways, (float("inf"), float("inf")))
    for _ in range(repeat):
        for name, run in ways.items():
            begin = time.perf_counter(), time.process_time()
            run()
            wall, cpu = time.perf_counter() - begin[0], time.process_time() - begin[1]
            found[name] = min(found[name][0], wall), min(found[name][1], cpu)
    return found


def growth(run: Callable[[], None]) -> float:
    """Megabytes that NumPy and Python held at most."""
    tracemalloc.start()
    run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


if __name__ == "__main__":
    main()
