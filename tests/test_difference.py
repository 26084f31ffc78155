"""How two files differ: compared with what NumPy says about whole arrays."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import wire
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mindspore_hub.errors import CheckpointError
from mindspore_hub.tensors import difference, entry, read_index
from mindspore_hub.tensors.difference import Comparison, Named, Values

DTYPES = {
    "Bool": np.bool_,
    "Int8": np.int8,
    "Int64": np.int64,
    "UInt8": np.uint8,
    "UInt64": np.uint64,
    "Float16": np.float16,
    "Float32": np.float32,
    "Float64": np.float64,
}


def file_of(*values: bytes) -> Named:
    index = read_index(b"".join(values))
    return Named(index, {name: name for name in index.entries})


def value(name: str, array: np.ndarray) -> bytes:
    dtype = next(name for name, type_ in DTYPES.items() if array.dtype == type_)
    return wire.value(name, wire.tensor(array.tobytes(), array.shape, dtype=dtype))


def compare(left: np.ndarray, right: np.ndarray) -> Comparison:
    return difference.compare(file_of(value("a", left)), file_of(value("a", right)))


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of two or more elements, so that short arrays have many."""
    monkeypatch.setattr(entry, "BLOCK", 16)


@st.composite
def pairs(draw: Callable[..., Any]) -> tuple[np.ndarray, np.ndarray]:
    dtype = draw(st.sampled_from(list(DTYPES.values())))
    shape = draw(arrays.array_shapes(max_dims=2, max_side=9))
    left = draw(arrays.arrays(dtype, shape))
    right = left.copy()
    for place in draw(st.lists(st.integers(0, left.size - 1), max_size=4)):
        right.flat[place] = draw(arrays.from_dtype(np.dtype(dtype)))
    return left, right


def exactly(number: Any) -> Any:
    """A number that Python computes with as exactly as it goes."""
    return float(number) if isinstance(number, np.floating) else int(number)


@given(pairs())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@example((np.array([2**60], np.int64), np.array([2**60 + 1], np.int64)))
@example((np.array([-(2**63)], np.int64), np.array([2**63 - 1], np.int64)))
@example((np.array([math.inf, 1.0]), np.array([-math.inf, 1.0])))
@example((np.array([math.nan, math.nan, 0.0]), np.array([math.nan, 1.0, -0.0])))
def test_differences_are_those_of_the_elements(pair: tuple[np.ndarray, np.ndarray]) -> None:
    left, right = pair
    elements = [(exactly(a), exactly(b)) for a, b in zip(left.flat, right.flat, strict=True)]
    nan = math.isnan
    differing = [(a, b) for a, b in elements if a != b and not (nan(a) and nan(b))]
    numbers = [abs(a - b) for a, b in differing if not nan(a) and not nan(b)]
    result = compare(left, right)
    if not differing:
        assert not result
        assert result.equal == 1
        return
    (change,) = result.changes
    assert change.kind == "values"
    assert change.values == Values(
        elements=len(elements),
        differing=len(differing),
        nan=len(differing) - len(numbers),
        largest=max(numbers, default=0),
        scale=max((abs(a) for a, _ in elements if math.isfinite(a)), default=0),
    )


def test_bfloat16_is_compared_by_its_numbers() -> None:
    def held(*numbers: float) -> Named:
        bits = (np.array(numbers, np.float32).view(np.uint32) >> 16).astype(np.uint16)
        tensor = wire.tensor(bits.tobytes(), bits.shape, dtype="BFloat16")
        return file_of(wire.value("a", tensor))

    (change,) = difference.compare(held(1, -4, math.nan), held(1.5, -4, math.nan)).changes
    assert change.values == Values(elements=3, differing=1, nan=0, largest=0.5, scale=4)
    assert (change.values.relative, change.values.share) == (0.125, 1 / 3)


def test_a_difference_from_nothing_but_zeros_is_infinite_in_terms_of_them() -> None:
    (change,) = compare(np.zeros(2), np.ones(2)).changes
    assert change.values is not None
    assert change.values.relative == math.inf


def test_names_shapes_dtypes_and_texts_are_compared_before_values() -> None:
    def text(content: str) -> bytes:
        return wire.tensor(content.encode("utf-32-le"), (0,), dtype="str")

    ones = np.ones(4, np.float32)
    left = file_of(
        value("gone", ones),
        value("shape", ones),
        value("dtype", ones),
        value("same", ones),
        wire.value("note", text("a")),
        wire.value("title", text("t")),
    )
    right = file_of(
        wire.value("title", text("t")),
        wire.value("note", text("b")),
        value("same", ones),
        value("dtype", ones.astype(np.float16)),
        value("shape", ones.reshape(2, 2)),
        value("new", ones),
    )
    result = difference.compare(left, right)
    assert (result.only_left, result.only_right, result.equal) == (["gone"], ["new"], 2)
    assert {change.name: change.kind for change in result.changes} == {
        "shape": "shape",
        "dtype": "dtype",
        "note": "text",
    }
    (change,) = (change for change in result.changes if change.name == "shape")
    assert (str(change.left), str(change.right)) == ("float32 (4,)", "float32 (2, 2)")
    assert change.values is None


def test_a_tensor_in_pieces_that_cut_elements_is_compared_whole() -> None:
    data = np.arange(50, dtype=np.float64)
    raw = data.tobytes()
    pieces = [wire.value("a", wire.tensor(raw[i : i + 13], (50,), dtype="Float64"))
              for i in range(0, len(raw), 13)]  # fmt: skip
    assert not difference.compare(file_of(*pieces), file_of(value("a", data)))


def test_empty_tensors_are_equal() -> None:
    assert not compare(np.zeros((0, 3)), np.zeros((0, 3)))


def test_a_text_that_is_none_is_refused_by_the_reader_of_its_value() -> None:
    broken = wire.value("note", wire.tensor(b"\xff" * 4, (0,), dtype="str"))
    with pytest.raises(ValueError, match="is not a text"):
        difference.compare(file_of(broken), file_of(broken))


def test_values_of_a_type_that_is_only_listed_are_not_compared() -> None:
    def listed(dtype: str, size: int) -> Named:
        entry = {"dtype": dtype, "shape": [4], "data_offsets": [0, size]}
        index = read_index(wire.safetensors({"w": entry}, bytes(size)))
        return Named(index, {"w": "w"})

    for dtype, size in (("F8_E4M3", 4), ("F4", 2), ("C64", 32)):
        with pytest.raises(CheckpointError, match=f"entry w has the type {dtype} in both files"):
            difference.compare(listed(dtype, size), listed(dtype, size))
    (change,) = difference.compare(listed("F8_E4M3", 4), listed("F32", 16)).changes
    assert (change.kind, change.left.dtype, change.right.dtype) == ("dtype", "F8_E4M3", "float32")
