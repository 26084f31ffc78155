"""ImageNet (ILSVRC 2012, arXiv:1409.0575): 50,000 pictures of the validation set, of 1,000 classes.

Either a folder for each class has its pictures, as most scripts arrange them, or all lie in one folder,
as in the published archive, and a list has their classes. A class is found by the id of its synset, so
that a folder that is missing shifts no label.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mindspore_hub.errors import DatasetError, MissingDependencyError, PictureError
from mindspore_hub.tasks.classification.datasets import (
    Dataset,
    Pictures,
    checked,
    read_file,
    sha256_of,
)
from mindspore_hub.tasks.classification.labels import labels_of
from mindspore_hub.tasks.datasets import Source, slashes
from mindspore_hub.tasks.pictures.decode import pictures_below
from mindspore_hub.tasks.pictures.samples import Sample, Samples

_SYNSET = re.compile(r"n[0-9]{8}")

_FOLDERS = ("val", "ILSVRC2012_img_val")

_TRUTH = "ILSVRC2012_validation_ground_truth.txt"

_LISTS = (
    _TRUTH,
    f"ILSVRC2012_devkit_t12/data/{_TRUTH}",
    f"data/{_TRUTH}",
    "LOC_val_solution.csv",
    "val.txt",
)
"""Lists that are looked for: of the development kit, of the competition on Kaggle, and of Caffe."""

_LINE = "name label, with a synset or a number of 0 to 999, or the label alone in the official list"


@dataclass(frozen=True)
class ImageNet(Dataset):
    """The validation pictures of ILSVRC 2012.

    Args:
        root: Folder with `val/` or `ILSVRC2012_img_val/`, or such a folder itself.
        labels: List of the classes of a flat folder, below the root; by default, the first one that is
            there of those with usual names.
    """

    SOURCE = Source(
        "ImageNet (ILSVRC 2012)",
        "https://image-net.org/challenges/LSVRC/2012 (an account is needed)",
        "val/<synset>/, such as val/n01440764/, or val/ with all pictures and beside it the list "
        f"{_TRUTH} with meta.mat (of ILSVRC2012_devkit_t12), LOC_val_solution.csv or val.txt",
    )
    COUNT = 50_000

    labels: str = ""

    def pictures(self) -> Pictures:
        """The pictures by path: in folders of classes, or in the order of the list."""
        folder = next((self.root / n for n in _FOLDERS if (self.root / n).is_dir()), self.root)
        if not folder.is_dir():
            raise self.SOURCE.missing(folder)
        names = sorted(path.name for path in folder.iterdir() if path.is_dir())
        names = [name for name in names if not name.startswith(".")]
        if not self.labels and any(map(_SYNSET.fullmatch, names)):
            return self._of_folders(folder, names)
        return self._of_list(folder, names)

    def _of_folders(self, folder: Path, names: list[str]) -> Pictures:
        known = {synset: number for number, synset in enumerate(labels_of("imagenet1k").ids)}
        for name in names:
            if name not in known:
                msg = f"{folder / name} is not the folder of a class: {_unknown(name)}"
                raise DatasetError(msg)
        paths = self._below(folder)
        alone = [path for path in paths if "/" not in path]
        if alone:
            msg = f"{folder / alone[0]} lies beside the folders of the classes; remove it."
            raise DatasetError(msg)
        labels = [known[path.split("/", 1)[0]] for path in paths]
        return Pictures(_samples(folder, paths), checked(labels, "imagenet1k", folder), {})

    def _of_list(self, folder: Path, names: list[str]) -> Pictures:
        path = self._list(folder, names)
        content = read_file(path, self.SOURCE)
        rows = self.SOURCE.parsed(path, _row, _LINE)
        if rows[0] == ("ImageId", "PredictionString"):
            rows = rows[1:]
        known = _official(path.with_name("meta.mat")) if path.name == _TRUTH else _usual()
        paths = [_file_name(name, place) for place, (name, _) in enumerate(rows, 1)]
        labels = [_label(text, known, path, place) for place, (_, text) in enumerate(rows, 1)]
        absent = [name for name in paths if not (folder / name).is_file()]
        if absent:
            msg = (
                f"{len(absent)} of {len(paths)} pictures of {path} are not in {folder}, the first is "
                f"{absent[0]}. Get what is missing: {self.SOURCE.ask}"
            )
            raise DatasetError(msg)
        where = path.relative_to(self.root).as_posix()
        return Pictures(
            _samples(folder, paths),
            checked(labels, "imagenet1k", path),
            {where: sha256_of(content)},
        )

    def _list(self, folder: Path, names: list[str]) -> Path:
        """The list that is asked for, or the first that is there."""
        if self.labels:
            return self.root / self.labels
        for where in (self.root, folder):
            for name in _LISTS:
                if (where / name).is_file():
                    return where / name
        if names:
            msg = (
                f"{folder} has no folder of a class, such as n01440764, and no list of classes: "
                f"{_unknown(names[0])} A list is one of {', '.join(_LISTS)}, or what "
                "--option labels=FILE names."
            )
            raise DatasetError(msg)
        raise self.SOURCE.missing(self.root / _TRUTH)

    def _below(self, folder: Path) -> list[str]:
        try:
            return pictures_below(folder)
        except PictureError as error:
            raise DatasetError(str(error)) from error


def _samples(folder: Path, paths: list[str]) -> Samples:
    return Samples(folder.absolute(), [Sample(folder / path, path) for path in paths])


def _row(line: str) -> tuple[str, str]:
    """Name and label of a line; the list of the development kit has no names."""
    cells = [cell for cell in re.split(r"[\s,;]+", line) if cell]
    if len(cells) == 1:
        return "", cells[0]
    return PurePosixPath(slashes(cells[0])).name, cells[1]


def _file_name(name: str, place: int) -> str:
    name = name or f"ILSVRC2012_val_{place:08}"
    return name if PurePosixPath(name).suffix else f"{name}.JPEG"


def _label(text: str, known: Mapping[str, int], path: Path, place: int) -> int:
    if text not in known:
        why = _unknown(text) if _SYNSET.fullmatch(text) else f"expected {_LINE!r}."
        msg = f"{path}, entry {place} has the label {text!r}: {why}"
        raise DatasetError(msg)
    return known[text]


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, labels_of("imagenet1k").ids, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"{name} is not the id of one of the 1,000 synsets.{hint}"


def _usual() -> dict[str, int]:
    """Number of each class by its id, and by that number as text."""
    ids = labels_of("imagenet1k").ids
    return {text: number for number, id_ in enumerate(ids) for text in (id_, str(number))}


def _official(path: Path) -> dict[str, int]:
    """Number of each class by the number that the development kit gives it, as text.

    The kit counts from 1, in an order of its own, and `meta.mat` says which synset has which number.
    """
    if not path.is_file():
        msg = (
            f"{path} is missing. The numbers of {_TRUTH} are in an order of their own, which this file of "
            "the development kit (ILSVRC2012_devkit_t12/data/) has; put it beside the list."
        )
        raise DatasetError(msg)
    try:
        from scipy.io import loadmat
    except ImportError as error:
        msg = f"To read {path}, SciPy is needed ({error}); `pip install scipy`."
        raise MissingDependencyError(msg) from error
    try:
        synsets = loadmat(path, variable_names=["synsets"], squeeze_me=True)["synsets"]
        pairs = zip(synsets["WNID"].tolist(), synsets["ILSVRC2012_ID"].tolist(), strict=True)
        numbers = {synset: str(int(number)) for synset, number in pairs}
        return {numbers[id_]: number for number, id_ in enumerate(labels_of("imagenet1k").ids)}
    except Exception as error:  # a damaged file may raise anything
        msg = (
            f"{path} does not say the numbers of the 1,000 synsets ({type(error).__name__}: {error}); "
            "get it again."
        )
        raise DatasetError(msg) from error


DATASET = ImageNet
