"""Features of a long run, batch after batch, in memory or on disk.

On disk, rows are appended to plain files, and then a line to a journal, which says of which pictures
they are and their checksums. A run that was stopped goes on after the last batch whose rows are as the
journal says. A folder holds one run: beside both lies a plan that says what the run is of. A run of
other pictures, or in other batches, takes over the rows of those that are the same; any other plan
begins anew.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import shutil
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from mindspore_hub import _files
from mindspore_hub.errors import HubError, PictureError, StoreError
from mindspore_hub.tasks.retrieval.journal import (
    JOURNAL,
    LAYOUT,
    PLAN,
    ROWS,
    Entry,
    differences,
    facts_of,
    intact,
    open_in,
    write,
)

if TYPE_CHECKING:
    from typing_extensions import Self

Array = npt.NDArray[Any]

_npy: Any = np.lib.format  # has no types

_REPLACEABLE = frozenset({"pictures", "batch_size"})
"""What may differ from an earlier plan, so that its rows are still those of their pictures."""

_BLOCK = 1 << 20

_RACES = frozenset({errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST})
"""What is met in a folder only if another run removes or makes it at that moment."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Chunk:
    """What became of one batch.

    Attributes:
        arrays: Rows of the pictures that could be read, `(B, D)` float32 each, by the names that
            `Features` has; none if no picture could be.
        numbers: Which pictures these are, and those that could not be read.
        skipped: Which pictures could not be read, and why.
    """

    arrays: dict[str, Array]
    numbers: Sequence[int]
    skipped: dict[int, str] = field(default_factory=dict)


class Chunks(Protocol):
    """Where chunks go.

    Attributes:
        skipped: Pictures that could not be read, and why.
    """

    skipped: dict[int, str]

    def missing(self, count: int, /) -> list[int]:
        """Which of so many pictures are in no chunk, in their order."""

    def append(self, chunk: Chunk, /) -> None:
        """Add the next one."""


class HeldChunks:
    """Chunks in memory, of all pictures in their order."""

    def __init__(self) -> None:
        self.skipped: dict[int, str] = {}
        self._parts: dict[str, list[Array]] = {}

    def missing(self, count: int) -> list[int]:
        """All of them; nothing is taken up."""
        return list(range(count))

    def append(self, chunk: Chunk) -> None:
        """Add the next chunk."""
        for name, rows in chunk.arrays.items():
            self._parts.setdefault(name, []).append(rows)
        self.skipped |= chunk.skipped

    def arrays(self) -> dict[str, Array]:
        """The rows of all chunks."""
        return {name: np.concatenate(parts) for name, parts in self._parts.items()}


