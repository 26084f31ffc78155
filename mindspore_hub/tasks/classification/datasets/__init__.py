"""Test pictures of published data sets, with their classes: one module each, called as its set of labels.

A module's `DATASET` reads the data set in the layout in which it is published: a frozen dataclass that
is a `Dataset`, with its options as further fields. Pictures in files are not opened. Files whose names
begin with an underscore are shared.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from mindspore_hub import _files
from mindspore_hub.errors import DatasetError, UnknownNameError
from mindspore_hub.tasks.classification.labels import labels_of
from mindspore_hub.tasks.datasets import Source, options_of
from mindspore_hub.tasks.pictures.samples import Sample, Samples

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Records(Samples):
    """Pictures of which many are in one file, by its sha256 and their numbers in it."""

    sha256: str
    numbers: Sequence[int]

    def states(self) -> list[str]:
        """What tells each picture from all others."""
        return [f"{self.sha256} {number}" for number in self.numbers]


@dataclass(frozen=True, eq=False)
class Pictures:
    """Test pictures in the order of the data set.

    Attributes:
        samples: The pictures: files, or arrays where the data set keeps many in one file.
        labels: Number of the class of each, from 0, `(N,)`.
        files: Sha256 of each file that labels, or pictures and labels, were read from, by its path.
    """

    samples: Samples
    labels: Integers
    files: dict[str, str]

    def part(self, numbers: Integers) -> Pictures:
        """Some of them, by their numbers."""
        chosen = [self.samples.samples[number] for number in numbers]
        samples = dataclasses.replace(self.samples, samples=chosen)
        if isinstance(samples, Records):
            own = [samples.numbers[number] for number in numbers]
            samples = dataclasses.replace(samples, numbers=own)
        return Pictures(samples, self.labels[numbers], self.files)


@dataclass(frozen=True)
class Dataset(ABC):
    """The test pictures of a data set as it is published.

    Whatever is missing or cannot be read is a DatasetError.

    Args:
        root: Folder of the data set.
    """

    SOURCE: ClassVar[Source]
    COUNT: ClassVar[int]
    """How many test pictures were published."""

    root: Path

    @abstractmethod
    def pictures(self) -> Pictures:
        """The test pictures and their classes."""


def names() -> list[str]:
    """Names of all data sets, which are those of their sets of labels."""
    return sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py"))


def dataset(name: str, root: str | os.PathLike[str], **options: Any) -> Dataset:
    """Make the reader of a data set below a root; nothing is read yet.

    Raises:
        UnknownNameError: There is no such data set.
        DatasetError: It has no such option, or the value of one means nothing.
    """
    known = dataset_options(name)
    values = options_of(f"The data set {name!r}", known, options, error=DatasetError)
    made: Dataset = _class(name)(Path(root), **values)
    return made


def dataset_options(name: str) -> dict[str, Any]:
    """Options of a data set, with their defaults."""
    return {field.name: field.default for field in dataclasses.fields(_class(name))[1:]}


def _class(name: str) -> Any:
    if name not in names():
        msg = f"There is no data set {name!r}; there are {', '.join(names())}."
        raise UnknownNameError(msg)
    return importlib.import_module(f"{__name__}.{name}").DATASET


def first_file(root: Path, paths: Sequence[str], source: Source) -> Path:
    """The first of these paths below a root that is a file.

    Raises:
        DatasetError: None is.
    """
    for path in paths:
        if (root / path).is_file():
            return root / path
    raise source.missing(root / paths[0])


def read_file(path: Path, source: Source) -> bytes:
    """All of a file of a data set.

    Raises:
        DatasetError: It is missing, or cannot be read.
    """
    try:
        return _files.read_regular(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise source.missing(path) from error
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}."
        raise DatasetError(msg) from error


def sha256_of(content: bytes) -> str:
    """Sha256 of what was read."""
    return hashlib.sha256(content).hexdigest()


def records(pixels: npt.NDArray[np.uint8], sha256: str) -> Records:
    """Pictures of one file: uint8 `(N, H, W)` or `(N, H, W, 3)`."""
    return Records(None, [Sample(picture) for picture in pixels], sha256, range(len(pixels)))


def checked(labels: Iterable[int] | Integers, name: str, path: Path) -> Integers:
    """Labels as an array, if all are numbers of classes of a set of labels.

    Raises:
        DatasetError: One is out of range, or there is none.
    """
    found = np.asarray(labels, np.int64)
    classes = len(labels_of(name))
    bad = np.flatnonzero((found < 0) | (found >= classes))
    if bad.size:
        msg = (
            f"{path}, picture {bad[0]} (from 0) has the label {found[bad[0]]}, but {name} has the "
            f"classes 0 to {classes - 1}. The file is damaged, or that of another data set."
        )
        raise DatasetError(msg)
    if not found.size:
        msg = f"{path} holds no picture; get it again."
        raise DatasetError(msg)
    return found
