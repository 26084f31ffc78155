"""Files that others wrote: whatever their bytes are, they become values, or one ValueError."""

from __future__ import annotations

import io
import json
import math
import os
import struct
import zlib
from collections.abc import Callable, Iterable
from typing import IO, TYPE_CHECKING, Any, Literal
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from mindspore_hub._files import open_regular

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[Any]
    _Header = tuple[tuple[int, ...], bool, np.dtype[Any]]

_DEPTH = 64
"""Levels of JSON; what is deeper ends in a RecursionError where it is written again."""


def read_arrays(path: str | os.PathLike[str], *, mapped: str = "") -> dict[str, Array]:
    """Read all arrays of an npz file by name; a ValueError if it is not one, or damaged.

    Pickled ones are refused, since they can run code. Sizes that the file claims are compared with the
    bytes that are there before room is made. The array called `mapped` is mapped, unless it is compressed:
    it can be read only, takes no memory that the system cannot take back, and stays as it is if another
    file is renamed to this one.
    """
    with open_regular(path) as stream:
        try:
            return _arrays(stream, os.fstat(stream.fileno()).st_size, mapped)
        except ValueError:
            raise
        except Exception as error:  # decompressors and NumPy's parser raise whatever they like
            msg = f"{type(error).__name__}: {error}"
            raise ValueError(msg) from error


def read_object(text: bytes | str) -> dict[str, Any]:
    """Parse a JSON object; a ValueError if it is none, or nested deeper than anything useful."""
    try:
        found = json.loads(text, parse_constant=_refuse_constant)
        deep = not _is_shallow([found], _DEPTH)
    except (RecursionError, MemoryError):
        deep = True
    if deep:
        msg = f"it is nested deeper than {_DEPTH} levels"
        raise ValueError(msg)
    if not isinstance(found, dict):
        msg = "it is not a JSON object"
        raise ValueError(msg)  # noqa: TRY004 - callers catch one error, whatever is wrong
    return found


def _arrays(stream: IO[bytes], size: int, mapped: str) -> dict[str, Array]:
    found: dict[str, Array] = {}
    with ZipFile(stream) as archive:
        for member in archive.infolist():
            name = member.filename.removesuffix(".npy")
            if name in found:
                msg = f"it holds {name!r} twice"
                raise ValueError(msg)
            is_mapped = name == mapped and member.compress_type == ZIP_STORED
            found[name] = _array(archive, member, size, stream if is_mapped else None)
    return found


def _array(archive: ZipFile, member: ZipInfo, size: int, file: IO[bytes] | None) -> Array:
    """One array, whose header, directory entry and bytes agree; of the file itself if there is one."""
    from numpy.lib import format as npy

    with archive.open(member) as stream:
        head = io.BytesIO(stream.read(1 << 16))  # more than any header of an array has
    shape, fortran, dtype = _header(head)
    claimed = head.tell() + math.prod(shape) * dtype.itemsize
    there = _bytes_there(archive, member, size)
    if not claimed == member.file_size == there:
        msg = (
            f"{member.filename} says that it has the shape {shape} and the dtype {dtype}, so "
            f"{claimed} bytes, but there are {there}"
        )
        raise ValueError(msg)
    if file is not None and claimed > head.tell():
        return _mapped(file, member, head.tell(), shape, dtype, "F" if fortran else "C")
    with archive.open(member) as stream:
        array: Array = npy.read_array(stream, allow_pickle=False)
    return array


def _mapped(
    file: IO[bytes],
    member: ZipInfo,
    head: int,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    order: Literal["C", "F"],
) -> Array:
    """The values of a member that is not compressed, after so many bytes of its own."""
    import mmap

    import numpy as np

    file.seek(member.header_offset)
    lengths = struct.unpack("<26x2H", file.read(30))  # of the name and of what follows it
    begin = member.header_offset + 30 + sum(lengths)
    bytes_ = mmap.mmap(file.fileno(), begin + member.file_size, access=mmap.ACCESS_READ)
    with memoryview(bytes_) as view:
        found = 0
        for start in range(begin, begin + member.file_size, 1 << 24):
            found = zlib.crc32(
                view[start : min(start + (1 << 24), begin + member.file_size)], found
            )
    if found != member.CRC:
        msg = f"Bad CRC-32 for file {member.filename!r}"
        raise ValueError(msg)
    values = np.frombuffer(bytes_, dtype, math.prod(shape), begin + head)
    return values.reshape(shape, order=order)


def _header(head: IO[bytes]) -> _Header:
    """Shape, whether columns come first, and dtype; the stream is left where the values begin."""
    from numpy.lib import format as npy

    version = npy.read_magic(head)
    readers: dict[tuple[int, int], Callable[[IO[bytes]], _Header]] = {
        (1, 0): npy.read_array_header_1_0,
        (2, 0): npy.read_array_header_2_0,
    }
    if version not in readers:
        msg = f"version {version} of the npy format is not one that plain arrays have"
        raise ValueError(msg)
    shape, fortran, dtype = readers[version](head)
    if dtype.hasobject:
        msg = "it holds pickled objects, which can run code"
        raise ValueError(msg)
    return shape, fortran, dtype


def _bytes_there(archive: ZipFile, member: ZipInfo, size: int) -> int:
    """Bytes that a member really has, its header included."""
    if member.compress_type == ZIP_STORED:
        return min(member.compress_size, max(size - member.header_offset, 0))
    with archive.open(member) as stream:
        return sum(map(len, iter(lambda: stream.read(1 << 20), b"")))


def _refuse_constant(name: str) -> None:
    msg = f"{name} is not JSON"
    raise ValueError(msg)


def _is_shallow(values: Iterable[Any], levels: int) -> bool:
    """Whether values are nested in no more than so many lists and objects."""
    for value in values:
        inner = value.values() if isinstance(value, dict) else value
        if isinstance(value, dict | list) and not (levels and _is_shallow(inner, levels - 1)):
            return False
    return True
