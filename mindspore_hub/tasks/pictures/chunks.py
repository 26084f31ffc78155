"""Rows of a long run on disk, batch after batch.

Rows are appended to plain files, and then a line to a journal, which says of which pictures they are
and their checksums. A run that was stopped goes on after the last batch whose rows are as the journal
says. A folder holds one run: beside both lies a plan that says what the run is of. A run of other
pictures, or in other batches, takes over the rows of those that are the same, and leaves out the
others when it writes its file; any other plan begins anew.
"""

from __future__ import annotations

import errno
import functools
import json
import logging
import os
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from io import BytesIO, FileIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mindspore_hub import _files
from mindspore_hub.errors import HubError, PictureError, StoreError
from mindspore_hub.tasks.pictures.journal import as_line, differences, facts_of, write_all

if TYPE_CHECKING:
    from typing_extensions import Self

Array = npt.NDArray[Any]

_npy: Any = np.lib.format  # has no types

_LAYOUT = 2
"""Version of what a folder holds."""

_PLAN, _JOURNAL, _ROWS = "plan.json", "batches.txt", ".float32"
"""Names in a folder; the last one is the end of a name."""

_REPLACEABLE = frozenset({"pictures", "batch_size"})
"""What may differ from an earlier plan, so that its rows are still those of their pictures."""

_BLOCK = 1 << 20

