"""Features of images with what is known about each, in memory and in npz files.

The schema of the files is in `docs/reid.md`.
"""

from __future__ import annotations

import dataclasses
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from mindspore_hub import _files
from mindspore_hub.cards.values import as_builtin
from mindspore_hub.errors import FeaturesError, MissingDependencyError

try:
    import numpy as np
    import numpy.typing as npt
except ImportError as error:
    _MESSAGE = "Evaluation needs NumPy; install it with: pip install numpy pillow"
    raise MissingDependencyError(_MESSAGE) from error

Floats = npt.NDArray[np.floating[Any]]
Integers = npt.NDArray[np.int64]

SCHEMA = 1
"""Version of the npz files."""

QUERY, GALLERY = 1, 2
"""Values of `roles`."""

_ROLES = (0, QUERY, GALLERY)

_BROKEN = (
    *(OSError, ValueError, TypeError, EOFError, RuntimeError),
    *(BadZipFile, zlib.error),
)
"""What NumPy raises about files that are no npz files, or no longer; `zipfile`, below it, says with
a RuntimeError that a file is encrypted, or packed in a way that it does not know."""

_INTEGERS = ("labels", "cameras", "colors", "types")
_SCORES = ("color_scores", "type_scores")

_KINDS: dict[type[np.generic], str] = {np.int64: "iu", np.float32: "fiu", np.str_: "U"}
"""Kinds of arrays that are taken for a dtype: no float becomes a label unseen."""


@dataclass(frozen=True, eq=False)
class Features:
    """Features of N images.

    Attributes:
        vectors: Features `(N, D)`, float32 or float64. Other numbers are converted to float32.
        labels: Identity or class of each image, `(N,)`, int64; None where nobody knows.
        cameras: Camera that took each image, `(N,)`, int64.
        paths: Path of each image below the root of its data set, `(N,)`, text.
        colors: Colour of the vehicle, as published, `(N,)`, int64.
        types: Type of the vehicle, as published, `(N,)`, int64.
        color_scores: Scores `(N, C)` that the network gives each colour.
        type_scores: Scores `(N, T)` that the network gives each type.
        roles: What each image is in each trial, `(N, R)`, int64: 1 a query, 2 in the gallery, 0 not
            part of it.
        about: What made the features, such as the uid of a card; plain JSON.

    Raises:
        FeaturesError: An array has another length or rank than the features ask for, or a feature
            is infinite, not a number, or too large to be squared.
    """

    vectors: Floats
    labels: Integers | None = None
    cameras: Integers | None = None
    paths: npt.NDArray[np.str_] | None = None
    colors: Integers | None = None
    types: Integers | None = None
    color_scores: Floats | None = None
    type_scores: Floats | None = None
    roles: Integers | None = None
    about: dict[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "vectors", _vectors(self.vectors))
        for name in _INTEGERS:
            self._convert(name, np.int64, ndim=1)
        for name in _SCORES:
            self._convert(name, np.float32, ndim=2)
        self._convert("paths", np.str_, ndim=1)
        self._convert("roles", np.int64, ndim=2)
        if self.roles is not None and not (self.roles.size and np.isin(self.roles, _ROLES).all()):
            msg = f"roles must be (N, R) with the values {_ROLES}, for at least one trial."
            raise FeaturesError(msg)

    def _convert(self, name: str, dtype: type[np.generic], *, ndim: int) -> None:
        value = getattr(self, name)
        if value is None:
            return
        array = np.asarray(value)
        _check_kind(name, array, dtype)
        if array.ndim != ndim or len(array) != len(self.vectors):
            msg = (
                f"{name} has the shape {array.shape}, but {len(self.vectors)} features need "
                f"{ndim} dimension(s) and as many entries; give one entry per feature."
            )
            raise FeaturesError(msg)
        object.__setattr__(self, name, array.astype(dtype, copy=False))

    def __len__(self) -> int:
        return len(self.vectors)

    def known(self, name: str) -> npt.NDArray[Any]:
        """An array that a protocol cannot do without.

        Args:
            name: An attribute, such as `cameras`.

        Raises:
            FeaturesError: It is not there.
        """
        value = getattr(self, name)
        if value is None:
            msg = f"The features lack {name!r}, which this protocol needs; store it with them."
            raise FeaturesError(msg)
        return np.asarray(value)

    def take(self, indices: Integers) -> Features:
        """The features at these indices, in this order."""
        chosen = {name: value[indices] for name, value in self._arrays()}
        return Features(**chosen, about=self.about)

    def trials(self) -> list[tuple[Features, Features | None]]:
        """Queries and gallery of each trial; all images and None where there are no roles.

        Raises:
            FeaturesError: A trial has no query or no gallery.
        """
        if self.roles is None:
            return [(self, None)]
        found: list[tuple[Features, Features | None]] = []
        for number, roles in enumerate(self.roles.T):
            places = [np.flatnonzero(roles == role) for role in (QUERY, GALLERY)]
            if not all(len(part) for part in places):
                msg = (
                    f"Trial {number} has {len(places[0])} queries and {len(places[1])} gallery "
                    f"images; its column of roles must hold {QUERY} and {GALLERY}."
                )
                raise FeaturesError(msg)
            query, gallery = (dataclasses.replace(self.take(part), roles=None) for part in places)
            found.append((query, gallery))
        return found

    def save(self, path: Path) -> None:
        """Write an npz file; an existing one is replaced."""
        with _files.replacing(path) as temporary, temporary.open("wb") as stream:
            np.savez(stream, **self.arrays())

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """What a file of them holds."""
        about = json.dumps(as_builtin({"schema": SCHEMA, **self.about}), sort_keys=True)
        return {"about": np.array(about), **dict(self._arrays())}

    def _arrays(self) -> Iterator[tuple[str, npt.NDArray[Any]]]:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name != "about" and value is not None:
                yield field.name, value


