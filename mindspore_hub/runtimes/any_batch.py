"""ONNX for any number of samples, of the same network written for two numbers of them.

MindSpore writes the number of samples into the graph: it cannot export the operator Shape, which networks
that ask for `x.shape[0]` need otherwise. What depends on it is what differs between two files. So shapes of
inputs and outputs get a dimension with a name; a shape that a tensor is given gets -1, which stands for whatever
is left; and other constants, such as how often something is repeated, are computed from the shape of the first
input. What differs elsewhere is refused, and what was written is compared by the caller.

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
        return _with_rest(a, b, sizes)
    if kind == "dimension":
        return _encoded(2, _DIMENSION)
    parts = []
    pairs = [list(_fields(message, kind)) for message in (a, b)]
    if [field.number for field in pairs[0]] != [field.number for field in pairs[1]]:
        raise _refused(what="other fields", kind=kind)
    graph = _Graph(pairs[0], sizes) if kind == "graph" else None
    for one, other in zip(*pairs, strict=True):
        inner = _MESSAGES.get(kind, {}).get(one.number)
        if one.wire != _LENGTH:
            if one.value != other.value:
                raise _refused(what="a number", kind=kind)
            parts.append(_number(one.number << 3 | one.wire) + bytes(one.content))
        elif _same(one.content, other.content) or one.number in _NAMES.get(kind, ()):
            parts.append(_encoded(one.number, one.content))
        elif inner is None:
            raise _refused(what="a field", kind=kind)
        elif graph and inner == "node" and (made := graph.computed(one.content, other.content)):
            parts.append(made)
        else:
            parts.append(_encoded(one.number, _merged(inner, one.content, other.content, sizes)))
    return b"".join(parts)


class _Graph:
    """Constants of a graph that are computed from the number of samples."""

    def __init__(self, fields: list[_Field], sizes: tuple[int, int]) -> None:
        self._sizes = sizes
        nodes = [_texts(field.content) for field in fields if field.number == 1]
        reshaping = [inputs[1:2] for inputs, _, operator in nodes if operator == b"Reshape"]
        others = [inputs[: 1 if operator == b"Reshape" else None] for inputs, _, operator in nodes]
        self._shapes = {name for names in reshaping for name in names}
        self._shapes -= {name for names in others for name in names}
        values = (field.content for field in fields if field.number == 11)
        self._input = next((_texts(value)[0][0] for value in values), b"")

    def computed(self, a: memoryview, b: memoryview) -> bytes | None:
        """Nodes in place of a constant node that differs; None for one that is left to `_with_rest`."""
        _, outputs, operator = _texts(a)
        if operator != b"Constant":
            return None
        values = [_integers(_value(node)) for node in (a, b)]
        pairs = list(zip(values[0] or (), values[1] or (), strict=True))
        if not pairs:
            raise _refused(what="a constant", kind="graph")
        left = sum(one != other or one == -1 for one, other in pairs)
        if left == 1 and outputs[0] in self._shapes:
            return None
        times = [0 if one == other else _times(one, other, self._sizes) for one, other in pairs]
        fixed = [one if one == other else 0 for one, other in pairs]
        name = outputs[0]
        inner = [name + b"/" + word for word in (b"shape", b"place", b"samples", b"times", b"all")]
        shape, place, samples, factors, product = inner
        nodes = (
            _node(b"Shape", [self._input], shape),
            _constant(place, [0]),
            _node(b"Gather", [shape, place], samples),
            _constant(factors, times),
            _node(b"Mul", [samples, factors], product),
            _constant(name + b"/fixed", fixed),
            _node(b"Add", [product, name + b"/fixed"], name),
        )
        return b"".join(_encoded(1, node) for node in nodes)


def _same(a: memoryview, b: memoryview) -> bool:
    """Whether bytes are the same; views are compared one by one, which takes a hundred times as long."""
    return len(a) == len(b) and bytes(a) == bytes(b)


def _texts(message: memoryview) -> tuple[list[bytes], list[bytes], bytes]:
    """Inputs, outputs and operator of a node; the name of a value is its only input."""
    found: dict[int, list[bytes]] = {1: [], 2: [], 4: []}
    for field in _fields(message, "node"):
        if field.number in found:
            found[field.number].append(bytes(field.content))
    return found[1], found[2], b"".join(found[4])


def _value(node: memoryview) -> memoryview:
    """The tensor of a constant node."""
    for attribute in _fields(node, "node"):
        if attribute.number == 5:
            for field in _fields(attribute.content, "attribute"):
                if field.number == 5:
                    return field.content
    return memoryview(b"")


def _node(operator: bytes, inputs: list[bytes], output: bytes) -> bytes:
    names = b"".join(_encoded(1, name) for name in inputs)
    return names + _encoded(2, output) + _encoded(3, output) + _encoded(4, operator)


def _constant(output: bytes, values: list[int]) -> bytes:
    """A node that gives whole numbers `(N,)`."""
    tensor = _int64(values)
    attribute = _encoded(1, b"value") + _encoded(5, tensor) + _number(20 << 3) + _number(4)
    return _node(b"Constant", [], output) + _encoded(5, attribute)


def _int64(values: list[int], name: bytes = b"") -> bytes:
    head = _number(1 << 3) + _number(len(values)) + _number(2 << 3) + _number(_INT64)
    return head + name + _encoded(9, struct.pack(f"<{len(values)}q", *values))


def _with_rest(a: memoryview, b: memoryview, sizes: tuple[int, int]) -> bytes:
    """A shape, with -1 where it depends on the number of samples."""
    shapes = [_integers(message) for message in (a, b)]
    if shapes[0] is None or shapes[1] is None or len(shapes[0]) != len(shapes[1]):
        raise _refused(what="a constant", kind="graph")
    pairs = list(zip(*shapes, strict=True))
    merged = [one if one == other else -1 for one, other in pairs]
    for one, other in pairs:
        if one != other:
            _times(one, other, sizes)
    if merged.count(-1) > 1:
        raise _refused(what="two sizes", kind="shape")
    name = (field for field in _fields(a, "tensor") if field.number == 8)
    return _int64(merged, b"".join(_encoded(8, field.content) for field in name))


def _times(one: int, other: int, sizes: tuple[int, int]) -> int:
    """How often the number of samples is in a size."""
    if one % sizes[0] or one * sizes[1] != other * sizes[0]:
        raise _refused(what="a size that is not a multiple of the samples", kind="shape")
    return one // sizes[0]


def _integers(tensor: memoryview) -> list[int] | None:
    """Values of a tensor `(N,)` of int64; None for any other one."""
    fields = list(_fields(tensor, "tensor"))
    dims = sum(field.number == 1 for field in fields)
    kind = next((field.value for field in fields if field.number == 2), 0)
    if dims != 1 or kind != _INT64:
        return None
    values: list[int] = []
    for field in fields:
        if field.number == 9:
            values += struct.unpack(f"<{len(field.content) // 8}q", field.content)
        elif field.number == 7 and field.wire == _LENGTH:
            values += _varints(field.content)
        elif field.number == 7:
            values.append(field.value)
    return values


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
