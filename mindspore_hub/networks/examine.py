"""Facts of a file of tensors, without MindSpore and without the network that it belongs to.

    facts = examine("mvd.ckpt")
    facts.format, facts.size, len(facts.tensors), facts.dtypes(), facts.prefixes
    facts, card = examine_named("MVD", settings, Hub.of())    # or the path of a file

The index of the file is read, and texts. Data are read by `duplicates` only, and mostly little of
them. Everything takes time and memory that grow with the file at most.
"""

from __future__ import annotations

import hashlib
import math
import os
import runpy
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from mindspore_hub import _files
from mindspore_hub._text import and_more, count, size
from mindspore_hub.errors import OfflineError, UnknownNameError
from mindspore_hub.files.checkpoint import loadable_asset
from mindspore_hub.files.download import stored
from mindspore_hub.hub.hub import Hub, existing, own_root
from mindspore_hub.networks.weights import optimizer_state
from mindspore_hub.settings import Settings, shown_address
from mindspore_hub.tensors import STRING, TensorFile, naming, open_file, read_index
from mindspore_hub.tensors.entry import blocks, itemsize

if TYPE_CHECKING:
    from collections.abc import Callable

    from mindspore_hub.hub.card import Card
    from mindspore_hub.tensors import Entry

LISTED = 5
"""How many of a kind are shown to people."""

Role: TypeAlias = Literal["parameter", "optimizer", "text"]


