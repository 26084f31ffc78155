"""Two ONNX graphs for two numbers of samples become one for any, or are refused."""

import struct

import pytest

from mindspore_hub.errors import ExportError
from mindspore_hub.runtimes.any_batch import any_batch


def message(number: int, content: bytes | str) -> bytes:
    """A field with a length."""
    raw = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def varint(value: int) -> bytes:
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def value_info(name: str, *dims: int) -> bytes:
    shape = b"".join(message(1, number(1, size)) for size in dims)
    return message(1, name) + message(2, message(1, number(1, 1) + message(2, shape)))


def tensor(name: str, values: list[int], *, packed: bool = False, kind: int = 7) -> bytes:
    head = number(1, len(values)) + number(2, kind)
    if packed:
        return head + message(7, b"".join(map(varint, values))) + message(8, name)
    return head + message(8, name) + message(9, struct.pack(f"<{len(values)}q", *values))


def reshape(shape: bytes, *, inputs: tuple[str, ...] = ("x", "s"), name: str = "n") -> bytes:
    parts = [*(message(1, each) for each in inputs), message(2, "y"), message(3, name)]
    node = b"".join([*parts, message(4, "Reshape")])
    graph = [message(1, node), message(5, shape)]
    return b"".join(graph)


def model(batch: int, shape: bytes, *, name: str = "n", between: bool = False) -> bytes:
    graph = reshape(shape, name=name)
    graph += message(11, value_info("x", batch, 3, 4)) + message(12, value_info("y", batch, 12))
    if between:
        graph += message(13, value_info("z", batch, 6))
    return number(1, 6) + message(7, graph)


def expected(shape: list[int]) -> bytes:
    """What `model` is for any number: dimensions with a name, and this shape."""
    symbolic = message(1, message(2, "batch"))

    def info(name: str, *dims: int) -> bytes:
        sizes = symbolic + b"".join(message(1, number(1, size)) for size in dims)
        return message(1, name) + message(2, message(1, number(1, 1) + message(2, sizes)))

    graph = reshape(tensor("s", shape))
    graph = graph.replace(struct.pack("<q", -1), b"\xff" * 8)
    return number(1, 6) + message(
        7, graph + message(11, info("x", 3, 4)) + message(12, info("y", 12))
    )


@pytest.mark.parametrize("packed", [False, True])
def test_what_depends_on_the_samples_becomes_a_dimension(packed: bool) -> None:
    both = [model(size, tensor("s", [size, 12], packed=packed), between=True) for size in (2, 5)]
    assert any_batch(both[0], both[1], (2, 5)) == expected([-1, 12])


def test_a_multiple_of_the_samples_is_what_is_left() -> None:
    both = [model(size, tensor("s", [size * 49, 3])) for size in (2, 5)]
    assert any_batch(both[0], both[1], (2, 5)) == expected([-1, 3])


def test_names_with_counters_are_those_of_the_first_file() -> None:
    first, second = (model(size, tensor("s", [size, 12]), name=f"n{size}") for size in (2, 5))
    merged = any_batch(first, second, (2, 5))
    assert b"n2" in merged
    assert b"n5" not in merged


@pytest.mark.parametrize(
    ("shapes", "said"),
    [
        (([2, 2], [5, 5]), "two sizes"),
        (([3, 12], [6, 12]), "not a multiple of the samples"),
        (([2, 12], [5, 12, 1]), "a constant"),
    ],
)
def test_what_no_dimension_can_stand_for_is_refused(
    shapes: tuple[list[int], list[int]], said: str
) -> None:
    first, second = (
        model(size, tensor("s", shape)) for size, shape in zip((2, 5), shapes, strict=True)
    )
    with pytest.raises(ExportError) as raised:
        any_batch(first, second, (2, 5))
    assert said in str(raised.value)
    assert "--batch-size N" in str(raised.value)


def test_values_that_depend_on_the_samples_are_refused() -> None:
    first, second = (model(size, tensor("s", [size, 12], kind=1)) for size in (2, 5))
    with pytest.raises(ExportError, match="a constant"):
        any_batch(first, second, (2, 5))


def test_another_graph_is_refused() -> None:
    first = model(2, tensor("s", [2, 12]))
    second = model(5, tensor("s", [5, 12])) + message(7, b"")
    with pytest.raises(ExportError, match="other fields of a model"):
        any_batch(first, second, (2, 5))
