"""How fast neighbours are found, against the matrix product alone and faiss-cpu's exact index.

    python -m benchmarks.match [--queries 1000] [--gallery 100000] [--dimensions 512] [-k 10]

All on the same made-up features, with the same number of threads, in turns; each figure is the best of
the repeats, since other work only adds time. Memory is what NumPy and Python held at most beyond the
features; faiss holds a copy of the gallery, which NumPy does not see.

What the ways find is compared before they are measured: exact ones must find distances as near as ours
at every place, the product's nearest ones among them; of other indices, the share of our neighbours that
they find is printed. faiss and NumPy each bring a BLAS, whose speed depends on the processor; both are named.
"""

import argparse
import importlib.util
import time
import tracemalloc
from collections.abc import Callable

import numpy as np

import mindspore_hub
from benchmarks._processor import kernels, processor
from mindspore_hub.gallery.distances import Distances, block_columns

Found = tuple[np.ndarray, np.ndarray]
"""Indices and distances `(Q, k)`, nearest first."""

EXACT = ("faiss Flat", "faiss, search alone")

TOLERANCE = 1e-5
"""What distances of features of norm 1 differ by at most, in float32."""


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

    def match(index: str | None = None) -> Found:
        found = mindspore_hub.match(query, gallery, k=arguments.k, index=index)
        return found.indices, found.distances

    ways: dict[str, Callable[[], Found | None]] = {"product": lambda: product(query, gallery)}
    ways["ours"] = match
    if importlib.util.find_spec("faiss"):
        ways |= {f"faiss {name}": lambda name=name: match(name) for name in arguments.index}
        ways["faiss, search alone"] = search_alone(query, gallery, arguments.k)
    print(f"on {processor()}; {kernels() or 'the BLAS does not say its kernels'}")
    compare(ways, nearest_by_product(query, gallery))
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


def nearest_by_product(query: np.ndarray, gallery: np.ndarray) -> np.ndarray:
    """Distance of the nearest item of each query, by the product alone."""
    nearest = np.full(len(query), np.inf, np.float32)
    columns = block_columns(query.itemsize)
    for begin in range(0, len(gallery), columns):
        for start, block in Distances(query, gallery[begin : begin + columns], kind="dot").blocks():
            rows = nearest[start : start + len(block)]
            np.minimum(rows, block.min(axis=1), out=rows)
    return nearest


def compare(ways: dict[str, Callable[[], Found | None]], nearest: np.ndarray) -> None:
    """Compare what the ways find with what ours finds; end where an exact way finds another."""
    ours = ways["ours"]()
    check("product", nearest, ours[1][:, 0])
    for name, way in ways.items():
        found = None if name == "ours" else way()
        if found is None:
            continue
        if name in EXACT:
            check(name, found[1], ours[1])
            same = np.mean(found[0] == ours[0])
            print(f"{'':28} and {100 * same:.2f} % of the places are the same; others are ties")
        else:
            pairs = zip(found[0].tolist(), ours[0].tolist(), strict=True)
            shared = np.mean([len({*theirs} & {*own}) / len(own) for theirs, own in pairs])
            print(f"{name:28} finds {100 * shared:.1f} % of our neighbours")


def check(name: str, found: np.ndarray, ours: np.ndarray) -> None:
    """End if distances differ by more than rounding."""
    worst = float(np.abs(found - ours).max())
    if not worst <= TOLERANCE:
        msg = f"{name} finds other neighbours than ours: distances differ by {worst:g}"
        raise SystemExit(msg)
    print(f"{name:28} finds what ours finds; distances differ by {worst:.1e} at most")


def search_alone(query: np.ndarray, gallery: np.ndarray, k: int) -> Callable[[], Found]:
    """The search in a flat index that is there already."""
    import faiss

    index = faiss.IndexFlatIP(gallery.shape[1])
    index.add(gallery)

    def search() -> Found:
        similarities, places = index.search(query, min(k, len(gallery)))
        return places, -similarities

    return search


def best(
    repeat: int, ways: dict[str, Callable[[], Found | None]]
) -> dict[str, tuple[float, float]]:
    """Seconds by the clock and of processors of each, the ways taking turns."""
    found = dict.fromkeys(ways, (float("inf"), float("inf")))
    for _ in range(repeat):
        for name, run in ways.items():
            begin = time.perf_counter(), time.process_time()
            run()
            wall, cpu = time.perf_counter() - begin[0], time.process_time() - begin[1]
            found[name] = min(found[name][0], wall), min(found[name][1], cpu)
    return found


def growth(run: Callable[[], Found]) -> float:
    """Megabytes that NumPy and Python held at most."""
    tracemalloc.start()
    run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


if __name__ == "__main__":
    main()
