"""Which files are cards, and what they are called."""

from __future__ import annotations

import os
from pathlib import Path

from mindspore_hub.errors import CardError


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
        below = Path(parent).relative_to(folder).as_posix()
        prefix = "/".join(part for part in (above, below) if part not in {"", "."})
        found += [
            (f"{prefix}/{name[:-3]}" if prefix else name[:-3], Path(parent, name))
            for name in [*files, *folders]
            if name.endswith(".md")
        ]
    return sorted(found, key=lambda item: item[1])
