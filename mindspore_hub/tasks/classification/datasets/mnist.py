"""MNIST: 10,000 test pictures of digits, 28 x 28 pixels, white on black.

A file begins with two bytes 0, one for the type (8: uint8) and one for the number of axes, then four
bytes for the length of each axis, the highest first; then come the values. Source: Y. LeCun, C. Cortes
and C. J. C. Burges, "The MNIST Database of Handwritten Digits".
"""

from __future__ import annotations

import gzip
import io
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mindspore_hub.errors import DatasetError
from mindspore_hub.tasks.classification.datasets import (
    Dataset,
    Pictures,
    checked,
    first_file,
    read_file,
    records,
    sha256_of,
)
from mindspore_hub.tasks.datasets import Source

_PAGE = "http://yann.lecun.com/exdb/mnist/"

_SIDE = 28

_FOLDERS = ("", "test/", "MNIST/raw/", "MNIST_Data/test/")

_MOST_PACKED = 1032
"""How many bytes one of gzip stands for at most."""


@dataclass(frozen=True)
class Mnist(Dataset):
    """The test pictures of MNIST.

    Args:
        root: Folder with the two files of the test pictures, or its parent.
    """

    SOURCE = Source(
        "MNIST", _PAGE, "t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, or both as .gz"
    )
    COUNT = 10_000

    def pictures(self) -> Pictures:
        """The test pictures in the order of the file."""
        files: dict[str, str] = {}
        images, where = self._read("t10k-images", 3, files)
        labels, path = self._read("t10k-labels", 1, files)
        if images.shape[1:] != (_SIDE, _SIDE):
            msg = f"{where} holds pictures {images.shape[1:]}, but those of MNIST are (28, 28)."
            raise DatasetError(msg)
        if len(images) != len(labels):
            msg = (
                f"{where} holds {len(images)} pictures, but {path} {len(labels)} labels; get both "
                f"again: {_PAGE}"
            )
            raise DatasetError(msg)
        sha256 = next(iter(files.values()))
        return Pictures(records(images, sha256), checked(labels, "mnist", path), files)

    def _read(
        self, name: str, axes: int, files: dict[str, str]
    ) -> tuple[npt.NDArray[np.uint8], Path]:
        """The array of a file, whose digest is noted, and the path of the file."""
        spellings = (f"{name}-idx{axes}-ubyte", f"{name}.idx{axes}-ubyte")
        paths = [
            f"{folder}{spelling}{end}"
            for folder in _FOLDERS
            for spelling in spellings
            for end in ("", ".gz")
        ]
        path = first_file(self.root, paths, self.SOURCE)
        content = read_file(path, self.SOURCE)
        files[path.relative_to(self.root).as_posix()] = sha256_of(content)
        return read_idx(content, axes, path), path


def read_idx(content: bytes, axes: int, path: Path) -> npt.NDArray[np.uint8]:
    """The array of an idx file, perhaps packed by gzip.

    Args:
        content: The file.
        axes: How many axes it must have.
        path: Its path, for messages.

    Raises:
        DatasetError: It begins with another magic number, or has more or fewer values than it says.
    """
    packed = content[:2] == b"\x1f\x8b"
    head = 4 + 4 * axes
    try:
        with gzip.open(io.BytesIO(content)) if packed else io.BytesIO(content) as file:
            begin = file.read(head)
            magic = struct.pack(">BBBB", 0, 0, 8, axes)
            if begin[:4] != magic or len(begin) < head:
                msg = (
                    f"{path} begins with {begin[:4].hex() or 'nothing'}, but an idx file of {axes} axes of "
                    f"bytes with {magic.hex()}. Give the file as it was published: {_PAGE}"
                )
                raise DatasetError(msg)
            shape = struct.unpack(f">{axes}I", begin[4:])
            size = int(np.prod(shape, dtype=object))
            possible = size <= len(content) * (_MOST_PACKED if packed else 1)
            values = file.read(size + 1) if possible else b""
    except (OSError, EOFError, zlib.error) as error:
        if isinstance(error, DatasetError):
            raise
        msg = f"{path} cannot be unpacked: {error}. It is cut or damaged; get it again: {_PAGE}"
        raise DatasetError(msg) from error
    if len(values) != size:
        more = "more" if len(values) > size else "fewer"
        msg = (
            f"{path} says that it holds {' x '.join(map(str, shape))} values, but has {more}. It is cut "
            f"or damaged; get it again: {_PAGE}"
        )
        raise DatasetError(msg)
    return np.frombuffer(values, np.uint8).reshape(shape)


DATASET = Mnist
