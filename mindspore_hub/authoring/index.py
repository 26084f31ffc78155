"""Write the index of a hub from a folder of cards."""

from __future__ import annotations

import lzma
import os
from collections.abc import Iterable
from pathlib import Path

from mindspore_hub._files import read_regular
from mindspore_hub.hub.document import read_document
from mindspore_hub.hub.index import HEADER, Entry, unpack
from mindspore_hub.hub.paths import find_cards


def build(folder: str | os.PathLike[str]) -> bytes:
    """An index of all cards of a hub or in a folder, the same bytes each time.

    Cards with errors are in it with what can be read of them.

    Raises:
        CardError: The folder has no cards, or one cannot be read at all.
    """
    cards = sorted(find_cards(Path(folder)).named)
    return pack(Entry.of(read_document(path, uid).card) for uid, path in cards)


def pack(entries: Iterable[Entry]) -> bytes:
    """The file of an index with these entries."""
    text = "".join(f"{line}\n" for line in (HEADER, *(entry.line for entry in entries)))
    return lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME)


def differences(path: Path, wanted: bytes) -> str:
    """Lines that a file has too many, with `-`, and that it lacks, with `+`; empty if it is right.

    Only the text counts: another release of liblzma may pack the same text in other bytes.

    Raises:
        OSError: The file cannot be read.
    """
    new = unpack(wanted).splitlines()
    try:
        old = unpack(read_regular(path)).splitlines()
    except FileNotFoundError:
        old = []
    except (ValueError, lzma.LZMAError) as error:
        return f"{path} is damaged: {error}\n"
    if new == old:
        return ""
    removed = [f"-{line}\n" for line in sorted(set(old) - set(new))]
    added = [f"+{line}\n" for line in sorted(set(new) - set(old))]
    return "".join([*removed, *added]) or f"{path} has its lines in another order\n"
