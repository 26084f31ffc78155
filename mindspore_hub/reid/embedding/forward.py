"""From prepared pictures to features: a network's outputs, as the card's `retrieval` says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mindspore_hub.cards.retrieval import Retrieval

if TYPE_CHECKING:
    from mindspore import nn

Array = npt.NDArray[np.float32]

Outputs = Callable[..., tuple[Array, ...]]
"""Takes the inputs of a network and gives those of its outputs that are needed."""


class Forward:
    """Computes features, and scores of attributes where the network gives them.

    Args:
        network: The network, in inference mode.
        retrieval: What becomes of its outputs.
        compiled: Compile the network, which takes seconds and leaves out what no wanted output
            needs; each call is faster then, and its numbers differ by rounding.
    """

    def __init__(self, network: nn.Cell, retrieval: Retrieval, *, compiled: bool) -> None:
        self._retrieval = retrieval
        self._outputs = _wanted_outputs(network, retrieval.places, compiled=compiled)

    def __call__(self, images: Array, *others: Array) -> dict[str, Array]:
        """Rows by the names that `Features` has: `vectors` `(N, D)`, scores `(N, C)`.

        Args:
            images: Prepared pictures `(N, C, H, W)`.
            others: Further inputs of the network.
        """
        facts = self._retrieval
        count = len(facts.outputs)
        outputs = self._outputs(images, *others)
        vectors = np.concatenate(outputs[:count], axis=1)
        if facts.mirrored:
            mirrored = self._outputs(np.ascontiguousarray(images[..., ::-1]), *others)
            vectors = vectors + np.concatenate(mirrored[:count], axis=1)
        if facts.normalised:
            vectors = vectors / np.sqrt(np.sum(vectors * vectors, axis=1, keepdims=True))
        scores = {
            f"{name[:-1]}_scores": rows
            for name, rows in zip(facts.scores, outputs[count:], strict=True)
        }
        return {"vectors": vectors, **scores}


@contextmanager
def inference(network: nn.Cell) -> Iterator[None]:
    """Put a network into inference mode, and each of its cells back into the mode it was in."""
    before = [(cell, bool(cell.training)) for _, cell in network.cells_and_names()]
    network.set_train(False)
    try:
        yield
    finally:
        network.set_train(bool(before[0][1]))
        for cell, training in before:
            cell.add_flags(training=training)


def _wanted_outputs(network: nn.Cell, places: tuple[int, ...], *, compiled: bool) -> Outputs:
    import mindspore

    def outputs_at(*inputs: Any) -> Any:
        outputs = network(*inputs)
        if isinstance(outputs, tuple):
            return tuple([outputs[place] for place in places])
        return (outputs,)

    run = mindspore.jit(outputs_at) if compiled else outputs_at

    def call(*inputs: Array) -> tuple[Array, ...]:
        return tuple(output.asnumpy() for output in run(*map(mindspore.Tensor, inputs)))

    return call
