"""An npz file of features written part by part, so that they are never in memory together."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mindspore_hub import _files
from mindspore_hub.errors import FeaturesError
from mindspore_hub.gallery.features import SCHEMA, Features
from mindspore_hub.hub.values import as_builtin

_npy: Any = np.lib.format  # has no types

_ALIGNMENT = 64

_OTHERS = ("labels", "cameras", "paths", "digests")
"""Arrays of a gallery besides the vectors, which every part of it has."""

_UNKNOWN: tuple[Any, ...] = (-1, "")
"""What stands where nobody knows; an array of nothing else is left out."""


def write(
    path: str | os.PathLike[str],
    parts: Iterable[Features],
    *,
    shape: tuple[int, int],
    dtype: np.dtype[Any],
    about: Mapping[str, Any],
) -> None:
    """Write features as an npz file; one that is there is replaced.

    The vectors begin at a multiple of 64 bytes, so that they can be mapped and multiplied as they are.

    Args:
        path: The file.
        parts: The features, part after part, as galleries give them.
        shape: Rows and values of each.
        dtype: That of the vectors.
        about: What made the features.

    Raises:
        FeaturesError: The parts have not as many rows, since they were changed meanwhile.
        StoreError: The file cannot be written; what was there is untouched.
    """
    others: dict[str, list[Any]] = {}
    with _files.replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        rows = 0
        if shape[0]:
            with archive.open(_aligned("vectors.npy"), "w", force_zip64=True) as stream:
                header = {
                    "descr": _npy.dtype_to_descr(dtype),
                    "fortran_order": False,
                    "shape": shape,
                }
                _npy.write_array_header_1_0(stream, header)
                for part in parts:
                    stream.write(np.ascontiguousarray(part.vectors, dtype).data)
                    rows += len(part)
                    for name in _OTHERS:
                        others.setdefault(name, []).append(getattr(part, name))
        if rows != shape[0]:
            msg = f"{path} was not written: the gallery was changed meanwhile; do it again."
            raise FeaturesError(msg)
        arrays = {name: np.concatenate(found) for name, found in others.items()}
        arrays = {name: found for name, found in arrays.items() if not _is_unknown(found)}
        facts = json.dumps(as_builtin({"schema": SCHEMA, **about}), sort_keys=True, allow_nan=False)
        for name, values in {**arrays, "about": np.array(facts)}.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as stream:
                np.save(stream, values, allow_pickle=False)
        archive.close()
        _synchronise(temporary)


def _is_unknown(values: npt.NDArray[Any]) -> bool:
    return bool((values == _UNKNOWN[values.dtype.kind == "U"]).all())


def _aligned(name: str) -> zipfile.ZipInfo:
    """An entry whose content begins at a multiple of 64 bytes, if it is the first one of a file."""
    found = zipfile.ZipInfo(name)
    # Before the content come 30 bytes, the name, and fields: 20 bytes of sizes, and this one.
    begin = 30 + len(name) + 20 + 4
    size = -begin % _ALIGNMENT
    found.extra = b"\x00\xd9" + size.to_bytes(2, "little") + bytes(size)
    return found


def _synchronise(path: Path) -> None:
    """Have a file on the disk before it takes the place of another."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