def load(path: Path) -> Features:
    """Read an npz file that `Features.save` wrote, or another with the same arrays.

    Args:
        path: The file. Pickled arrays are refused, since they can run code.

    Raises:
        FeaturesError: The file is missing, not an npz file, of a later schema, or does not fit it.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files}
    except _BROKEN as error:
        msg = f"{path} cannot be read as features: {error}. Expected an npz file, see docs/reid.md."
        raise FeaturesError(msg) from error
    about = _about(path, found.pop("about", None))
    names = {field.name for field in dataclasses.fields(Features)}
    if set(found) - names or "vectors" not in found:
        msg = (
            f"{path} holds {sorted(found)}, but features have vectors and optionally "
            f"{sorted(names - {'vectors', 'about'})}; rename or add arrays."
        )
        raise FeaturesError(msg)
    return Features(**found, about=about)


def _about(path: Path, text: npt.NDArray[Any] | None) -> dict[str, Any]:
    """What made the features; the version is looked at and left out."""
    try:
        about: dict[str, Any] = json.loads(str(text)) if text is not None else {}
        schema = int(about.pop("schema", SCHEMA))
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        msg = f"{path}: the array 'about' must be a JSON object, but is {str(text)[:80]!r}."
        raise FeaturesError(msg) from error
    if schema > SCHEMA:
        msg = (
            f"{path} has the schema {schema}, but this version reads up to {SCHEMA}; "
            "update mindspore-hub."
        )
        raise FeaturesError(msg)
    return about


def _vectors(value: npt.ArrayLike) -> Floats:
    vectors = np.asarray(value)
    if vectors.dtype not in {np.dtype(np.float32), np.dtype(np.float64)}:
        _check_kind("vectors", vectors, np.float32)
        vectors = vectors.astype(np.float32)
    if vectors.ndim != 2 or not vectors.size:
        msg = f"vectors has the shape {vectors.shape}, but must be (N, D), neither of them 0."
        raise FeaturesError(msg)
    bad = np.flatnonzero(~np.isfinite(squared_norms(vectors)))
    if bad.size:
        msg = (
            f"{bad.size} of {len(vectors)} features are infinite, not numbers or too large to be "
            f"squared, the first at index {bad[0]}; look at the network's output for that image."
        )
        raise FeaturesError(msg)
    return vectors


def _check_kind(name: str, array: npt.NDArray[Any], dtype: type[np.generic]) -> None:
    if array.dtype.kind not in _KINDS[dtype]:
        msg = f"{name} has the dtype {array.dtype}, but must be convertible to {dtype.__name__}."
        raise FeaturesError(msg)


def squared_norms(vectors: Floats, dtype: type[np.floating[Any]] | None = None) -> Floats:
    """Squared Euclidean norm of each row, in the dtype of the vectors, or in a wider one."""
    wide = np.promote_types(vectors.dtype, dtype or vectors.dtype)
    return np.asarray(np.einsum("ij,ij->i", vectors, vectors, dtype=wide))
