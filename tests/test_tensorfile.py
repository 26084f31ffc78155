"""Reading files of tensors: what MindSpore and safetensors write, and what nobody should."""

import gc
import gzip
import io
import lzma
import os
import pickle
import platform
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mindspore
import numpy as np
import pytest
import wire
from checkpoints import save
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from mindspore import Tensor
from mindspore.train.checkpoint_pb2 import Checkpoint
from safetensors.numpy import load_file, save_file

from mindspore_hub.errors import CheckpointError
from mindspore_hub.tensors import TensorFile, map_file, read_index
from mindspore_hub.tensors.buffer import Pages

ARRAYS = {
    "flags": np.array([True, False, True]),
    "int8": np.arange(-3, 4, dtype=np.int8),
    "int16": np.arange(-3, 4, dtype=np.int16).reshape(7, 1),
    "int32": np.arange(-3, 3, dtype=np.int32).reshape(2, 3),
    "int64": np.arange(-3, 3, dtype=np.int64).reshape(1, 2, 3),
    "uint8": np.arange(5, dtype=np.uint8),
    "uint16": np.arange(5, dtype=np.uint16),
    "uint32": np.arange(5, dtype=np.uint32),
    "uint64": np.arange(5, dtype=np.uint64),
    "half": np.linspace(-1, 1, 12, dtype=np.float16).reshape(3, 4),
    "single": np.linspace(-1, 1, 24, dtype=np.float32).reshape(2, 3, 2, 2),
    "double": np.linspace(-1, 1, 6),
    "scalar": np.array(2.5, np.float32),
    "count": np.array(7, np.int32),
    "one": np.array([1.5], np.float32),
    "层.权重": np.array([1.0], np.float32),
}


def open_file(path: Path) -> TensorFile:
    with path.open("rb") as file:
        return read_index(map_file(file))


def assert_equal(index: TensorFile, expected: dict[str, np.ndarray]) -> None:
    assert index.entries.keys() == expected.keys()
    for name, array in expected.items():
        entry = index.entries[name]
        assert (entry.dtype, entry.shape) == (str(array.dtype), array.shape), name
        assert entry.nbytes == array.nbytes
        assert index.array(name).dtype == array.dtype
        np.testing.assert_array_equal(index.array(name), array)


@pytest.mark.parametrize("checksum", [False, True])
def test_what_mindspore_saves_is_read(checksum: bool, tmp_path: Path) -> None:
    path = save(tmp_path / "file.ckpt", ARRAYS, crc_check=checksum)
    assert_equal(open_file(path), ARRAYS)


@pytest.mark.parametrize("checksum", [False, True])
def test_what_mindspore_saves_as_safetensors_is_read(checksum: bool, tmp_path: Path) -> None:
    options = {"format": "safetensors", "crc_check": checksum}
    path = save(tmp_path / "file.safetensors", ARRAYS, **options)
    assert open_file(path).format == "safetensors"
    assert_equal(open_file(path), ARRAYS)


def test_safetensors_of_other_programs_are_read(tmp_path: Path) -> None:
    arrays = {**ARRAYS, "none": np.zeros((0, 3), np.float32), "nothing": np.zeros(0, np.int8)}
    save_file(arrays, tmp_path / "file", metadata={"format": "pt", "note": '{"a": 1}'})
    assert_equal(open_file(tmp_path / "file"), load_file(tmp_path / "file"))


@pytest.mark.parametrize("format", ["ckpt", "safetensors"])
def test_bfloat16_comes_as_its_bits(format: str, tmp_path: Path) -> None:
    values = Tensor([[1.0, -2.5], [3e38, 0.0]], mindspore.bfloat16)
    path = save(tmp_path / f"file.{format}", {"weight": values}, format=format)
    index = open_file(path)
    assert (index.entries["weight"].dtype, index.entries["weight"].shape) == ("bfloat16", (2, 2))
    bits = index.array("weight").astype(np.uint32) << 16
    np.testing.assert_array_equal(bits.view(np.float32), values.float().asnumpy())


