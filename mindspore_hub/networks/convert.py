"""Write a file of tensors or its network in another format, whole or not at all, and compare it."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mindspore_hub._files import replacing
from mindspore_hub.errors import ExportError
from mindspore_hub.hub.values import Input
from mindspore_hub.networks import golden
from mindspore_hub.networks.examine import Examination, plain
from mindspore_hub.tensors import naming, write

if TYPE_CHECKING:
    from mindspore import nn
    from numpy.typing import NDArray

    from mindspore_hub.networks.fit import Fit

    Arrays = list[NDArray[Any]]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Converted:
    """A file that was written.

    A network has no count of `tensors`, but shapes of `inputs`, with `any` for any number, and the largest `difference` of an
    output in terms of the largest value; None where nothing was compared. Of tensors, every byte was.
    """

    path: Path
    format: str
    size: int
    tensors: int | None = None
    inputs: tuple[tuple[int | str, ...], ...] = ()
    difference: float | None = None


def convert_tensors(
    facts: Examination,
    path: str | os.PathLike[str],
    *,
    format: str,
    names: Mapping[str, str] | None = None,
) -> Converted:
    """Write the tensors of a file into another `ckpt` or `safetensors`, and compare every byte.

    `names` has the name of each tensor in the new file, and in the old one; by default all keep theirs.
    Raises CheckpointError if the format cannot hold that, StoreError if writing fails.
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
    """Write a network with the values of a file as `mindir` or `onnx`, and compare its outputs."""
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
    """Write a network, alone in a folder, load what was written, and compare outputs for one random batch.

    Gives their largest difference in terms of the largest value; None for ONNX where onnxruntime is not
    installed, so that nothing was compared. An ExportError says that MindSpore cannot export it, or that
    the outputs differ by more than `golden.TOLERANCE`.
    """
    import numpy as np

    path = Path(path)
    drawn = golden.draw(inputs, batch_size=batch_size)
    name = type(network).__name__
    expected = golden.compute(network, drawn)
    if not all(np.isfinite(array).all() for array in expected):
        msg = (
            f"{name} computes infinite values or NaN for a random input, so nothing that is "
            "written could be compared with it; its weights are not those of a trained network."
        )
        raise ExportError(msg)
    # MindSpore appends the extension to a name without it, and reads no other one.
    written = path.with_name(f"network.{format}")
    write_network(network, written, drawn, format)
    if format == "onnx" and find_spec("onnxruntime") is None:
        written.rename(path)
        return None
    run = _run_mindir if format == "mindir" else _run_onnx
    try:
        outputs = run(written, drawn)
    except Exception as error:  # of any kind, as the runtimes please
        msg = f"{name} was written as {format}, but it cannot be run there: {_reason(error)}"
        raise ExportError(msg) from error
    difference = check_outputs(name, expected, outputs)
    written.rename(path)
    return difference


def write_network(network: nn.Cell, path: Path, inputs: Arrays, format: str) -> None:
    """Write a network for inputs of these shapes; an ExportError if MindSpore cannot.

    `path` ends in the name of the format, without which MindSpore appends it, and lies alone in its folder.
    """
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


def _run_mindir(path: Path, inputs: Sequence[NDArray[Any]]) -> Arrays:
    import mindspore
    from mindspore import nn

    return golden.compute(nn.GraphCell(mindspore.load(str(path))), inputs)


def _run_onnx(path: Path, inputs: Sequence[NDArray[Any]]) -> Arrays:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [declared.name for declared in session.get_inputs()]
    outputs: Arrays = session.run(None, dict(zip(names, inputs, strict=True)))
    return outputs


def check_outputs(name: str, expected: Arrays, outputs: Arrays) -> float:
    """Largest difference; an ExportError if it is too large, or not even a number."""
    shapes = [array.shape for array in expected], [array.shape for array in outputs]
    if shapes[0] != shapes[1]:
        msg = f"{name} gives {shapes[0]}, but what was written gives {shapes[1]}."
        raise ExportError(msg)
    largest = golden.deviation(outputs, expected)
    if not largest <= golden.TOLERANCE:
        msg = (
            f"the outputs of {name} differ by {largest:.2g} of the largest value from those of "
            f"what was written; at most {golden.TOLERANCE:.0e} is accepted, and nothing was kept."
        )
        raise ExportError(msg)
    return largest


def _reason(error: Exception) -> str:
    """What MindSpore says before it goes on about its insides."""
    text = str(error).strip() or type(error).__name__
    return text.split("\n\n---", 1)[0].strip()
