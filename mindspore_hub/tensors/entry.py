"""One tensor of a file: where its bytes lie, and what they mean."""

from __future__ import annotations

import math
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mindspore_hub.errors import CheckpointError
from mindspore_hub.tensors.buffer import Buffer, Pages, out_of_memory, viewing

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_ENTRIES = 65_536
"""Reading an index costs a few microseconds and half a kilobyte per entry, so a file made of nothing
but empty tensors must end somewhere. A published file holds some hundred tensors; the largest
published mixtures of experts have ninety thousand, in more than a hundred files."""

MAX_NAME = 4096
"""Bytes of a name."""

MAX_RANK = 32
"""Axes of a tensor, as NumPy 1.26 has it."""

_MAX_EMPTY = 2**32
"""Product of the sizes of an empty tensor that are not 0; NumPy refuses some that are larger."""

STRING = "str"
"""dtype of a text that `save_checkpoint` was given in `append_dict`."""

TYPES = {
    "bool": ("Bool", "BOOL", "|b1"),
    "int8": ("Int8", "I8", "<i1"),
    "int16": ("Int16", "I16", "<i2"),
    "int32": ("Int32", "I32", "<i4"),
    "int64": ("Int64", "I64", "<i8"),
    "uint8": ("UInt8", "U8", "<u1"),
    "uint16": ("UInt16", "U16", "<u2"),
    "uint32": ("UInt32", "U32", "<u4"),
    "uint64": ("UInt64", "U64", "<u8"),
    "float16": ("Float16", "F16", "<f2"),
    "float32": ("Float32", "F32", "<f4"),
    "float64": ("Float64", "F64", "<f8"),
    "bfloat16": ("BFloat16", "BF16", "<u2"),
}
"""What `ckpt` and safetensors call each type that is read, and its dtype in NumPy."""

LISTED = {
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
    "F8_E4M3": 8,
    "F8_E5M2": 8,
    "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8,
    "F8_E8M0": 8,
    "C64": 64,
}
"""Bits of an element of each type that is listed under its name in safetensors, but not read."""

BLOCK = 1 << 20
"""Bytes of a block; a multiple of every size of an element."""

_UNALIGNED_WORKS = ("x86_64", "amd64", "i386", "i686", "x86")


