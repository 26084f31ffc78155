"""Write a file of tensors or its network in another format, whole or not at all, and compare it."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mindspore_hub._files import replacing
from mindspore_hub.errors import ExportError
from mindspore_hub.hub.values import Input
from mindspore_hub.networks import golden
from mindspore_hub.networks.examine import Examination, naming, plain
from mindspore_hub.tensors import write

if TYPE_CHECKING:
    from mindspore import nn
    from numpy.typing import NDArray

    from mindspore_hub.networks.fit import Fit

    Arrays = list[NDArray[Any]]
    Program = Callable[[Sequence[NDArray[Any]]], Arrays]

logger = logging.getLogger(__name__)

TOLERANCE = 1e-5
"""How far an output may differ from the network's, in terms of the largest value there."""


@dataclass(frozen=True)
class Converted:
    """A file that was written.

    Attributes:
        path: The file.
        format: Its format.
        size: Its bytes.
        tensors: How many tensors it holds; None for a network, which holds more than them.
        inputs: Shape of each input of a network.
        difference: Largest difference of a network's outputs, in terms of the largest value; None
            where nothing was compared, and for tensors, every byte of which was.
    """

    path: Path
    format: str
    size: int
    tensors: int | None = None
    inputs: tuple[tuple[int, ...], ...] = ()
    difference: float | None = None


def convert_tensors(
    facts: Examination,
    path: str | os.PathLike[str],
    *,
    format: str,
    names: Mapping[str, str] | None = None,
) -> Converted:
    """Write the tensors of a file into another, and compare every byte.

    Args:
        facts: The file.
        path: Where to write; a file that is there is replaced.
        format: `ckpt` or `safetensors`.
        names: Name of each tensor in the new file, and in the old one; all under theirs otherwise.

    Raises:
        CheckpointError: The format cannot hold what is asked for.
        StoreError: It cannot be written, or differs from what it was made of (an OSError).
    """
    chosen = names or {name: name for name in facts.index.entries}
    with naming(facts.path), replacing(path) as temporary:
        write.write_tensors(temporary, facts.index, names=chosen, format=format)
        size = temporary.stat().st_size
    if format != "safetensors":
        _warn_of_metadata(facts, path)
    return Converted(Path(path), format, size, tensors=len(chosen))


def convert_network(
    facts: Examination,
    fit: Fit,
    path: str | os.PathLike[str],
    *,
    format: str,
    batch_size: int = 1,
) -> Converted:
    """Write a network with the values of a file, and compare its outputs.

    Args:
        facts: The file.
        fit: The network, from the file.
        path: Where to write; a file that is there is replaced.
        format: `mindir` or `onnx`.
        batch_size: Samples that the written network takes at once.

    Raises:
        ExportError: MindSpore cannot export it, or the outputs differ.
        StoreError: It cannot be written (an OSError).
    """
    with replacing(path) as temporary:
        difference = export(
            fit.network,
            temporary,
            format=format,
            inputs=fit.inputs,
            batch_size=batch_size,
        )
        size = temporary.stat().st_size
    _warn_of_metadata(facts, path)
    inputs = tuple((batch_size, *item.shape) for item in fit.inputs)
    return Converted(Path(path), format, size, inputs=inputs, difference=difference)


def _warn_of_metadata(facts: Examination, path: str | os.PathLike[str]) -> None:
    """Say which texts of a header another format has no place for."""
    keys = [key for key in facts.index.metadata if key != "format"]
    if keys:
        logger.warning("%s: left out metadata: %s", path, ", ".join(map(plain, keys)))


