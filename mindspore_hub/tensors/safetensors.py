"""The format safetensors: https://github.com/huggingface/safetensors#format.

Eight bytes of length, a JSON object, then the data. The library of that name opens paths only,
copies what it gives to NumPy and does not say where a tensor lies, so this short header is read
here: from bytes that the caller may have hashed before.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from mindspore_hub.errors import CheckpointError
from mindspore_hub.tensors.entry import (
    LISTED,
    MAX_RANK,
    TYPES,
    Entry,
    check_count,
    check_entry,
    check_name,
)

if TYPE_CHECKING:
    from mindspore_hub.tensors.buffer import View

_DTYPES = {theirs: ours for ours, (_, theirs, _) in TYPES.items()}

METADATA = "__metadata__"

_MAX_HEADER = 16 * 2**20
"""Bytes of the JSON: enough for every entry that is read, and few enough to be parsed at once."""

_MAX_LENGTH = 2**32
"""No file of the other format has zeros where a length below this one has them."""

_LENGTH = 8


def recognises(view: View) -> bool:
    """Whether bytes begin like this format; no `ckpt` file does.

    There, these bytes would be a name, and the length larger than the header of any file.
    """
    length = int.from_bytes(view[:_LENGTH], "little")
    return bytes(view[_LENGTH : _LENGTH + 1]) == b"{" and length < _MAX_LENGTH


def damaged(view: View) -> CheckpointError:
    """Error for a file that is called safetensors, and does not begin like one."""
    return CheckpointError(
        "it is not a safetensors file, or a damaged one: it does not begin with the length of a "
        f"header and the header, but with {bytes(view[: _LENGTH + 1])!r}; download it again."
    )


def read(view: View) -> tuple[dict[str, Entry], dict[str, str]]:
    """Read the index of a file that this format recognises, and the texts of its header."""
    length = int.from_bytes(view[:_LENGTH], "little")
    start = _LENGTH + length
    if start > len(view):
        msg = (
            f"it is a safetensors file that is cut off in its header, of which {len(view) - _LENGTH} "
            f"of {length} bytes are there; download it again."
        )
        raise CheckpointError(msg)
    header = _parse(view[_LENGTH:start])
    metadata = _metadata(header.pop(METADATA, {}))
    quantised = {name: text for name, text in metadata.items() if text == "Int4"}
    check_count(len(header))
    entries = [_read_entry(name, declared, start) for name, declared in header.items()]
    entries.sort(key=lambda entry: entry.chunks[0])
    end = start
    for entry in entries:
        if entry.name in quantised:
            raise _refused(entry.name, f"is quantised to {quantised[entry.name]}")
        offset, size = entry.chunks[0]
        if offset != end:
            raise _refused(entry.name, f"begins at byte {offset} instead of {end}")
        end += size
    if end != len(view):
        msg = f"its tensors end at byte {end}, but the file at {len(view)}."
        raise CheckpointError(msg)
    return {entry.name: entry for entry in entries}, metadata


def _parse(raw: memoryview | bytes) -> dict[str, Any]:
    if len(raw) > _MAX_HEADER:
        msg = f"its header has {len(raw)} bytes, more than {_MAX_HEADER}."
        raise CheckpointError(msg)
    try:
        header: dict[str, Any] = json.loads(bytes(raw).decode(), object_pairs_hook=_without_twins)
    except CheckpointError:
        raise
    except (ValueError, RecursionError) as error:
        msg = "it looks like safetensors, but its header is not JSON."
        raise CheckpointError(msg) from error
    return header


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        ((twin, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise _refused(repr(twin), "is there twice")
    return found


def _metadata(declared: Any) -> dict[str, str]:
    """Texts of the header; what is not a text, though it must be one, becomes its JSON.

    MindSpore notes there the names of tensors of a type that safetensors does not have.
    """
    if not isinstance(declared, dict):
        msg = f"the {METADATA} of its header is not an object."
        raise CheckpointError(msg)
    try:
        return {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in declared.items()
        }
    except RecursionError as error:  # what could just be read may be too deep to be written
        msg = f"the {METADATA} of its header holds no texts, but what is nested too deeply."
        raise CheckpointError(msg) from error


def _read_entry(name: str, declared: Any, start: int) -> Entry:
    check_name(name.encode(errors="surrogatepass"), _LENGTH)
    if not isinstance(declared, dict) or declared.keys() != {"dtype", "shape", "data_offsets"}:
        raise _refused(name, "is declared without dtype, shape and data_offsets, or with more")
    dtype, shape, offsets = declared["dtype"], declared["shape"], declared["data_offsets"]
    if not isinstance(dtype, str) or dtype not in {*_DTYPES, *LISTED}:
        known = ", ".join([*_DTYPES, *LISTED])
        raise _refused(
            name, f"has the type {dtype!r:.40}, which is not read here; known are {known}"
        )
    if not _are_sizes(shape) or len(shape) > MAX_RANK:
        raise _refused(name, f"has no shape of at most {MAX_RANK} sizes")
    if not _are_sizes(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise _refused(name, "has no data_offsets of a begin and an end")
    begin, end = offsets
    entry = Entry(name, _DTYPES.get(dtype, dtype), tuple(shape), ((start + begin, end - begin),))
    return check_entry(entry, start + begin)


def _are_sizes(sizes: Any) -> bool:
    return isinstance(sizes, list) and all(
        type(size) is int and 0 <= size < 2**63 for size in sizes
    )


def _refused(name: str, problem: str) -> CheckpointError:
    return CheckpointError(f"its entry {name:.100} {problem}.")
