"""How fast features become published numbers, against the work that nothing can do without.

    python -m benchmarks.reid [--dimensions 2048] [--repeat 3] [--only market sop] [--noise 6] [--images 60502]

Every size of the protocols, with one set of made-up features each: a direction per identity plus
noise. Compared in one run, on the same features and with the same number of threads:

- `product`: the matrix product of all queries and the gallery, block by block, and nothing else;
- `ours`: features to CMC, mAP and mINP (SOP: to recall@1);
- `loops`: a plain reading of how the original evaluations score, one query after another, from a
  given row of distances, on a sample of the queries and scaled;
- `faiss`: an exact search with faiss-cpu, where it is installed (SOP only, on a sample of the
  queries and scaled; other protocols need more than neighbours).

`scoring` is ours without the product. Memory is what NumPy and Python held at most, beyond the
features. Each figure is the best of the repeats, since other work only adds time.

What loops and faiss find on the sample is compared with what ours finds on it, and the benchmark ends where
they differ. faiss and NumPy each bring a BLAS, whose speed depends on the processor; both are named.
"""

import argparse
import importlib.util
import time
import tracemalloc
from collections.abc import Callable

import numpy as np

from benchmarks._processor import kernels, processor
from mindspore_hub.gallery.distances import Distances
from mindspore_hub.gallery.features import Features
from mindspore_hub.tasks.retrieval.datasets import protocol
from mindspore_hub.tasks.retrieval.datasets.sop import closer_counts
from mindspore_hub.tasks.retrieval.metrics import Result

SAMPLE = 200

TOLERANCE = 1e-6
"""What shares may differ by."""

Scores = tuple[list[np.ndarray], list[float]]
"""Curve and average precision of each query that has a match."""


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dimensions", type=int, default=2048)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--noise", type=float, default=6.0, help="0 makes every match the first")
    parser.add_argument("--images", type=int, default=60502, help="of SOP, to try fewer")
    parser.add_argument("--only", nargs="*", choices=sorted(PARTS), default=sorted(PARTS))
    arguments = parser.parse_args()
    print(f"{arguments.dimensions} dimensions, best of {arguments.repeat}, on {processor()}")
    for part in arguments.only:
        PARTS[part](arguments)
    print(f"\n{kernels() or 'the BLAS does not say its kernels'}")


def identities(count: int, labels: np.ndarray, arguments: argparse.Namespace) -> np.ndarray:
    """Features of norm 1: a direction for each identity, and noise that differs between images."""
    random = np.random.default_rng(0)
    centers = random.standard_normal((count, arguments.dimensions), np.float32)
    vectors = np.empty((len(labels), arguments.dimensions), np.float32)
    strength = arguments.noise * random.uniform(0.3, 1, len(labels)).astype(np.float32)
    for begin in range(0, len(labels), 1024):
        part = slice(begin, begin + 1024)
        noise = random.standard_normal((len(labels[part]), arguments.dimensions), np.float32)
        vectors[part] = centers[labels[part]] + strength[part, None] * noise
        vectors[part] /= np.linalg.norm(vectors[part], axis=1, keepdims=True)
    return vectors


def split(
    queries: int, gallery: int, names: int, cameras: int, arguments: argparse.Namespace
) -> list:
    """Queries and gallery of so many identities, seen by so many cameras."""
    random = np.random.default_rng(1)
    labels = random.integers(0, names, queries + gallery)
    seen = random.integers(1, cameras + 1, queries + gallery)
    vectors = identities(names, labels, arguments)
    parts = (slice(queries), slice(queries, None))
    return [Features(vectors[part], labels[part], cameras=seen[part]) for part in parts]


def best(repeat: int, *actions: Callable[[], object]) -> list[float]:
    """Seconds of the fastest run of each action; they take turns, so that all meet the same load."""
    times: list[list[float]] = [[] for _ in actions]
    for _ in range(repeat):
        for action, taken in zip(actions, times, strict=True):
            start = time.perf_counter()
            action()
            taken.append(time.perf_counter() - start)
    return [min(taken) for taken in times]


def product(distances: Distances) -> None:
    """The product alone, in the same blocks."""
    for _ in distances.blocks():
        pass


def growth(action: Callable[[], object]) -> float:
    """Megabytes that NumPy and Python hold at most during an action, beyond what they held before.

    The buffers of the matrix product itself, which lie in its library, are not among them.
    """
    tracemalloc.start()
    action()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def retrieval(title: str, sizes: tuple[int, int, int, int], arguments: argparse.Namespace) -> None:
    """Identity and camera filtering, CMC, mAP, mINP over a large gallery."""
    query, gallery = split(*sizes, arguments)
    evaluation = protocol("veri")
    distances = Distances(query.vectors, gallery.vectors, kind="euclidean")
    product(distances)
    rows = next(distances.blocks())[1][:SAMPLE].copy()
    some = query.take(np.arange(len(rows)))
    agree(loop(rows, query, gallery), evaluation.evaluate(some, gallery))
    alone, ours, sample = best(
        arguments.repeat,
        lambda: product(distances),
        lambda: evaluation.evaluate(query, gallery),
        lambda: loop(rows, query, gallery),
    )
    loops = sample * len(query) / len(rows)
    memory = growth(lambda: evaluation.evaluate(query, gallery))
    print(f"\n{title}: {len(query):,} x {len(gallery):,}")
    print(f"  {evaluation.evaluate(query, gallery).metrics}")
    show(alone, ours, loops, least=alone)
    print(f"  memory beyond features     {memory:8.1f} MB")


