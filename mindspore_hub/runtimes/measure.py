"""How fast a runtime computes a network on this machine, in this process."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mindspore_hub.runtimes import Wanted, open_derived

if TYPE_CHECKING:
    import numpy as np

    from mindspore_hub.runtimes import Computation
    from mindspore_hub.runtimes.choice import Choice

SIZES = (1, 8, 32)
"""Samples of a call."""

_PASSES = 5
"""Calls after the first one; their median counts."""

_COMPARED = 8
"""Samples whose outputs are compared."""


def measure(
    wanted: Wanted,
    choice: Choice,
    *,
    threads: int | None = None,
    sizes: Sequence[int] = SIZES,
    outputs: Path,
) -> dict[str, Any]:
    """Seconds, samples a second and megabytes of a runtime; its outputs go to a file, to be compared.

    Args:
        wanted: The network, of a card that has a checkpoint.
        choice: Runtime and precision; MindSpore compiles the network.
        threads: Threads of the runtime, but of MindSpore.
        sizes: Samples of the calls that are measured.
        outputs: The npz file to write; it holds the outputs for eight drawn samples.

    Raises:
        HubError: As in `derived.derive` and `networks.build.build`.
    """
    import numpy as np

    from mindspore_hub.networks import golden

    begin = time.perf_counter()
    source, open_for = _opener(wanted, choice, threads)
    computation = open_for(1)
    loaded = time.perf_counter()
    described = golden.inputs_of(source, wanted.card.inputs)
    inputs = golden.draw(described, batch_size=max(*sizes, _COMPARED))
    drawn = time.perf_counter()
    with computation.running():
        computation(*(each[:1] for each in inputs))
    first = time.perf_counter()
    rates = {size: _rate(open_for(size), [each[:size] for each in inputs]) for size in sizes}
    computation = open_for(_COMPARED)
    with computation.running():
        np.savez(outputs, *computation(*(each[:_COMPARED] for each in inputs)))
    return {
        "load_seconds": loaded - begin,
        "first_seconds": loaded - begin + first - drawn,
        "per_second": rates,
        "megabytes": _peak(),
    }


def differences(found: Path, expected: Path) -> dict[str, float]:
    """Largest difference of outputs in terms of the largest value, and the lowest cosine of two rows."""
    from mindspore_hub.networks import golden

    pairs = golden.read(found), golden.read(expected)
    cosines = [float(_cosines(a, b).min()) for a, b in zip(*pairs, strict=True)]
    return {"difference": golden.deviation(*pairs), "cosine": min(cosines)}


def _cosines(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    import numpy as np

    a, b = a.astype(np.float64), b.astype(np.float64)
    norms = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    products: np.ndarray[Any, Any] = (a * b).sum(axis=1) / np.where(norms, norms, 1)
    return products


def _opener(
    wanted: Wanted, choice: Choice, threads: int | None
) -> tuple[object, Callable[[int], Computation]]:
    """What is computed, and what gives the computation for a number of samples."""
    if choice.runtime != "mindspore":
        from mindspore_hub.runtimes.derived import derive

        derived = derive(wanted)
        computation = open_derived(derived, choice, threads=threads)
        return derived, lambda _: computation
    from mindspore_hub.networks.build import build
    from mindspore_hub.runtimes.mindspore import MindSpore

    network = build(wanted.card, wanted.hub, wanted.arguments)
    return network, lambda size: MindSpore(network, wanted.places, compiled=True, batch=size)


def _rate(computation: Computation, inputs: Sequence[Any]) -> float:
    """Samples a second."""
    with computation.running():
        computation(*inputs)
        took = []
        for _ in range(_PASSES):
            begin = time.perf_counter()
            computation(*inputs)
            took.append(time.perf_counter() - begin)
    return len(inputs[0]) / statistics.median(took)


def _peak() -> float | None:
    """Megabytes that this process had at most; None where the system does not tell."""
    try:
        import resource
    except ImportError:
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
