"""Facts of files of tensors in words, for tables and messages."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mindspore_hub._text import count, size

if TYPE_CHECKING:
    from mindspore_hub.networks.examine import Examination, TensorFacts, Total

LISTED = 5
"""How many of a kind are shown."""

_OF_MINDSPORE = ("format", "ms")


def number(value: float) -> float | str:
    """A number for JSON, which has none that is infinite or NaN."""
    return value if math.isfinite(value) else str(value)


def shape_text(shape: tuple[int, ...]) -> str:
    """A shape for people: `64x3x7x7`, or `scalar`."""
    return "x".join(map(str, shape)) or "scalar"


def plain(value: Any, width: int = 60) -> str:
    """A text of a file on one line, without what a terminal would obey."""
    text = ascii(value) if not str(value).isprintable() else str(value)
    return text if len(text) <= width else f"{text[: width - 3]}..."


def total_of(tensors: Sequence[TensorFacts]) -> str:
    """How many tensors these are, and how large together."""
    from mindspore_hub.networks.examine import Total

    return _total(Total.of(tensors))


def rows(facts: Examination) -> Iterator[tuple[str, str]]:
    """Facts of a file, each with its value; duplicates are left out, since they take reading."""
    yield "file", str(facts.path)
    yield "format", f"{facts.format}, {size(facts.size)}"
    for dtype, total in facts.dtypes().items():
        yield dtype, _total(total)
    for prefix, tensors in facts.prefixes.items():
        yield f"prefix {prefix}", count(tensors, "parameter")
    optimizer = facts.of_role("optimizer")
    if optimizer:
        yield "optimizer state", f"{total_of(optimizer)}: {_listed(_beginnings(optimizer))}"
    yield from _texts("text", facts.texts)
    # Every safetensors file of MindSpore says this.
    metadata = {key: text for key, text in facts.metadata.items() if (key, text) != _OF_MINDSPORE}
    yield from _texts("metadata", metadata)


def _texts(kind: str, texts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, text in list(texts.items())[:LISTED]:
        yield f"{kind} {plain(name)}", plain(text)
    if len(texts) > LISTED:
        yield kind, f"and {len(texts) - LISTED} more; --format json lists all"


def _total(total: Total) -> str:
    return f"{count(total.tensors, 'tensor')}, {total.elements:,} elements, {size(total.nbytes)}"


def _beginnings(tensors: Sequence[TensorFacts]) -> list[str]:
    """`moments.*` for many tensors."""
    names = [tensor.name for tensor in tensors]
    return list(dict.fromkeys(f"{n.split('.')[0]}.*" if "." in n else n for n in names))


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more
