"""ONNX for any number of samples, of the same network written for two numbers of them.

MindSpore writes the number of samples into the graph: it cannot export the operator Shape, which networks
that ask for `x.shape[0]` need otherwise. What depends on it is what differs between two files. So shapes of
inputs and outputs get a dimension with a name, and shapes that tensors are given get -1, which stands for
whatever is left. What differs elsewhere is refused, and what was written is compared by the caller.

https://github.com/onnx/onnx/blob/main/onnx/onnx.proto has the numbers of the fields.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from mindspore_hub.errors import ExportError

_VARINT, _LENGTH = 0, 2
_WIDTHS = {1: 8, 5: 4}
"""Bytes of a field by wire type, of those that have always as many."""

_INT64 = 7
"""TensorProto.data_type."""

_DIMENSION = b"batch"

_MESSAGES: dict[str, dict[int, str]] = {
    "model": {7: "graph"},
    "graph": {1: "node", 5: "tensor", 11: "value", 12: "value"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor"},
    "value": {2: "type"},
    "type": {1: "tensor type"},
    "tensor type": {2: "shape"},
    "shape": {1: "dimension"},
}
"""Kind of the message in a field, by kind of the message around it, as far as it is looked into."""

_NAMES = {"graph": {2}, "node": {1, 2, 3}, "value": {1}, "attribute": set[int]()}
"""Fields that hold names, which may have counters in them; those of the first file stay."""


class _Field(NamedTuple):
    number: int
    wire: int
    value: int
    content: memoryview


def any_batch(first: bytes, second: bytes, sizes: tuple[int, int]) -> bytes:
    """A model for any number of samples, of one for each of two numbers.

    Raises:
        ExportError: They differ in what no dimension can stand for.
    """
    return _merged("model", memoryview(first), memoryview(second), sizes)


def _merged(kind: str, a: memoryview, b: memoryview, sizes: tuple[int, int]) -> bytes:
    """A message of two that may differ where the number of samples stands."""
    if kind == "tensor":
        return _tensor(a, b, sizes)
    if kind == "dimension":
        return _encoded(2, _DIMENSION)
    parts = []
    pairs = [list(_fields(message, kind)) for message in (a, b)]
    if [field.number for field in pairs[0]] != [field.number for field in pairs[1]]:
        raise _refused(what="other fields", kind=kind)
    for one, other in zip(*pairs, strict=True):
        inner = _MESSAGES.get(kind, {}).get(one.number)
        if one.wire != _LENGTH:
            if one.value != other.value:
                raise _refused(what="a number", kind=kind)
            parts.append(_number(one.number << 3 | one.wire) + bytes(one.content))
        elif one.content == other.content or one.number in _NAMES.get(kind, ()):
            parts.append(_encoded(one.number, one.content))
        elif inner is None:
            raise _refused(what="a field", kind=kind)
        else:
            parts.append(_encoded(one.number, _merged(inner, one.content, other.content, sizes)))
    return b"".join(parts)


def _tensor(a: memoryview, b: memoryview, sizes: tuple[int, int]) -> bytes:
    """A shape, with -1 where it depends on the number of samples."""
    shapes = [_integers(message) for message in (a, b)]
    if shapes[0] is None or shapes[1] is None or len(shapes[0]) != len(shapes[1]):
        raise _refused(what="a constant", kind="graph")
    merged = [
        size if size == other else _left_over(size, other, sizes)
        for size, other in zip(*shapes, strict=True)
    ]
    if merged.count(-1) > 1:
        raise _refused(what="two sizes", kind="shape")
    kept = b"".join(
        _encoded(field.number, field.content)
        for field in _fields(a, "tensor")
        if field.number == 8  # its name
    )
    content = struct.pack(f"<{len(merged)}q", *merged)
    head = _number(1 << 3) + _number(len(merged)) + _number(2 << 3) + _number(_INT64)
    return head + kept + _encoded(9, content)


def _left_over(size: int, other: int, sizes: tuple[int, int]) -> int:
    if size * sizes[1] != other * sizes[0]:
        raise _refused(what="a size that is not a multiple of the samples", kind="shape")
    return -1


def _integers(tensor: memoryview) -> list[int] | None:
    """Values of a tensor `(N,)` of int64; None for any other one."""
    dims, kind, values = 0, 0, list[int]()
    for field in _fields(tensor, "tensor"):
        if field.number == 1:
            dims += 1
        elif field.number == 2:
            kind = field.value
        elif field.number == 9:
            values += struct.unpack(f"<{len(field.content) // 8}q", field.content)
        elif field.number == 7:
            packed = field.content if field.wire == _LENGTH else None
            values += [field.value] if packed is None else list(_varints(packed))
    return values if dims == 1 and kind == _INT64 else None


def _varints(content: memoryview) -> Iterator[int]:
    place = 0
    while place < len(content):
        value, place = _varint(content, place)
        yield value - (1 << 64) if value >> 63 else value


def _fields(message: memoryview, kind: str) -> Iterator[_Field]:
    """Fields of a message; of a graph, shapes of what lies between the nodes are left out."""
    place = 0
    while place < len(message):
        key, start = _varint(message, place)
        number, wire = key >> 3, key & 7
        value = 0
        if wire == _VARINT:
            value, place = _varint(message, start)
        elif wire == _LENGTH:
            length, start = _varint(message, start)
            place = start + length
        elif wire in _WIDTHS:
            place = start + _WIDTHS[wire]
            value = int.from_bytes(message[start:place], "little")
        else:
            raise _refused(what="what is no field", kind=kind)
        if not (kind == "graph" and number == 13):
            yield _Field(number, wire, value, message[start:place])


def _varint(content: memoryview, place: int) -> tuple[int, int]:
    value, shift = 0, 0
    while True:
        byte = content[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place


def _number(value: int) -> bytes:
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def _encoded(number: int, content: bytes | memoryview) -> bytes:
    return _number(number << 3 | _LENGTH) + _number(len(content)) + content


def _refused(*, what: str, kind: str) -> ExportError:
    msg = (
        f"what MindSpore writes for different numbers of samples differs in {what} of a {kind}. "
        "The network can be written for one number of samples only (`--batch-size N`)."
    )
    return ExportError(msg)