def export(
    network: nn.Cell,
    path: str | os.PathLike[str],
    *,
    format: str,
    inputs: Sequence[Input],
    batch_size: int = 1,
) -> float | None:
    """Write a network, load what was written, and compare the outputs for one random batch.

    Args:
        network: A network in inference mode.
        path: The file to write, alone in its folder.
        format: `mindir` or `onnx`.
        inputs: What the network takes.
        batch_size: Samples that the written network takes at once.

    Returns:
        Largest difference of an output in terms of its largest value; None for ONNX where
        onnxruntime is not installed, so that nothing was compared.

    Raises:
        ExportError: MindSpore cannot export it, or the outputs differ by more than `TOLERANCE`.
    """
    import numpy as np

    path = Path(path)
    drawn = golden.draw(inputs, batch_size=batch_size)
    name = type(network).__name__
    expected = _run(network, drawn)
    if not all(np.isfinite(array).all() for array in expected):
        msg = (
            f"{name} computes infinite values or NaN for a random input, so nothing that is "
            "written could be compared with it; its weights are not those of a trained network."
        )
        raise ExportError(msg)
    # MindSpore appends the extension to a name without it, and reads no other one.
    written = path.with_name(f"network.{format}")
    _write(network, written, drawn, format)
    if format == "onnx" and find_spec("onnxruntime") is None:
        written.rename(path)
        return None
    load = _load_mindir if format == "mindir" else _load_onnx
    try:
        outputs = load(written)(drawn)
    except Exception as error:  # of any kind, as the runtimes please
        msg = f"{name} was written as {format}, but it cannot be run there: {_reason(error)}"
        raise ExportError(msg) from error
    difference = _check(name, expected, outputs)
    written.rename(path)
    return difference


def _write(network: nn.Cell, path: Path, inputs: Arrays, format: str) -> None:
    import mindspore

    tensors = [mindspore.Tensor(array) for array in inputs]
    try:
        if format == "onnx" and hasattr(mindspore, "onnx"):
            mindspore.onnx.export(network, *tensors, file_name=str(path))
        else:  # older versions write ONNX here, too
            mindspore.export(network, *tensors, file_name=str(path), file_format=format.upper())
    except Exception as error:  # of any kind, as its compiler pleases
        msg = (
            f"MindSpore {mindspore.__version__} cannot export {type(network).__name__} as "
            f"{format}: {_reason(error)}"
        )
        raise ExportError(msg) from error
    if list(path.parent.iterdir()) != [path]:
        msg = (
            f"{type(network).__name__} is so large that MindSpore {mindspore.__version__} wrote "
            f"it as {format} in several files; only single files are made here."
        )
        raise ExportError(msg)


def _run(network: Any, inputs: Sequence[NDArray[Any]]) -> Arrays:
    import mindspore

    outputs = network(*map(mindspore.Tensor, inputs))
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    return [output.asnumpy() for output in outputs]


def _load_mindir(path: Path) -> Program:
    import mindspore
    from mindspore import nn

    network = nn.GraphCell(mindspore.load(str(path)))
    return lambda inputs: _run(network, inputs)


def _load_onnx(path: Path) -> Program:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [declared.name for declared in session.get_inputs()]

    def run(inputs: Sequence[NDArray[Any]]) -> Arrays:
        outputs: Arrays = session.run(None, dict(zip(names, inputs, strict=True)))
        return outputs

    return run


def _check(name: str, expected: Arrays, outputs: Arrays) -> float:
    """Largest difference.

    Raises:
        ExportError: It is too large, or none at all.
    """
    import numpy as np

    shapes = [array.shape for array in expected], [array.shape for array in outputs]
    if shapes[0] != shapes[1]:
        msg = f"{name} gives {shapes[0]}, but what was written gives {shapes[1]}."
        raise ExportError(msg)
    differences = [
        float(np.abs(one - other).max() / (np.abs(one).max() or 1))
        for one, other in zip(expected, outputs, strict=True)
    ]
    largest = float(np.max(differences))  # NaN if any is
    if not largest <= TOLERANCE:
        msg = (
            f"the outputs of {name} differ by {largest:.2g} of the largest value from those of "
            f"what was written; at most {TOLERANCE:.0e} is accepted, and nothing was kept."
        )
        raise ExportError(msg)
    return largest


def _reason(error: Exception) -> str:
    """What MindSpore says before it goes on about its insides."""
    text = str(error).strip() or type(error).__name__
    return text.split("\n\n---", 1)[0].strip()
