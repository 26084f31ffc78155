"""What a network answers to inputs that anybody can draw again, so that another machine can compare.

Bundles hold whole outputs, as NumPy writes them. What is to stand in a repository is recorded in part,
as text.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from mindspore_hub._foreign import read_arrays, read_object
from mindspore_hub.errors import CheckpointError
from mindspore_hub.hub.values import Input

if TYPE_CHECKING:
    import numpy as np
    from mindspore import nn

Array: TypeAlias = "np.ndarray[Any, Any]"

SEED = 0

TOLERANCE = 1e-5
"""Of the largest value of an output, that each of its values may differ by."""

_SAMPLES = 64
"""How many values of an output are recorded as text."""


def inputs_of(network: object, stated: Sequence[Input]) -> tuple[Input, ...]:
    """What a network takes: shapes by its attribute `input_shapes`, else as its card states dtypes and all."""
    shapes = getattr(network, "input_shapes", None)
    if not shapes:
        return tuple(stated)
    inputs = stated if len(stated) == len(shapes) else [Input(())] * len(shapes)
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
    """Read what `write` wrote; a CheckpointError if the file is not there, or holds no outputs."""
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


@dataclass(frozen=True)
class RecordedOutput:
    """Some values of an output, by their places in the flat output."""

    shape: list[int]
    largest: float
    values: Mapping[int, float]


@dataclass(frozen=True)
class Record:
    """Outputs that were recorded as text, of inputs of these shapes for one sample, drawn from the seed.

    Values may differ by the tolerance, in terms of the largest value of their output.
    """

    path: Path
    seed: int
    tolerance: float
    inputs: list[list[int]]
    outputs: list[RecordedOutput]

    def compare(self, shapes: Sequence[Sequence[int]], outputs: Sequence[Array]) -> None:
        """Raise a CheckpointError if a network computed something else for inputs of these shapes."""
        given = [list(shape) for shape in shapes]
        if self.inputs != given:
            msg = (
                f"{self.path} is of inputs of the shapes {self.inputs}, the network's are {given}."
            )
            raise CheckpointError(msg)
        found = [list(output.shape) for output in outputs]
        recorded = [output.shape for output in self.outputs]
        if found != recorded:
            msg = f"{self.path} has outputs of the shapes {recorded}, the network gives {found}."
            raise CheckpointError(msg)
        for index, (output, known) in enumerate(zip(outputs, self.outputs, strict=True)):
            values = output.reshape(-1)
            off = max(
                (abs(float(values[place]) - value) for place, value in known.values.items()),
                default=0.0,
            )
            scale = known.largest or 1.0
            if not off <= self.tolerance * scale:
                msg = (
                    f"output {index} differs from {self.path} by {off / scale:.1e} of its largest "
                    f"value, more than {self.tolerance:.0e}. If the file is right, remove the record."
                )
                raise CheckpointError(msg)


def record_text(shapes: Sequence[Sequence[int]], outputs: Sequence[Array]) -> str:
    """Text of a record for the usual seed and tolerance."""
    facts = {
        "seed": SEED,
        "tolerance": TOLERANCE,
        "inputs": [list(shape) for shape in shapes],
        "outputs": [_recorded(output) for output in outputs],
    }
    return json.dumps(facts, indent=1) + "\n"


def read_record(path: Path | None) -> Record | None:
    """Read outputs that were recorded as text, if there are any; a CheckpointError if they mean nothing."""
    if path is None or not path.exists():
        return None
    try:
        facts = read_object(path.read_bytes())
        return Record(
            path=path,
            seed=int(facts["seed"]),
            tolerance=float(facts["tolerance"]),
            inputs=[[int(size) for size in shape] for shape in facts["inputs"]],
            outputs=[_read_output(output) for output in facts["outputs"]],
        )
    except (ValueError, ArithmeticError, KeyError, TypeError, AttributeError) as error:
        msg = f"{path} is not a golden file ({error}); remove it to have the outputs recorded anew."
        raise CheckpointError(msg) from error


def _read_output(facts: Any) -> RecordedOutput:
    shape = [int(size) for size in facts["shape"]]
    values = {int(place): float(value) for place, value in facts["values"].items()}
    if not all(0 <= place < math.prod(shape) for place in values):
        msg = f"a value lies outside of its shape {shape}"
        raise ValueError(msg)
    return RecordedOutput(shape, float(facts["largest"]), values)


def _recorded(output: Array) -> dict[str, Any]:
    import numpy as np

    places = np.linspace(0, output.size - 1, min(_SAMPLES, output.size)).astype(int)
    values = output.reshape(-1)
    return {
        "shape": list(output.shape),
        "largest": float(np.abs(output).max(initial=0)),
        "values": {str(place): float(values[place]) for place in places},
    }


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
