"""Galleries: features that are kept, grow, and are searched. `docs/gallery.md` describes both kinds."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from mindspore_hub import _files
from mindspore_hub.errors import FeaturesError, StoreError
from mindspore_hub.gallery import archive
from mindspore_hub.gallery.distances import Kind
from mindspore_hub.gallery.features import Features, Floats, Integers
from mindspore_hub.gallery.index import Measured
from mindspore_hub.gallery.npz import NpzStore
from mindspore_hub.gallery.origin import digests_of, ids_of, made_by, require_alike
from mindspore_hub.gallery.store import UNKNOWN, Found, Store
from mindspore_hub.gallery.where import Comparison, Filter, parse
from mindspore_hub.hub.values import as_builtin


class Gallery:
    """Features that are kept in an npz file or in a LanceDB folder, and can be searched.

    Each row has an id, which its content determines: a picture has the same in every gallery, and is in
    none of them twice. What another process changes is seen by the next call.

    Args:
        path: An npz file; or a folder or address (`s3://...`) of LanceDB whose name ends in `.lance`.
        writable: Allow `add`, `remove` and the like.

    Raises:
        FeaturesError: There is no gallery, or it cannot be read.
        MissingDependencyError: LanceDB, or NumPy, is not installed.
    """

    def __init__(self, path: str | os.PathLike[str], *, writable: bool = False) -> None:
        self.path = os.fspath(path)
        self._store = _open(self.path)
        self._writable = writable

    @classmethod
    def create(
        cls, path: str | os.PathLike[str], *, root: str | os.PathLike[str] | None = None
    ) -> Gallery:
        """Make an empty gallery, which may be written to.

        Args:
            path: As above; nothing may be there.
            root: Folder of the pictures, which paths are relative to; by default that of the features that
                are added first.

        Raises:
            StoreError: Something is there, or it cannot be written (an OSError).
        """
        about = {} if root is None else {"root": str(Path(root).absolute())}
        _create(os.fspath(path), about)
        return cls(path, writable=True)

    @property
    def kind(self) -> str:
        """`npz` or `lance`."""
        return self._store.kind

    @property
    def about(self) -> dict[str, Any]:
        """What made its features, and the folder of the pictures, `root`; empty before any were added."""
        return dict(self._store.about)

    @property
    def dimension(self) -> int | None:
        """Values of each feature; None while it is empty."""
        return self._store.dimension

    @property
    def distance(self) -> Kind:
        """What ranks: `dot` or `euclidean`, as the features say, else `dot`."""
        said = self.about.get("retrieval")
        found = said.get("distance") if isinstance(said, dict) else None
        return cast("Kind", found if found in {"dot", "euclidean"} else "dot")

    def __len__(self) -> int:
        return self.count()

    def count(self, where: str | None = None) -> int:
        """How many rows there are, or fit a filter (`gallery/where.py`).

        Raises:
            FeaturesError: The filter cannot be read.
        """
        chosen = _filter(where)
        self._store.refresh()
        return self._store.count(chosen)

    def missing(self, digests: Sequence[str]) -> list[int]:
        """Indices of those digests, of pictures, that are in no row."""
        self._store.refresh()
        known = set(self._store.known(ids_of(np.array(digests, "U32"))).values())
        return [number for number, digest in enumerate(digests) if digest not in known]

    def require_made_of(self, about: Mapping[str, Any], *, name: str = "The features") -> None:
        """Refuse features that were made otherwise than those of the gallery.

        Args:
            about: What made the features; what they do not say is not compared.
            name: What they are called in the message.

        Raises:
            FeaturesError: Weights, preprocessing, retrieval or precision differ.
        """
        require_alike(about, self.about, names=(name, self.path), strict=False)

    def add(self, features: Features) -> int:
        """Add the rows that are not in it yet; they are there for good when it returns.

        Without `digests` of the pictures, a row is known by its values, label, camera and path.

        Returns:
            How many rows were added.

        Raises:
            FeaturesError: The features were made otherwise than those that are there.
            StoreError: The gallery is not open for writing, or cannot be written (an OSError).
        """
        self._require_writable()
        with self._store.writing():
            about = self._joined_about(features)
            digests = digests_of(features)
            new = self._new_rows(digests)
            if not new.size:
                return 0
            return self._store.append(_rows(features, digests, new, about.get("root")), about)

    def remove(
        self, where: str | None = None, *, ids: Sequence[int] | Integers | None = None
    ) -> int:
        """Remove the rows that fit a filter, or those of ids.

        Returns:
            How many rows were removed.

        Raises:
            FeaturesError: The filter cannot be read, or not exactly one of both is given.
            StoreError: The gallery is not open for writing, or cannot be written (an OSError).
        """
        self._require_writable()
        chosen = _filter(where)
        if (chosen is None) == (ids is None):
            msg = "Rows are removed by a filter or by ids; give one of both."
            raise FeaturesError(msg)
        if chosen is None:
            numbers = tuple(int(one) for one in as_builtin(np.asarray(ids).tolist()))
            if not numbers:
                return 0
            chosen = Comparison("id", "in", numbers)
        with self._store.writing():
            return self._store.delete(chosen)

    def search(
        self,
        vectors: npt.ArrayLike,
        k: int = 10,
        where: str | None = None,
        *,
        distance: Kind | None = None,
        use_index: bool = True,
    ) -> Found:
        """Find the nearest rows of each query.

        Args:
            vectors: Features `(Q, D)` of the queries.
            k: How many rows of each.
            where: A filter, which rows must fit.
            distance: `dot` or `euclidean`; by default `self.distance`.
            use_index: Use the index if there is one for this distance; otherwise the search is exact.

        Raises:
            FeaturesError: The filter cannot be read, or the vectors have another dimension.
        """
        queries = Features(np.asarray(vectors)).vectors
        if type(k) is not int or k < 1:
            msg = f"k must be a whole number of at least 1, but is {k!r}."
            raise FeaturesError(msg)
        chosen = _filter(where)
        self._store.refresh()
        self._require_dimension(queries, "The queries")
        kind = distance or self.distance
        return self._store.nearest(queries, k, chosen, kind=kind, use_index=use_index).padded(k)

    def rows(self, ids: Sequence[int] | Integers) -> Features:
        """Rows with these ids, in their order.

        Raises:
            FeaturesError: There is no row with one of the ids.
        """
        wanted = np.asarray(ids, np.int64).reshape(-1)
        self._store.refresh()
        found = self._store.rows(wanted)
        if found is None or len(found) != len(wanted):
            there = set() if found is None else set(ids_of(digests_of(found)).tolist())
            lacking = next((one for one in wanted.tolist() if one not in there), None)
            msg = f"{self.path} has no row with the id {lacking}; it may have been removed."
            raise FeaturesError(msg)
        return found

    def parts(self, where: str | None = None) -> Iterator[Features]:
        """All rows, or those that fit a filter, some thousand at a time."""
        chosen = _filter(where)
        self._store.refresh()
        return self._store.parts(chosen)

    def export(self, path: str | os.PathLike[str], *, where: str | None = None) -> int:
        """Write rows as an npz file of features, such as `match` and `evaluate` take.

        Returns:
            How many rows there are in it.

        Raises:
            FeaturesError: The filter cannot be read, or no row fits.
            StoreError: The file cannot be written; what was there is untouched (an OSError).
        """
        count = self.count(where)
        if not count or self.dimension is None:
            msg = (
                f"{self.path} has no rows{' that fit' if where else ''}, and an npz file needs one."
            )
            raise FeaturesError(msg)
        shape = (count, self.dimension)
        dtype = np.dtype(np.float32)
        archive.write(path, self.parts(where), shape=shape, dtype=dtype, about=self.about)
        return count

    def index(self, *, partitions: int | None = None, recall: float = 0.95) -> Measured:
        """Make an index (IVF) of a gallery of LanceDB; from then on, searches use it, and say so.

        How many of its lists are looked at is chosen by measuring, with and without filters.

        Args:
            partitions: How many lists; by default the square root of the number of rows.
            recall: Share of the nearest rows that a search is to find.

        Raises:
            FeaturesError: The gallery is an npz file, or has too few rows.
            StoreError: The gallery is not open for writing, or cannot be written (an OSError).
        """
        self._require_writable()
        if not 0 < recall <= 1 or (partitions is not None and partitions < 1):
            msg = (
                f"recall must be a share and partitions at least 1, but are {recall}, {partitions}."
            )
            raise FeaturesError(msg)
        self._store.refresh()
        return self._store.index(kind=self.distance, partitions=partitions, target=recall)

    def compact(self, *, now: bool = False) -> None:
        """Tidy up after many changes: few large files, and no old versions.

        Args:
            now: Remove even the versions of the last hour, and what was removed from them. No other process
                may use the gallery then.

        Raises:
            StoreError: The gallery is not open for writing, or cannot be written (an OSError).
        """
        self._require_writable()
        self._store.compact(now=now)

    def info(self) -> dict[str, Any]:
        """Facts about it, as plain JSON."""
        return {
            "path": self.path,
            "kind": self.kind,
            "rows": self.count(),
            "dimension": self.dimension,
            "distance": self.distance,
            **self._store.facts(),
            "about": self.about,
        }

    def _require_writable(self) -> None:
        if not self._writable:
            msg = f"{self.path} was opened for reading; open it with writable=True to change it."
            raise StoreError(msg)

    def _require_dimension(self, vectors: Floats, name: str) -> None:
        if self.dimension not in {None, vectors.shape[1]}:
            msg = (
                f"{name} have {vectors.shape[1]} values each, but {self.path} {self.dimension}; make both "
                "with the same network."
            )
            raise FeaturesError(msg)

    def _joined_about(self, features: Features) -> dict[str, Any]:
        """What the gallery says after these features are added to it."""
        ours, theirs = self.about, made_by(features.about)
        if self.dimension is None:
            return {**theirs, **ours}
        self._require_dimension(features.vectors, "The features")
        require_alike(theirs, ours, names=("the features", self.path), strict=True)
        return ours

    def _new_rows(self, digests: npt.NDArray[np.str_]) -> Integers:
        """Indices of the rows that are not there, each content once."""
        ids = ids_of(digests)
        known = self._store.known(ids)
        new = []
        for number, (one, digest) in enumerate(zip(ids.tolist(), digests.tolist(), strict=True)):
            if one not in known:
                known[one] = digest
                new.append(number)
            elif known[one] != digest:
                msg = f"The pictures {digest} and {known[one]} have one id, {one}; leave one out."
                raise FeaturesError(msg)
        return np.array(new, np.int64)


def _filter(text: str | None) -> Filter | None:
    return None if text is None else parse(text)


def _rows(features: Features, digests: npt.NDArray[np.str_], new: Integers, root: Any) -> Features:
    """Rows as a gallery keeps them, with paths below its root."""
    chosen = features.take(new)
    count = len(new)
    labels = np.full(count, UNKNOWN) if chosen.labels is None else chosen.labels
    cameras = np.full(count, UNKNOWN) if chosen.cameras is None else chosen.cameras
    paths = np.full(count, "") if chosen.paths is None else chosen.paths
    theirs = features.about.get("root")
    if root is not None and theirs is not None and root != theirs:
        paths = np.array([_below(root, str(Path(theirs, path))) for path in paths])
    vectors = chosen.vectors.astype(np.float32, copy=False)
    return Features(vectors, labels, cameras, paths, digests=digests[new])


def _below(root: str, path: str) -> str:
    """The path relative to the root, with `/`."""
    found = Path(os.path.relpath(path, root)).as_posix()
    if found.startswith("../"):
        msg = (
            f"{path} is not below {root}, the folder of the gallery's pictures. Make a gallery whose folder "
            "holds all of them: `mshub gallery create FILE --root DIR`."
        )
        raise FeaturesError(msg)
    return found


def _open(path: str) -> Store:
    if _is_npz(path):
        return NpzStore(Path(path))
    from mindspore_hub.gallery.lance import LanceStore

    return LanceStore(path)


def _create(path: str, about: Mapping[str, Any]) -> None:
    if not _is_npz(path):
        from mindspore_hub.gallery.lance import LanceStore

        LanceStore.create(path, about)
        return
    if _files.exists(Path(path)):
        msg = f"{path} exists; choose another name, or remove it first."
        raise StoreError(msg)
    NpzStore.create(Path(path), about)


def _is_npz(path: str) -> bool:
    if path.lower().endswith((".npz", ".lance")):
        return path.lower().endswith(".npz")
    msg = (
        f"{path} is not the name of a gallery: it must end in .npz, for a file, or in .lance, for a folder "
        "of LanceDB."
    )
    raise FeaturesError(msg)
