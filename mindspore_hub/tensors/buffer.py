"""The bytes of a file: a private map of it, or its pages if it is larger than the memory there is."""

from __future__ import annotations

import errno
import mmap
import os
import weakref
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import IO, TypeAlias, overload

from mindspore_hub.errors import CheckpointError

Buffer: TypeAlias = "bytes | bytearray | memoryview | mmap.mmap | Pages"

View: TypeAlias = "memoryview | Pages"
"""What gives single bytes and slices of a file."""

_PAGE = 1 << 16


class Pages:
    """The bytes of a file, read when they are asked for; the file may be closed meanwhile."""

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


def map_file(file: IO[bytes]) -> mmap.mmap:
    """Map a file, private and writable; a CheckpointError if it is empty, or does not fit into memory."""
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
    """Map a file, or read it piece by piece if it is larger than the memory that there is."""
    try:
        return map_file(file)
    except CheckpointError:
        if not os.fstat(file.fileno()).st_size:
            raise
        return Pages(file)


@contextmanager
def naming(subject: object) -> Iterator[None]:
    """Let what the block says is wrong with a file begin with its path, or whatever it is about."""
    try:
        yield
    except CheckpointError as error:
        msg = f"{subject}: {error}"
        raise CheckpointError(msg) from error


def viewing(buffer: Buffer) -> AbstractContextManager[View]:
    """Bytes of a buffer for the time of a block."""
    return nullcontext(buffer) if isinstance(buffer, Pages) else memoryview(buffer)


def out_of_memory(size: int) -> CheckpointError:
    """Error for bytes that this process may not have in memory."""
    return CheckpointError(
        f"{size} of its bytes are more than the memory that this process may have; allow it more "
        "(`ulimit -v`, the limit of the container or job), or use a machine with more memory."
    )
