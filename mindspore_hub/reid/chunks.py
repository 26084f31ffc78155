"""Features of a long run, one batch after the other, in memory or on disk.

On disk, a run that was stopped goes on where it was: each batch is a file, written as a whole, beside a
plan that says what the run is of. Another plan begins anew.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from mindspore_hub import _files
from mindspore_hub.errors import FeaturesError

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Chunk:
    """What became of one batch.

    Attributes:
        vectors: Features of the pictures that could be read, `(B, D)`.
        kept: Which pictures of all these are, `(B,)`.
        skipped: Which ones could not be read, and why.
        scores: Scores of attributes, `(B, C)` each.
    """

    vectors: Array
    kept: Array
    skipped: dict[int, str] = field(default_factory=dict)
    scores: dict[str, Array] = field(default_factory=dict)


class Chunks(Protocol):
    """Chunks in their order."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Chunk]: ...

    def append(self, chunk: Chunk, /) -> None:
        """Add the next one."""


class StoredChunks:
    """Chunks in a folder beside the file that is to be made of them.

    Args:
        output: That file.
        plan: What the run is of; chunks of another plan are removed.

    Raises:
        OSError: The folder cannot be written.
    """

    def __init__(self, output: Path, plan: dict[str, Any]) -> None:
        self.folder = output.with_name(f"{output.name}.partial")
        text = json.dumps(plan, sort_keys=True, indent=2)
        file = self.folder / "plan.json"
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            self.remove()
            _files.replace(file, text)
        self._count = 0
        while self._file(self._count).is_file():
            self._count += 1

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Chunk]:
        for number in range(self._count):
            yield _read(self._file(number))

    def append(self, chunk: Chunk) -> None:
        """Write the next chunk."""
        skipped = json.dumps(sorted(chunk.skipped.items()))
        arrays = {"vectors": chunk.vectors, "kept": chunk.kept, "skipped": np.array(skipped)}
        with _files.replacing(self._file(self._count)) as path:
            np.savez(path, **arrays, **chunk.scores)
        self._count += 1

    def remove(self) -> None:
        """Remove the folder."""
        if self.folder.exists():
            shutil.rmtree(self.folder)

    def _file(self, number: int) -> Path:
        return self.folder / f"{number:08}.npz"


def _read(path: Path) -> Chunk:
    with np.load(path, allow_pickle=False) as arrays:
        found = {name: arrays[name] for name in arrays.files}
    skipped = dict(json.loads(str(found.pop("skipped"))))
    return Chunk(found.pop("vectors"), found.pop("kept"), skipped, found)


def gather(chunks: Chunks, scratch: Path | None) -> Chunk:
    """All chunks as one.

    Args:
        chunks: The chunks.
        scratch: A folder for features that are to stay on disk while they are looked at; None
            takes them into memory.

    Raises:
        FeaturesError: No picture could be read.
    """
    kept = [chunk.kept for chunk in chunks]
    rows = sum(map(len, kept))
    skipped = {number: why for chunk in chunks for number, why in chunk.skipped.items()}
    if not rows:
        number, why = next(iter(skipped.items()))
        msg = f"None of {len(skipped)} pictures could be read; the first, number {number}: {why}"
        raise FeaturesError(msg)
    arrays: dict[str, Array] = {}
    begin = 0
    for chunk in chunks:
        stop = begin + len(chunk.kept)
        for name, values in {"vectors": chunk.vectors, **chunk.scores}.items():
            if len(values):
                made = arrays.get(name)
                if made is None:
                    made = arrays[name] = _empty((rows, values.shape[1]), scratch, name)
                made[begin:stop] = values
        begin = stop
    return Chunk(arrays.pop("vectors"), np.concatenate(kept), skipped, arrays)


def _empty(shape: tuple[int, int], scratch: Path | None, name: str) -> Array:
    if scratch is None:
        return np.empty(shape, np.float32)
    return np.memmap(scratch / f"{name}.float32", np.float32, "w+", shape=shape)
