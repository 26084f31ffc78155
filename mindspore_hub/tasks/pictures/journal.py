"""What the folder of a long run says of it: the lines of its journal, and how two plans differ."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from io import FileIO
from pathlib import Path
from typing import Any

from mindspore_hub._foreign import read_object


def differences(file: Path, plan: Mapping[str, Any]) -> dict[str, str]:
    """What differs between the plan in a file and another one, in words by its keys."""
    try:
        earlier = read_object(file.read_bytes())
    except (OSError, ValueError):
        return {"plan": f"{file.name} of the earlier one cannot be read"}
    return changes(earlier, json.loads(json.dumps(plan)))


def changes(earlier: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, str]:
    """What differs between two objects of JSON, in words by its keys."""
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


def as_line(facts: Mapping[str, Any]) -> bytes:
    """A line of a journal, after its checksum."""
    text = json.dumps(facts, sort_keys=True).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def facts_of(line: bytes) -> dict[str, Any]:
    """What a line of a journal says; nothing if it is not whole."""
    checksum, _, text = line.rstrip(b"\n").partition(b" ")
    if not line.endswith(b"\n") or checksum != b"%08x" % zlib.crc32(text):
        return {}
    facts: dict[str, Any] = json.loads(text)
    return facts


def write_all(file: FileIO, content: bytes) -> None:
    """Write all of it; a raw file may take a part, and say at the next one that the disk is full."""
    view = memoryview(content)
    while view:
        view = view[file.write(view) :]
