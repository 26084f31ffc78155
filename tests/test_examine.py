"""Facts of a file of tensors: what it holds, what training left, which tensors are the same."""

import subprocess
import sys
import tracemalloc
from contextlib import suppress
from pathlib import Path

import checkpoints
import numpy as np
import pytest
import wire
from checkpoints import save
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mindspore_hub.errors import CheckpointError
from mindspore_hub.networks.examine import Duplicate, Total, examine, published_prefixes

ARRAYS = {
    "network.conv.weight": np.arange(12, dtype=np.float32).reshape(3, 4),
    "network.conv.bias": np.zeros(3, np.float32),
    "net.half": np.ones(5, np.float16),
    "moments.network.conv.weight": np.zeros((3, 4), np.float32),
    "global_step": np.array(7, np.int32),
}

PROGRAM = """
import sys
from pathlib import Path
from mindspore_hub.tensors.difference import Named, compare
from mindspore_hub.networks.examine import examine
from mindspore_hub.networks.convert import convert_tensors

facts = examine(Path(sys.argv[1]))
facts.duplicates()
convert_tensors(facts, Path(sys.argv[2]), format="safetensors")
named = Named(facts.index, {name: name for name in facts.index.entries})
assert not compare(named, named)
assert not any(name.partition(".")[0] == "mindspore" for name in sys.modules), "MindSpore"
"""


def test_the_facts_of_a_file_are_told_by_its_index(tmp_path: Path) -> None:
    path = save(tmp_path / "a.ckpt", ARRAYS, append_dict={"note": "höher"})
    facts = examine(path)
    assert (facts.path, facts.format, facts.size) == (path, "ckpt", path.stat().st_size)
    assert {item.name: (item.dtype, item.shape, item.role) for item in facts.tensors} == {
        "network.conv.weight": ("float32", (3, 4), "parameter"),
        "network.conv.bias": ("float32", (3,), "parameter"),
        "net.half": ("float16", (5,), "parameter"),
        "moments.network.conv.weight": ("float32", (3, 4), "optimizer"),
        "global_step": ("int32", (), "optimizer"),
        "note": ("str", (), "text"),
    }
    assert facts.dtypes() == {
        "float32": Total(3, 27, 108),
        "float16": Total(1, 5, 10),
        "int32": Total(1, 1, 4),
    }
    assert facts.prefixes == {"network.": 2, "net.": 1}
    assert facts.texts == {"note": "höher"}
    assert [item.name for item in facts.of_role("optimizer")] == [
        "moments.network.conv.weight",
        "global_step",
    ]


def test_prefixes_are_those_that_the_networks_state() -> None:
    stated = checkpoints.network_class("MVD").checkpoint.prefixes
    assert set(published_prefixes()) == set(stated)
    assert list(published_prefixes()) == sorted(stated, key=len, reverse=True)


def test_tensors_with_the_same_bytes_are_found_whatever_they_are_called(tmp_path: Path) -> None:
    large = np.arange(600_000, dtype=np.float32)
    late = large.copy()
    late[-1] += 1
    held = {
        "a": large,
        "late": late,
        "b": large,
        "shape": large.reshape(2, -1),
        "dtype": large.view(np.int32),
        "zeros": np.zeros(9, np.float32),
        "more.zeros": np.zeros(9, np.float32),
        "one": np.array([2.5], np.float32),
        "another": np.array([2.5], np.float32),
    }
    for path in (tmp_path / "a.ckpt", tmp_path / "a.safetensors"):
        save(path, held, format=path.suffix[1:])
        found = {(frozenset(item.names), item.constant) for item in examine(path).duplicates()}
        assert found == {
            (frozenset({"a", "b"}), False),
            (frozenset({"zeros", "more.zeros"}), True),
        }


def test_tensors_in_several_pieces_are_the_same_as_in_one(tmp_path: Path) -> None:
    data = np.arange(100, dtype=np.float32).tobytes()
    path = tmp_path / "a.ckpt"
    pieces = (data[:10], data[10:13], data[13:])
    path.write_bytes(
        b"".join(wire.value("pieces", wire.tensor(piece, (100,))) for piece in pieces)
        + wire.value("whole", wire.tensor(data, (100,)))
    )
    assert examine(path).duplicates() == (Duplicate(("pieces", "whole"), constant=False),)


@given(st.lists(st.lists(st.integers(0, 1), min_size=1, max_size=3), max_size=8))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_duplicates_are_those_of_a_comparison_of_all_with_all(
    tmp_path: Path, lists: list[list[int]]
) -> None:
    path = tmp_path / "a.ckpt"
    path.write_bytes(
        b"".join(
            wire.value(f"t{index}", wire.tensor(bytes(item), (len(item),), dtype="Int8"))
            for index, item in enumerate(lists)
        )
        or wire.value("only", wire.tensor(b"", (0,), dtype="Int8"))
    )
    expected = {
        frozenset(f"t{index}" for index, other in enumerate(lists) if other == item)
        for item in lists
        if len(item) > 1 and lists.count(item) > 1
    }
    found = examine(path).duplicates()
    assert {frozenset(item.names) for item in found} == expected
    for item in found:
        values = lists[int(item.names[0][1:])]
        assert item.constant == (len(set(values)) == 1)


def test_looking_for_duplicates_takes_little_memory_however_large_they_are(tmp_path: Path) -> None:
    size = 64 << 20
    path = tmp_path / "large.safetensors"
    declared = {
        name: {"dtype": "U8", "shape": [size], "data_offsets": [size * index, size * (index + 1)]}
        for index, name in enumerate("ab")
    }
    head = wire.safetensors(declared)
    with path.open("wb") as file:
        file.write(head)
        file.truncate(len(head) + 2 * size)
    facts = examine(path)
    tracemalloc.start()
    try:
        assert facts.duplicates() == (Duplicate(("a", "b"), constant=True),)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("format", ["ckpt", "safetensors"])
def test_a_file_that_ends_early_is_refused_with_its_path(format: str, tmp_path: Path) -> None:
    whole = save(tmp_path / f"whole.{format}", ARRAYS, format=format).read_bytes()
    path = tmp_path / "cut"
    boundaries = {0} if format == "safetensors" else set(_ends_of_values(whole))
    for length in range(len(whole)):
        if length in boundaries - {0}:
            continue  # a ckpt has no end mark: what ends between two tensors is a shorter file
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match=f"^{path}: "):
            examine(path)


def _ends_of_values(whole: bytes) -> list[int]:
    place, ends = 0, [0]
    while place < len(whole):
        length, shift, place = 0, 0, place + 1
        while True:
            byte = whole[place]
            length |= (byte & 0x7F) << shift
            shift, place = shift + 7, place + 1
            if byte < 0x80:
                break
        place += length
        ends.append(place)
    return ends


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_damaged_file_is_read_or_refused_and_nothing_else(
    tmp_path: Path, data: st.DataObject
) -> None:
    whole = bytearray(
        wire.value("a.b", wire.tensor(bytes(8), (2,)))
        + wire.value("note", wire.tensor("hi".encode("utf-32-le"), (0,), dtype="str"))
    )
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged"
    path.write_bytes(whole)
    with suppress(CheckpointError):
        examine(path).duplicates()


def test_files_are_examined_compared_and_converted_without_mindspore(tmp_path: Path) -> None:
    path = save(tmp_path / "a.ckpt", ARRAYS)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path), str(tmp_path / "b.safetensors")],
        cwd=checkpoints.ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
