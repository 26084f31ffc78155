"""Golden outputs in part, as text that can stand in a repository."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mindspore_hub._foreign import read_object
from mindspore_hub.errors import CheckpointError
from mindspore_hub.networks.golden import SEED, TOLERANCE, Array

_SAMPLES = 64
"""How many values of an output are recorded."""


def text(shapes: Sequence[Sequence[int]], outputs: Sequence[Array]) -> str:
    """Text of a golden file for the usual seed and tolerance."""
    facts = {
        "seed": SEED,
        "tolerance": TOLERANCE,
        "inputs": [list(shape) for shape in shapes],
        "outputs": [_recorded(output) for output in outputs],
    }
    return json.dumps(facts, indent=1) + "\n"


def read(path: Path) -> dict[str, Any]:
    """Read a golden file.

    Raises:
        CheckpointError: It is none.
        OSError: It cannot be read.
    """
    try:
        facts = read_object(path.read_bytes())
        golden = {
            "seed": int(facts["seed"]),
            "tolerance": float(facts["tolerance"]),
            "inputs": [[int(size) for size in shape] for shape in facts["inputs"]],
            "outputs": [_read_output(output) for output in facts["outputs"]],
        }
    except (
        ValueError,
        ArithmeticError,
        KeyError,
        TypeError,
        AttributeError,
    ) as error:
        msg = f"{path} is no golden file ({error}); remove it to have the outputs recorded anew."
        raise CheckpointError(msg) from error
    return golden


def compare(path: Path, golden: dict[str, Any], outputs: Sequence[Array]) -> None:
    """Compare outputs with recorded ones.

    Raises:
        CheckpointError: They differ.
    """
    expected = golden["outputs"]
    shapes = [list(output.shape) for output in outputs]
    if shapes != [output["shape"] for output in expected]:
        recorded = [output["shape"] for output in expected]
        msg = f"{path} has outputs of the shapes {recorded}, the network gives {shapes}."
        raise CheckpointError(msg)
    for index, (output, known) in enumerate(zip(outputs, expected, strict=True)):
        values = output.reshape(-1)
        pairs = [(float(values[place]), value) for place, value in known["values"].items()]
        off = max((abs(found - value) for found, value in pairs), default=0.0)
        scale = known["largest"] or 1.0
        if not off <= golden["tolerance"] * scale:
            msg = (
                f"output {index} differs from {path} by {off / scale:.1e} of its largest value, "
                f"more than {golden['tolerance']:.0e}. If the file is right, remove the record."
            )
            raise CheckpointError(msg)


def _read_output(facts: Any) -> dict[str, Any]:
    shape = [int(size) for size in facts["shape"]]
    values = {int(place): float(value) for place, value in facts["values"].items()}
    if not all(0 <= place < math.prod(shape) for place in values):
        msg = f"a value lies outside of its shape {shape}"
        raise ValueError(msg)
    return {"shape": shape, "largest": float(facts["largest"]), "values": values}


def _recorded(output: Array) -> dict[str, Any]:
    import numpy as np

    places = np.linspace(0, output.size - 1, min(_SAMPLES, output.size)).astype(int)
    values = output.reshape(-1)
    return {
        "shape": list(output.shape),
        "largest": float(np.abs(output).max(initial=0)),
        "values": {str(place): float(values[place]) for place in places},
    }
