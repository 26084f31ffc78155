"""What a network answers to inputs that anybody can draw again, so that another machine can compare.

Whole outputs are kept as NumPy writes them. What is to stand in a repository is recorded in part, as
text: `publishing/record.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from mindspore_hub._foreign import read_arrays
from mindspore_hub.errors import CheckpointError
from mindspore_hub.hub.values import Input

if TYPE_CHECKING:
    import numpy as np
    from mindspore import nn

Array: TypeAlias = "np.ndarray[Any, Any]"

SEED = 0

TOLERANCE = 1e-5
"""Of the largest value of an output, that each of its values may differ by."""


def inputs_of(network: object, stated: Sequence[Input]) -> tuple[Input, ...]:
    """What a network takes: by its attribute `input_shapes`, and where it has none, by its card.

    Args:
        network: The network, which knows its shapes best.
        stated: What its card states, which alone tells dtypes.
    """
    shapes = getattr(network, "input_shapes", None)
    if not shapes:
        return tuple(stated)
    inputs = stated if len(stated) == len(shapes) else [Input(()) for _ in shapes]
    pairs = zip(inputs, shapes, strict=True)
    return tuple(item._replace(shape=tuple(shape)) for item, shape in pairs)


def draw(inputs: Sequence[Input], *, seed: int = SEED, batch_size: int = 1) -> list[Array]:
    """Samples for each input, the same in every NumPy.

    Numbers are standard normal; integers are at least 0 and below `high`, or 0 and 1 without it.
    """
    import numpy as np

    random = np.random.RandomState(seed)
    drawn = []
    for item in inputs:
        size = (batch_size, *item.shape)
        is_number = item.dtype.startswith("float")
        values = (
            random.standard_normal(size) if is_number else random.randint(0, item.high or 2, size)
        )
        drawn.append(values.astype(item.dtype))
    return drawn


def compute(network: nn.Cell, inputs: Sequence[Array]) -> list[Array]:
    """Outputs of a network in inference mode, in their order."""
    import mindspore

    outputs = network(*map(mindspore.Tensor, inputs))
    outputs = outputs if isinstance(outputs, tuple | list) else (outputs,)
    return [output.asnumpy() for output in outputs]


def deviation(found: Sequence[Array], expected: Sequence[Array]) -> float:
    """Largest difference of two runs, relative to the largest value of the output.

    It is infinite where outputs are missing, of another shape, or not finite in other places.
    """
    if len(found) != len(expected):
        return float("inf")
    return max((_difference(*pair) for pair in zip(found, expected, strict=True)), default=0.0)


def write(file: Path, outputs: Sequence[Array]) -> None:
    """Write whole outputs."""
    import numpy as np

    np.savez(file, *outputs)


def read(file: Path) -> list[Array]:
    """Read what `write` wrote.

    Raises:
        CheckpointError: The file is not there, or holds no outputs.
    """
    try:
        recorded = read_arrays(file)
        outputs = [recorded[f"arr_{index}"] for index in range(len(recorded))]
    except (OSError, ValueError, KeyError) as error:
        msg = f"{file} holds no golden outputs ({error}); what it lies in has to be made again."
        raise CheckpointError(msg) from error
    kinds = [str(output.dtype) for output in outputs if output.dtype.kind not in "biufc"]
    if kinds:
        msg = f"{file} holds outputs of the dtype {kinds[0]}; what it lies in has to be made again."
        raise CheckpointError(msg)
    return outputs


def _difference(found: Array, expected: Array) -> float:
    import numpy as np

    finite = np.isfinite(expected)
    same = found.shape == expected.shape and np.array_equal(
        found[~finite], expected[~finite], equal_nan=True
    )
    if not same or not np.isfinite(found[finite]).all():
        return float("inf")
    scale = np.abs(expected[finite]).max(initial=0) or 1
    return float(np.abs(found[finite] - expected[finite]).max(initial=0) / scale)
