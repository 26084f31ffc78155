"""Files of tensors, read in two steps: an index that touches no data, then views of the data.

    with path.open("rb") as file:
        buffer = map_file(file)    # whoever distrusts the file hashes these bytes
    index = read_index(buffer)     # names, dtypes, shapes, offsets
    index.array("conv1.weight")    # a writable NumPy view of the map

The map is private: what is written to an array stays in this process and never reaches the file.
A view keeps its map alive. Two formats are read: MindSpore's `ckpt` and `safetensors`. Nothing here
needs MindSpore, and NumPy only `array` does. Every problem of a file is a `CheckpointError`, in
time and memory that grow with the size of the file at most.
"""

from __future__ import annotations

import errno
import mmap
import os
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

from mindspore_hub.errors import CheckpointError
from mindspore_hub.tensors import ckpt, safetensors
from mindspore_hub.tensors.entry import STRING, Entry, array_of
from mindspore_hub.tensors.kinds import kind_of
from mindspore_hub.tensors.pages import Buffer, Pages, out_of_memory, viewing

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["STRING", "Entry", "TensorFile", "map_file", "open_file", "read_index"]


@dataclass(frozen=True)
class TensorFile:
    """What a file holds.

    Attributes:
        format: `ckpt` or `safetensors`.
        entries: Tensors by name, in the order of the file.
        buffer: The bytes of the file.
        metadata: Texts of the header of a safetensors file, by their names.
    """

    format: str
    entries: dict[str, Entry]
    buffer: Buffer
    metadata: dict[str, str] = field(default_factory=dict)

    def array(self, name: str) -> NDArray[Any]:
        """Value of a tensor, without copying it.

        A tensor that lies in several chunks is copied, and so is one at an odd address where the
        processor needs even ones. NumPy has no bfloat16: such a tensor comes as uint16.

        Raises:
            CheckpointError: It is of a type that is only listed, or more than fits into memory.
        """
        return array_of(self.buffer, self.entries[name])


def map_file(file: IO[bytes]) -> mmap.mmap:
    """Map a file into memory, private and writable; the file may be closed afterwards.

    Raises:
        CheckpointError: The file is empty, or larger than the memory that this process may have.
        OSError: It cannot be mapped.
    """
    try:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    except ValueError as error:  # mmap refuses a length of 0
        msg = "it is an empty file, which holds no tensor."
        raise CheckpointError(msg) from error
    except OSError as error:
        if error.errno != errno.ENOMEM:
            raise
        raise out_of_memory(os.fstat(file.fileno()).st_size) from error


def open_file(file: IO[bytes]) -> mmap.mmap | Pages:
    """Map a file, or read it piece by piece if it is larger than the memory that there is.

    Raises:
        CheckpointError: The file is empty.
        OSError: It cannot be read.
    """
    try:
        return map_file(file)
    except CheckpointError:
        if not os.fstat(file.fileno()).st_size:
            raise
        return Pages(file)


def read_index(buffer: Buffer, name: str = "") -> TensorFile:
    """Read what a file holds.

    Args:
        buffer: Bytes of the file, such as a map from `map_file`.
        name: Name of the file, which tells what one is meant to be that is in no known format.

    Raises:
        CheckpointError: It is in neither format, damaged, or holds what is not read here.
    """
    with viewing(buffer) as view:
        if safetensors.recognises(view):
            entries, metadata = safetensors.read(view)
            return TensorFile("safetensors", entries, buffer, metadata)
        try:
            return TensorFile("ckpt", ckpt.read_entries(view), buffer)
        except CheckpointError as error:
            kind, is_meant = kind_of(view), name.lower().endswith(".safetensors")
            if kind:
                meant = "safetensors file" if is_meant else "MindSpore checkpoint"
                msg = f"it is no {meant}, but {kind}."
                raise CheckpointError(msg) from error
            if is_meant:
                raise safetensors.damaged(view) from error
            raise