@pytest.mark.parametrize("rows", [300, 1000, 1001])
def test_a_tensor_in_several_slices_is_joined(
    rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mindspore.train.serialization.SLICE_SIZE", 1)  # kilobyte
    arrays = {
        "before": np.ones(3, np.float32),
        "large": np.arange(rows * 7, dtype=np.float32).reshape(rows, 7),
        "after": np.array(3, np.int64),
    }
    index = open_file(save(tmp_path / "file.ckpt", arrays))
    assert len(index.entries["large"].chunks) == -(-rows * 28 // 1024)
    assert_equal(index, arrays)


def test_what_was_appended_to_a_file_is_read(tmp_path: Path) -> None:
    extra = {"epoch": 3, "rate": 0.5, "on": True, "note": "höher", "table": Tensor([1, 2])}
    index = open_file(save(tmp_path / "file.ckpt", {"a": Tensor([1.0])}, append_dict=extra))
    assert index.array("epoch") == 3
    assert index.array("rate") == 0.5
    assert index.array("on")
    assert (index.entries["note"].dtype, index.entries["note"].shape) == ("str", ())
    assert str(index.array("note")) == "höher"
    assert index.array("table").tolist() == [1, 2]


def test_a_scalar_of_old_files_has_the_one_size_zero() -> None:
    index = read_index(wire.value("step", wire.tensor(b"\x05\0\0\0", (0,), dtype="Int32")))
    assert index.entries["step"].shape == ()
    assert index.array("step") == 5


def test_sizes_may_be_packed() -> None:
    sizes = wire.block(1, wire.varint(2) + wire.varint(300))
    fields = wire.block(2, sizes + wire.block(2, b"Int8") + wire.block(3, bytes(600)))
    assert read_index(wire.value("a", fields)).entries["a"].shape == (2, 300)


def test_the_longest_name_and_the_most_axes_are_read() -> None:
    name = "a" * 4096
    index = read_index(wire.value(name, wire.tensor(bytes(4), (1,) * 32)))
    assert index.entries[name].shape == (1,) * 32


def test_a_tensor_of_one_empty_axis_is_no_scalar() -> None:
    assert read_index(wire.value("a", wire.tensor(b"", (0,)))).array("a").shape == (0,)


@pytest.mark.parametrize("mode", ["AES-GCM", "AES-CBC", "SM4-CBC"])
def test_an_encrypted_file_is_recognised(mode: str, tmp_path: Path) -> None:
    path = save(tmp_path / "file.ckpt", ARRAYS, enc_key=b"0123456789abcdef", enc_mode=mode)
    with pytest.raises(CheckpointError, match="is encrypted; save it again"):
        open_file(path)


def test_a_map_parameter_is_named() -> None:
    message = Checkpoint()
    message.value.add(tag="first").tensor.MergeFromString(wire.tensor(b"\0\0\0\0")[2:])
    message.value.add(tag="table").maptensor.tensor.add(tensor_type="int32", tensor_content=b"")
    with pytest.raises(CheckpointError, match="entry table at byte 26 is a MapParameter"):
        read_index(message.SerializeToString())


def test_views_are_written_to_without_changing_the_file(tmp_path: Path) -> None:
    path = save(tmp_path / "file.ckpt", ARRAYS)
    path.chmod(0o444)
    before = path.read_bytes()
    index = open_file(path)
    for name in index.entries:
        array = index.array(name)
        assert np.shares_memory(array, np.frombuffer(index.buffer, np.uint8)), name
        array[...] = 1
        assert (index.array(name) == 1).all()
    assert path.read_bytes() == before


def test_views_outlive_file_map_and_index(tmp_path: Path) -> None:
    path = save(tmp_path / "file.ckpt", ARRAYS)
    array = open_file(path).array("single")
    path.unlink()
    gc.collect()
    np.testing.assert_array_equal(array, ARRAYS["single"])


def test_a_tensor_at_an_odd_address_is_copied_where_the_processor_needs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def copied(name: str) -> bool:
        index = read_index(bytearray(wire.value(name, wire.tensor(bytes(40), (10,)))))
        assert (index.array(name) == 0).all()
        return not np.shares_memory(index.array(name), np.frombuffer(index.buffer, np.uint8))

    names = ["a" * length for length in range(1, 9)]
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    assert not any(map(copied, names))
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    assert sum(map(copied, names)) == 6, "two of eight addresses are multiples of four"


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read from /proc")
def test_reading_an_index_touches_no_data(tmp_path: Path) -> None:
    path = tmp_path / "file"
    size = 3 * 2**30  # of zeros that lie on no disk
    last = wire.value("last", wire.tensor(b"\0\0\x80\x3f"))
    types = wire.block(2, b"Int8")
    tensor = wire.number(1, size) + types + b"\x1a" + wire.varint(size)
    inner = b"\x12" + wire.varint(len(tensor) + size) + tensor
    head = wire.block(1, b"first")
    start = b"\x0a" + wire.varint(len(head) + len(inner) + size) + head + inner
    with path.open("wb") as file:
        file.write(start)
        file.seek(size, 1)
        file.write(last)
    program = (
        "import re, sys; from pathlib import Path\n"
        "from mindspore_hub.tensors import *\n"
        "index = read_index(map_file(Path(sys.argv[1]).open('rb')))\n"
        "print(index.entries['first'].nbytes, index.array('last'), index.array('first')[-1])\n"
        "assert 'mindspore' not in sys.modules\n"
        "status = Path('/proc/self/status').read_text()\n"
        "peak = int(re.search(r'VmHWM:\\s+(\\d+) kB', status)[1])\n"
        "assert peak < 200_000, peak\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, path], capture_output=True, text=True, check=False
    )
    assert (done.stderr, done.stdout) == ("", f"{size} 1.0 0\n")


GOOD = wire.value("a", wire.tensor(b"abcd", (1,)))
HOSTILE = {
    "an empty file": (b"", "empty"),
    "a web page": (b"<html>", "it is not a MindSpore checkpoint, but a web page"),
    "zeros": (bytes(100), "field 0 is not in its schema at byte 0"),
    "a zip file": (b"PK\x03\x04" + bytes(40), r"but an archive \(zip\)"),
    "a length past the end": (GOOD[:-1], "22 bytes where 21 are left at byte 0"),
    "a length of 2**63": (b"\n" + wire.varint(2**63) + GOOD, "9223372036854775808 bytes where"),
    "a length of 80 bits": (b"\n" + b"\xff" * 11, "no number of 64 bits at byte 1"),
    "a length of 70 bits": (b"\n" + b"\xff" * 9 + b"\x7f", "no number of 64 bits at byte 1"),
    "half a number": (GOOD + b"\n\x80", "no number of 64 bits at byte 25"),
    "groups": (b"\x0b" * 100_000, "wire type 3 at byte 0"),
    "nesting": (wire.block(1, wire.block(2, b"\n\x02" * 50)), "an entry without a name"),
    "a number for a value": (wire.number(1, 5), "field 1 is not in its schema"),
    "another field": (GOOD + wire.block(7, b"x"), "field 7 is not in its schema at byte 24"),
    "another field of a value": (
        wire.value("a", wire.tensor(b""), wire.block(9, b"")),
        "field 9 is not in its schema at byte",
    ),
    "no name": (wire.block(1, wire.tensor(b"")), "an entry without a name at byte 0"),
    "an empty name": (wire.value("", wire.tensor(b"")), "name of its entry at byte 0"),
    "an endless name": (wire.value("a" * 5000, wire.tensor(b"")), "name of its entry at byte 0"),
    "a name that is not a text": (
        wire.block(1, wire.block(1, b"\xff") + wire.tensor(b"")),
        "name of its entry at byte 0 is not a readable text",
    ),
    "a name that moves the cursor": (
        wire.value("\x1b[2J", wire.tensor(b"")),
        "name of its entry at byte 0 is not a readable text",
    ),
    "two names": (wire.block(1, wire.block(1, b"a") * 2), "a name twice at byte 5"),
    "two tensors": (wire.value("a", *[wire.tensor(b"abcd")] * 2), "a tensor twice at byte"),
    "no tensor": (wire.value("a"), "a is not a tensor at byte 0"),
    "no data": (wire.value("a", wire.block(2, wire.block(2, b"Int8"))), "lacks its type or its"),
    "an unknown type": (
        wire.value("a", wire.tensor(b"abcd", (1,), dtype="Float33")),
        "entry a at byte 9 has the type 'Float33', which is not read here; known are Bool,",
    ),
    "half bytes": (wire.value("a", wire.tensor(b"a", (2,), dtype="Int4")), "type 'Int4'"),
    "a negative size": (
        wire.value("a", wire.tensor(b"abcd", (-1,))),
        r"entry a at byte 5 has the shape \(-1,\), with a negative size",
    ),
    "two negative sizes": (
        wire.value("a", wire.tensor(b"abcd", (-1, -1))),
        r"has the shape \(-1, -1\), with a negative size",
    ),
    "a huge size": (
        wire.value("a", wire.tensor(b"", (2**62, 2**62))),
        f"holds 0 bytes, but .* takes {2**126}",
    ),
    "a huge size of nothing": (
        wire.value("a", wire.tensor(b"", (0, 2**62))),
        "which no array can have",
    ),
    "sizes that overflow": (
        wire.value("a", wire.tensor(b"", (2**31, 2**31))),  # 0 bytes, if counted in 64 bits
        f"holds 0 bytes, but .* takes {2**64}",
    ),
    "too many sizes": (wire.value("a", wire.tensor(b"abcd", (1,) * 33)), "more than 32 axes"),
    "too many packed sizes": (
        wire.value("a", wire.block(2, wire.block(1, b"\1" * 1_000_000))),
        "more than 32 axes",
    ),
    "data that are too short": (
        wire.value("a", wire.tensor(b"abc", (1,))),
        r"entry a at byte 5 holds 3 bytes, but float32 \(1,\) takes 4",
    ),
    "the same entry twice": (GOOD * 2, r"holds 8 bytes in 2 pieces, but float32 \(1,\) takes 4"),
    "the same entry twice apart": (
        GOOD + wire.value("b", wire.tensor(b"abcd")) + GOOD,
        "entry a at byte 51 is there already",
    ),
    "the same empty entry twice": (
        wire.value("a", wire.tensor(b"", (0, 3))) * 2,
        "lies in several pieces, of which one is empty",
    ),
    "pieces of two shapes": (
        GOOD + wire.value("a", wire.tensor(b"abcd", (2,))),
        r"entry a at byte 5 goes on at byte 29 as float32 \(2,\) instead of float32 \(1,\)",
    ),
    "half a character": (
        wire.value("a", wire.tensor(b"a\0\0", (0,), dtype="str")),
        "is a text, but not one of whole characters",
    ),
    "a text with a size": (
        wire.value("a", wire.tensor(b"a\0\0\0", (1,), dtype="str")),
        "is a text, but not one of whole characters in one piece",
    ),
    "a text in two pieces": (
        wire.value("a", wire.tensor(b"a\0\0\0", (0,), dtype="str")) * 2,
        "is a text, but not one of whole characters in one piece",
    ),
    "a number for a name": (
        wire.block(1, wire.number(1, 5) + wire.tensor(b"abcd", (1,))),
        "field 1 is not in its schema at byte 2",
    ),
    "a number for a type": (
        wire.value("a", wire.block(2, wire.number(2, 5) + wire.block(3, b""))),
        "field 2 is not in its schema at byte 7",
    ),
    "a type without end": (
        wire.value("a", wire.tensor(b"", dtype="x" * 1000)),
        "has the type 'x{32}', which is not read here",
    ),
    "a brace behind a length past the end": (
        b"\xff" * 8 + b"{",
        "not a MindSpore checkpoint, or a damaged one: wire type 7 at byte 0",
    ),
    "no checksum": (GOOD + b"crc_num" + bytes(9), "wire type 3 at byte 24"),
}
"""Files, and what is said of each."""


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_checkpoint_is_refused_by_place(name: str, tmp_path: Path) -> None:
    content, message = HOSTILE[name]
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(CheckpointError, match=message):
        open_file(tmp_path / "file")


def zipped(name: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(name, b"x" * 100)
    return content.getvalue()


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 12\n"
OTHERS = {
    "a pointer": (LFS, "a git-lfs pointer: run `git lfs pull`"),
    "a pointer after a mark": (b"\xef\xbb\xbf" + LFS, "a git-lfs pointer: run `git lfs pull`"),
    **{
        kind: (beginning + bytes(100), "a picture")
        for kind, beginning in {
            "GIF": b"GIF89a",
            "BMP": b"BM\x36\1\0\0\0\0\0\0",
            "TIFF": b"II*\0",
            "WebP": b"RIFF\x24\0\0\0WEBPVP8 ",
        }.items()
    },
    "a page": (b"\xef\xbb\xbf\n <!DOCTYPE HTML>\n<HTML>" + b" " * 9000, "a web page"),
    "a page without a type": (b"<HTML lang=de><p>404</p>", "a web page"),
    "an error of a server": (b'<?xml version="1.0"?><Error><Code>No</Code></Error>', "an XML text"),
    "another error": (b"<Error>AccessDenied</Error>", "an XML text"),
    "a PyTorch file": (zipped("archive/data.pkl"), "a PyTorch file"),
    "an old PyTorch file": (
        b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19." + bytes(9),
        "a PyTorch file",
    ),
    "a pickle": (pickle.dumps({"a": 1}), "a Python pickle"),
    "features": (zipped("vectors.npy"), "an npz file of NumPy"),
    "another archive": (zipped("a.txt"), r"an archive \(zip\)"),
    "gzip": (gzip.compress(bytes(100)), r"an archive \(gzip\)"),
    "xz": (lzma.compress(bytes(100)), r"an archive \(xz\)"),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(100), "an HDF5 file"),
    "GGUF": (b"GGUF\3\0\0\0" + bytes(100), "a GGUF file"),
    "shards": (
        b'{"metadata": {"total_size": 1}, "weight_map": {"a": "b"}}',
        "the index of a checkpoint",
    ),
    "JSON": (b'{"model_type": "x"}', "a JSON text"),
    "words": ("Zugriff verweigert für alle\n".encode(), "a text that begins 'Zugriff verw"),
}


@pytest.mark.parametrize("name", ["file.ckpt", "file.safetensors", "file"])
@pytest.mark.parametrize("kind", OTHERS)
def test_what_users_have_in_place_of_a_checkpoint_is_named(kind: str, name: str) -> None:
    content, message = OTHERS[kind]
    meant = "safetensors file" if name.endswith(".safetensors") else "MindSpore checkpoint"
    with pytest.raises(CheckpointError, match=f"^it is not a {meant}, but {message}"):
        read_index(content, name)


def test_an_onnx_file_is_named() -> None:
    onnx = wire.number(1, 8) + wire.block(2, b"pytorch") + wire.block(7, bytes(20))
    with pytest.raises(CheckpointError, match="an ONNX file"):
        read_index(onnx)


@pytest.mark.parametrize(("kept", "length"), [(0, 5000), (1, 5000), (900, 5000), (10, 2**31)])
def test_a_safetensors_file_that_is_cut_off_in_its_header_is_said_to_be_one(
    kept: int, length: int
) -> None:
    content = length.to_bytes(8, "little") + b"{" + b" " * kept
    with pytest.raises(
        CheckpointError, match=f"cut off in its header, of which {kept + 1} of {length}"
    ):
        read_index(content)


@pytest.mark.parametrize("content", [b"\xff" * 20, b"\1", GOOD[:-1]])
def test_a_file_that_is_called_safetensors_is_judged_as_one(content: bytes) -> None:
    with pytest.raises(CheckpointError, match="not a safetensors file, or a damaged one"):
        read_index(content, "A.SAFETENSORS")


def test_texts_of_a_header_are_read() -> None:
    assert read_index(wire.safetensors({"__metadata__": {"a": "b", "c": ""}})).metadata == {
        "a": "b",
        "c": "",
    }
    assert read_index(GOOD).metadata == {}


@pytest.mark.parametrize(
    ("dtype", "size"),
    [
        *((f"F8_{kind}", 12) for kind in ("E4M3", "E5M2", "E4M3FNUZ", "E5M2FNUZ", "E8M0")),
        *(("F4", 6), ("F6_E2M3", 9), ("F6_E3M2", 9)),
        *(("F4", 12), ("F6_E2M3", 12)),
        ("C64", 96),
    ],
)
def test_types_that_numpy_does_not_have_are_listed_and_not_read(dtype: str, size: int) -> None:
    entry = {"dtype": dtype, "shape": [3, 4], "data_offsets": [0, size]}
    index = read_index(wire.safetensors({"w": entry}, bytes(size)))
    found = index.entries["w"]
    assert (found.dtype, found.shape, found.nbytes) == (dtype, (3, 4), size)
    with pytest.raises(CheckpointError, match=f"its entry w has the type {dtype}"):
        index.array("w")
    with pytest.raises(CheckpointError, match=r"its entry w at byte \d+ holds"):
        read_index(
            wire.safetensors({"w": {**entry, "data_offsets": [0, size + 1]}}, bytes(size + 1))
        )


@pytest.mark.parametrize("dtype", ["F7", "f32", 12, None, "X" * 1000])
def test_a_type_that_nobody_knows_is_named(dtype: object) -> None:
    entry = {"dtype": dtype, "shape": [1], "data_offsets": [0, 4]}
    shown = re.escape(f"{dtype!r:.40}")
    with pytest.raises(CheckpointError, match=f"its entry w has the type {shown}.*, which is not"):
        read_index(wire.safetensors({"w": entry}, bytes(4)))


def test_a_text_that_is_none_is_refused_when_it_is_looked_at() -> None:
    index = read_index(wire.value("note", wire.tensor(b"\xff" * 4, (0,), dtype="str")))
    with pytest.raises(CheckpointError, match="entry note at byte 19 is not a text"):
        index.array("note")


def declared(**changes: Any) -> bytes:
    """A file with one tensor, declared otherwise."""
    entry = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **changes}
    return wire.safetensors({"a": entry}, bytes(8))


TWO = {name: {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]} for name in "ab"}
HOSTILE_HEADERS = {
    "no JSON": (wire.safetensors(b"{]"), "its header is not JSON"),
    "deep nesting": (wire.safetensors(b'{"a":' + b"[" * 1_000_000), "its header is not JSON"),
    "a number without end": (wire.safetensors(b'{"a":' + b"1" * 10_000 + b"}"), "is not JSON"),
    "bytes that are not text": (wire.safetensors(b'{"\xff":1}'), "its header is not JSON"),
    "a header past the limit": (wire.safetensors(b"{" * (2**24 + 1)), "more than 16777216"),
    "a name twice": (wire.safetensors(b'{"a":1,"a":2}'), "entry 'a' is there twice"),
    "no object": (wire.safetensors({"a": 1}), "entry a is declared without dtype"),
    "another key": (declared(more=1), "entry a is declared without dtype, .*, or with more"),
    "metadata of another kind": (wire.safetensors({"__metadata__": 1}), "is not an object"),
    "an unknown type": (declared(dtype="F9"), "known are BOOL, I8"),
    "a type that is not a text": (declared(dtype=[]), "known are BOOL, I8"),
    "a negative size": (declared(shape=[-2]), "no shape of at most 32 sizes"),
    "half a size": (declared(shape=[2.0]), "no shape"),
    "a size that is a truth": (declared(shape=[2, True]), "no shape"),
    "too many sizes": (declared(shape=[1] * 33), "no shape"),
    "a huge size": (declared(shape=[2**62, 2**62]), f"takes {2**126}"),
    "a size of 100 digits": (declared(shape=[10**100]), "no shape"),
    "data that do not fit": (declared(shape=[3]), r"holds 8 bytes, but float32 \(3,\) takes 12"),
    "one offset": (declared(data_offsets=[8]), "no data_offsets"),
    "offsets that go back": (declared(data_offsets=[8, 0]), "no data_offsets"),
    "negative offsets": (declared(data_offsets=[-8, 0]), "no data_offsets"),
    "data past the end": (declared()[:-1], "tensors end at byte 77, but the file at 76"),
    "data that nobody owns": (declared() + b"x", "tensors end at byte 77, but the file at 78"),
    "data that nobody owns in between": (
        wire.safetensors(
            {
                "a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]},
                "b": {"dtype": "U8", "shape": [4], "data_offsets": [5, 9]},
            },
            bytes(9),
        ),
        "entry b begins at byte 133 instead of 132",
    ),
    "data with two owners": (wire.safetensors(TWO, bytes(4)), "entry b begins at byte"),
    "an unreadable name": (
        wire.safetensors({"\n": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]}}),
        "not a readable text",
    ),
    "half a character": (wire.safetensors({"\ud800": {}}), "not a readable text"),
    "half a character more": (
        wire.safetensors({"a\ud800": TWO["a"]}, bytes(4)),
        "not a readable text",
    ),
    "a long name": (wire.safetensors({"a" * 4000: 1}), "its entry a{100} is declared without"),
    "half bytes": (
        wire.safetensors({"__metadata__": {"a": "Int4"}, "a": TWO["a"]}, bytes(4)),
        "entry a is quantised to Int4",
    ),
}


