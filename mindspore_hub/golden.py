"""What a network answers to inputs that anybody can draw again, so that another machine can compare."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

from mindspore_hub.errors import CheckpointError

if TYPE_CHECKING:
    import numpy as np
    from mindspore import nn

    Array = np.ndarray[Any, Any]

GOLDEN = "golden.npz"
"""File of recorded outputs, in their order."""

TOLERANCE = 1e-5
"""Of the largest value of an output, that each of its values may differ by."""

_SEED = 0


def record(network: nn.Cell, shapes: Sequence[tuple[int, ...]], file: Path) -> None:
    """Write the outputs of a network for one drawn sample.

    Args:
        network: A network in inference mode.
        shapes: Shape of each input for one sample, unless the network says them.
        file: Where to.
    """
    import numpy as np

    np.savez(file, *_outputs(network, shapes))


def read(file: Path) -> list[Array]:
    """Read what `record` wrote.

    Raises:
        CheckpointError: The file is not there, or holds no recorded outputs.
    """
    import numpy as np

    try:
        with np.load(file, allow_pickle=False) as recorded:
            return [recorded[f"arr_{index}"] for index in range(len(recorded.files))]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, BadZipFile) as error:
        msg = f"{file} holds no golden outputs ({error}); make the bundle again."
        raise CheckpointError(msg) from error


def deviations(
    network: nn.Cell, shapes: Sequence[tuple[int, ...]], expected: Sequence[Array]
) -> dict[str, float]:
    """Compare a network with recorded outputs, in both modes of MindSpore.

    Args:
        network: A network in inference mode.
        shapes: As in `record`.
        expected: Its recorded outputs, from `read`.

    Returns:
        The largest difference of each mode, relative to the largest value of the output; infinite
        where outputs are missing, of another shape, or not finite in other places.
    """
    import mindspore

    found = {}
    for name, mode in (("pynative", mindspore.PYNATIVE_MODE), ("graph", mindspore.GRAPH_MODE)):
        with _mode(mode):
            found[name] = _largest(_outputs(network, shapes), expected)
    return found


def _outputs(network: nn.Cell, shapes: Sequence[tuple[int, ...]]) -> list[Array]:
    import mindspore
    import numpy as np

    random = np.random.RandomState(_SEED)  # its numbers are the same in every NumPy
    shapes = getattr(network, "input_shapes", None) or shapes
    inputs = [random.standard_normal((1, *shape)).astype(np.float32) for shape in shapes]
    outputs = network(*map(mindspore.Tensor, inputs))
    return [output.asnumpy() for output in (outputs if isinstance(outputs, tuple) else (outputs,))]


def _largest(found: Sequence[Array], expected: Sequence[Array]) -> float:
    if len(found) != len(expected):
        return float("inf")
    return max((_difference(*pair) for pair in zip(found, expected, strict=True)), default=0.0)


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


@contextmanager
def _mode(mode: int) -> Iterator[None]:
    """Compute in a mode, and leave the caller's as it was."""
    import mindspore

    before = mindspore.get_context("mode")
    mindspore.set_context(mode=mode)
    try:
        yield
    finally:
        mindspore.set_context(mode=before)
