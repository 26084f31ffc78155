"""Files of others: arrays and JSON are read whole, or refused by name before room is made for them."""

import io
import json
import os
import pickle
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from commands import run
from hypothesis import given, settings
from hypothesis import strategies as st
from properties import cases

from mindspore_hub import _foreign
from mindspore_hub.errors import CheckpointError, FeaturesError
from mindspore_hub.gallery import features
from mindspore_hub.hub.hub import Hub
from mindspore_hub.networks import golden

ARRAYS = {"vectors": np.arange(1, 4001, dtype=np.float32).reshape(1000, 4)}
TERABYTES = 16 * 2**40
METHODS = ("stored", "deflated", "bzip2", "lzma")


def npy(array: np.ndarray, version: tuple[int, int] | None = None) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, version=version)
    return stream.getvalue()


def with_header(header: str, values: int = 64) -> bytes:
    """An array that says what the header says, and holds so many bytes."""
    text = header.encode("latin-1")
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(text)) + text + bytes(values)


def packed(method: str = "stored", **members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", getattr(zipfile, f"ZIP_{method.upper()}")) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return stream.getvalue()


def plain(method: str = "stored") -> bytes:
    return packed(method, **{name: npy(array) for name, array in ARRAYS.items()})


def patched(content: bytes, offset: int, value: bytes, *, local: int | None = None) -> bytes:
    """With other bytes in the directory of the archive, and in the header before the member."""
    found = bytearray(content)
    begin = content.rindex(b"PK\1\2") + offset
    found[begin : begin + len(value)] = value
    if local is not None:
        found[local : local + len(value)] = value
    return bytes(found)


def spoilt(method: str) -> bytes:
    """With damaged bytes amid the values."""
    found = bytearray(plain(method))
    middle = len(found) // 3
    found[middle : middle + 40] = bytes(byte ^ 0xA5 for byte in found[middle : middle + 40])
    return bytes(found)


def twice() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("vectors.npy", npy(ARRAYS["vectors"]))
        archive.writestr("vectors", npy(ARRAYS["vectors"]))
    return stream.getvalue()


def long_header() -> bytes:
    """A header of 200 MB, of which nothing is left when it is packed."""
    return b"\x93NUMPY\x02\0" + struct.pack("<I", 200_000_000) + b" " * 200_000_000


SIZE = struct.pack("<I", 2**32 - 2)

DAMAGED: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "no archive": lambda: b"PK\3\4 and no more",
    "no directory": lambda: plain()[:900],
    **{f"spoilt {method}": lambda method=method: spoilt(method) for method in METHODS},
    "not npy": lambda: packed(vectors=b"vectors"),
    "empty member": lambda: packed(vectors=b""),
    "header that is cut off": lambda: packed(
        vectors=with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), ")
    ),
    "header that is not a dict": lambda: packed(vectors=with_header("[(((")),
    "header indented": lambda: packed(vectors=with_header("  if x:\n y\n\t z L")),
    "header of brackets": lambda: packed(vectors=with_header("(" * 5000)),
    "header of minuses": lambda: packed(vectors=with_header("-" * 9000 + "1")),
    "header with a name": lambda: packed(
        vectors=with_header("{'descr': f4, 'fortran_order': False, 'shape': (4,)}")
    ),
    "no dtype": lambda: packed(
        vectors=with_header("{'descr': '<q9,((', 'fortran_order': False, 'shape': (4,)}")
    ),
    "16 TiB in its header": lambda: packed(
        vectors=with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627776, 4)}")
    ),
    "16 TiB in its packed header": lambda: packed(
        "deflated",
        vectors=with_header("{'descr': '<f4', 'fortran_order': True, 'shape': (1099511627776, 4)}"),
    ),
    "more dimensions than there are": lambda: packed(
        vectors=with_header(f"{{'descr': '<f4', 'fortran_order': False, 'shape': {(2,) * 70}}}")
    ),
    "negative shape": lambda: packed(
        vectors=with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (-4, -4)}")
    ),
    "fewer values than said": lambda: packed(
        vectors=with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (17,)}")
    ),
    "more values than said": lambda: packed(
        vectors=with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (4, 2)}")
    ),
    "4 GiB in its directory": lambda: patched(plain(), 20, SIZE + SIZE, local=18),
    "4 GiB in its packed directory": lambda: patched(plain("deflated"), 24, SIZE, local=22),
    "encrypted": lambda: patched(plain(), 8, b"\1", local=6),
    "packed in an unknown way": lambda: patched(plain(), 10, b"\x63", local=8),
    "pickled": lambda: packed(
        vectors=with_header("{'descr': '|O', 'fortran_order': False, 'shape': ()}", 0)
        + pickle.dumps(print)
    ),
    "version 3": lambda: packed(vectors=npy(ARRAYS["vectors"], (3, 0))),
    "version 9": lambda: packed(vectors=npy(ARRAYS["vectors"]).replace(b"Y\1\0", b"Y\x09\0", 1)),
    "long header": lambda: packed("deflated", vectors=long_header()),
    "twice": twice,
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_damaged_arrays_are_refused_by_name_before_room_is_made(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "x.npz"
    file.write_bytes(DAMAGED[kind]())
    tracemalloc.start()
    try:
        with pytest.raises(FeaturesError, match=r"x\.npz cannot be read as features"):
            features.load(file)
        with pytest.raises(CheckpointError, match=r"x\.npz holds no golden outputs"):
            golden.read(file)
        assert tracemalloc.get_traced_memory()[1] < 16 * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("order", ["C", "F"])
def test_whole_arrays_are_read_however_they_are_packed(
    method: str, order: str, tmp_path: Path
) -> None:
    arrays = {
        "a": np.asarray(np.random.default_rng(0).standard_normal((300, 400)), order=order),
        "b": np.array(["ü", "bcd"]),
        "c": np.array('{"schema": 1}'),
        "d": np.zeros((0, 3), ">i2"),
    }
    file = tmp_path / "x.npz"
    file.write_bytes(packed(method, **{name: npy(array) for name, array in arrays.items()}))
    found = _foreign.read_arrays(file)
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


@settings(max_examples=cases(60), deadline=None)
@given(
    st.sampled_from(METHODS),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1),
    st.floats(0, 1),
)
def test_whatever_bytes_are_changed_or_cut_the_file_is_named(
    tmp_path_factory: pytest.TempPathFactory, method: str, changes: list, kept: float
) -> None:
    found = bytearray(packed(method, vectors=npy(np.eye(3)), arr_0=npy(np.eye(2))))
    for place, byte in changes:
        found[int(place * len(found))] = byte
    file = tmp_path_factory.mktemp("damaged") / "x.npz"
    file.write_bytes(found[: int(len(found) * kept) if kept < 0.3 else None])
    for read, error in ((features.load, FeaturesError), (golden.read, CheckpointError)):
        try:
            read(file)
        except error as caught:
            message = str(caught)
        else:
            continue
        assert str(file) in message


