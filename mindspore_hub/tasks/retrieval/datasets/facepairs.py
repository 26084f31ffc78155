"""Pairs of faces, of one person or of two: LFW, CFP-FP, AgeDB-30, CALFW and CPLFW.

Sources: research/cv/arcface (branches r1.3 to r1.9) and official/cv/sphereface (r1.6 to r1.10). Both
take faces that are aligned: cut out and turned so that eyes, nose and mouth have their places.
"""

from __future__ import annotations

import io
import pickle
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mindspore_hub import _files
from mindspore_hub.errors import DatasetError, FeaturesError
from mindspore_hub.gallery.features import Features
from mindspore_hub.tasks.datasets import Source, choose, integer, slashes
from mindspore_hub.tasks.retrieval import metrics
from mindspore_hub.tasks.retrieval.datasets import Dataset, Item
from mindspore_hub.tasks.retrieval.datasets._persons import folder_of
from mindspore_hub.tasks.retrieval.faces import verify

SOURCE = Source(
    "A data set of pairs of faces",
    "https://vis-www.cs.umass.edu/lfw/ for LFW; the aligned sets are packed as NAME.bin with the data of "
    "InsightFace, and unpack() of this module unpacks these",
    "pairs.txt and the images that it names, in a folder or in lfw/ below it",
)

_HEADER = re.compile(r"\d+(\s+\d+)?")

_PARTS = 2


@dataclass(frozen=True)
class FacePairs(Dataset):
    """Pairs of images: the first of each is a query, the second is in the gallery.

    Lines of `pairs.txt` are those of LFW: a header, then `NAME I J` for two images of a person,
    `NAME_0001.jpg` in the folder of the name, or `NAME I NAME J` for images of two; or they are
    `PATH PATH 1` for images of one person and `PATH PATH 0` for images of two.

    Args:
        root: Folder that holds `pairs.txt`, or `lfw/` with it.
    """

    def queries(self) -> list[Item]:
        """The first image of each pair, in the order of the list."""
        return SOURCE.present(self.root, [first for first, _ in self._pairs()])

    def gallery(self) -> list[Item]:
        """The second image of each pair; it has the label of the first if both show one person."""
        return SOURCE.present(self.root, [second for _, second in self._pairs()])

    def _pairs(self) -> list[tuple[Item, Item]]:
        folder = folder_of(self.root, "lfw")
        below = folder.relative_to(self.root).as_posix()
        path = folder / "pairs.txt"
        rows = SOURCE.parsed(path, _row, "NAME 1 4, NAME 1 NAME 2, or PATH PATH 1")
        rows = rows[1:] if rows and rows[0] is None else rows
        pairs = []
        for number, row in enumerate(rows):
            if row is None:
                msg = f"{path}: a line of numbers alone must be the first; correct the list."
                raise DatasetError(msg)
            first, second, same = row
            labels = (_PARTS * number, _PARTS * number + (0 if same else 1))
            pairs.append(
                (Item(f"{below}/{first}", labels[0]), Item(f"{below}/{second}", labels[1]))
            )
        return pairs


def _row(line: str) -> tuple[str, str, bool] | None:
    """Paths of a pair, and whether it shows one person; None for the header."""
    if _HEADER.fullmatch(line):
        return None
    fields = line.split("\t") if "\t" in line else line.split()
    if len(fields) == 4:
        return _image(fields[0], fields[1]), _image(fields[2], fields[3]), False
    if len(fields) != 3:
        raise ValueError(line)
    if fields[1].isdecimal():
        return _image(fields[0], fields[1]), _image(fields[0], fields[2]), True
    if fields[2] not in {"0", "1"}:
        raise ValueError(line)
    return slashes(fields[0]), slashes(fields[1]), fields[2] == "1"


def _image(name: str, number: str) -> str:
    return f"{name}/{name}_{integer(number):04}.jpg"


class _Plain(pickle.Unpickler):
    """Reads lists, numbers and bytes, and runs no code that a file names."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("_codecs", "encode"):  # how bytes are written for Python 2
            import _codecs

            return _codecs.encode
        msg = f"it names {module}.{name}"
        raise pickle.UnpicklingError(msg)


def unpack(path: Path, folder: Path) -> None:
    """Write the images of a `NAME.bin` and their `pairs.txt` into a folder.

    Args:
        path: A pickle of two lists: the bytes of JPEG images, two for each pair, and for each pair
            whether both show one person.
        folder: A folder that is not there yet.

    Raises:
        DatasetError: The file holds something else, or the folder is there.
    """
    try:
        with _files.open_regular(path) as file:
            content = file.read()
        images, same = _Plain(io.BytesIO(content), encoding="bytes").load()
        flags = [bool(flag) for flag in same]
        whole = len(images) == _PARTS * len(flags) and all(type(it) is bytes for it in images)
    except (OSError, ValueError, TypeError, EOFError, LookupError, pickle.UnpicklingError) as error:
        msg = f"{path} cannot be read as images and pairs: {error}. Get it again: {SOURCE.ask}"
        raise DatasetError(msg) from error
    if not whole:
        msg = f"{path} must hold the bytes of two images for each pair; get it again: {SOURCE.ask}"
        raise DatasetError(msg)
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        msg = f"{folder} cannot be made: {error.strerror}; name another folder."
        raise DatasetError(msg) from error
    names = [f"{place:05}.jpg" for place in range(len(images))]
    for name, image in zip(names, images, strict=True):
        (folder / name).write_bytes(image)
    pairs = zip(names[::_PARTS], names[1::_PARTS], flags, strict=True)
    lines = "".join(f"{first} {second} {int(flag)}\n" for first, second, flag in pairs)
    (folder / "pairs.txt").write_text(lines)  # last: without it, nothing is taken for whole


@dataclass(frozen=True)
class FacePairsProtocol:
    """Share of pairs told right by a threshold, over ten folds.

    Args:
        distance: `cosine` (SphereFace), or `euclidean` of features divided by their norms (ArcFace);
            they also differ in thresholds, see `verify`.
    """

    distance: str = "cosine"

    def __post_init__(self) -> None:
        choose("distance", self.distance, ("cosine", "euclidean"), error=FeaturesError)

    def evaluate(self, query: Features, gallery: Features | None = None) -> metrics.Result:
        """Score features of pairs: the query and the gallery item of the same place are one."""
        gallery = metrics.needed(gallery)
        if len(query) != len(gallery):
            msg = (
                f"There are {len(query)} first and {len(gallery)} second images of pairs, but each pair "
                "needs both; make features of all images, without skipping bad ones."
            )
            raise FeaturesError(msg)
        same = query.known("labels") == gallery.known("labels")
        found = verify(query.vectors, gallery.vectors, same, distance=self.distance)
        return metrics.Result(
            "facepairs",
            asdict(self),
            {
                "accuracy": float(np.mean(found.accuracies)),
                "accuracy_std": float(np.std(found.accuracies)),
            },
            {"pairs": len(same), "pairs_of_one_person": int(np.count_nonzero(same))},
        )


DATASET, PROTOCOL = FacePairs, FacePairsProtocol