_RACES = frozenset({errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST})
"""What is met in a folder only if another run removes or makes it at that moment."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Chunk:
    """Rows of one batch, and which pictures could not be read, and why.

    Arrays are `(B, D)` float32 by names that the task gives, of those of the numbered pictures that
    could be read; there is none if no picture could be.
    """

    arrays: dict[str, Array]
    numbers: Sequence[int]
    skipped: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Entry:
    """A line of the journal: which rows are those of which pictures.

    Arrays have the widths of their rows, and checksums; what was skipped is counted from 0.
    """

    batch: int
    widths: dict[str, int]
    sums: dict[str, int]
    pictures: list[str]
    skipped: dict[int, str]

    @property
    def rows(self) -> int:
        """How many rows each array has."""
        return len(self.pictures) - len(self.skipped)

    def line(self) -> bytes:
        """The line, after its checksum."""
        facts = {**vars(self), "rows": self.rows, "skipped": sorted(self.skipped.items())}
        return as_line(facts)


class StoredChunks:
    """Chunks in a folder beside the file `output` that is to be made of them; a context manager.

    Files stay open, so that a run ends well even if another one takes its folder away. `plan` is what the
    run is of, as plain JSON; `pictures` tells each from all others, and from what it was before a change.
    Batches that lack pictures are taken up if `skipping`, else that is a PictureError; a StoreError says
    that the folder cannot be written, or is not one of ours.
    """

    def __init__(
        self, output: Path, plan: Mapping[str, Any], pictures: Sequence[str], *, skipping: bool
    ) -> None:
        self.skipped: dict[int, str] = {}
        self.widths: dict[str, int] = {}
        self._output = output
        self.folder = output.with_name(f"{output.name}.partial")
        self._pictures = pictures
        self._batches = self._end = 0
        self._places = np.full(len(pictures), -1)
        self._files: dict[str, FileIO] = {}
        self._open = ExitStack()
        with self._storing():
            done, differ = self._prepare({"layout": _LAYOUT, **plan})
            self._identity = self.folder.stat()
            self._take_up()
        if done > self.rows:
            logger.warning(
                "%s: %d of %d finished rows are given up, since this run differs: %s",
                *(self.folder, done - self.rows, done, "; ".join(differ.values())),
            )
        if self.skipped and not skipping:
            self._open.close()
            msg = (
                f"{next(iter(self.skipped.values()))} An earlier run left it out, and what it "
                f"computed is in {self.folder}: leave out bad pictures again (skip_bad=True, "
                "--skip-bad) to go on from there."
            )
            raise PictureError(msg)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave what can be taken up; a folder without rows is removed."""
        self._open.close()
        if not self.rows:
            self._clean_up()

    @property
    def rows(self) -> int:
        """Pictures whose rows are there."""
        return int(np.count_nonzero(self._places >= 0))

    def missing(self) -> list[int]:
        """Which pictures are in no chunk, in their order."""
        return [n for n in np.flatnonzero(self._places < 0).tolist() if n not in self.skipped]

    def append(self, chunk: Chunk) -> None:
        """Write the next chunk; if a StoreError says that this is not possible, the chunks before stay."""
        contents = {
            name: np.ascontiguousarray(rows, np.float32).tobytes()
            for name, rows in chunk.arrays.items()
        }
        entry = _Entry(
            self._batches,
            {name: rows.shape[1] for name, rows in chunk.arrays.items()},
            {name: zlib.crc32(content) for name, content in contents.items()},
            [self._pictures[number] for number in chunk.numbers],
            {chunk.numbers.index(number): why for number, why in chunk.skipped.items()},
        )
        with self._storing():
            for name, content in contents.items():
                write_all(self._rows_of(name, self._end, entry.widths[name]), content)
            write_all(self._file(_JOURNAL), entry.line())
        self._note(entry, chunk.numbers)

    def save(self, others: Mapping[str, Array]) -> None:
        """Write the npz file, with other arrays, in the order of the pictures; remove the folder.

        Raises:
            StoreError: It cannot be written; what was there, and the chunks, are untouched.
        """
        rows = {name: functools.partial(self._copy, name) for name in self.widths}
        with self._storing():
            write_arrays(self._output, others, rows)
        self._open.close()
        self._clean_up()

    def read(self, name: str) -> Array:
        """An array in the order of the pictures, as a whole, `(N, D)` float32.

        Raises:
            StoreError: It cannot be read.
        """
        stream = BytesIO()
        with self._storing():
            self._copy(name, stream)
        stream.seek(0)
        made: Array = np.load(stream)
        return made

    def finish(self, content: bytes) -> None:
        """Write what was made of the arrays; remove the folder.

        Raises:
            StoreError: It cannot be written; what was there, and the chunks, are untouched.
        """
        with self._storing():
            _files.replace(self._output, content)
        self._open.close()
        self._clean_up()

    def _clean_up(self) -> None:
        """Remove the folder; what is left of it would be taken up, or removed, by the next run."""
        if self._is_there():
            shutil.rmtree(self.folder, ignore_errors=True)

    def _is_there(self) -> bool:
        """Whether the folder is still the one of this run, and not that of another."""
        try:
            return os.path.samestat(self._identity, self.folder.stat())
        except OSError:
            return False

    @contextmanager
    def _storing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in _RACES and self._output.parent.is_dir():
                raise self._taken_away() from error
            if isinstance(error, HubError) and error.errno is None:  # one that says it all
                raise
            msg = (
                f"{self._output}, or {self.folder.name} beside it, cannot be written: "
                f"{_files.reason(error)}. Make room or choose another file; what was computed "
                "before is kept, and the same call goes on from there."
            )
            raise StoreError(msg) from error

    def _taken_away(self) -> StoreError:
        return StoreError(
            f"{self.folder} was taken away while it was written: another run writes the same output. "
            "Let one of them end, or give each an output of its own."
        )

    def _prepare(self, plan: Mapping[str, Any]) -> tuple[int, dict[str, str]]:
        """Have a folder of this plan; rows of the one of another plan, and how that one differs.

        A folder is taken over as a copy, since the run that began it may still write to it.
        """
        _files.require_file(self._output)
        text = json.dumps(plan, sort_keys=True, indent=2)
        renewed = self.folder.with_name(f"{self.folder.name}.new")
        if renewed.is_dir():  # of a run that ended while it took over another one
            self._require_ours(renewed)
            if self.folder.is_dir():
                shutil.rmtree(renewed)
            else:
                renewed.rename(self.folder)
        file = self.folder / _PLAN
        if file.is_file() and file.read_bytes() == text.encode():
            return 0, {}
        if not self.folder.is_dir():
            _files.replace(file, text)
            return 0, {}
        self._require_ours(self.folder)
        differ = differences(file, plan)
        journal = self.folder / _JOURNAL
        lines = journal.read_bytes().splitlines(keepends=True) if journal.is_file() else []
        found = [facts for facts in map(facts_of, lines) if facts]
        done = sum(facts.get("rows", 0) for facts in found)
        renewed.mkdir()
        if differ.keys() <= _REPLACEABLE:
            for path in self.folder.iterdir():
                shutil.copyfile(path, renewed / path.name)
            wanted = set(self._pictures)
            for facts in found:  # what is given up now is not counted when it is taken over again
                read = set(range(len(facts["pictures"]))) - dict(facts["skipped"]).keys()
                facts["rows"] = sum(facts["pictures"][index] in wanted for index in read)
            (renewed / _JOURNAL).write_bytes(b"".join(map(as_line, found)))
        _files.replace(renewed / _PLAN, text)
        shutil.rmtree(self.folder)
        renewed.rename(self.folder)
        return done, differ

    def _require_ours(self, folder: Path) -> None:
        for name in (path.name for path in folder.iterdir()):
            ours = name in {_PLAN, _JOURNAL} or name.endswith(_ROWS)
            if not ours and not name.startswith(f".{_PLAN}"):
                msg = (
                    f"{folder} is where parts of {self._output.name} are kept, but it holds "
                    f"{name}, which is not one of these parts; move it, or choose another file."
                )
                raise StoreError(msg)

    def _file(self, name: str) -> FileIO:
        """A file of the folder, opened once, and made where there is none."""
        if name not in self._files:
            if not self._is_there():
                raise self._taken_away()
            path = self.folder / name
            path.touch()
            self._files[name] = self._open.enter_context(path.open("r+b", buffering=0))
        return self._files[name]

    def _rows_of(self, name: str, row: int, width: int) -> FileIO:
        """The file of an array, at one of its rows."""
        file = self._file(name + _ROWS)
        file.seek(4 * row * width)
        return file

    def _take_up(self) -> None:
        """Note the chunks that are there, up to the first that is not as it should be."""
        end = 0
        numbers = {picture: number for number, picture in enumerate(self._pictures)}
        for line in self._file(_JOURNAL).read().splitlines(keepends=True):
            facts = facts_of(line)
            if not facts or facts["batch"] != self._batches:
                break
            del facts["rows"]
            entry = _Entry(**{**facts, "skipped": dict(facts["skipped"])})
            if not all(self._is_intact(entry, name) for name in entry.widths):
                break
            self._note(entry, [numbers.get(picture, -1) for picture in entry.pictures])
            end += len(line)
        self._file(_JOURNAL).truncate(end)
        self._file(_JOURNAL).seek(end)

    def _is_intact(self, entry: _Entry, name: str) -> bool:
        size = 4 * entry.rows * entry.widths[name]
        content = self._rows_of(name, self._end, entry.widths[name]).read(size)
        return len(content) == size and zlib.crc32(content) == entry.sums[name]

    def _note(self, entry: _Entry, numbers: Sequence[int]) -> None:
        """Note a batch at the end; numbers of pictures that are not of this run are -1."""
        for index, number in enumerate(numbers):
            if index not in entry.skipped:
                if number >= 0:
                    self._places[number] = self._end
                self._end += 1
            elif number >= 0:
                self.skipped[number] = entry.skipped[index]
        self.widths |= entry.widths
        self._batches += 1

    def _copy(self, name: str, target: IO[bytes]) -> None:
        """Write an array as npy, its rows in the order of the pictures."""
        width = self.widths[name]
        places = self._places[self._places >= 0]
        write_header(target, (len(places), width))
        for run in np.split(places, np.flatnonzero(np.diff(places) != 1) + 1):
            file = self._rows_of(name, int(run[0]), width)
            left = 4 * len(run) * width
            while left:
                block = file.read(min(left, _BLOCK))
                if not block:
                    msg = f"{self.folder} was changed by others; the next call begins anew there."
                    raise StoreError(msg)
                target.write(block)
                left -= len(block)


def write_arrays(
    path: Path, arrays: Mapping[str, Array], rows: Mapping[str, Callable[[IO[bytes]], None]]
) -> None:
    """Write an npz file of arrays, and then of rows, each of which writes its entry by itself.

    The same values make the same bytes, in whatever order rows were found.
    """
    with _files.replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.save(entry, array, allow_pickle=False)
        for name, write in sorted(rows.items()):
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                write(entry)


def write_header(target: IO[bytes], shape: tuple[int, int]) -> None:
    """Write what goes before float32 rows in an npy file."""
    kind = _npy.dtype_to_descr(np.dtype(np.float32))
    header = {"descr": kind, "fortran_order": False, "shape": shape}
    _npy.write_array_header_1_0(target, header)
