"""Files of tensors, read in two steps: an index that touches no data, then views of the data.

    with path.open("rb") as file:
        buffer = map_file(file)    # whoever distrusts the file hashes these bytes
    index = read_index(buffer)     # names, dtypes, shapes, offsets
    index.array("conv1.weight")    # a writable NumPy view of the map

The map is private: what is written to an array stays in this process and never reaches the file.
A view keeps its map alive. Two formats are read: MindSpore's `ckpt` and `safetensors`. Nothing here
needs MindSpore, and NumPy only `array` does. Every problem of a file is a `CheckpointError`, in
time and memory that grow with the size of the file at most.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mindspore_hub.errors import CheckpointError
from mindspore_hub.tensors import ckpt, safetensors
from mindspore_hub.tensors.buffer import Buffer, View, map_file, naming, open_file, viewing
from mindspore_hub.tensors.entry import STRING, Entry, array_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["STRING", "Entry", "TensorFile", "map_file", "naming", "open_file", "read_index"]

_HEAD = 4096
"""Bytes by which a file is told that holds no tensors."""

_UNPACK = "an archive ({}): unpack it first"
_PYTORCH = "a PyTorch file: convert it to safetensors where PyTorch is installed"
_BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (
        b"version https://git-lfs.github.com/spec/",
        "a git-lfs pointer: run `git lfs pull` in its repository to get the file itself",
    ),
    (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", _PYTORCH),
    *(
        (b"\x80" + bytes([protocol]), "a Python pickle, as PyTorch and others write: convert it")
        for protocol in range(2, 6)
    ),
    (b"\x1f\x8b", _UNPACK.format("gzip")),
    (b"BZh", _UNPACK.format("bzip2")),
    (b"\xfd7zXZ\0", _UNPACK.format("xz")),
    (b"\x28\xb5\x2f\xfd", _UNPACK.format("zstd")),
    (b"7z\xbc\xaf\x27\x1c", _UNPACK.format("7z")),
    (b"Rar!", _UNPACK.format("rar")),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file, as Keras writes: convert it"),
    (b"GGUF", "a GGUF file, as llama.cpp writes: get the model as ckpt or safetensors"),
    (b"\x93NUMPY", "an array of NumPy (npy)"),
    (b"\x89PNG\r\n\x1a\n", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"II*\0", "a picture"),
    (b"MM\0*", "a picture"),
    (b"%PDF-", "a PDF document"),
)

_ONNX = frozenset(range(0x12, 0x43, 8))
"""Keys of the fields that may follow the version in an ONNX file."""


@dataclass(frozen=True)
class TensorFile:
    """What a file holds: tensors by name, in the order of the file, and its bytes.

    `metadata` are the texts of the header of a safetensors file, by their names.
    """

    format: str
    entries: dict[str, Entry]
    buffer: Buffer
    metadata: dict[str, str] = field(default_factory=dict)

    def array(self, name: str) -> NDArray[Any]:
        """Value of a tensor, without copying it.

        A tensor that lies in several chunks is copied, and so is one at an odd address where the
        processor needs even ones. NumPy has no bfloat16: such a tensor comes as uint16.

        Raises:
            CheckpointError: It is of a type that is only listed, or more than fits into memory.
        """
        return array_of(self.buffer, self.entries[name])


def read_index(buffer: Buffer, name: str = "") -> TensorFile:
    """Read what a file holds; its name tells what one is meant to be that is in no known format.

    Raises:
        CheckpointError: It is in neither format, damaged, or holds what is not read here.
    """
    with viewing(buffer) as view:
        if safetensors.recognises(view):
            entries, metadata = safetensors.read(view)
            return TensorFile("safetensors", entries, buffer, metadata)
        try:
            return TensorFile("ckpt", ckpt.read_entries(view), buffer)
        except CheckpointError as error:
            kind, is_meant = _kind_of(view), name.lower().endswith(".safetensors")
            if kind:
                meant = "safetensors file" if is_meant else "MindSpore checkpoint"
                msg = f"it is not a {meant}, but {kind}."
                raise CheckpointError(msg) from error
            if is_meant:
                raise safetensors.damaged(view) from error
            raise


def _kind_of(view: View) -> str:
    """What the bytes of a file are, with what to do about it; empty if that is not known."""
    head = bytes(view[:_HEAD]).removeprefix(codecs.BOM_UTF8)
    for beginning, kind in _BEGINNINGS:
        if head.startswith(beginning):
            return kind
    if (head[:4], head[8:12]) == (b"RIFF", b"WEBP") or (head[:2], head[6:10]) == (b"BM", bytes(4)):
        return "a picture"
    if head.startswith(b"PK\x03\x04"):
        return _kind_of_zip(head)
    if head[257:262] == b"ustar":
        return _UNPACK.format("tar")
    if len(head) > 2 and head[0] == 8 and 0 < head[1] < 16 and head[2] in _ONNX:
        return "an ONNX file, which holds a network to be run, not a checkpoint"
    return _kind_of_text(head)


def _kind_of_zip(head: bytes) -> str:
    first = head[30 : 30 + int.from_bytes(head[26:28], "little")]
    if first.endswith(b".npy"):
        return "an npz file of NumPy, which holds arrays such as features, not a checkpoint"
    return _PYTORCH if b"data.pkl" in head else _UNPACK.format("zip")


def _kind_of_text(head: bytes) -> str:
    try:
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head)  # its end may be cut
    except UnicodeDecodeError:
        return ""
    text = text.strip()
    if not text or not all(sign.isprintable() or sign in "\t\r\n" for sign in text):
        return ""
    lowered = text.lower()
    if lowered.startswith("<"):
        is_page = lowered.startswith("<!doctype html") or "<html" in lowered
        page = "a web page: the address gave a page instead of the file, so download it again"
        return page if is_page else "an XML text, such as the error of a server"
    if text[0] in "{[":
        if '"weight_map"' in text:
            return "the index of a checkpoint in several files: give one of the files it names"
        return "a JSON text"
    return f"a text that begins {text.splitlines()[0][:40]!r}"