@dataclass(frozen=True)
class Entry:
    """A tensor of a file: offset and length in bytes of each piece of its data, in order."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    chunks: tuple[tuple[int, int], ...]

    def __str__(self) -> str:
        """Its dtype and shape."""
        return f"{self.dtype} {self.shape}"

    @property
    def nbytes(self) -> int:
        """Bytes of its data."""
        return sum(length for _, length in self.chunks)


def check_entry(entry: Entry, place: int) -> Entry:
    """Return an entry, declared at a byte of the file, or raise a CheckpointError if its data do not fit."""
    if len(entry.chunks) > 1 and not all(length for _, length in entry.chunks):
        raise _unfit(entry, place, "lies in several pieces, of which one is empty")
    if entry.dtype == STRING:
        if entry.nbytes % 4 or entry.shape or len(entry.chunks) > 1:
            raise _unfit(entry, place, "is a text, but not one of whole characters in one piece")
        return entry
    if min(entry.shape, default=0) < 0:
        raise _unfit(entry, place, f"has the shape {entry.shape}, with a negative size")
    expected = _size_of(entry)
    if entry.nbytes != expected:
        pieces = f" in {len(entry.chunks)} pieces" if len(entry.chunks) > 1 else ""
        problem = f"holds {entry.nbytes} bytes{pieces}, but {entry} takes"
        raise _unfit(entry, place, f"{problem} {expected}")
    if not expected and math.prod(filter(None, entry.shape)) > _MAX_EMPTY:
        raise _unfit(entry, place, f"has the shape {entry.shape}, which no array can have")
    return entry


def _size_of(entry: Entry) -> int:
    """Bytes that a tensor takes; elements of less than a byte are packed, or have one each."""
    count = math.prod(entry.shape)
    bits = LISTED.get(entry.dtype, 8 * itemsize(entry.dtype))
    return count if bits < 8 and entry.nbytes == count else -(-count * bits // 8)


def require_read(entry: Entry) -> None:
    """Raise a CheckpointError if the values of a tensor can only be listed, not read."""
    if entry.dtype in LISTED:
        msg = (
            f"its entry {entry.name} has the type {entry.dtype}, which can be listed but not read "
            "here; save it as another type, such as float32."
        )
        raise CheckpointError(msg)


def check_name(raw: bytes, place: int) -> str:
    """Decode the name of an entry, or raise a CheckpointError: it is empty, endless or not readable."""
    try:
        name = raw.decode() if 0 < len(raw) <= MAX_NAME else ""
    except UnicodeDecodeError:
        name = ""
    if not name or not name.isprintable():
        msg = f"the name of its entry at byte {place} is not a readable text of 1 to {MAX_NAME} bytes."
        raise CheckpointError(msg)
    return name


def check_count(count: int) -> None:
    """Raise a CheckpointError if a file has more entries than this package reads."""
    if count > MAX_ENTRIES:
        msg = f"it has more than {MAX_ENTRIES} entries; save it in several files."
        raise CheckpointError(msg)


def itemsize(dtype: str) -> int:
    """Bytes of one element; 1 if it takes less than a byte."""
    if dtype in LISTED:
        return max(LISTED[dtype] // 8, 1)
    return int(TYPES[dtype][2][2:])


def array_of(buffer: Buffer, entry: Entry) -> NDArray[Any]:
    """Value of a tensor; see `TensorFile.array`."""
    import numpy as np

    require_read(entry)
    if entry.dtype == STRING:
        return np.array(_text(buffer, entry))
    dtype = TYPES[entry.dtype][2]
    if len(entry.chunks) == 1 and not isinstance(buffer, Pages):
        array: NDArray[Any] = np.ndarray(entry.shape, dtype, buffer, entry.chunks[0][0])
        usable = array.flags.aligned or platform.machine().lower() in _UNALIGNED_WORKS
        return array if usable else array.copy()
    return np.frombuffer(_joined(buffer, entry), dtype).reshape(entry.shape)


def blocks(buffer: Buffer, entry: Entry) -> Iterator[bytes]:
    """Data of a tensor in blocks of `BLOCK` bytes, of which the last may be shorter."""
    pending = bytearray()
    with viewing(buffer) as view:
        for offset, length in entry.chunks:
            place, end = offset, offset + length
            while place < end:
                taken = min(BLOCK - len(pending), end - place)
                pending += view[place : place + taken]
                place += taken
                if len(pending) == BLOCK:
                    yield bytes(pending)
                    pending.clear()
    if pending:
        yield bytes(pending)


def arrays(buffer: Buffer, entry: Entry) -> Iterator[NDArray[Any]]:
    """Elements of a tensor in blocks of one axis; bfloat16 comes as uint16, a text as bytes."""
    import numpy as np

    require_read(entry)
    dtype = "|u1" if entry.dtype == STRING else TYPES[entry.dtype][2]
    for block in blocks(buffer, entry):
        yield np.frombuffer(block, dtype)


def _joined(buffer: Buffer, entry: Entry) -> bytearray:
    """Data of a tensor, copied into one piece."""
    try:
        content = bytearray(entry.nbytes)
    except MemoryError as error:
        raise out_of_memory(entry.nbytes) from error
    end = 0
    with viewing(buffer) as view:
        for offset, length in entry.chunks:
            content[end : end + length] = view[offset : offset + length]
            end += length
    return content


def _text(buffer: Buffer, entry: Entry) -> str:
    offset, length = entry.chunks[0]
    try:
        with viewing(buffer) as view:
            return bytes(view[offset : offset + length]).decode("utf-32-le")
    except UnicodeDecodeError as error:
        raise _unfit(entry, offset, "is not a text") from error


def _unfit(entry: Entry, place: int, problem: str) -> CheckpointError:
    return CheckpointError(f"its entry {entry.name} at byte {place} {problem}.")
