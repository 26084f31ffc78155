"""Files that carry what they are, and what tells whether they are whole.

The last bytes of such a file are a text of JSON, with the sha256 of all bytes before it. So a file is
verified wherever it lies, under any name. To readers of ONNX, these bytes are metadata of the model.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from mindspore_hub._foreign import read_object
from mindspore_hub.errors import IntegrityError

_NAME = b"mindspore-hub"

_TEXT = 4096
"""Bytes of the text, which blanks fill up, so that it is found from the end of a file."""


def _head(size: int) -> bytes:
    """What stands before a text: field 14 of ModelProto, a StringStringEntryProto of key and value."""
    key = b"\x0a" + _number(len(_NAME)) + _NAME
    value = b"\x12" + _number(size)
    return b"\x72" + _number(len(key) + len(value) + size) + key + value


def _number(value: int) -> bytes:
    """A varint of protobuf."""
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


_TAIL = len(_head(_TEXT)) + _TEXT


def seal(path: Path, facts: Mapping[str, Any]) -> str:
    """Append to a model what it is; gives the sha256 of the model."""
    with path.open("rb+") as file:
        digest = _digest(file, os.fstat(file.fileno()).st_size)
        text = json.dumps({"sha256": digest, **facts}).encode().ljust(_TEXT)
        if len(text) > _TEXT:
            msg = f"{path} has more facts than {_TEXT} bytes: {text[:200]!r}"
            raise ValueError(msg)
        file.seek(0, os.SEEK_END)
        file.write(_head(_TEXT) + text)
        file.flush()
        os.fsync(file.fileno())
    return digest


def read_seal(file: IO[bytes], path: object) -> dict[str, Any]:
    """What an open file says that it is; an IntegrityError if it says nothing, as a part of one does."""
    file.seek(max(size_of(file), 0))
    head, text = _head(_TEXT), file.read(_TAIL)
    try:
        facts = read_object(text[len(head) :]) if text.startswith(head) else {}
        complete = isinstance(facts.get("sha256"), str) and isinstance(facts.get("key"), str)
    except ValueError:
        complete = False
    if not complete:
        msg = f"{path} is not a whole derived file: it does not end as one."
        raise IntegrityError(msg)
    return facts


def verify_seal(file: IO[bytes], path: object) -> dict[str, Any]:
    """As `read_seal`, and an IntegrityError if the model is not the one that was sealed."""
    facts = read_seal(file, path)
    got = _digest(file, size_of(file))
    if got != facts["sha256"]:
        msg = f"{path} is damaged:\n  expected sha256 {facts['sha256']}\n  got      sha256 {got}"
        raise IntegrityError(msg)
    return facts


def size_of(file: IO[bytes]) -> int:
    """Bytes of an open file before its seal."""
    return os.fstat(file.fileno()).st_size - _TAIL


def _digest(file: IO[bytes], size: int) -> str:
    """The sha256 of so many bytes from the beginning."""
    if not size:
        return hashlib.sha256().hexdigest()
    with (
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
        memoryview(content) as view,
    ):
        return hashlib.sha256(view[:size]).hexdigest()