def show(alone: float, ours: float, loops: float, *, least: float) -> None:
    """Seconds and ratios; `least` is the part of ours that is a product."""
    print(f"  product                    {alone:8.3f} s")
    print(f"  ours, features to metrics  {ours:8.3f} s   {ours / alone:6.2f} x product")
    print(f"  loops, without product     {loops:8.3f} s")
    print(f"  (product + loops) / ours            {(alone + loops) / ours:6.1f} x")
    print(f"  loops / scoring                     {loops / max(ours - least, 1e-3):6.1f} x")


def agree(loops: Scores, ours: Result) -> None:
    """End if the loops find another curve or another mAP than ours."""
    curves, scores = loops
    length = min(len(ours.cmc), *map(len, curves))
    curve = np.mean([one[:length] for one in curves], axis=0)
    worst = max(
        float(np.abs(curve - ours.cmc[:length]).max()),
        abs(float(np.mean(scores)) - ours.metrics["mAP"]),
    )
    if not worst <= TOLERANCE:
        msg = f"loops and ours differ by {worst:g} in CMC or mAP of the sample"
        raise SystemExit(msg)
    print(f"\nloops and ours agree on the sample: CMC and mAP differ by {worst:.1e} at most")


def loop(distances: np.ndarray, query: Features, gallery: Features) -> Scores:
    """Curve and average precision of one query after another from a sorted row."""
    curves, scores = [], []
    for number, row in enumerate(distances):
        order = np.argsort(row)
        same = gallery.labels[order] == query.labels[number]
        removed = same & (gallery.cameras[order] == query.cameras[number])
        hits = same[~removed].astype(np.int32)
        if hits.any():
            curves.append(hits.cumsum().clip(max=1)[:50])
            precision = [hit / (place + 1.0) for place, hit in enumerate(hits.cumsum())]
            scores.append(float((np.asarray(precision) * hits).sum() / hits.sum()))
    return curves, scores


def veri(arguments: argparse.Namespace) -> None:
    """The size of VeRi-776."""
    retrieval("VeRi-776", (1678, 11579, 200, 20), arguments)


def market(arguments: argparse.Namespace) -> None:
    """The size of Market-1501."""
    retrieval("Market-1501", (3368, 15913, 751, 6), arguments)


def rerank(arguments: argparse.Namespace) -> None:
    """VeRi-776 with k-reciprocal re-ranking, 512 dimensions."""
    arguments = argparse.Namespace(**{**vars(arguments), "dimensions": 512})
    query, gallery = split(1678, 11579, 200, 20, arguments)
    evaluation = protocol("vehiclenet")
    [seconds] = best(1, lambda: evaluation.evaluate(query, gallery))
    memory = growth(lambda: evaluation.evaluate(query, gallery))
    print("\nVeRi-776, re-ranked, 512 dimensions: 1,678 x 11,579")
    print(f"  {evaluation.evaluate(query, gallery).metrics}")
    print(f"  ours, features to metrics  {seconds:8.3f} s")
    print(f"  memory beyond features     {memory:8.1f} MB")


def sysu(arguments: argparse.Namespace) -> None:
    """The size of SYSU-MM01, all search, ten galleries."""
    random = np.random.default_rng(2)
    query = sysu_part(3803, np.array([3, 6]), arguments)
    seen = [(name, camera) for name in range(96) for camera in (1, 2, 4, 5)]
    chosen = random.permutation(len(seen))[:301]
    candidates = np.repeat(np.array(seen)[np.sort(chosen)], 20, axis=0)
    gallery = Features(
        identities(96, candidates[:, 0], arguments),
        candidates[:, 0],
        cameras=candidates[:, 1],
        paths=np.array([f"{number:05}" for number in range(len(candidates))]),
    )
    evaluation = protocol("sysu", seeds=tuple(range(10)))
    drawn = evaluation._galleries(gallery)
    pools = [gallery.take(places) for places in drawn]
    everything = [
        Distances(query.vectors, pool.vectors, kind="dot", dtype=np.float64) for pool in pools
    ]
    rows = next(everything[0].blocks())[1][:SAMPLE].copy()
    some = query.take(np.arange(len(rows)))
    agree(sysu_loop(rows, query, pools[0]), protocol("sysu", seeds=()).evaluate(some, pools[0]))
    union = gallery.vectors[np.unique(np.concatenate(drawn))]
    joint = Distances(query.vectors, union, kind="dot", dtype=np.float64)
    alone, ours, shared, sample = best(
        arguments.repeat,
        lambda: [product(distances) for distances in everything],
        lambda: evaluation.evaluate(query, gallery),
        lambda: product(joint),
        lambda: sysu_loop(rows, query, pools[0]),
    )
    loops = sample * 10 * len(query) / len(rows)
    memory = growth(lambda: evaluation.evaluate(query, gallery))
    print(f"\nSYSU-MM01: {len(query):,} x {len(pools[0])} x 10 trials, float64")
    print(f"  {evaluation.evaluate(query, gallery).metrics}")
    show(alone, ours, loops, least=shared)
    print(f"  product, drawn images once {shared:8.3f} s")
    print(f"  memory beyond features     {memory:8.1f} MB")


