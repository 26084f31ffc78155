"""What may leave the store, and what a name means there."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable

from mindspore_hub.errors import AmbiguousNameError, UnknownNameError
from mindspore_hub.files.inventory import Entry
from mindspore_hub.hub.hub import Hub

DAY = 86400.0
"""Seconds for which nothing is taken for abandoned unless its lock says so."""

_PREFIX = re.compile("[0-9a-f]{8,64}")


def prunable(
    entries: Iterable[Entry],
    *,
    now: float,
    older_than: float | None = None,
    kept: Container[str] = (),
) -> list[Entry]:
    """Choose what is not needed: all that is no whole file, and files that nobody wants.

    A file that no card and no ref names is kept for a day: it may have just been downloaded.

    Args:
        entries: What lies in the store.
        now: The time, in seconds since 1970.
        older_than: Seconds after whose passing without a use a file is not needed.
        kept: Digests of files that are needed however long they were not used.
    """
    return [
        entry
        for entry in entries
        if not entry.is_file
        or (entry.sha256 not in kept and now - entry.used >= _patience(entry, older_than))
    ]


def _patience(entry: Entry, older_than: float | None) -> float:
    """Seconds without a use after which a file is not needed."""
    unwanted = float("inf") if entry.uids else DAY
    return unwanted if older_than is None else min(older_than, unwanted)


def meant(name: str, entries: Iterable[Entry], hub: Hub) -> set[str]:
    """Find the digests that a name means; the store need not have them.

    Args:
        name: Any name of a card, the uid of a card that a file of the store was loaded for, or a
            sha256 or at least its first 8 digits.
        entries: What lies in the store.
        hub: The cards.

    Raises:
        UnknownNameError: It means nothing.
        AmbiguousNameError: Several digests begin like this, or several cards have that name.
        CardError: The file at a path is no readable card.
    """
    entries = list(entries)
    if found := _beginning(name.lower(), entries, hub):
        return found
    by_ref = {entry.sha256 for entry in entries if name in entry.uids}
    try:
        card = hub.resolve(name)
    except UnknownNameError:
        if by_ref:
            return by_ref
        raise
    of_card = {entry.sha256 for entry in entries if card.uid in entry.uids}
    return of_card | ({card.asset.sha256} if card.asset else set())


def _beginning(prefix: str, entries: Iterable[Entry], hub: Hub) -> set[str]:
    if not _PREFIX.fullmatch(prefix):
        return set()
    known = {entry.sha256 for entry in entries}
    known |= {card.asset.sha256 for card in hub.cards if card.asset}
    found = {sha256 for sha256 in known if sha256.startswith(prefix)}
    if len(found) > 1:
        choices = "\n".join(f"  {sha256}" for sha256 in sorted(found))
        msg = f"{prefix!r} begins several digests; give more digits of one of them:\n{choices}"
        raise AmbiguousNameError(msg)
    return found
