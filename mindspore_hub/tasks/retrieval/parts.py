"""Files of shards, and the one file that they make together: the same as that of one run, byte for byte."""

from __future__ import annotations

import json
import os
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from mindspore_hub import _files
from mindspore_hub._foreign import read_arrays
from mindspore_hub._text import and_more
from mindspore_hub.errors import FeaturesError
from mindspore_hub.gallery.features import Features, about_of
from mindspore_hub.hub.values import as_builtin
from mindspore_hub.tasks.pictures.chunks import Chunk, write_arrays, write_header
from mindspore_hub.tasks.pictures.journal import changes
from mindspore_hub.tasks.pictures.samples import Samples
from mindspore_hub.tasks.pictures.shards import Shard, digest, require_files

Array = npt.NDArray[Any]

_KEY = "shard"
"""Under which `about` says which part it is of."""

_OF_PART = frozenset({_KEY, "skipped", "root"})
"""Facts that parts which belong together may say differently: each machine has its own paths."""

_ROWS = ("color_scores", "type_scores", "vectors")
"""Arrays that are float32 rows."""


@dataclass(frozen=True)
class Written:
    """Pictures and values of each in a file of features, which may be more than fits into memory."""

    pictures: int
    dimension: int
    about: dict[str, Any]


@dataclass(frozen=True)
class Part:
    """The pictures that one file is of: all, or those of a shard.

    Attributes:
        pictures: These pictures.
        numbers: Their numbers among all, in their order.
        known: What is known of each of them.
        facts: Which part it is, for `about`; nothing if it is the whole.
    """

    pictures: Samples
    numbers: Sequence[int]
    known: Mapping[str, Sequence[Any]]
    facts: dict[str, Any]

    @classmethod
    def of(
        cls,
        shard: Shard | None,
        pictures: Samples,
        known: Mapping[str, Sequence[Any]],
        *,
        batch_size: int,
    ) -> Part:
        """The part of a shard; the whole without one.

        Raises:
            PictureError: A picture of a shard is not a file, or there are fewer batches than shards.
        """
        if shard is None:
            return cls(pictures, range(len(pictures.samples)), known, {})
        require_files(pictures, "A shard")
        size = min(batch_size, len(pictures.samples))
        numbers = shard.pictures(pictures.samples, size)
        facts = {
            "number": shard.number,
            "count": shard.count,
            "pictures": digest(pictures.states()),
            "known": digest([json.dumps(as_builtin(dict(known)), sort_keys=True)]),
            "batches": -(-len(pictures.samples) // size),
            "size": size,
        }
        return cls(
            Samples(pictures.root, [pictures.samples[number] for number in numbers]),
            numbers,
            {name: [values[number] for number in numbers] for name, values in known.items()},
            {_KEY: facts},
        )

    def placing(self, append: Callable[[Chunk], None]) -> Callable[[Chunk], None]:
        """What takes chunks of the run, and hands them on as chunks of this part."""

        def place(number: int) -> int:
            return bisect_left(self.numbers, number)

        def take(chunk: Chunk) -> None:
            skipped = {place(number): why for number, why in chunk.skipped.items()}
            append(Chunk(chunk.arrays, [place(number) for number in chunk.numbers], skipped))

        return take

    def finished(self, skipped: Mapping[int, str]) -> dict[str, Any]:
        """The facts, with how many rows the part has of each batch of the run."""
        if not self.facts:
            return {}
        facts = self.facts[_KEY]
        rows: dict[str, int] = {}
        for place, number in enumerate(self.numbers):
            batch = str(number // facts["size"])
            rows[batch] = rows.get(batch, 0) + (place not in skipped)
        return {_KEY: {**facts, "rows": rows}}


@dataclass(frozen=True)
class _File:
    """What the file of a part holds; no arrays if none of its pictures could be read."""

    path: Path
    about: dict[str, Any]
    shard: Shard
    batches: int
    rows: dict[int, int]
    arrays: dict[str, Array]

    @property
    def made_by(self) -> dict[str, Any]:
        """What all parts of a run say alike."""
        own = self.about[_KEY]
        alike = {name: own[name] for name in ("pictures", "batches", "size")}
        others = {name: it for name, it in self.about.items() if name not in _OF_PART}
        arrays = {"arrays": _shapes(self.arrays)} if self.arrays else {}
        labels = {"labels and cameras": own["known"]}
        return {**others, **arrays, **labels, "shards": self.shard.count, **alike}

    def blocks(self, name: str) -> Iterator[tuple[int, Array]]:
        """Rows of an array, by batch of the run."""
        begin = 0
        for batch, count in self.rows.items():
            yield batch, self.arrays[name][begin : begin + count] if count else np.empty(0)
            begin += count


def _shapes(arrays: Mapping[str, Array]) -> dict[str, str]:
    """What arrays have in common but for their length; texts are as long as they are."""
    return {
        name: f"{list(it.shape[1:])} {it.dtype.kind if it.dtype.kind == 'U' else it.dtype}"
        for name, it in arrays.items()
    }


def finished_part(output: Path, made_by: Mapping[str, Any]) -> Written | None:
    """The part that an earlier run of the same plan wrote; None if there is none, or another one."""
    if not _files.is_file(output):
        return None
    try:
        found = _read(output)
    except FeaturesError:
        return None
    own = {name: it for name, it in found.about[_KEY].items() if name != "rows"}
    about = {name: it for name, it in found.about.items() if name != "skipped"}
    if {**about, _KEY: own} != json.loads(json.dumps(as_builtin(dict(made_by)))):
        return None
    vectors = found.arrays.get("vectors", np.empty((0, 0)))
    return Written(len(vectors), vectors.shape[1], found.about)


def merge(paths: Iterable[str | os.PathLike[str]], output: Path) -> Written:
    """Write the file that a run without shards would have written.

    Args:
        paths: The file of each part, in any order.
        output: The npz file; an existing one is replaced.

    Raises:
        FeaturesError: A part cannot be read, is not one, is missing or there twice, or the parts were
            not made alike.
        StoreError: The output cannot be written; what was there is untouched.
    """
    files = [_read(Path(path)) for path in paths]
    if not files:
        msg = "There is no part to merge; name the files that --shard wrote."
        raise FeaturesError(msg)
    for file in files:
        if output.exists() and output.samefile(file.path):
            msg = f"{output} is one of the parts to merge; give the whole another name."
            raise FeaturesError(msg)
    _require_alike(files)
    _require_all(files)
    files.sort(key=lambda file: file.shard.number)
    order = {batch: file for file in files for batch, count in file.rows.items() if count}
    filled = [file for file in files if file.arrays]
    if not filled:
        msg = "None of the pictures of all parts could be read, so there are no features to write."
        raise FeaturesError(msg)
    first = filled[0].arrays
    skipped = {name: why for f in files for name, why in f.about.get("skipped", {}).items()}
    about = {name: it for name, it in files[0].about.items() if name not in {_KEY, "skipped"}}
    about |= {"skipped": skipped} if skipped else {}
    others = {
        name: np.concatenate(list(_in_order(filled, order, name)))
        for name in first
        if name not in _ROWS
    }
    count = sum(sum(file.rows.values()) for file in files)
    arrays = Features(np.zeros((count, 1)), **others, about=about).arrays()
    del arrays["vectors"]

    def rows_of(name: str) -> Callable[[IO[bytes]], None]:
        def write(target: IO[bytes]) -> None:
            write_header(target, (count, first[name].shape[1]))
            for block in _in_order(filled, order, name):
                target.write(np.ascontiguousarray(block).data)

        return write

    write_arrays(output, arrays, {name: rows_of(name) for name in first if name in _ROWS})
    return Written(count, first["vectors"].shape[1], about)


def _in_order(files: list[_File], order: Mapping[int, _File], name: str) -> Iterator[Array]:
    """Rows of an array, in the order of the batches of the run."""
    sources = {file.shard.number: file.blocks(name) for file in files}
    for batch in sorted(order):
        source = sources[order[batch].shard.number]
        yield next(block for number, block in source if number == batch)


def _read(path: Path) -> _File:
    """Read the file of a part, and hold it to what it says of itself."""
    again = "make it again with the command that made it (--force replaces it)"
    try:
        arrays = read_arrays(path, mapped="vectors")
        about = about_of(path, arrays.pop("about", None))
    except (OSError, ValueError) as error:
        msg = f"{path} cannot be read as a part: {error}. If it was cut or changed, {again}."
        raise FeaturesError(msg) from error
    own = about.get(_KEY)
    if own is None:
        msg = (
            f"{path} is not a part: it does not say which shard it is of. Parts are made by "
            "`mshub embed NAME DIR -o FILE --shard 1/16` and so on."
        )
        raise FeaturesError(msg)
    try:
        shard, batches = Shard(int(own["number"]), int(own["count"])), int(own["batches"])
        rows = dict(sorted((int(batch), int(count)) for batch, count in own["rows"].items()))
        own["pictures"], own["known"], own["size"]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        msg = f"{path} is damaged: what it says of its shard cannot be read ({error!r}); {again}."
        raise FeaturesError(msg) from error
    if arrays:
        try:
            Features(**arrays, about=about)
        except (FeaturesError, TypeError) as error:
            msg = f"{path} is damaged: {error}; {again}."
            raise FeaturesError(msg) from error
    lengths = {len(array) for array in arrays.values()} or {0}
    if lengths != {sum(rows.values())}:
        rows_there = " or ".join(map(str, sorted(lengths)))
        msg = (
            f"{path} is damaged: it has {rows_there} rows, but says {sum(rows.values())}; {again}."
        )
        raise FeaturesError(msg)
    return _File(path, about, shard, batches, rows, arrays)


def _require_alike(files: list[_File]) -> None:
    """Refuse parts of different runs; those that most agree with are taken for right."""
    groups: dict[str, list[_File]] = {}
    filled = {file.path for file in files if file.arrays}
    for file in files:
        facts = file.made_by
        if file.path not in filled:  # it agrees with whatever arrays the others have
            facts = {**facts, "arrays": next((f.made_by["arrays"] for f in files if f.arrays), {})}
        groups.setdefault(json.dumps(facts, sort_keys=True), []).append(file)
    if len(groups) == 1:
        return
    right, *others = sorted(groups.items(), key=lambda item: -len(item[1]))
    differ = [
        f"{_names(found)}: {'; '.join(changes(json.loads(right[0]), json.loads(text)).values())}"
        for text, found in others
    ]
    msg = (
        f"The parts do not belong together. {_names(right[1])} agree, but not with "
        f"{' and '.join(differ)}. Make the parts that differ again, of the same pictures, with the "
        "same command but for --shard and the file."
    )
    raise FeaturesError(msg)


def _names(files: list[_File]) -> str:
    return and_more(str(file.path) for file in files)


def _require_all(files: list[_File]) -> None:
    """Refuse parts of which one is missing, or there twice."""
    count = files[0].shard.count
    found: dict[int, _File] = {}
    for file in files:
        twice = found.setdefault(file.shard.number, file)
        if twice is not file:
            msg = f"{twice.path} and {file.path} are both the part {file.shard}; name one of them."
            raise FeaturesError(msg)
    absent = [f"{number}/{count}" for number in range(1, count + 1) if number not in found]
    if absent:
        msg = (
            f"{len(absent)} of {count} parts are missing: {and_more(absent)}. Make "
            f"them (`--shard {absent[0]}`), or name their files as well."
        )
        raise FeaturesError(msg)
    batches = sorted(batch for file in files for batch in file.rows)
    if batches != list(range(files[0].batches)):
        msg = (
            f"The parts have {len(batches)} batches, but the run {files[0].batches}; they were not "
            "dealt by the same version of this package. Make all parts again."
        )
        raise FeaturesError(msg)