def sysu_part(count: int, cameras: np.ndarray, arguments: argparse.Namespace) -> Features:
    """Queries of 96 identities."""
    random = np.random.default_rng(3)
    labels = random.integers(0, 96, count)
    return Features(
        identities(96, labels, arguments), labels, cameras=random.choice(cameras, count)
    )


def sysu_loop(distances: np.ndarray, query: Features, gallery: Features) -> Scores:
    """CMC over identities and average precision over items, one query after another."""
    order = np.argsort(distances, axis=1)
    matches = gallery.labels[order] == query.labels[: len(distances), None]
    curves, scores = [], []
    for number in range(len(distances)):
        kept = ~((query.cameras[number] == 3) & (gallery.cameras[order[number]] == 2))
        names = gallery.labels[order[number]][kept]
        firsts = np.unique(names, return_index=True)[1]
        names = np.array([names[place] for place in sorted(firsts)])
        curve = (names == query.labels[number]).astype(np.int32).cumsum()[:20]
        hits = matches[number][kept].astype(np.int32)
        if hits.any():
            curves.append(curve)
            precision = [hit / (place + 1.0) for place, hit in enumerate(hits.cumsum())]
            scores.append(float((np.asarray(precision) * hits).sum() / hits.sum()))
    return curves, scores


def sop(arguments: argparse.Namespace) -> None:
    """The size of Stanford Online Products: 60,502 images of 11,316 classes."""
    random = np.random.default_rng(4)
    labels = np.sort(random.integers(0, 11316 * arguments.images // 60502, arguments.images))
    features = Features(identities(labels[-1] + 1, labels, arguments), labels)
    evaluation = protocol("sop", at=(1,))
    print(f"\nSOP: {len(labels):,} x {len(labels):,}, recall@1")
    sample = features.vectors[:6000]
    distances = Distances(sample, features.vectors, kind="dot")
    actions: list[Callable[[], object]] = [lambda: product(distances)]
    if importlib.util.find_spec("faiss"):
        search = exact_search(features.vectors, sample)
        compare(search()[1], features)
        actions.append(search)
    actions.append(lambda: evaluation.evaluate(features))
    *scaled, ours = best(arguments.repeat, *actions)
    names = ("product, all pairs twice", "faiss-cpu, exact, 2 of all")[: len(scaled)]
    for name, seconds in zip(names, scaled, strict=True):
        whole = seconds * len(labels) / len(sample)
        print(f"  {name:26} {whole:8.3f} s   {whole / ours:6.2f} x ours   (6,000 queries, scaled)")
    print(f"  ours                       {ours:8.3f} s")
    memory = growth(lambda: print(f"  {evaluation.evaluate(features).metrics}"))
    print(f"  memory beyond features     {memory:8.1f} MB")
    rows = next(distances.blocks())[1][:SAMPLE].copy()
    [seconds] = best(1, lambda: np.argpartition(rows, 10, axis=1))
    print(f"  argpartition, as original  {seconds * len(labels) / len(rows):8.3f} s   (scaled)")


def compare(neighbours: np.ndarray, features: Features) -> None:
    """End if the recall of faiss on a sample is not ours; float32 may order near-ties otherwise."""
    images = np.arange(len(neighbours))
    first = np.where(neighbours[:, 0] == images, neighbours[:, 1], neighbours[:, 0])
    theirs = features.labels[first] == features.labels[images]
    ours = closer_counts(features.vectors, features.labels, most=1)[: len(images)] == 0
    differing = np.count_nonzero(theirs != ours)
    if differing > len(images) / 1000:
        msg = f"faiss and ours differ for {differing} of {len(images)} images"
        raise SystemExit(msg)
    print(f"  faiss and ours agree on the sample, but for {differing} of {len(images):,} images")


def exact_search(
    vectors: np.ndarray, sample: np.ndarray
) -> Callable[[], tuple[np.ndarray, np.ndarray]]:
    """Two neighbours by faiss, since the first is the image itself."""
    import faiss

    print(f"  faiss {faiss.__version__}, {faiss.omp_get_max_threads()} threads")
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    return lambda: index.search(sample, 2)


PARTS = {"veri": veri, "market": market, "sysu": sysu, "sop": sop, "rerank": rerank}


if __name__ == "__main__":
    main()
