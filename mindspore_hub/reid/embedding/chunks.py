"""Features of a long run, batch after batch, in memory or on disk.

On disk, rows are appended to plain files, and then a line to a journal, which says how many they are
and their checksums. A run that was stopped goes on after the last batch whose rows are as the journal
says. A folder holds one run: beside both lies a plan that says what the run is of, and another plan
begins anew.
"""

from __future__ import annotations

import json
import shutil
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from mindspore_hub import _files
from mindspore_hub.errors import HubError, PictureError, StoreError

if TYPE_CHECKING:
    from typing_extensions import Self

Array = npt.NDArray[Any]

_npy: Any = np.lib.format  # has no types

_LAYOUT = 1
"""Version of what a folder holds."""

_PLAN = "plan.json"
_JOURNAL = "batches.txt"
_ROWS = ".float32"
_BLOCK = 1 << 20


@dataclass(frozen=True, eq=False)
class Chunk:
    """What became of one batch.

    Attributes:
        arrays: Rows of the pictures that could be read, `(B, D)` float32 each, by the names that
            `Features` has; none if no picture could be.
        skipped: Which pictures could not be read, and why.
    """

    arrays: dict[str, Array]
    skipped: dict[int, str] = field(default_factory=dict)


class Chunks(Protocol):
    """Where chunks go, in their order.

    Attributes:
        count: Chunks that are there.
        skipped: Pictures that could not be read, and why.
    """

    count: int
    skipped: dict[int, str]

    def append(self, chunk: Chunk, /) -> None:
        """Add the next one."""


class HeldChunks:
    """Chunks in memory."""

    def __init__(self) -> None:
        self.count = 0
        self.skipped: dict[int, str] = {}
        self._parts: dict[str, list[Array]] = {}

    def append(self, chunk: Chunk) -> None:
        """Add the next chunk."""
        for name, rows in chunk.arrays.items():
            self._parts.setdefault(name, []).append(rows)
        self.skipped |= chunk.skipped
        self.count += 1

    def arrays(self) -> dict[str, Array]:
        """The rows of all chunks."""
        return {name: np.concatenate(parts) for name, parts in self._parts.items()}


