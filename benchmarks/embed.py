"""Pictures per second of `embed` against the same network in a bare loop on ready arrays.

    python -m benchmarks.embed [ROUNDS [NAME ...]]

The bare loop calls the network on batches that were decoded, resized and stacked before, and takes
the outputs as arrays; nothing else. What all ways make is compared before anything is measured: the
features of `embed` with those that a plain reading makes of the loop's outputs. `embed` begins with JPEG files. Both run in one process, in
turns, after each ran once; figures are medians over the rounds. From eight batches on, `embed`
compiles the network, and so it is compared with two bare loops: one that calls the network as it
is (PyNative), and one over the compiled function. Compiling is left out, as is hashing weights that
were given, which those that are published do not need, and the preparation of the ready arrays. With seven
batches, `embed` does not compile either. Processor time is that of all
threads; where no processor idles, it is what throughput follows. Weights are drawn, pictures as
well, in sizes that vary as those of the data sets do.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image

import mindspore_hub
from benchmarks._processor import processor
from mindspore_hub.runtimes.mindspore import MindSpore
from mindspore_hub.tasks.pictures.samples import list_samples
from mindspore_hub.tasks.retrieval.embedding import Embedding
from mindspore_hub.tasks.retrieval.forward import forward
from mindspore_hub.tasks.retrieval.task import Retrieval

BATCHES = 8
ROUNDS = 5

TOLERANCE = 1e-5
"""Of the largest value of all features, that each may differ by: compiled networks round otherwise."""

Array = Any


def main() -> None:
    """Print the figures."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    names = sys.argv[2:] or ["metric_learn", "MVD"]
    os.environ["MSHUB_NO_PROGRESS"] = "1"
    print(f"on {processor()}")
    with TemporaryDirectory() as name:
        if "metric_learn" in names:
            products = draw(Path(name, "product"), 16 * BATCHES, (400, 600), (400, 600))
            measure("metric_learn", products, 16, rounds)
        if "MVD" in names:
            people = draw(Path(name, "person"), 8 * BATCHES, (50, 80), (110, 150))
            measure("MVD", people, 8, rounds)


def measure(name: str, folder: Path, size: int, rounds: int) -> None:
    """Time all ways in turns, and print their ratios."""
    network = mindspore_hub.load(name, pretrained=False)
    embedding = Embedding(name, batch_size=size, network=network)
    pictures = list_samples(folder)
    fewer = type(pictures)(pictures.root, pictures.samples[:-size])
    begin = time.perf_counter()
    ready = prepare(name, pictures.samples, size)
    prepared = time.perf_counter() - begin
    asset = embedding.card.asset
    assert asset is not None  # noqa: S101 - every published card has one
    ways: dict[str, Callable[[], Array]] = {
        "bare": lambda: bare(network, ready[:-1]),
        "embed": lambda: embedding.features(fewer, known={}).vectors,
        "bare, compiled": compiled(network, Retrieval.read(asset.node.get("task")), ready),
        "embed, compiled": lambda: embedding.features(pictures, known={}).vectors,
    }
    counts = [len(fewer.samples)] * 2 + [len(pictures.samples)] * 2
    made = {way: run() for way, run in ways.items()}
    made["bare"] = np.concatenate(
        [feature(outputs, Retrieval.read(asset.node.get("task"))) for outputs in made["bare"]]
    )
    made["bare, compiled"] = np.concatenate(made["bare, compiled"])
    compare(name, made)
    taken = [
        [seconds(way) / n for way, n in zip(ways.values(), counts, strict=True)]
        for _ in range(rounds)
    ]
    wall, processor = np.moveaxis(np.array(taken), 2, 0)
    print(f"{name}, batches of {size}; preparing takes {1e3 * prepared / counts[-1]:.1f} ms each")
    for column, way in enumerate(ways):
        print(
            f"  {way:16} {1e3 * median(wall[:, column]):7.1f} ms each, "
            f"{1e3 * median(processor[:, column]):7.1f} ms of processors"
        )
    for ours, theirs, what in (
        (1, 0, "embed without compiling, against the bare loop"),
        (3, 2, "embed, against the bare loop over the compiled function"),
        (3, 0, "embed, against the bare loop"),
    ):
        ratios, costs = wall[:, theirs] / wall[:, ours], processor[:, theirs] / processor[:, ours]
        print(
            f"  {median(ratios):.3f} ({ratios.min():.3f} to {ratios.max():.3f}), by processor time "
            f"{median(costs):.3f}: {what}",
            flush=True,
        )


def prepare(name: str, samples: list[Any], size: int) -> list[Array]:
    """Ready batches."""
    transform = mindspore_hub.transforms(name)
    paths = [sample.picture for sample in samples]
    return [transform(paths[begin : begin + size]) for begin in range(0, len(paths), size)]


def bare(network: Any, ready: list[Array]) -> list[tuple[Array, ...]]:
    """Outputs of the network on ready arrays, batch by batch."""
    from mindspore import Tensor

    made = []
    for batch in ready:
        outputs = network(Tensor(batch))
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        made.append(tuple(output.asnumpy() for output in outputs))
    return made


def compiled(network: Any, retrieval: Retrieval, ready: list[Array]) -> Callable[[], list[Array]]:
    """Features by the function that `embed` compiles, on ready arrays, batch by batch."""
    computation = MindSpore(network, retrieval.places, compiled=True, batch=len(ready[0]))
    rows_of = forward(computation, retrieval)

    def loop() -> list[Array]:
        with computation.running():
            return [rows_of(batch)["vectors"] for batch in ready]

    return loop


def feature(outputs: tuple[Array, ...], retrieval: Retrieval) -> Array:
    """The feature of a batch, read plainly; no network that is measured here wants a mirror."""
    assert not retrieval.mirrored  # noqa: S101 - else the loop would do less than `embed`
    vectors = np.hstack([outputs[place] for place in retrieval.outputs])
    return (
        vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        if retrieval.normalised
        else vectors
    )


def compare(name: str, made: dict[str, Array]) -> None:
    """End if a way makes other features than the bare loop, as far as that goes."""
    expected = made["bare"]
    for way, found in made.items():
        worst = float(np.abs(found[: len(expected)] - expected).max() / np.abs(expected).max())
        if not worst <= TOLERANCE:
            sys.exit(f"{name}: {way} makes other features than the bare loop, by {worst:.1e}")
        print(f"{name}: {way} makes the features of the bare loop, but for {worst:.1e}")
    if not np.array_equal(made["bare, compiled"], made["embed, compiled"]):
        print(f"{name}: embed rounds otherwise than the loop over the same compiled function")


def seconds(way: Callable[[], object]) -> Array:
    """Wall time and processor time."""
    begin = np.array([time.perf_counter(), time.process_time()])
    way()
    return np.array([time.perf_counter(), time.process_time()]) - begin


def draw(folder: Path, count: int, widths: tuple[int, int], heights: tuple[int, int]) -> Path:
    """Pictures of smooth noise, as JPEG files of sizes between the bounds."""
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(count):
        size = int(random.integers(*widths)), int(random.integers(*heights))
        coarse = Image.fromarray(random.integers(0, 256, (24, 24, 3), np.uint8))
        path = folder / f"{number:04}.jpg"
        coarse.resize(size, Image.Resampling.BICUBIC).save(path, quality=90)
    return folder


if __name__ == "__main__":
    main()
