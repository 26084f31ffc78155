"""`python -m benchmarks.train`: a step of a fine-tuning against a bare loop of the same parts.

Both train the same network with the same loss and optimizer of MindSpore, one after the other in turn; the
bare loop has its batches in memory, a fine-tuning reads and augments them meanwhile. At most 1.1 times.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import mindspore_hub
from mindspore_hub.networks.weights import facts_of
from mindspore_hub.tasks.pictures.samples import Sample
from mindspore_hub.tasks.retrieval.training.batches import Batch, Batches
from mindspore_hub.tasks.retrieval.training.data import Part
from mindspore_hub.tasks.retrieval.training.losses import loss_of
from mindspore_hub.tasks.retrieval.training.options import Options
from mindspore_hub.tasks.retrieval.training.step import Trainer, rates


def main() -> None:
    """Print milliseconds of a step in both, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", default="metric_learn")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--graph", action="store_true")
    chosen = parser.parse_args()
    options = Options(steps=2 * chosen.steps, identities=4, pictures=2, graph=chosen.graph)
    transform = mindspore_hub.transforms(chosen.network)
    with tempfile.TemporaryDirectory() as folder:
        part = _pictures(Path(folder), transform.preprocessing.size)
        batches = Batches(part, transform, options)
        names = (_ours(chosen.network, options, batches), _bare(chosen.network, options, batches))
        took: tuple[list[float], list[float]] = ([], [])
        for _ in range(chosen.steps):
            for steps, times in zip(names, took, strict=True):
                begin = time.perf_counter()
                next(steps)
                times.append(1e3 * (time.perf_counter() - begin))
    ours, bare = (statistics.median(times[1:]) for times in took)
    print(f"fine-tuning {ours:.0f} ms, bare loop {bare:.0f} ms: {ours / bare:.3f} times")


def _pictures(folder: Path, size: tuple[int, int]) -> Part:
    """Noise of 16 identities, as large as the network takes."""
    random = np.random.default_rng(0)
    samples = []
    for number in range(64):
        path = folder / f"{number}.png"
        Image.fromarray(random.integers(0, 256, (*size, 3), np.uint8)).save(path)
        samples.append(Sample(str(path), path.name))
    return Part(samples, [number // 4 for number in range(64)], None)


def _ours(name: str, options: Options, batches: Batches) -> Iterator[float]:
    network = mindspore_hub.load(name, pretrained=False, num_class=16)
    head = facts_of(type(network)).head
    trainer = Trainer(network, head=head, unit=True, options=options)
    ahead = batches.ahead(0, options.steps)
    for step in range(options.steps):
        yield trainer(step, ahead)[0]


def _bare(name: str, options: Options, batches: Batches) -> Iterator[float]:
    import mindspore
    from mindspore import nn

    network = mindspore_hub.load(name, pretrained=False, num_class=16).set_train()
    loss = loss_of(network, unit=True, smoothing=0.1, margin=0.3, weight=1.0)
    weights = mindspore.ParameterTuple(network.trainable_params())
    rate = rates(options, frozen=False)
    optimizer = nn.Adam(weights, learning_rate=rate, weight_decay=options.weight_decay)
    gradients: Any = mindspore.value_and_grad(loss, None, weights, has_aux=True)
    if options.graph:
        gradients = mindspore.jit(gradients)
    labels, inputs = _first(batches)
    for _ in range(options.steps):
        (value, *_), found = gradients(*map(mindspore.Tensor, (labels, *inputs)))
        optimizer(found)
        yield float(value.asnumpy())


def _first(batches: Batches) -> Batch:
    return batches(0)


if __name__ == "__main__":
    main()
