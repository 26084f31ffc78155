"""The data of a tensor piece by piece, however large it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mindspore_hub.tensors.entry import STRING, Entry, numpy_dtype, require_read
from mindspore_hub.tensors.pages import Buffer, viewing

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK = 1 << 20
"""Bytes of a block; a multiple of every size of an element."""


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
    """Elements of a tensor in blocks of one axis; bfloat16 comes as uint16, a text as bytes.

    Raises:
        CheckpointError: Elements of its type are not read here.
    """
    import numpy as np

    require_read(entry)
    dtype = "|u1" if entry.dtype == STRING else numpy_dtype(entry.dtype)
    for block in blocks(buffer, entry):
        yield np.frombuffer(block, dtype)