@pytest.mark.parametrize("name", HOSTILE_HEADERS)
def test_a_hostile_safetensors_header_is_refused(name: str) -> None:
    content, message = HOSTILE_HEADERS[name]
    with pytest.raises(CheckpointError, match=message):
        read_index(content)


def many_values(count: int) -> bytes:
    return b"".join(wire.value(f"{index}", wire.tensor(b"", (0,))) for index in range(count))


def many_pieces(count: int) -> bytes:
    return wire.value("a", wire.tensor(b"", (0,))) * count


def many_declarations(count: int) -> bytes:
    entry = {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]}
    return wire.safetensors({f"{index}": entry for index in range(count)})


@pytest.mark.parametrize("make", [many_values, many_declarations])
def test_as_many_entries_as_any_file_has_are_read(make: Callable[[int], bytes]) -> None:
    assert len(read_index(make(65_536)).entries) == 65_536


@pytest.mark.parametrize("make", [many_values, many_pieces, many_declarations])
def test_a_hundred_thousand_empty_tensors_are_refused(make: Callable[[int], bytes]) -> None:
    with pytest.raises(CheckpointError, match=r"more than 65536 entries; save it in several"):
        read_index(make(100_000))


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for one file at a time."""
    return tmp_path_factory.mktemp("fuzz")


def read_or_refuse(content: bytes) -> dict[str, np.ndarray] | None:
    """Every array of a file, or nothing if it is refused."""
    try:
        index = read_index(content)
        return {name: index.array(name) for name in index.entries}
    except CheckpointError:
        return None


def assert_mindspore_agrees(content: bytes, scratch: Path) -> None:
    """Whatever is not refused must be what MindSpore reads."""
    arrays = read_or_refuse(content)
    if not arrays:
        return
    path = scratch / "file.ckpt"
    path.write_bytes(content)
    expected = mindspore.load_checkpoint(str(path))
    assert arrays.keys() == expected.keys()
    for name, held in expected.items():
        if arrays[name].size == 0:
            continue  # MindSpore makes a scalar of it, from memory that nobody set
        if isinstance(held, str):
            assert str(arrays[name]) == held.rstrip("\0")
        elif held.dtype == mindspore.bfloat16:
            assert arrays[name].tobytes() == bytes(held.get_bytes())
        else:
            assert arrays[name].dtype == held.asnumpy().dtype
            assert arrays[name].shape == held.shape
            assert arrays[name].tobytes() == held.asnumpy().tobytes()


CASES = int(os.environ.get("MSHUB_TEST_CASES", "300"))
fuzzed = settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))

SMALL = b"".join(
    [
        wire.value("layer.weight", wire.tensor(bytes(range(48)), (3, 4))),
        wire.value("step", wire.tensor(bytes(range(4)), (), dtype="Int32")),
        wire.value("half", wire.tensor(bytes(range(4)), (2,), dtype="Float16")),
        wire.value("brain", wire.tensor(bytes(range(4)), (2,), dtype="BFloat16")),
        wire.value("big", wire.tensor(bytes(range(8)), (4,))),
        wire.value("big", wire.tensor(bytes(range(8)), (4,))),
        wire.value("note", wire.tensor("höi".encode("utf-32-le"), (0,), dtype="str")),
    ]
)
SMALL_HEADER = {
    "__metadata__": {"format": "ms"},
    "weight": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
    "half": {"dtype": "F16", "shape": [4], "data_offsets": [24, 32]},
}
SMALL_SAFETENSORS = wire.safetensors(SMALL_HEADER, bytes(range(32)))


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """A good file with a few bits flipped, bytes inserted or taken out, or an end cut off."""
    content = bytearray(whole)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(content)))
        match draw(st.sampled_from(["flip", "insert", "remove", "cut"])):
            case "flip" if place < len(content):
                content[place] ^= 1 << draw(st.integers(0, 7))
            case "insert":
                content[place:place] = draw(st.binary(min_size=1, max_size=4))
            case "remove":
                del content[place : place + draw(st.integers(1, 4))]
            case "cut":
                del content[place:]
    return bytes(content)


@fuzzed
@example(content=SMALL)
@given(content=damaged(SMALL))
def test_a_damaged_checkpoint_is_refused_or_read_as_mindspore_does(
    content: bytes, scratch: Path
) -> None:
    assert_mindspore_agrees(content, scratch)


FIELDS = st.one_of(
    st.builds(wire.number, st.integers(1, 4), st.integers(-2, 5)),
    st.builds(wire.block, st.integers(1, 4), st.sampled_from([b"", b"ab", b"Int8", b"Float32"])),
)
TENSORS = st.builds(
    wire.tensor,
    st.binary(max_size=8),
    st.lists(st.integers(-1, 4), max_size=3).map(tuple),
    dtype=st.sampled_from(["Int8", "Float16", "Float32", "Bool", "UInt8", "Int64"]),
)
VALUES = st.builds(
    lambda name, fields: wire.value(name, *fields),
    st.text("ab", max_size=1),
    st.lists(st.one_of(TENSORS, TENSORS, FIELDS), max_size=2),
)


@fuzzed
@given(content=st.lists(VALUES, max_size=5).map(b"".join))
def test_fields_in_any_order_are_refused_or_read_as_mindspore_does(
    content: bytes, scratch: Path
) -> None:
    assert_mindspore_agrees(content, scratch)


@fuzzed
@given(content=st.binary(max_size=200))
def test_any_bytes_are_refused_or_read_as_mindspore_does(content: bytes, scratch: Path) -> None:
    assert_mindspore_agrees(content, scratch)


@fuzzed
@example(content=SMALL_SAFETENSORS)
@given(content=damaged(SMALL_SAFETENSORS))
def test_a_damaged_safetensors_file_is_refused_or_read_as_its_library_does(
    content: bytes, scratch: Path
) -> None:
    arrays = read_or_refuse(content)
    if arrays:
        path = scratch / "file.safetensors"
        path.write_bytes(content)
        expected = load_file(path)
        assert arrays.keys() == expected.keys()
        for name, array in expected.items():
            assert arrays[name].dtype == array.dtype
            assert arrays[name].shape == array.shape
            assert arrays[name].tobytes() == array.tobytes()


LIMITED = """
import resource, sys
from pathlib import Path
from mindspore_hub import tensors
from mindspore_hub.commands.main import mshub
from mindspore_hub.errors import CheckpointError
import numpy
path = Path(sys.argv[1])
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 2**27, resource.getrlimit(resource.RLIMIT_AS)[1]))
with path.open("rb") as file:
    try:
        tensors.map_file(file)
    except CheckpointError as error:
        print(error)
    index = tensors.read_index(tensors.open_file(file))
