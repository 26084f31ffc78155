"""A gallery that is an npz file: exact search in its mapped vectors, and a new file for each change."""

from __future__ import annotations

import functools
import itertools
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mindspore_hub import _files
from mindspore_hub._foreign import read_arrays
from mindspore_hub.errors import FeaturesError
from mindspore_hub.gallery import archive
from mindspore_hub.gallery.distances import Kind, exact
from mindspore_hub.gallery.features import Features, Floats, Integers, about_of, load
from mindspore_hub.gallery.index import Measured
from mindspore_hub.gallery.origin import column, digests_of, ids_of
from mindspore_hub.gallery.store import Found
from mindspore_hub.gallery.where import Filter, Mask

_PART = 8192
"""Rows that are copied at a time."""

_EMPTY = ["about.npy"]
"""What the file of an empty gallery holds."""


class NpzStore:
    """Rows in an npz file, which is read anew after somebody replaced it."""

    kind = "npz"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._state: tuple[int, ...] = ()
        self.refresh()

    @staticmethod
    def create(path: Path, about: Mapping[str, Any]) -> None:
        """Write an empty gallery."""
        archive.write(path, [], shape=(0, 0), dtype=np.dtype(np.float32), about=about)

    @property
    def about(self) -> dict[str, Any]:
        """What made the features."""
        return self._held.about

    @property
    def dimension(self) -> int | None:
        """Values of each feature; None while there are no rows."""
        features = self._held.features
        return None if features is None else features.vectors.shape[1]

    def refresh(self) -> None:
        """Read the file if it is another one than before."""
        try:
            found = self._path.stat()
        except OSError as error:
            msg = f"{self._path} cannot be read: {_files.reason(error)}."
            raise FeaturesError(msg) from error
        state = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
        if state != self._state:
            self._held = _Contents(self._path)
            self._state = state

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Keep other writers out, and look at what the last one left."""
        from filelock import FileLock

        lock = FileLock(self._path.with_name(f".{self._path.name}.lock"))
        with _files.naming(self._path), lock:
            self.refresh()
            self._held.require_plain(self._path)
            yield

    def count(self, where: Filter | None) -> int:
        """How many rows there are, or fit a filter."""
        return len(self._held) if where is None else int(self._held.mask(where).sum())

    def known(self, ids: Integers) -> dict[int, str]:
        """Digests, by id, of those ids that are there."""
        places = self._held.places(ids)
        there = places >= 0
        digests = self._held.digests[places[there]]
        return dict(zip(ids[there].tolist(), digests.tolist(), strict=True))

    def append(self, rows: Features, about: Mapping[str, Any]) -> int:
        """Write the file anew, with these rows at its end."""
        held = self._held
        count = len(held) + len(rows)
        parts = itertools.chain(held.parts(None), [rows])
        self._write(parts, (count, rows.vectors.shape[1]), about)
        return len(rows)

    def delete(self, where: Filter) -> int:
        """Write the file anew, without the rows that fit."""
        mask = self._held.mask(where)
        gone = int(mask.sum())
        if gone:
            self._write(
                self._held.parts(~mask), (len(mask) - gone, self.dimension or 0), self.about
            )
        return gone

    def _write(
        self, parts: Iterator[Features], shape: tuple[int, int], about: Mapping[str, Any]
    ) -> None:
        features = self._held.features
        dtype = np.dtype(np.float32) if features is None else features.vectors.dtype
        archive.write(self._path, parts, shape=shape, dtype=dtype, about=about)
        self.refresh()

    def nearest(
        self, vectors: Floats, k: int, where: Filter | None, *, kind: Kind, use_index: bool
    ) -> Found:
        """The nearest rows; fewer than k if there are fewer."""
        del use_index  # there is none
        held, how = self._held, {"kind": "exact"}
        keep = None if where is None else np.flatnonzero(held.mask(where))
        if held.features is None or (keep is not None and not len(keep)):
            return Found.none(len(vectors), how)
        places, distances = exact(vectors, held.features.vectors, k=k, kind=kind, keep=keep)
        labels, cameras, paths = (held.column(name)[places] for name in ("label", "camera", "path"))
        return Found(held.ids[places], distances, labels, cameras, paths, how)

    def rows(self, ids: Integers) -> Features | None:
        """Rows of those of the ids that are there, in this order; None if none is."""
        places = self._held.places(ids)
        return self._held.part(places[places >= 0]) if (places >= 0).any() else None

    def parts(self, where: Filter | None) -> Iterator[Features]:
        """All rows, or those that fit, part by part."""
        return self._held.parts(None if where is None else self._held.mask(where))

    def index(self, *, kind: Kind, partitions: int | None, target: float) -> Measured:
        """Refuse; there is none."""
        del kind, partitions, target
        msg = (
            f"{self._path} is an npz file, whose search is always exact. Galleries of LanceDB can have an "
            f"index: mshub gallery create {self._path.stem}.lance --features {self._path}"
        )
        raise FeaturesError(msg)

    def compact(self, *, now: bool) -> None:
        """Nothing; every change writes the file anew."""

    def facts(self) -> dict[str, Any]:
        """What only this kind has to say."""
        return {"bytes": self._path.stat().st_size}


class _Contents:
    """What a file held when it was opened: what made the features, and rows if there are any."""

    def __init__(self, path: Path) -> None:
        empty = _is_empty(path)
        self.features = None if empty else load(path, mapped=True)
        self.about = _about(path) if self.features is None else self.features.about

    def __len__(self) -> int:
        return 0 if self.features is None else len(self.features)

    @functools.cached_property
    def digests(self) -> npt.NDArray[np.str_]:
        """Digests of all rows."""
        return np.empty(0, "U32") if self.features is None else digests_of(self.features)

    @functools.cached_property
    def ids(self) -> Integers:
        """Ids of all rows."""
        return ids_of(self.digests)

    @functools.cached_property
    def _order(self) -> Integers:
        return np.argsort(self.ids, kind="stable")

    def places(self, ids: Integers) -> Integers:
        """The row of each id, -1 where there is none."""
        if not len(self):
            return np.full(len(ids), -1)
        at = np.minimum(np.searchsorted(self.ids, ids, sorter=self._order), len(self) - 1)
        places = self._order[at]
        return np.where(self.ids[places] == ids, places, -1)

    def mask(self, where: Filter) -> Mask:
        """Which rows fit a filter; an unknown label or camera is -1, an unknown path empty."""
        if self.features is None:
            return np.empty(0, bool)
        return where.mask({name: self.column(name) for name in where.columns})

    def column(self, name: str) -> npt.NDArray[Any]:
        """What a filter calls so, of every row."""
        return self.ids if name == "id" or not self.features else column(self.features, name)

    def part(self, places: Integers) -> Features:
        """Rows at these places, with all that a gallery keeps of them."""
        features = self.features or load(Path())  # no place is that of a row that is not there
        others: dict[str, Any] = {
            f"{name}s": self.column(name)[places] for name in ("label", "camera", "path")
        }
        return Features(features.vectors[places], **others, digests=self.digests[places])

    def parts(self, mask: Mask | None) -> Iterator[Features]:
        """All rows, or those of a mask, part by part."""
        places = np.arange(len(self)) if mask is None else np.flatnonzero(mask)
        for start in range(0, len(places), _PART):
            yield self.part(places[start : start + _PART])

    def require_plain(self, path: Path) -> None:
        """Refuse to change a file with arrays that a gallery does not keep."""
        names = ("colors", "types", "color_scores", "type_scores", "roles")
        more = [name for name in names if getattr(self.features, name, None) is not None]
        if more:
            msg = (
                f"{path} holds {', '.join(more)}, which a gallery does not keep. Leave this file as it is, and "
                f"make a gallery of it: mshub gallery create OTHER.npz --features {path}"
            )
            raise FeaturesError(msg)


def _is_empty(path: Path) -> bool:
    """Whether a file is that of a gallery without rows."""
    try:
        with _files.open_regular(path) as file, zipfile.ZipFile(file) as found:
            return found.namelist() == _EMPTY
    except (OSError, ValueError, zipfile.BadZipFile):
        return False  # what is wrong with it is said when it is read


def _about(path: Path) -> dict[str, Any]:
    return about_of(path, read_arrays(path)["about"])
