"""Features of images with what is known about each, in memory and in npz files.

The schema of the files is in `docs/reid.md`.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mindspore_hub import _files
from mindspore_hub._foreign import read_arrays, read_object
from mindspore_hub.errors import FeaturesError, MissingDependencyError
from mindspore_hub.hub.values import as_builtin

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

_KINDS: dict[type[np.generic], str] = {np.int64: "iu", np.float32: "fiu", np.str_: "U"}
"""Kinds of arrays that are taken for a dtype: no float becomes a label unseen."""


@dataclass(frozen=True, eq=False)
class Features:
    """Features of N images.

    Attributes:
        vectors: Features `(N, D)`, float32 or float64. Other numbers are converted to float32.
        labels: Identity or class of each image, `(N,)`, int64; None where nobody knows. A negative
            one means that nobody knows it of this image; it equals no other.
        cameras: Camera that took each image, `(N,)`, int64.
        paths: Path of each image below the root of its data set, `(N,)`, text.
        colors: Colour of the vehicle, as published, `(N,)`, int64.
        types: Type of the vehicle, as published, `(N,)`, int64.
        color_scores: Scores `(N, C)` that the network gives each colour.
        type_scores: Scores `(N, T)` that the network gives each type.
        roles: What each image is in each trial, `(N, R)`, int64: 1 a query, 2 in the gallery, 0 not
            part of it.
        digests: What tells the content of each picture from that of any other, `(N,)`, 32 hexadecimal
            digits; galleries have them.
        about: What made the features, such as the uid of a card; plain JSON.

    Raises:
        FeaturesError: An array has another length or rank than the features ask for, a whole number
            does not fit into int64, a score is infinite or not a number, or a feature is, or is too
            large to be squared.
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
    digests: npt.NDArray[np.str_] | None = None
    about: dict[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "vectors", _vectors(self.vectors))
        for name in ("labels", "cameras", "colors", "types"):
            self._convert(name, np.int64, ndim=1)
        self._convert("paths", np.str_, ndim=1)
        self._convert("digests", np.str_, ndim=1)
        for name in ("color_scores", "type_scores"):
            self._convert(name, np.float32, ndim=2)
            self._check_scores(name)
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
        object.__setattr__(self, name, _converted(name, array, dtype))

    def _check_scores(self, name: str) -> None:
        scores = getattr(self, name)
        if scores is None:
            return
        if not scores.shape[1]:
            msg = f"{name} has the shape {scores.shape}, but must have a score for each class."
            raise FeaturesError(msg)
        bad = unusable(name, scores)
        if bad.size:
            path = "" if self.paths is None else f", {str(self.paths[bad[0]])!r}"
            msg = (
                f"{bad.size} of {len(scores)} rows of {name} are infinite or not numbers, the first "
                f"at index {bad[0]}{path}; look at the network's output for that image."
            )
            raise FeaturesError(msg)

    def __len__(self) -> int:
        return len(self.vectors)

    def known(self, name: str) -> npt.NDArray[Any]:
        """An array that a protocol cannot do without; a FeaturesError if it is not there."""
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

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write an npz file; an existing one is replaced.

        Raises:
            StoreError: It cannot be written (an OSError); what was there is untouched.
        """
        with _files.replacing(path) as temporary, temporary.open("wb") as stream:
            np.savez(stream, **self.arrays())

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """What a file of them holds; a FeaturesError if `about` is not plain JSON."""
        try:
            facts = as_builtin({"schema": SCHEMA, **self.about})
            about = json.dumps(facts, sort_keys=True, allow_nan=False)
        except (TypeError, ValueError) as error:
            msg = f"about must be plain JSON, with texts as names, but is not: {error}."
            raise FeaturesError(msg) from error
        return {"about": np.array(about), **dict(self._arrays())}

    def _arrays(self) -> Iterator[tuple[str, npt.NDArray[Any]]]:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name != "about" and value is not None:
                yield field.name, value


def load(path: str | os.PathLike[str], *, mapped: bool = False) -> Features:
    """Read an npz file that `Features.save` wrote, or another with the same arrays.

    Args:
        path: The file. Pickled arrays are refused, since they can run code.
        mapped: Map the vectors, so that they take no memory that the system cannot take back. They can be
            read only; the file must not be written to meanwhile, other than by renaming another to it.

    Raises:
        FeaturesError: The file is missing, not an npz file, damaged, of a later schema, or holds
            what features cannot be; the message names it.
    """
    path = Path(path)
    try:
        found = read_arrays(path, mapped="vectors" if mapped else "")
    except (OSError, ValueError) as error:
        msg = f"{path} cannot be read as features: {error}. Expected an npz file, see docs/reid.md."
        raise FeaturesError(msg) from error
    about = about_of(path, found.pop("about", None))
    names = {field.name for field in dataclasses.fields(Features)}
    if set(found) - names or "vectors" not in found:
        msg = (
            f"{path} holds {sorted(found)}, but features have vectors and optionally "
            f"{sorted(names - {'vectors', 'about'})}; rename or add arrays."
        )
        raise FeaturesError(msg)
    try:
        return Features(**found, about=about)
    except FeaturesError as error:
        msg = f"{path}: {error}"
        raise FeaturesError(msg) from error


def about_of(path: Path, text: npt.NDArray[Any] | None) -> dict[str, Any]:
    """What made the features; the version is looked at and left out."""
    try:
        about = read_object(str(text)) if text is not None else {}
        schema = int(about.pop("schema", SCHEMA))
    except (ValueError, TypeError, OverflowError) as error:
        shown = str(text)[:80]
        msg = f"{path}: the array 'about' must be a JSON object ({error}), but is {shown!r}."
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
        vectors = _converted("vectors", vectors, np.float32)
    if vectors.ndim != 2 or not vectors.size:
        msg = f"vectors has the shape {vectors.shape}, but must be (N, D), neither of them 0."
        raise FeaturesError(msg)
    bad = unusable("vectors", vectors)
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


def _converted(
    name: str, array: npt.NDArray[Any], dtype: type[np.generic]
) -> npt.NDArray[np.generic]:
    if dtype is np.int64 and array.dtype.kind == "u" and array.size:
        largest = int(array.max())
        if largest > np.iinfo(np.int64).max:
            msg = f"{name} holds {largest}, which does not fit into int64; number them anew."
            raise FeaturesError(msg)
    with np.errstate(over="ignore", invalid="ignore"):  # what becomes infinite is looked for later
        return array.astype(dtype, copy=False)


def unusable(name: str, rows: Floats) -> Integers:
    """Which rows of `vectors` or of scores are infinite, not numbers, or too large to be squared."""
    with np.errstate(over="ignore"):
        fine = np.isfinite(squared_norms(rows)) if name == "vectors" else np.isfinite(rows).all(1)
    return np.flatnonzero(~fine)


def identities(*labels: Integers) -> list[Integers]:
    """Numbers that are equal only where the same identity is known to be seen.

    A negative label means that nobody knows what is seen. It equals no other, not even the same
    number: each becomes a number of its own, above all others, whose order stays.
    """
    joined = np.concatenate(labels)
    known = joined >= 0
    names, places = np.unique(joined[known], return_inverse=True)
    numbers = len(names) + np.cumsum(~known)
    numbers[known] = places
    return np.split(numbers, np.cumsum([len(part) for part in labels])[:-1])


def squared_norms(vectors: Floats, dtype: type[np.floating[Any]] | None = None) -> Floats:
    """Squared Euclidean norm of each row, in the dtype of the vectors, or in a wider one."""
    wide = np.promote_types(vectors.dtype, dtype or vectors.dtype)
    return np.asarray(np.einsum("ij,ij->i", vectors, vectors, dtype=wide))