print(index.entries["large"].nbytes, index.array("small").tolist(), str(index.array("note")) if "note" in index.entries else "")
try:
    index.array("large")
except CheckpointError as error:
    print(error)
mshub(sys.argv[2:])
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs the size of a process")
@pytest.mark.parametrize("format", ["ckpt", "safetensors"])
@pytest.mark.parametrize("command", ["inspect", "diff"])
def test_a_file_larger_than_the_memory_of_the_process_is_read_in_parts(
    format: str, command: str, tmp_path: Path
) -> None:
    size = 2**28
    path = tmp_path / f"large.{format}"
    small = np.array([1.5, 2.5], np.float32)
    if format == "ckpt":
        note = "ja".encode("utf-32-le")
        head = wire.value("note", wire.tensor(note, (0,), dtype="str"))
        head += wire.value("small", wire.tensor(small.tobytes(), (2,)))
        whole = wire.value("large", wire.tensor(bytes(size), (size // 4,)))
        path.write_bytes(head + whole[:1000])
        length = len(head) + len(whole)
    else:
        header = {
            "small": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
            "large": {"dtype": "F32", "shape": [size // 4], "data_offsets": [8, 8 + size]},
        }
        head = wire.safetensors(header, small.tobytes())
        path.write_bytes(head)
        length = len(head) + size
    with path.open("r+b") as file:
        file.truncate(length)  # a hole: it takes no room on the disk
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, path, command, *[path] * (2 if command == "diff" else 1)],
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert lines[0].startswith(f"{length} of its bytes are more than the memory")
    assert lines[1].split(" ", 1) == [str(size), f"[1.5, 2.5] {'ja' if format == 'ckpt' else ''}"]
    assert lines[2].startswith(f"{size} of its bytes are more than the memory")
    assert lines[-1].endswith("0 in one file only" if command == "diff" else "268.4 MB")


def test_a_file_that_becomes_shorter_while_it_is_read_in_parts_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.ckpt"
    path.write_bytes(GOOD)
    with path.open("rb") as file:
        pages = Pages(file)
    assert read_index(pages).array("a").tobytes() == b"abcd"
    path.write_bytes(GOOD[:-1])
    with pytest.raises(CheckpointError, match="has become shorter"):
        read_index(pages).array("a")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=300), places=st.lists(st.tuples(*[st.integers(0, 320)] * 2)))
def test_parts_of_a_file_are_those_of_its_bytes(
    content: bytes, places: list[tuple[int, int]], tmp_path: Path
) -> None:
    path = tmp_path / "bytes"
    path.write_bytes(content)
    with path.open("rb") as file:
        pages = Pages(file)
    assert len(pages) == len(content)
    for start, end in places:
        assert pages[start:end] == content[start:end]
        if start < len(content):
            assert pages[start] == content[start]
