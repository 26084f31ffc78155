"""From a file of tensors to another format, written as a whole or not at all, and compared."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mindspore_hub._files import replacing
from mindspore_hub.errors import CheckpointError
from mindspore_hub.networks.words import plain
from mindspore_hub.tensors import write

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mindspore_hub.networks.examine import Examination
    from mindspore_hub.networks.fit import Fit

logger = logging.getLogger(__name__)


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
    try:
        with replacing(path) as temporary:
            write.write_tensors(temporary, facts.index, names=chosen, format=format)
            size = temporary.stat().st_size
    except CheckpointError as error:
        msg = f"{facts.path}: {error}"
        raise CheckpointError(msg) from error
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
    from mindspore_hub.networks.export import export

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
