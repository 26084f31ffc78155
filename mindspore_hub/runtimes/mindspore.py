"""MindSpore as a runtime: the network itself, operator by operator or compiled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

from mindspore_hub.errors import FeaturesError

if TYPE_CHECKING:
    from mindspore import nn

    from mindspore_hub.runtimes import Array

_LISTED = 8
"""How many outputs an error describes."""


class MindSpore:
    """Wanted outputs of a network, see `wanted_outputs`.

    Compiled, every call should have `batch` samples: for another number the network is compiled anew.
    """

    def __init__(
        self, network: nn.Cell, places: tuple[int, ...], *, compiled: bool, batch: int
    ) -> None:
        self.batch: int | None = batch
        self._network = network
        self._outputs = wanted_outputs(network, places, compiled=compiled)

    def __call__(self, *inputs: Any) -> tuple[Array, ...]:
        """Rows `(N, D)` for each output."""
        return self._outputs(*inputs)

    def running(self) -> AbstractContextManager[None]:
        """Hold the network in inference mode."""
        return inference(self._network)


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


def wanted_outputs(
    network: nn.Cell, places: tuple[int, ...], *, compiled: bool
) -> Callable[..., tuple[Array, ...]]:
    """A function of the inputs of a network that gives those of its outputs that are needed.

    It takes prepared pictures `(N, C, H, W)` and further inputs of the network, which is in inference
    mode, and gives a row of numbers for each picture, `(N, D)`, per place. It raises a FeaturesError if
    the network has no such outputs at these places.

    To compile the network takes seconds and leaves out what no wanted output needs; each call is faster
    then, and its numbers differ by rounding.
    """
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
        rows = isinstance(outputs, tuple) and all(_is_rows(o, len(inputs[0])) for o in outputs)
        if not rows or len(outputs) != len(places):
            _require_outputs(network(*tensors), places, len(inputs[0]))
        return tuple(output.asnumpy() for output in outputs)

    return call


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
    """Refuse what a network gave, if it is not what `task` of the card names."""
    given = list(outputs) if isinstance(outputs, tuple | list) else [outputs]
    if len(given) > max(places) and all(_is_rows(given[place], rows) for place in places):
        return
    named = ", ".join(map(str, places))
    msg = (
        f"`task` of the card needs the outputs {named} (counted from 0), each a "
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
