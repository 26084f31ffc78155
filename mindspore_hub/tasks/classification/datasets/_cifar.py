"""CIFAR-10 and CIFAR-100: pictures of 32 x 32 pixels, many in a file.

A record of the binary version is one byte for each label (CIFAR-100: superclass, then class), then 1,024
bytes of red, of green, and of blue, row after row. The Python version is a pickled mapping of such rows
and lists of labels; see `_pickled`.
Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images" (2009), and the page of the
data sets.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

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
from mindspore_hub.tasks.classification.datasets._pickled import read_pickled

PAGE = "https://www.cs.toronto.edu/~kriz/cifar.html"

_SIDE = 32
_PIXELS = 3 * _SIDE * _SIDE


@dataclass(frozen=True)
class Cifar(Dataset):
    """Test pictures, from the binary version if it is there, else from that of Python.

    Args:
        root: Folder with the files, or with the folder that the archive unpacks to.
    """

    COUNT = 10_000
    NAME: ClassVar[str]
    BINARY: ClassVar[tuple[str, ...]]
    PYTHON: ClassVar[tuple[str, ...]]
    LABELS: ClassVar[int]
    """Labels of a record; the last one is the class."""
    KEY: ClassVar[str]
    """Key of the labels in the Python version."""

    def pictures(self) -> Pictures:
        """The test pictures in the order of the file."""
        path = first_file(self.root, (*self.BINARY, *self.PYTHON), self.SOURCE)
        content = read_file(path, self.SOURCE)
        is_binary = str(path) in {str(self.root / name) for name in self.BINARY}
        labels, rows = (self._of_binary if is_binary else self._of_pickle)(content, path)
        pixels = rows.reshape(-1, 3, _SIDE, _SIDE).transpose(0, 2, 3, 1)
        sha256 = sha256_of(content)
        files = {path.relative_to(self.root).as_posix(): sha256}
        return Pictures(records(pixels, sha256), checked(labels, self.NAME, path), files)

    def _of_binary(self, content: bytes, path: Path) -> tuple[Any, npt.NDArray[np.uint8]]:
        record = self.LABELS + _PIXELS
        if len(content) % record:
            msg = (
                f"{path} has {len(content)} bytes, which is no multiple of {record}, the size of a "
                f"record of {self.SOURCE.name}. It is cut or another file; get it again: {PAGE}"
            )
            raise DatasetError(msg)
        found = np.frombuffer(content, np.uint8).reshape(-1, record)
        return found[:, self.LABELS - 1], found[:, self.LABELS :]

    def _of_pickle(self, content: bytes, path: Path) -> tuple[Any, npt.NDArray[np.uint8]]:
        found = read_pickled(content, path)
        labels, rows = found.get(self.KEY), found.get("data")
        if not isinstance(rows, np.ndarray) or rows.ndim != 2 or rows.shape[1] != _PIXELS:
            shape = rows.shape if isinstance(rows, np.ndarray) else type(rows).__name__
            msg = f"{path}: `data` must be an array (N, {_PIXELS}), but is {shape}."
            raise DatasetError(msg)
        if (
            not isinstance(labels, list)
            or len(labels) != len(rows)
            or any(type(label) is not int or abs(label) > _PIXELS for label in labels)
        ):
            msg = (
                f"{path}: `{self.KEY}` must be a list of {len(rows)} numbers of classes, one for each "
                f"row of `data`. It is damaged, or not of {self.SOURCE.name}; get it again: {PAGE}"
            )
            raise DatasetError(msg)
        return labels, rows
