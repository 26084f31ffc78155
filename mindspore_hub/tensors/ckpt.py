"""MindSpore's `ckpt`: a protobuf message, `mindspore/ccsrc/utils/checkpoint.proto` upstream.

    Checkpoint { repeated Value value = 1 }
    Value { string tag = 1; TensorProto tensor = 2 | MapTensorProto maptensor = 3 }
    TensorProto { repeated int64 dims = 1; string tensor_type = 2; bytes tensor_content = 3 }

What `save_checkpoint` of MindSpore 2.10 makes of it: a tensor above 512 MB is several values with
one tag and the whole shape in each; a scalar has no dims, and in files of MindSpore 1 the one dim
0; a text is UTF-32 with the dim 0; `crc_check` appends 17 bytes that are not protobuf; an encrypted
file is not protobuf at all. Fields that are not in this schema are refused: a file could consist of them,
and skipping would take as long as it pleases.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from mindspore_hub.errors import CheckpointError
from mindspore_hub.tensors.entry import (
    MAX_RANK,
    STRING,
    TYPES,
    Entry,
    check_count,
    check_entry,
    check_name,
)

if TYPE_CHECKING:
    from mindspore_hub.tensors.buffer import View

_DTYPES = {theirs: ours for ours, (theirs, _, _) in TYPES.items()} | {STRING: STRING}
"""Our name of each type that MindSpore writes and reads back, but for Int4 of half a byte."""

_ENCRYPTED = tuple(bytes([first, 0x5E, 0x3A, 0x7F]) for first in (0xD8, 0xD9, 0xDA))
"""How files with `enc_key` begin: AES-GCM, AES-CBC, SM4-CBC."""

_VARINT, _LENGTH = 0, 2
"""Wire types of protobuf that checkpoints use: https://protobuf.dev/programming-guides/encoding."""

_CRC_MARK = b"crc_num"
_CRC_TAIL = len(_CRC_MARK) + 10


class _Field(NamedTuple):
    """A field of a message; messages, texts and bytes have a length, and what has none is a number."""

    number: int
    is_message: bool
    place: int
    start: int
    end: int


class _Value(NamedTuple):
    """One value of the message: a tensor, or a piece of one."""

    place: int
    name: str
    dtype: str
    shape: tuple[int, ...]
    chunk: tuple[int, int]


def read_entries(view: View) -> dict[str, Entry]:
    """Read the index of a file; a CheckpointError for whatever is not read here."""
    if bytes(view[:4]) in _ENCRYPTED:
        msg = "it is encrypted; save it again with save_checkpoint without enc_key."
        raise CheckpointError(msg)
    entries: dict[str, Entry] = {}
    for name, group in groupby(_values(view), key=lambda value: value.name):
        entry, place = _join(list(group))
        if name in entries:
            msg = f"its entry {name} at byte {place} is there already."
            raise CheckpointError(msg)
        entries[name] = check_entry(entry, place)
    return entries


def _values(view: View) -> Iterator[_Value]:
    place, count = 0, 0
    while place < len(view):
        # The checksum says nothing that the sha256 of a card does not say better.
        if len(view) - place == _CRC_TAIL and bytes(view[place : place + 7]) == _CRC_MARK:
            return
        field = _read_field(view, place, len(view))
        if field.number != 1 or not field.is_message:
            raise _damaged(place, f"field {field.number} is not in its schema")
        count += 1
        check_count(count)
        yield _read_value(view, field)
        place = field.end


def _join(values: list[_Value]) -> tuple[Entry, int]:
    """Make one entry of the pieces of a tensor; also where it is declared."""
    first = values[0]
    for other in values[1:]:
        if (other.dtype, other.shape) != (first.dtype, first.shape):
            msg = (
                f"its entry {first.name} at byte {first.place} goes on at byte {other.place} as "
                f"{other.dtype} {other.shape} instead of {first.dtype} {first.shape}."
            )
            raise CheckpointError(msg)
    chunks = tuple(value.chunk for value in values)
    scalar = first.shape == (0,) and (first.dtype == STRING or any(size for _, size in chunks))
    shape = () if scalar else first.shape
    return Entry(first.name, first.dtype, shape, chunks), first.place