@dataclass(frozen=True)
class TensorFacts:
    """A tensor of a file, or a text (of dtype `str`), and what it is there for."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    nbytes: int
    role: Role

    @property
    def elements(self) -> int:
        """How many numbers it holds; a text holds none."""
        return 0 if self.role == "text" else math.prod(self.shape)


@dataclass(frozen=True)
class Total:
    """How many tensors there are of a kind, and how large they are together."""

    tensors: int
    elements: int
    nbytes: int

    @classmethod
    def of(cls, tensors: Iterable[TensorFacts]) -> Total:
        """Count tensors."""
        sizes = [(tensor.elements, tensor.nbytes) for tensor in tensors]
        return cls(len(sizes), sum(size[0] for size in sizes), sum(size[1] for size in sizes))

    def __str__(self) -> str:
        return f"{count(self.tensors, 'tensor')}, {self.elements:,} elements, {size(self.nbytes)}"


@dataclass(frozen=True)
class Duplicate:
    """Tensors of one dtype and shape that hold the same bytes, by their names in the order of the file.

    In a part that was never trained, all elements are often one number: then it is `constant`.
    """

    names: tuple[str, ...]
    constant: bool


@dataclass(frozen=True)
class Examination:
    """Facts of a file: its tensors in their order, its texts by name, and its index.

    `prefixes` are those that training left on the names of parameters, and on how many each.
    """

    path: Path
    format: str
    size: int
    tensors: tuple[TensorFacts, ...]
    prefixes: dict[str, int]
    texts: dict[str, str]
    index: TensorFile

    @property
    def metadata(self) -> dict[str, str]:
        """Texts of the header of a safetensors file."""
        return self.index.metadata

    def of_role(self, role: Role) -> tuple[TensorFacts, ...]:
        """Tensors of a role."""
        return tuple(tensor for tensor in self.tensors if tensor.role == role)

    def dtypes(self) -> dict[str, Total]:
        """How much there is of each dtype, texts left out; the largest first."""
        numbers = [tensor for tensor in self.tensors if tensor.role != "text"]
        names = dict.fromkeys(tensor.dtype for tensor in numbers)
        totals = {
            name: Total.of(tensor for tensor in numbers if tensor.dtype == name) for name in names
        }
        return dict(sorted(totals.items(), key=lambda item: -item[1].nbytes))

    def summary(self) -> dict[str, Any]:
        """Everything that the index tells, for JSON, but for the single tensors."""
        return {
            "path": str(self.path),
            "format": self.format,
            "size": self.size,
            "parameters": asdict(Total.of(self.of_role("parameter"))),
            "dtypes": {name: asdict(total) for name, total in self.dtypes().items()},
            "prefixes": self.prefixes,
            "optimizer": [tensor.name for tensor in self.of_role("optimizer")],
            "texts": self.texts,
            "metadata": self.metadata,
        }

    def rows(self) -> Iterator[tuple[str, str]]:
        """Facts for people, each with its value, without duplicates, which take reading."""
        yield "file", str(self.path)
        yield "format", f"{self.format}, {size(self.size)}"
        for dtype, total in self.dtypes().items():
            yield dtype, str(total)
        for prefix, tensors in self.prefixes.items():
            yield f"prefix {prefix}", count(tensors, "parameter")
        optimizer = self.of_role("optimizer")
        if optimizer:
            yield (
                "optimizer state",
                f"{Total.of(optimizer)}: {and_more(beginnings(tensor.name for tensor in optimizer), LISTED)}",
            )
        yield from _texts("text", self.texts)
        # Every safetensors file of MindSpore says this.
        metadata = {
            key: text for key, text in self.metadata.items() if (key, text) != ("format", "ms")
        }
        yield from _texts("metadata", metadata)

    def duplicates(self) -> tuple[Duplicate, ...]:
        """Tensors with the same bytes; single numbers and empty tensors are none.

        Reads the first bytes of tensors of one shape, and the whole of those that begin alike.
        """
        entries = self.index.entries
        alike: list[list[Entry]] = [
            [entries[tensor.name] for tensor in self.tensors if tensor.elements > 1]
        ]
        for feature in (attrgetter("dtype", "shape"), self._beginning, self._digest):
            alike = [group for each in alike for group in _split(each, feature)]
        return tuple(
            Duplicate(tuple(entry.name for entry in group), self._is_constant(group[0]))
            for group in alike
        )

    def _beginning(self, entry: Entry) -> bytes:
        return b"".join(self.index.buffer[at : at + size] for at, size in _first(entry.chunks))

    def _digest(self, entry: Entry) -> bytes:
        state = hashlib.sha256()
        for block in blocks(self.index.buffer, entry):
            state.update(block)
        return state.digest()

    def _is_constant(self, entry: Entry) -> bool:
        data = blocks(self.index.buffer, entry)
        first = next(data)
        element = first[: itemsize(entry.dtype)]
        whole = element * (len(first) // len(element))
        return first == whole and all(block == whole[: len(block)] for block in data)


def examine(path: str | os.PathLike[str]) -> Examination:
    """Read what a file holds; the message of a CheckpointError begins with the path."""
    path = Path(path)
    with naming(path), _files.open_regular(path) as file:
        return describe(path, read_index(open_file(file), path.name))


def examine_named(name: str, settings: Settings, hub: Hub) -> tuple[Examination, Card | None]:
    """Read a file by its path, which goes before any name, or by a name of its card from the store.

    Gives its card, too, if it was named by one. Nothing is downloaded. Raises OSError for a path, HubError
    for a name whose file is not here or damaged.
    """
    path = existing(name)
    if path and path.is_file() and path.suffix != ".md":
        return examine(path), None
    try:
        card = hub.resolve(name)
    except UnknownNameError:
        _check_path(name, path)
        raise
    found = stored(loadable_asset(card).sha256, settings)
    if found is None:
        msg = f"The file of {name} is not in the store; `mshub download {name}` brings it."
        raise OfflineError(msg)
    with found:
        found.verify()
        with naming(found.path):
            return describe(found.path, read_index(open_file(found.file))), card


def describe(path: str | os.PathLike[str], index: TensorFile) -> Examination:
    """Facts of a file that was read already; a CheckpointError if a text of it is not text."""
    state = optimizer_state(index.entries)
    tensors = tuple(_facts(entry, entry.name in state) for entry in index.entries.values())
    names = [tensor.name for tensor in tensors if tensor.role == "parameter"]
    texts = [tensor.name for tensor in tensors if tensor.role == "text"]
    return Examination(
        path=Path(path),
        format=index.format,
        size=len(index.buffer),
        tensors=tensors,
        prefixes=_count_prefixes(names),
        texts={name: str(index.array(name)) for name in texts},
        index=index,
    )


@cache
def published_prefixes() -> tuple[str, ...]:
    """Prefixes that training cells left in published files, longest first.

    They are data of our own `models/`, in a module that needs no MindSpore; so it is read by its path.
    """
    path = own_root() / "models" / "_checkpoint.py"
    prefixes: tuple[str, ...] = runpy.run_path(str(path))["PUBLISHED_PREFIXES"]
    return tuple(sorted(prefixes, key=len, reverse=True))


def _facts(entry: Entry, is_state: bool) -> TensorFacts:
    role: Role = "parameter"
    if entry.dtype == STRING:
        role = "text"
    elif is_state:
        role = "optimizer"
    return TensorFacts(entry.name, entry.dtype, entry.shape, entry.nbytes, role)


def _count_prefixes(names: Iterable[str]) -> dict[str, int]:
    prefixes = published_prefixes()
    found = (next(filter(name.startswith, prefixes), "") for name in names)
    counts = Counter(found)
    del counts[""]
    return dict(counts.most_common())


def _first(chunks: Sequence[tuple[int, int]]) -> Iterable[tuple[int, int]]:
    """Where the first bytes of a tensor lie, 64 at most."""
    wanted = 64
    for offset, length in chunks:
        if not wanted:
            return
        yield offset, min(length, wanted)
        wanted -= min(length, wanted)


def _split(entries: Iterable[Entry], feature: Callable[[Entry], Hashable]) -> Iterable[list[Entry]]:
    """Groups of two or more with one feature."""
    groups: dict[Hashable, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(feature(entry), []).append(entry)
    return [group for group in groups.values() if len(group) > 1]


def _check_path(name: str, path: Path | None) -> None:
    if path and path.is_dir():
        raise IsADirectoryError(_problem(name, "is a folder"))
    if path:
        raise OSError(_problem(name, "is not a regular file"))
    looks_like_path = name.endswith((".ckpt", ".safetensors")) or Path(name).is_absolute()
    if looks_like_path or name.startswith((".", "~")) or os.sep in name:
        raise FileNotFoundError(_problem(name, "does not exist"))


def _problem(name: str, problem: str) -> str:
    shown = shown_address(name) if "://" in name else name
    return f"{shown!r} {problem}; give a file of tensors, or a name from `mshub list`."


def shape_text(shape: tuple[int, ...]) -> str:
    """A shape for people: `64x3x7x7`, or `scalar`."""
    return "x".join(map(str, shape)) or "scalar"


def plain(value: Any, width: int = 60) -> str:
    """A text of a file on one line, without what a terminal would obey."""
    text = ascii(value) if not str(value).isprintable() else str(value)
    return text if len(text) <= width else f"{text[: width - 3]}..."


def _texts(kind: str, texts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, text in list(texts.items())[:LISTED]:
        yield f"{kind} {plain(name)}", plain(text)
    if len(texts) > LISTED:
        yield kind, f"and {len(texts) - LISTED} more; --format json lists all"


def beginnings(names: Iterable[str]) -> list[str]:
    """`moments.*` for many names."""
    return list(dict.fromkeys(f"{n.split('.')[0]}.*" if "." in n else n for n in names))
