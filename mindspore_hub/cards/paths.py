"""Which files are cards, and what they are called."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import NamedTuple

from mindspore_hub.errors import CardError

MAX_BYTES = 1_000_000
"""No card is larger; the largest published one has 40,000 bytes."""

_FLAGS = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


class Cards(NamedTuple):
    """Cards that belong together, unread.

    Attributes:
        named: Uid and path of each.
        root: Hub root that they are all cards of, if they are.
        folder: Folder that they were found under; None for a card that was named itself.
    """

    named: list[tuple[str, Path]]
    root: Path | None = None
    folder: Path | None = None

    @property
    def paths(self) -> list[Path]:
        """Paths of all cards."""
        return [path for _, path in self.named]


def uid_of(path: Path) -> str:
    """Uid of a card from its path: what follows `assets`, else its file name."""
    parts = path.absolute().with_suffix("").parts
    if "assets" not in parts:
        return path.stem
    return "/".join(parts[len(parts) - parts[::-1].index("assets") :])


def card_paths(folder: Path) -> list[tuple[str, Path]]:
    """Uid and path of every `.md` under a folder, in order.

    The uid is the path below the last folder called `assets`, else below the folder itself.

    Raises:
        CardError: There is no such folder.
    """
    if not folder.is_dir():
        msg = f"{folder} is no folder of cards; give the hub root or its assets folder."
        raise CardError(msg)
    above = uid_of(folder / "x").rpartition("/")[0] if "assets" in folder.absolute().parts else ""
    found = []
    for parent, folders, files in os.walk(folder):
        folders.sort()
        here = Path(parent)
        below = here.relative_to(folder).as_posix()
        prefix = "/".join(part for part in (above, below) if part not in {"", "."})
        found += [
            (f"{prefix}/{name[:-3]}" if prefix else name[:-3], here / name)
            for name in [*files, *folders]
            if name.endswith(".md")
        ]
    return sorted(found, key=lambda item: item[1].parts)


def find_cards(path: Path) -> Cards:
    """A card, or all cards under a folder.

    Raises:
        CardError: The folder holds no cards.
    """
    if path.is_file():
        return Cards([(uid_of(path), path)])
    assets = path / "assets" if (path / "assets").is_dir() else path
    named = card_paths(assets) if assets.is_dir() else []
    if not named:
        msg = f"{path} holds no cards; give the hub root, a folder of cards, or single cards."
        raise CardError(msg)
    whole = assets.absolute()
    is_hub = whole.name == "assets" and (whole.parent / "models").is_dir()
    return Cards(named, whole.parent if is_hub else None, path)


def read_bytes(path: Path) -> bytes:
    """All of a card.

    Raises:
        CardError: The file cannot be read, or is larger than any card.
    """
    try:
        data = _read_at_once(path)
    except (OSError, ValueError) as error:
        msg = f"{path} cannot be read: {getattr(error, 'strerror', None) or error}."
        raise CardError(msg) from error
    if data is None:
        msg = f"{path} cannot be read: it is not a regular file."
        raise CardError(msg)
    if len(data) > MAX_BYTES:
        msg = f"{path} has more than {MAX_BYTES:,} bytes; no card is so large."
        raise CardError(msg)
    return data


def _read_at_once(path: Path) -> bytes | None:
    """A regular file as far as it may be read; a pipe that nobody writes to is not waited for."""
    # Half of a second check is reading: an object per file would double that.
    descriptor = os.open(path, os.O_RDONLY | _FLAGS)
    try:
        state = os.fstat(descriptor)
        if not (stat.S_ISREG(state.st_mode) or stat.S_ISDIR(state.st_mode)):
            return None  # the system itself refuses to read a folder
        data = b""
        size = min(state.st_size, MAX_BYTES) + 1
        while len(data) <= MAX_BYTES and (piece := os.read(descriptor, size)):
            data += piece
        return data
    finally:
        os.close(descriptor)
