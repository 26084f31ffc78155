"""The bytes of a file without a map, for files larger than the memory that a process may have."""

from __future__ import annotations

import os
import weakref
from contextlib import AbstractContextManager, nullcontext
from typing import IO, TYPE_CHECKING, TypeAlias, overload

from mindspore_hub.errors import CheckpointError

if TYPE_CHECKING:
    import mmap

Buffer: TypeAlias = "bytes | bytearray | memoryview | mmap.mmap | Pages"

View: TypeAlias = "memoryview | Pages"
"""What gives single bytes and slices of a file."""

_PAGE = 1 << 16


class Pages:
    """The bytes of a file, read when they are asked for.

    Args:
        file: The file; it may be closed afterwards.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = os.fdopen(os.dup(file.fileno()), "rb", buffering=0)
        weakref.finalize(self, self._file.close)
        self._size = os.fstat(self._file.fileno()).st_size
        self._start = 0
        self._page = b""

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, place: int) -> int: ...

    @overload
    def __getitem__(self, place: slice) -> bytes: ...

    def __getitem__(self, place: int | slice) -> int | bytes:
        if isinstance(place, slice):
            start, end, _ = place.indices(self._size)
            return self._read(start, max(end - start, 0))
        if not self._start <= place < self._start + len(self._page):
            self._start = place - place % _PAGE
            self._page = self._read(self._start, min(_PAGE, self._size - self._start))
        return self._page[place - self._start]

    def _read(self, start: int, length: int) -> bytes:
        self._file.seek(start)
        content = bytearray()
        while len(content) < length:
            part = self._file.read(length - len(content))
            if not part:
                msg = "it has become shorter while it was read; try again when it is whole."
                raise CheckpointError(msg)
            content += part
        return bytes(content)


def viewing(buffer: Buffer) -> AbstractContextManager[View]:
    """Bytes of a buffer for the time of a block."""
    return nullcontext(buffer) if isinstance(buffer, Pages) else memoryview(buffer)


def out_of_memory(size: int) -> CheckpointError:
    """Error for bytes that this process may not have in memory."""
    return CheckpointError(
        f"{size} of its bytes are more than the memory that this process may have; allow it more "
        "(`ulimit -v`, the limit of the container or job), or use a machine with more memory."
    )