class StoredChunks:
    """Chunks in a folder beside the file that is to be made of them; a context manager.

    Files stay open, so that a run ends well even if another one takes its folder away.

    Args:
        output: That file.
        plan: What the run is of, as plain JSON.
        skipping: Whether batches are taken up that lack pictures.

    Attributes:
        folder: The folder.
        widths: Values in a row of each array.

    Raises:
        StoreError: The folder cannot be written, or is not one of ours.
    """

    def __init__(self, output: Path, plan: Mapping[str, Any], *, skipping: bool) -> None:
        self.count = 0
        self.rows = 0
        self.skipped: dict[int, str] = {}
        self.widths: dict[str, int] = {}
        self._output = output
        self.folder = output.with_name(f"{output.name}.partial")
        self._files: dict[str, FileIO] = {}
        self._open = ExitStack()
        with self._storing():
            self._prepare(json.dumps({"layout": _LAYOUT, **plan}, sort_keys=True, indent=2))
            self._journal = self._file(_JOURNAL)
            self._take_up(skipping=skipping)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Keep what can be taken up; a folder without rows is removed."""
        self._open.close()
        if not self.rows:
            self._clean_up()

    def append(self, chunk: Chunk) -> None:
        """Write the next chunk.

        Raises:
            StoreError: It cannot be written; the chunks before stay.
        """
        contents = {
            name: np.ascontiguousarray(rows, np.float32).tobytes()
            for name, rows in chunk.arrays.items()
        }
        entry = _Entry(
            self.count,
            max(map(len, chunk.arrays.values()), default=0),
            {name: rows.shape[1] for name, rows in chunk.arrays.items()},
            {name: zlib.crc32(content) for name, content in contents.items()},
            chunk.skipped,
        )
        with self._storing():
            for name, content in contents.items():
                file = self._file(name + _ROWS)
                file.seek(4 * self.rows * entry.widths[name])
                _write(file, content)
            _write(self._journal, entry.as_line())
        self._note(entry)

    def save(self, others: Mapping[str, Array]) -> None:
        """Write the npz file, block by block, and remove the folder.

        Args:
            others: Further arrays for it.

        Raises:
            StoreError: It cannot be written; what was there, and the chunks, are untouched.
        """
        with (
            self._storing(),
            _files.replacing(self._output) as path,
            zipfile.ZipFile(path, "w") as archive,
        ):
            for name, values in others.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                    np.save(entry, values, allow_pickle=False)
            for name in self.widths:
                with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                    self._copy(name, entry)
        self._open.close()
        self._clean_up()

    def _clean_up(self) -> None:
        """Remove the folder; what is left of it would be taken up, or removed, by the next run."""
        shutil.rmtree(self.folder, ignore_errors=True)

    @contextmanager
    def _storing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if (
                isinstance(error, HubError) and error.errno is None
            ):  # one of ours, which says all that there is to say
                raise
            msg = (
                f"{self._output}, or {self.folder.name} beside it, cannot be written: "
                f"{_files.reason(error)}. Make room or choose another file; what was computed "
                "before is kept, and the same call goes on from there."
            )
            raise StoreError(msg) from error

    def _prepare(self, plan: str) -> None:
        """Have a folder of this plan; that of another one is emptied, if it is ours."""
        _files.require_file(self._output)
        file = self.folder / _PLAN
        if self.folder.is_dir():
            if file.is_file() and file.read_bytes() == plan.encode():
                return
            self._require_ours()
            shutil.rmtree(self.folder)
        _files.replace(file, plan)

    def _require_ours(self) -> None:
        known = {_PLAN, _JOURNAL}
        for path in self.folder.iterdir():
            name = path.name
            if name not in known and not name.endswith(_ROWS) and not name.startswith(f".{_PLAN}"):
                msg = (
                    f"{self.folder} is where parts of {self._output.name} are kept, but it holds "
                    f"{name}, which is none; move it, or choose another file."
                )
                raise StoreError(msg)

    def _file(self, name: str) -> FileIO:
        """A file of the folder, opened once."""
        if name not in self._files:
            path = self.folder / name
            path.touch()
            file = path.open("r+b", buffering=0)
            self._files[name] = self._open.enter_context(file)
        return self._files[name]

    def _take_up(self, *, skipping: bool) -> None:
        """Note the chunks that are there, up to the first that is not as it should be."""
        end = 0
        for line in self._journal.read().splitlines(keepends=True):
            entry = _entry(line)
            if entry is None or entry.batch != self.count or not self._holds(entry):
                break
            if entry.skipped and not skipping:
                self._open.close()
                msg = (
                    f"{next(iter(entry.skipped.values()))} An earlier run left it out, and what it "
                    f"computed is in {self.folder}: leave out bad pictures again (skip_bad=True, "
                    "--skip-bad) to go on from there."
                )
                raise PictureError(msg)
            self._note(entry)
            end += len(line)
        self._journal.truncate(end)
        self._journal.seek(end)

    def _holds(self, entry: _Entry) -> bool:
        """Whether the rows of an entry are there, as they were written."""
        for name, width in entry.widths.items():
            file = self._file(name + _ROWS)
            file.seek(4 * self.rows * width)
            rows = file.read(4 * entry.rows * width)
            if len(rows) != 4 * entry.rows * width or zlib.crc32(rows) != entry.sums[name]:
                return False
        return True

    def _note(self, entry: _Entry) -> None:
        self.count += 1
        self.rows += entry.rows
        self.widths |= entry.widths
        self.skipped |= entry.skipped

    def _copy(self, name: str, target: IO[bytes]) -> None:
        """Write an array as npy."""
        width, file = self.widths[name], self._file(name + _ROWS)
        kind = _npy.dtype_to_descr(np.dtype(np.float32))
        header = {"descr": kind, "fortran_order": False, "shape": (self.rows, width)}
        _npy.write_array_header_1_0(target, header)
        file.seek(0)
        left = 4 * self.rows * width
        while left:
            block = file.read(min(left, _BLOCK))
            if not block:
                msg = f"{self.folder} was changed by others; the next call begins anew there."
                raise StoreError(msg)
            target.write(block)
            left -= len(block)


@dataclass(frozen=True)
class _Entry:
    """A line of the journal: number of a batch, its rows, widths and checksums of its arrays."""

    batch: int
    rows: int
    widths: dict[str, int]
    sums: dict[str, int]
    skipped: dict[int, str]

    def as_line(self) -> bytes:
        facts = {**vars(self), "skipped": sorted(self.skipped.items())}
        text = json.dumps(facts, sort_keys=True).encode()
        return b"%08x %s\n" % (zlib.crc32(text), text)


def _entry(line: bytes) -> _Entry | None:
    """What a line says; None if it is not whole."""
    checksum, _, text = line.rstrip(b"\n").partition(b" ")
    if not line.endswith(b"\n") or checksum != b"%08x" % zlib.crc32(text):
        return None
    facts = json.loads(text)
    return _Entry(**{**facts, "skipped": dict(facts["skipped"])})


def _write(file: FileIO, content: bytes) -> None:
    """Write all of it; a raw file may take a part, and say at the next one that the disk is full."""
    view = memoryview(content)
    while view:
        view = view[file.write(view) :]