def _read_value(view: View, value: _Field) -> _Value:
    fields = _once(view, value, {1: "a name", 2: "a tensor", 3: "a MapParameter"})
    if 1 not in fields:
        raise _damaged(value.place, "an entry without a name")
    name = check_name(bytes(view[fields[1].start : fields[1].end]), value.place)
    if 3 in fields:
        msg = (
            f"its entry {name} at byte {value.place} is a MapParameter, a table that grows, which "
            "is not read here; save the file without it."
        )
        raise CheckpointError(msg)
    if 2 not in fields:
        raise _damaged(value.place, f"{name} is not a tensor")
    return _read_tensor(view, name, fields[2])


def _read_tensor(view: View, name: str, tensor: _Field) -> _Value:
    shape: list[int] = []
    rest = {2: "a type", 3: "data"}
    fields = _once(view, tensor, rest, dims=shape)
    if fields.keys() != rest.keys():
        raise _damaged(tensor.place, f"{name} lacks its type or its data")
    dtype = _read_dtype(view, name, fields[2])
    data = fields[3]
    return _Value(tensor.place, name, dtype, tuple(shape), (data.start, data.end - data.start))


def _once(
    view: View, message: _Field, known: dict[int, str], *, dims: list[int] | None = None
) -> dict[int, _Field]:
    """Fields of a message by number; field 1 goes to `dims`, if these are given."""
    fields: dict[int, _Field] = {}
    place = message.start
    while place < message.end:
        field = _read_field(view, place, message.end)
        place = field.end
        if dims is not None and field.number == 1:
            _extend(dims, view, field)
        elif field.number not in known or not field.is_message:
            raise _damaged(field.place, f"field {field.number} is not in its schema")
        elif field.number in fields:
            raise _damaged(field.place, f"an entry with {known[field.number]} twice")
        else:
            fields[field.number] = field
    return fields


def _extend(shape: list[int], view: View, field: _Field) -> None:
    """Append the sizes in a field: one, or packed ones."""
    place = field.start
    while place < field.end:
        size, place = _read_varint(view, place, field.end)
        shape.append(size - 2**64 if size >= 2**63 else size)
        if len(shape) > MAX_RANK:
            raise _damaged(field.place, f"a tensor with more than {MAX_RANK} axes")


def _read_dtype(view: View, name: str, field: _Field) -> str:
    written = bytes(view[field.start : min(field.end, field.start + 32)]).decode(errors="replace")
    if written not in _DTYPES:
        msg = (
            f"its entry {name} at byte {field.place} has the type {written!r}, which is not read "
            f"here; known are {', '.join(_DTYPES)}."
        )
        raise CheckpointError(msg)
    return _DTYPES[written]


def _read_field(view: View, place: int, end: int) -> _Field:
    """Where the field at this byte lies, which must end before its message does."""
    key, start = _read_varint(view, place, end)
    number, wire_type = key >> 3, key & 7
    if wire_type == _VARINT:
        _, stop = _read_varint(view, start, end)
        return _Field(number, False, place, start, stop)
    if wire_type != _LENGTH:
        raise _damaged(place, f"wire type {wire_type}")
    length, start = _read_varint(view, start, end)
    if length > end - start:
        raise _damaged(place, f"{length} bytes where {end - start} are left")
    return _Field(number, True, place, start, start + length)


def _read_varint(view: View, place: int, end: int) -> tuple[int, int]:
    """A number of 64 bits, and where the next byte lies."""
    if place < end and view[place] < 0x80:  # as nearly all are, and all keys
        return view[place], place + 1
    number, shift = 0, 0
    for index in range(place, min(end, place + 10)):
        byte = view[index]
        if byte < 0x80:
            number |= byte << shift
            if number >= 2**64:
                break
            return number, index + 1
        number |= (byte & 0x7F) << shift
        shift += 7
    raise _damaged(place, "no number of 64 bits")


def _damaged(place: int, problem: str) -> CheckpointError:
    """Error for bytes that no version of MindSpore writes."""
    return CheckpointError(
        f"it is not a MindSpore checkpoint, or a damaged one: {problem} at byte {place}."
    )