@pytest.mark.parametrize("kind", ["folder", "pipe", "device", "missing"])
def test_what_is_no_regular_file_is_refused_at_once(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    with pytest.raises(FeaturesError, match=r"x\.npz cannot be read as features"):
        features.load(str(path))
    with pytest.raises(CheckpointError, match=r"x\.npz holds no golden outputs"):
        golden.read(path)


@pytest.mark.parametrize(
    ("name", "words", "code"),
    [
        ("bundle.json", ["bundle", "verify", "."], 4),
        ("code.py", ["bundle", "verify", "."], 4),
        ("layout", ["cache", "ls"], 9),
        ("models/mvd.py", ["card", "check", ".", "--select", "H902"], 1),
    ],
    ids=["manifest", "bundle", "store", "network"],
)
def test_commands_wait_for_no_pipe(name: str, words: list[str], code: int, tmp_path: Path) -> None:
    card = Hub.of().resolve("MVD").path
    (tmp_path / "assets" / "mindspore" / "1.9").mkdir(parents=True)
    (tmp_path / "assets" / "mindspore" / "1.9" / card.name).write_bytes(card.read_bytes())
    (tmp_path / "models").mkdir()
    if name == "code.py":
        text = '{"uid": "x", "card": "code.py", "entry_point": "code.py", "checkpoint": "", '
        text += '"published": null, "made_with": {}, "files": {"code.py": ""}}'
        (tmp_path / "bundle.json").write_text(text, encoding="utf-8")
    os.mkfifo(tmp_path / name)
    done = run(*words, cwd=tmp_path, MSHUB_HOME=str(tmp_path))
    assert done.returncode == code
    assert name in done.stdout + done.stderr or name == "layout"


@pytest.mark.parametrize("command", ["match", "eval"])
def test_commands_refuse_damaged_files_in_a_line(command: str, tmp_path: Path) -> None:
    file = tmp_path / "x.npz"
    file.write_bytes(spoilt("lzma"))
    options = [str(file)] if command == "match" else ["--features", str(file), "--protocol=sop"]
    done = run(command, *options)
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert str(file) in line


def test_golden_outputs_are_numbers(tmp_path: Path) -> None:
    np.savez(tmp_path / "golden.npz", np.array(["a", "b"]))
    with pytest.raises(CheckpointError, match=r"golden\.npz holds outputs of the dtype <U1"):
        golden.read(tmp_path / "golden.npz")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "nested deeper than 64 levels"),
        ('{"a": ' * 900 + "1" + "}" * 900, "nested deeper than 64 levels"),
        ('{"a": ' + "[" * 64 + "]" * 64 + "}", "nested deeper than 64 levels"),
        ("[1]", "not a JSON object"),
        ("null", "not a JSON object"),
        ('{"a": NaN}', "NaN is not JSON"),
        ('{"a": -Infinity}', "-Infinity is not JSON"),
        ('{"a": 1' + "0" * 5000 + "}", "integer string conversion"),
        (b'{"a": "\xff"}', "utf-8"),
        ("", "Expecting value"),
    ],
)
def test_json_of_another_form_is_a_value_error(text: str | bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _foreign.read_object(text)


def test_json_as_deep_as_anybody_needs_is_read() -> None:
    found = {"a": [{"b": [[[1, "ü", None, True, 2.5]]]}] * 3}
    assert _foreign.read_object(json.dumps(found)) == found
    deep = '{"a": ' + "[" * 63 + "]" * 63 + "}"
    assert _foreign.read_object(deep.encode())


@pytest.mark.parametrize(
    "about", ["[" * 5000, "{", "3", '{"schema": 1e999}', '{"schema": [1]}', '{"x": NaN}', '"a"']
)
def test_about_of_features_is_a_json_object(about: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", vectors=np.eye(2), about=np.array(about))
    with pytest.raises(FeaturesError, match=r"x\.npz: the array 'about' must be a JSON object"):
        features.load(tmp_path / "x.npz")


def test_what_is_wrong_with_the_arrays_of_a_file_is_said_with_its_name(tmp_path: Path) -> None:
    file = tmp_path / "x.npz"
    np.savez(file, vectors=np.eye(2), color_scores=np.array([[1], [np.inf]]), paths=["a", "b.jpg"])
    with pytest.raises(FeaturesError) as error:
        features.load(file)
    assert str(error.value).startswith(f"{file}: 1 of 2 rows of color_scores are infinite")
    assert "at index 1, 'b.jpg'" in str(error.value)
