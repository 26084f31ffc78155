"""The journal of a folder of chunks: which rows are those of which pictures, and whether they are whole."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np

from mindspore_hub._foreign import read_object

LAYOUT = 2
"""Version of what a folder holds."""

PLAN = "plan.json"
JOURNAL = "batches.txt"
ROWS = ".float32"
"""Names in a folder; the last one is the end of a name."""


@dataclass(frozen=True)
class Entry:
    """A line of the journal.

    Attributes:
        batch: Number of the batch.
        widths: Values in a row of each array.
        sums: Checksum of the rows of each array.
        pictures: What tells each picture from all others.
        skipped: Which of them, counted from 0, could not be read, and why.
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

    def as_line(self) -> bytes:
        """The line, after its checksum."""
        facts = {**vars(self), "rows": self.rows, "skipped": sorted(self.skipped.items())}
        text = json.dumps(facts, sort_keys=True).encode()
        return b"%08x %s\n" % (zlib.crc32(text), text)

    def only(
        self, wanted: Collection[str], contents: Mapping[str, bytes], batch: int
    ) -> tuple[Entry, dict[str, bytes]]:
        """Entry and rows of those pictures that are wanted, as those of another batch."""
        indices = [index for index, picture in enumerate(self.pictures) if picture in wanted]
        read = [index for index in range(len(self.pictures)) if index not in self.skipped]
        taken = [row for row, index in enumerate(read) if self.pictures[index] in wanted]
        parts = {
            name: np.frombuffer(content, np.float32).reshape(self.rows, -1)[taken].tobytes()
            for name, content in contents.items()
        }
        skipped = {indices.index(old): why for old, why in self.skipped.items() if old in indices}
        return Entry(
            batch,
            self.widths if taken else {},
            {name: zlib.crc32(part) for name, part in parts.items()} if taken else {},
            [self.pictures[index] for index in indices],
            skipped,
        ), parts


def differences(file: Path, plan: Mapping[str, Any]) -> dict[str, str]:
    """What differs between the plan in a file and another one, in words by its keys."""
    try:
        earlier = read_object(file.read_bytes())
    except (OSError, ValueError):
        return {"plan": f"{file.name} of the earlier one cannot be read"}
    now = json.loads(json.dumps(plan))
    return {
        key: _difference(key, earlier.get(key), now.get(key))
        for key in sorted(earlier.keys() | now.keys())
        if earlier.get(key) != now.get(key)
    }


def _difference(key: str, earlier: Any, now: Any) -> str:
    if key == "pictures":
        return "pictures were added, changed or removed"
    if isinstance(earlier, dict) and isinstance(now, dict):
        changed = sorted(name for name in earlier | now if earlier.get(name) != now.get(name))
        return f"{key} ({', '.join(changed)})"
    return f"{key} {now} instead of {earlier}"


def open_in(stack: ExitStack, folder: Path, name: str) -> FileIO:
    """Open a file of a folder, which is made where there is none."""
    path = folder / name
    path.touch()
    return stack.enter_context(path.open("r+b", buffering=0))


def intact(
    journal: bytes, file: Callable[[str], FileIO]
) -> Iterator[tuple[Entry, dict[str, bytes]]]:
    """Entries and their rows, up to the first that is not as it was written."""
    rows = 0
    for number, line in enumerate(journal.splitlines(keepends=True)):
        entry = _entry(line)
        if entry is None or entry.batch != number:
            return
        contents = {}
        for name, width in entry.widths.items():
            source = file(name + ROWS)
            source.seek(4 * rows * width)
            contents[name] = source.read(4 * entry.rows * width)
            size = len(contents[name])
            if size != 4 * entry.rows * width or zlib.crc32(contents[name]) != entry.sums[name]:
                return
        yield entry, contents
        rows += entry.rows


def facts_of(line: bytes) -> dict[str, Any]:
    """What a line says; nothing if it is not whole."""
    checksum, _, text = line.rstrip(b"\n").partition(b" ")
    if not line.endswith(b"\n") or checksum != b"%08x" % zlib.crc32(text):
        return {}
    facts: dict[str, Any] = json.loads(text)
    return facts


def _entry(line: bytes) -> Entry | None:
    """An entry of this layout; None if the line is not whole."""
    facts = facts_of(line)
    if not facts:
        return None
    del facts["rows"]
    return Entry(**{**facts, "skipped": dict(facts["skipped"])})


def write(file: FileIO, content: bytes) -> None:
    """Write all of it; a raw file may take a part, and say at the next one that the disk is full."""
    view = memoryview(content)
    while view:
        view = view[file.write(view) :]
