"""Writing files of tensors: what others read from them, and that nothing wrong is kept."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mindspore
import numpy as np
import pytest
import wire
from checkpoints import save
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from mindspore import Tensor
from safetensors.numpy import load_file

from mindspore_hub.errors import CheckpointError, StoreError
from mindspore_hub.networks.convert import convert_tensors
from mindspore_hub.networks.examine import examine
from mindspore_hub.tensors import write

ARRAYS = {
    "flags": np.array([True, False, True]),
    "int8": np.arange(-3, 4, dtype=np.int8),
    "int64": np.arange(-3, 3, dtype=np.int64).reshape(1, 2, 3),
    "uint16": np.arange(5, dtype=np.uint16),
    "half": np.linspace(-1, 1, 12, dtype=np.float16).reshape(3, 4),
    "single": np.linspace(-1, 1, 24, dtype=np.float32).reshape(2, 3, 2, 2),
    "double": np.linspace(-1, 1, 6),
    "scalar": np.array(2.5, np.float32),
    "层.权重": np.array([1.0], np.float32),
}
FORMATS = ("ckpt", "safetensors")


def contents(path: Path) -> dict[str, tuple[str, tuple[int, ...], bytes]]:
    index = examine(path).index
    return {
        name: (entry.dtype, entry.shape, index.array(name).tobytes())
        for name, entry in index.entries.items()
    }


def test_a_ckpt_is_byte_for_byte_what_mindspore_writes(tmp_path: Path) -> None:
    path = save(tmp_path / "a.ckpt", ARRAYS, append_dict={"note": "höher"})
    convert_tensors(examine(path), tmp_path / "b.ckpt", format="ckpt")
    assert (tmp_path / "b.ckpt").read_bytes() == path.read_bytes()


def test_a_large_tensor_is_sliced_as_mindspore_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mindspore.train.serialization.SLICE_SIZE", 1024)  # kilobytes
    monkeypatch.setattr(write, "_SLICE", 1 << 20)
    held = {"large": np.arange(700_000, dtype=np.float32), "small": np.ones(2)}
    path = save(tmp_path / "a.ckpt", held)
    convert_tensors(examine(path), tmp_path / "b.ckpt", format="ckpt")
    assert len(examine(path).index.entries["large"].chunks) == 3
    assert (tmp_path / "b.ckpt").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("target", FORMATS)
def test_a_file_that_is_there_is_not_written_over(target: str, tmp_path: Path) -> None:
    index = examine(save(tmp_path / "a.ckpt", ARRAYS)).index
    (tmp_path / "mine").write_bytes(b"precious")
    names = dict(zip(index.entries, index.entries, strict=True))
    with pytest.raises(FileExistsError):
        write.write_tensors(tmp_path / "mine", index, names=names, format=target)
    assert (tmp_path / "mine").read_bytes() == b"precious"


@pytest.mark.parametrize("target", FORMATS)
def test_mindspore_reads_what_was_written(target: str, tmp_path: Path) -> None:
    path = save(tmp_path / "a.ckpt", ARRAYS)
    written = tmp_path / f"b.{target}"
    convert_tensors(examine(path), written, format=target)
    found = mindspore.load_checkpoint(str(written), format=target)
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert found[name].asnumpy().dtype == array.dtype
        np.testing.assert_array_equal(found[name].asnumpy(), array)


def test_the_library_safetensors_reads_what_was_written(tmp_path: Path) -> None:
    path = save(tmp_path / "a.ckpt", ARRAYS)
    convert_tensors(examine(path), tmp_path / "b", format="safetensors")
    found = load_file(tmp_path / "b")
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(found[name], array)


def test_every_tensor_of_a_safetensors_file_begins_at_a_multiple_of_its_element(
    tmp_path: Path,
) -> None:
    held = {"a": np.ones(3, np.int8), "b": np.ones(1), "c": np.ones(1, np.float16)}
    convert_tensors(examine(save(tmp_path / "a.ckpt", held)), tmp_path / "b", format="safetensors")
    entries = examine(tmp_path / "b").index.entries
    assert all(entries[name].chunks[0][0] % held[name].itemsize == 0 for name in held)


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1),
        st.sampled_from(["<f4", "<f2", "<i8", "|u1", "|b1"]).flatmap(
            lambda dtype: arrays.arrays(
                dtype, arrays.array_shapes(min_dims=0, min_side=0, max_side=4)
            )
        ),
        max_size=5,
    ),
    st.sampled_from(FORMATS),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_what_goes_to_another_format_and_back_is_the_same(
    tmp_path: Path, held: dict[str, np.ndarray], first: str
) -> None:
    types = {"<f4": "Float32", "<f2": "Float16", "<i8": "Int64", "|u1": "UInt8", "|b1": "Bool"}
    path = tmp_path / "a.ckpt"
    held["last"] = np.ones(1, np.float32)
    path.write_bytes(
        b"".join(
            wire.value(
                name, wire.tensor(array.tobytes(), array.shape, dtype=types[array.dtype.str])
            )
            for name, array in held.items()
        )
    )
    convert_tensors(examine(path), tmp_path / "b", format=first)
    convert_tensors(examine(tmp_path / "b"), tmp_path / "c", format="ckpt")
    assert contents(tmp_path / "c") == contents(path)


def test_bfloat16_keeps_its_bits(tmp_path: Path) -> None:
    path = save(tmp_path / "a.ckpt", {"a": Tensor([1.0, -2.5], mindspore.bfloat16)})
    convert_tensors(examine(path), tmp_path / "b", format="safetensors")
    assert contents(tmp_path / "b") == contents(path)
    text = (tmp_path / "b").read_bytes()
    header = json.loads(text[8 : 8 + int.from_bytes(text[:8], "little")])
    assert header["a"]["dtype"] == "BF16"
    assert header["__metadata__"] == {"format": "ms"}


def test_chosen_tensors_are_written_under_chosen_names(tmp_path: Path) -> None:
    path = save(tmp_path / "a.ckpt", ARRAYS)
    done = convert_tensors(
        examine(path), tmp_path / "b", format="ckpt", names={"x": "half", "y": "scalar"}
    )
    assert done.tensors == 2
    assert done.size == (tmp_path / "b").stat().st_size
    before = contents(path)
    assert contents(tmp_path / "b") == {"x": before["half"], "y": before["scalar"]}


def test_what_safetensors_cannot_hold_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    text = save(tmp_path / "a.ckpt", {"a": np.ones(1)}, append_dict={"note": "x"})
    with pytest.raises(CheckpointError, match="its entry note is a text"):
        convert_tensors(examine(text), tmp_path / "out" / "b", format="safetensors")
    named = save(tmp_path / "c.ckpt", {"__metadata__": np.ones(1)})
    with pytest.raises(CheckpointError, match="is called __metadata__"):
        convert_tensors(examine(named), tmp_path / "out" / "b", format="safetensors")
    assert list((tmp_path / "out").iterdir()) == []


def wrong_byte(file: Any) -> None:
    file.seek(-1, 2)
    file.write(b"\x77")


def other_name(file: Any) -> None:
    file.seek(0)
    raw = file.read().replace(b"weight", b"weighs")
    file.seek(0)
    file.write(raw)


def other_shape(file: Any) -> None:
    file.seek(0)
    file.write(wire.value("weight", wire.tensor(bytes(8), (2, 1))))
    file.truncate()


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (wrong_byte, "the values of weight differ"),
        (other_name, "it has other entries"),
        (other_shape, r"weight is float32 \(2, 1\)"),
    ],
)
def test_a_file_that_holds_something_else_than_asked_for_is_not_kept(
    damage: Callable[..., None], problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that lies is stood for by a writer that does."""
    honest = write._write_ckpt

    def dishonest(file: Any, source: Any, entries: Any) -> None:
        honest(file, source, entries)
        file.flush()
        with Path(file.name).open("r+b") as again:
            damage(again)

    monkeypatch.setattr(write, "_write_ckpt", dishonest)
    path = save(tmp_path / "a.ckpt", {"weight": np.zeros(2, np.float32)})
    goal = tmp_path / "out" / "b.ckpt"
    goal.parent.mkdir()
    goal.write_bytes(b"earlier")
    with pytest.raises(StoreError, match=problem):
        convert_tensors(examine(path), goal, format="ckpt")
    assert goal.read_bytes() == b"earlier"
    assert list(goal.parent.iterdir()) == [goal]
