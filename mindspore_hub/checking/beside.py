"""What a check looks at besides its cards.

Rules ask here whether a file is there and what it holds, and nowhere else: what they were told is
noted, so that a later check can find out whether it would be told the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import NamedTuple

from mindspore_hub._files import read_regular


class Look(NamedTuple):
    """A question about a file, and the answer."""

    question: str
    path: str
    answer: str


_notes: ContextVar[list[Look] | None] = ContextVar("_notes", default=None)


@contextmanager
def noted() -> Iterator[list[Look]]:
    """A list of every look until the end of the context."""
    looks: list[Look] = []
    token = _notes.set(looks)
    try:
        yield looks
    finally:
        _notes.reset(token)


def exists(path: Path) -> bool:
    """Whether there is anything at a path."""
    return _note("exists", path, _exists(path)) == "yes"


def is_file(path: Path) -> bool:
    """Whether there is a file at a path."""
    return _note("is_file", path, _is_file(path)) == "yes"


def content(path: Path) -> bytes:
    """Bytes of a file.

    Raises:
        OSError: It cannot be read.
        ValueError: No path can have that name.
    """
    try:
        data = read_regular(path)
    except (OSError, ValueError) as error:
        _note("content", path, type(error).__name__)
        raise
    _note("content", path, _sha256(data))
    return data


def hold(looks: Iterable[Look]) -> bool:
    """Whether every look would get the same answer now."""
    each = set(looks)
    return all(_ANSWERS[look.question](Path(look.path)) == look.answer for look in each)


def _note(question: str, path: Path, answer: str) -> str:
    looks = _notes.get()
    if looks is not None:
        looks.append(Look(question, str(path.absolute()), answer))
    return answer


def _exists(path: Path) -> str:
    try:
        return "yes" if path.exists() else "no"
    except (OSError, ValueError):  # a name too long for the system, or with a NUL
        return "no"


def _is_file(path: Path) -> str:
    try:
        return "yes" if path.is_file() else "no"
    except (OSError, ValueError):
        return "no"


def _content(path: Path) -> str:
    try:
        return _sha256(read_regular(path))
    except (OSError, ValueError) as error:
        return type(error).__name__


def _sha256(data: bytes) -> str:
    import hashlib  # not needed where nothing but cards is looked at

    return hashlib.sha256(data).hexdigest()


_ANSWERS = {"exists": _exists, "is_file": _is_file, "content": _content}
