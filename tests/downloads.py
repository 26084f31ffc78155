"""The file that is downloaded in tests, and what is in a store afterwards."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mindspore_hub.files.download import obtain
from mindspore_hub.settings import Settings

CONTENT = hashlib.shake_256(b"weights").digest(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PATH = "/models/r1.9/mvd.ckpt"
ELSEWHERE = "http://192.0.2.1/mvd.ckpt"  # TEST-NET-1 of RFC 5737: nobody is there
UNREACHABLE = "http://127.0.0.1:9"

BLOB = f"blobs/sha256/{SHA256[:2]}/{SHA256[2:]}"


def fetch(link: str, sha256: str, **options: Any) -> Path:
    """Path of the file with this digest, downloaded if no store has it, and verified."""
    with obtain(link, sha256, **options) as found:
        found.verify()
        return found.path


@contextmanager
def no_sockets(events: list[str]) -> Iterator[None]:
    events.clear()
    yield
    assert events == []


def files(settings: Settings) -> list[str]:
    """All files of the store but its locks and marks."""
    home = settings.home
    found = [str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()]
    marks = ("locks", "CACHEDIR", "layout", "verified")
    return sorted(name for name in found if not name.startswith(marks))


def blobs(settings: Settings) -> list[str]:
    """Files of the store that a load would take for good."""
    return [name for name in files(settings) if name.startswith("blobs")]