class StoredChunks:
    """Chunks in a folder beside the file that is to be made of them; a context manager.

    Files stay open, so that a run ends well even if another one takes its folder away.

    Args:
        output: That file.
        plan: What the run is of, as plain JSON.
        pictures: What tells each picture from all others, and from what it was before a change.
        skipping: Whether batches are taken up that lack pictures.

    Attributes:
        folder: The folder.
        rows: Rows that are there.
        widths: Values in a row of each array.

    Raises:
        StoreError: The folder cannot be written, or is not one of ours.
        PictureError: A picture was left out, which this run may not do.
    """

    def __init__(
        self, output: Path, plan: Mapping[str, Any], pictures: Sequence[str], *, skipping: bool
    ) -> None:
        self.rows = 0
        self.skipped: dict[int, str] = {}
        self.widths: dict[str, int] = {}
        self._output = output
        self.folder = output.with_name(f"{output.name}.partial")
        self._pictures = pictures
        self._count = 0
        self._places = np.full(len(pictures), -1)
        self._files: dict[str, FileIO] = {}
        self._open = ExitStack()
        with self._storing():
            self._prepare({"layout": LAYOUT, **plan})
            self._identity = self.folder.stat()
            self._journal = self._file(JOURNAL)
            self._take_up(skipping=skipping)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Keep what can be taken up; a folder without rows is removed."""
        self._open.close()
        if not self.rows:
            self._clean_up()

    def missing(self, count: int) -> list[int]:
        """Which of so many pictures are in no chunk, in their order."""
        return [n for n in range(count) if self._places[n] < 0 and n not in self.skipped]

    def append(self, chunk: Chunk) -> None:
        """Write the next chunk.

        Raises:
            StoreError: It cannot be written; the chunks before stay.
        """
        contents = {
            name: np.ascontiguousarray(rows, np.float32).tobytes()
            for name, rows in chunk.arrays.items()
        }
        entry = Entry(
            self._count,
            {name: rows.shape[1] for name, rows in chunk.arrays.items()},
            {name: zlib.crc32(content) for name, content in contents.items()},
            [self._pictures[number] for number in chunk.numbers],
            {chunk.numbers.index(number): why for number, why in chunk.skipped.items()},
        )
        with self._storing():
            for name, content in contents.items():
                file = self._file(name + ROWS)
                file.seek(4 * self.rows * entry.widths[name])
                write(file, content)
            write(self._journal, entry.as_line())
        self._note(entry, chunk.numbers)

    def save(self, others: Mapping[str, Array]) -> None:
        """Write the npz file, block by block and in the order of the pictures; remove the folder.

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

    def _prepare(self, plan: Mapping[str, Any]) -> None:
        """Have a folder of this plan, with what it can take over from that of another one."""
        _files.require_file(self._output)
        text = json.dumps(plan, sort_keys=True, indent=2)
        renewed = self.folder.with_name(f"{self.folder.name}.new")
        self._recover(renewed)
        file = self.folder / PLAN
        if file.is_file() and file.read_bytes() == text.encode():
            return
        if self.folder.is_dir():
            self._require_ours(self.folder)
            self._take_over(renewed, differences(file, plan))
            _files.replace(renewed / PLAN, text)
            shutil.rmtree(self.folder)
            renewed.rename(self.folder)
        else:
            _files.replace(file, text)

    def _recover(self, renewed: Path) -> None:
        """Tidy up after a run that ended while it took over another one."""
        if not renewed.is_dir():
            return
        self._require_ours(renewed)
        if self.folder.is_dir():
            shutil.rmtree(renewed)
        else:
            renewed.rename(self.folder)

    def _require_ours(self, folder: Path) -> None:
        known = {PLAN, JOURNAL}
        for path in folder.iterdir():
            name = path.name
            if name not in known and not name.endswith(ROWS) and not name.startswith(f".{PLAN}"):
                msg = (
                    f"{folder} is where parts of {self._output.name} are kept, but it holds "
                    f"{name}, which is not one of these parts; move it, or choose another file."
                )
                raise StoreError(msg)

    def _take_over(self, renewed: Path, differ: Mapping[str, str]) -> None:
        """Copy the rows of pictures that are the same to another folder; say what is given up."""
        saved = 0
        with ExitStack() as stack:
            journal = open_in(stack, self.folder, JOURNAL).read()
            done = sum(facts.get("rows", 0) for facts in map(facts_of, journal.splitlines(True)))
            if differ.keys() <= _REPLACEABLE:
                saved = self._copy_over(stack, journal, renewed)
        if done > saved:
            logger.warning(
                "%s: %d of %d finished rows are given up, since this run differs: %s",
                self.folder,
                done - saved,
                done,
                "; ".join(differ.values()),
            )

    def _copy_over(self, stack: ExitStack, journal: bytes, renewed: Path) -> int:
        """Copy batches without the pictures that are no more; how many rows that are."""
        wanted = set(self._pictures)
        files: dict[Path, FileIO] = {}
        count = rows = 0

        def file(name: str, folder: Path) -> FileIO:
            path = folder / name
            if path not in files:
                files[path] = open_in(stack, folder, name)
            return files[path]

        for entry, contents in intact(journal, lambda name: file(name, self.folder)):
            part, parts = entry.only(wanted, contents, count)
            if not part.pictures:
                continue
            renewed.mkdir(exist_ok=True)
            for name, content in parts.items():
                write(file(name + ROWS, renewed), content)
            write(file(JOURNAL, renewed), part.as_line())
            count, rows = count + 1, rows + part.rows
        return rows

    def _file(self, name: str) -> FileIO:
        """A file of the folder, opened once."""
        if name not in self._files:
            if not self._is_there():
                raise self._taken_away()
            self._files[name] = open_in(self._open, self.folder, name)
        return self._files[name]

    def _take_up(self, *, skipping: bool) -> None:
        """Note the chunks that are there, up to the first that is not as it should be."""
        end = 0
        journal = self._journal.read()
        numbers = {picture: number for number, picture in enumerate(self._pictures)}
        for entry, _ in intact(journal, self._file):
            if not numbers.keys() >= set(entry.pictures):
                break
            self._note(entry, [numbers[picture] for picture in entry.pictures])
            end += len(entry.as_line())
        if self.skipped and not skipping:
            self._open.close()
            msg = (
                f"{next(iter(self.skipped.values()))} An earlier run left it out, and what it "
                f"computed is in {self.folder}: leave out bad pictures again (skip_bad=True, "
                "--skip-bad) to go on from there."
            )
            raise PictureError(msg)
        self._journal.truncate(end)
        self._journal.seek(end)

    def _note(self, entry: Entry, numbers: Sequence[int]) -> None:
        read = [number for index, number in enumerate(numbers) if index not in entry.skipped]
        self._places[read] = np.arange(self.rows, self.rows + len(read))
        self.skipped |= {numbers[index]: why for index, why in entry.skipped.items()}
        self.widths |= entry.widths
        self.rows += len(read)
        self._count += 1

    def _copy(self, name: str, target: IO[bytes]) -> None:
        """Write an array as npy, its rows in the order of the pictures."""
        width, file = self.widths[name], self._file(name + ROWS)
        places = self._places[self._places >= 0]
        kind = _npy.dtype_to_descr(np.dtype(np.float32))
        header = {"descr": kind, "fortran_order": False, "shape": (len(places), width)}
        _npy.write_array_header_1_0(target, header)
        for run in np.split(places, np.flatnonzero(np.diff(places) != 1) + 1):
            file.seek(4 * int(run[0]) * width)
            left = 4 * len(run) * width
            while left:
                block = file.read(min(left, _BLOCK))
                if not block:
                    msg = f"{self.folder} was changed by others; the next call begins anew there."
                    raise StoreError(msg)
                target.write(block)
                left -= len(block)
