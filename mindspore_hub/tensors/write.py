"""Write files of tensors from others, block by block and with every byte compared afterwards.

`ckpt` is written as `save_checkpoint` of MindSpore 2.10 writes it, without importing MindSpore. The
library safetensors wants all tensors in memory as `bytes`, and NumPy arrays for none of bfloat16.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from mindspore_hub.errors import CheckpointError, StoreError
from mindspore_hub.tensors import open_file, read_index, safetensors
from mindspore_hub.tensors.entry import BLOCK, STRING, TYPES, Entry, blocks, itemsize, require_read

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mindspore_hub.tensors import TensorFile

FORMATS = ("ckpt", "safetensors")

_SLICE = 512 * BLOCK
"""Bytes of one value of a `ckpt`: protobuf reads no message of 2 GB."""


def write_tensors(
    path: str | os.PathLike[str], source: TensorFile, *, names: Mapping[str, str], format: str
) -> None:
    """Write tensors of a file into a new one, and compare every byte of it.

    `names` has the name of each tensor in the new file, and in `source`. safetensors gets the texts of the
    header of `source` as well; `ckpt` has no place for them. Raises CheckpointError if the format cannot
    hold what is asked for, StoreError if the file differs from what it was made of.
    """
    path = Path(path)
    entries = {name: source.entries[old] for name, old in names.items()}
    for entry in entries.values():
        require_read(entry)
    with path.open("xb") as file:
        write = _write_ckpt if format == "ckpt" else _write_safetensors
        write(file, source, entries)
    with path.open("rb") as file:
        written = read_index(open_file(file))
    _compare(path, source, entries, written)


def _write_ckpt(file: IO[bytes], source: TensorFile, entries: Mapping[str, Entry]) -> None:
    for name, entry in entries.items():
        data = blocks(source.buffer, entry)
        for start in range(0, max(entry.nbytes, 1), _SLICE):
            size = min(_SLICE, entry.nbytes - start)
            file.write(_value_head(name, entry, size))
            for _ in range(-(-size // BLOCK)):
                file.write(next(data))


def _value_head(name: str, entry: Entry, size: int) -> bytes:
    """Everything of a value but the data, which stand at its end."""
    is_text = entry.dtype == STRING
    shape = (0,) if is_text else entry.shape
    dtype = STRING if is_text else TYPES[entry.dtype][0]
    dims = b"".join(_varint(1 << 3) + _varint(axis) for axis in shape)
    head = dims + _block(2, dtype.encode()) + _block_head(3, size)
    tensor = _block_head(2, len(head) + size) + head
    tag = _block(1, name.encode())
    return _block_head(1, len(tag) + len(tensor) + size) + tag + tensor


def _block(number: int, content: bytes) -> bytes:
    return _block_head(number, len(content)) + content


def _block_head(number: int, size: int) -> bytes:
    return _varint(number << 3 | 2) + _varint(size)


def _varint(number: int) -> bytes:
    digits = bytearray()
    while number >= 0x80:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    digits.append(number)
    return bytes(digits)


def _write_safetensors(file: IO[bytes], source: TensorFile, entries: Mapping[str, Entry]) -> None:
    texts = [name for name, entry in entries.items() if entry.dtype == STRING]
    if texts:
        msg = (
            f"its entry {texts[0]} is a text, which safetensors cannot hold; `--names network` "
            "leaves out all that is not a parameter."
        )
        raise CheckpointError(msg)
    # The largest elements first, so that each tensor begins at a multiple of its element.
    ordered = sorted(entries.items(), key=lambda item: -itemsize(item[1].dtype))
    file.write(_header(ordered, source.metadata))
    for _, entry in ordered:
        file.writelines(blocks(source.buffer, entry))


def _header(entries: Iterable[tuple[str, Entry]], metadata: Mapping[str, str]) -> bytes:
    # `save_checkpoint` of MindSpore writes the format, and other programs ask where a file is from.
    header: dict[str, object] = {safetensors.METADATA: {**metadata, "format": "ms"}}
    end = 0
    for name, entry in entries:
        if name == safetensors.METADATA:
            msg = f"its entry is called {name}, which has a meaning of its own in safetensors."
            raise CheckpointError(msg)
        offsets = [end, end := end + entry.nbytes]
        dtype = TYPES[entry.dtype][1]
        header[name] = {"dtype": dtype, "shape": list(entry.shape), "data_offsets": offsets}
    # Plain ASCII: a text of JSON may hold half a character, which UTF-8 cannot.
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def _compare(
    path: Path, source: TensorFile, entries: Mapping[str, Entry], written: TensorFile
) -> None:
    expected = {**source.metadata, "format": "ms"} if written.format == "safetensors" else {}
    if written.metadata != expected:
        raise _unlike(path, "the texts of its header differ")
    if written.entries.keys() != entries.keys():
        raise _unlike(path, "it has other entries")
    for name, entry in entries.items():
        found = written.entries[name]
        if str(found) != str(entry):
            raise _unlike(path, f"{name} is {found}")
        pairs = zip_longest(blocks(source.buffer, entry), blocks(written.buffer, found))
        if any(one != other for one, other in pairs):
            raise _unlike(path, f"the values of {name} differ")


def _unlike(path: Path, problem: str) -> StoreError:
    return StoreError(
        f"{path.name} was written and read again, and {problem}. Nothing was kept; look after the "
        "disk, or say so in an issue."
    )


def write_arrays(path: str | os.PathLike[str], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays into a new file of the format `ckpt`."""
    with Path(path).open("xb") as file:
        for name, array in arrays.items():
            data = memoryview(array.tobytes())
            entry = Entry(name, str(array.dtype), array.shape, ((0, array.nbytes),))
            for start in range(0, max(entry.nbytes, 1), _SLICE):
                size = min(_SLICE, entry.nbytes - start)
                file.write(_value_head(name, entry, size))
                file.write(data[start : start + size])
