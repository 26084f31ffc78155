"""From prepared pictures to features: a network's outputs, as the card's `retrieval` says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mindspore_hub.errors import FeaturesError
from mindspore_hub.tasks.retrieval.fields import Retrieval

if TYPE_CHECKING:
    from mindspore import nn

Array = npt.NDArray[np.float32]

Outputs = Callable[..., tuple[Array, ...]]
"""Takes the inputs of a network and gives those of its outputs that are needed."""


_LISTED = 8
"""How many outputs an error describes."""


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

        Raises:
            FeaturesError: The network gives other outputs than the card names.
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
        if isinstance(outputs, (tuple, list)):
            return tuple([outputs[place] for place in places])
        return (outputs,) if places == (0,) else ()

    run = mindspore.jit(outputs_at) if compiled else outputs_at

    def call(*inputs: Array) -> tuple[Array, ...]:
        tensors = [*map(mindspore.Tensor, inputs)]
        try:
            outputs = run(*tensors)
        except Exception:
            _require_outputs(network(*tensors), places, len(inputs[0]))
            raise
        if not isinstance(outputs, tuple) or not _are_rows(outputs, len(places), len(inputs[0])):
            _require_outputs(network(*tensors), places, len(inputs[0]))
        return tuple(output.asnumpy() for output in outputs)

    return call


def _are_rows(outputs: Sequence[Any], count: int, rows: int) -> bool:
    """Whether these are so many tensors with so many rows."""
    return len(outputs) == count and all(_is_rows(output, rows) for output in outputs)


def _is_rows(output: Any, rows: int) -> bool:
    import mindspore

    return (
        isinstance(output, mindspore.Tensor)
        and output.ndim == 2
        and output.shape[0] == rows
        and output.shape[1] > 0
        and any(kind in str(output.dtype).lower() for kind in ("float", "int"))
    )


def _require_outputs(outputs: Any, places: tuple[int, ...], rows: int) -> None:
    """Refuse what a network gave, if `retrieval` of the card cannot make features of it.

    Raises:
        FeaturesError: There are fewer outputs than the card names, or one is not a tensor of rows.
    """
    given = list(outputs) if isinstance(outputs, tuple | list) else [outputs]
    if len(given) > max(places) and all(_is_rows(given[place], rows) for place in places):
        return
    named = ", ".join(map(str, places))
    msg = (
        f"`retrieval` of the card makes features of the outputs {named} (counted from 0), each a "
        f"tensor ({rows}, D) with a row of numbers for each of {rows} pictures, but the network gave "
        f"{_described(outputs)}. Give a network with such outputs, or correct the card."
    )
    raise FeaturesError(msg)


def _described(output: Any) -> str:
    """What a network gave, in a few words."""
    import mindspore

    if isinstance(output, mindspore.Tensor):
        return f"a tensor {tuple(output.shape)} of {str(output.dtype).lower()}"
    if isinstance(output, tuple | list):
        held = "; ".join(map(_described, output[:_LISTED]))
        more = "; and more" if len(output) > _LISTED else ""
        return f"a {type(output).__name__} of {len(output)} ({held}{more})"
    return "nothing (None)" if output is None else f"a {type(output).__name__}"
