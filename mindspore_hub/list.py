"""List the cards of the hub, under upstream's module and function names."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mindspore_hub.errors import UnknownNameError

if TYPE_CHECKING:
    from mindspore_hub.hub.card import Card
    from mindspore_hub.hub.hub import Hub


def hub_list(
    version: str | None = None,
    force_reload: bool = False,
    *,
    hub: str | os.PathLike[str] | Hub | None = None,
) -> list[str]:
    """Names of all cards.

    Args:
        version: Release whose cards are wanted, `r1.9` or `1.9`; None or `master` for all.
        force_reload: Accepted for compatibility; cards ship with the package, so there is nothing
            to load again.
        hub: Hub whose cards are listed, or the path of its root; by default the one of `MSHUB_HUB`,
            else that of this package.

    Returns:
        Card names without repetition, in alphabetical order.

    Raises:
        TypeError: An argument is of another type.
        UnknownNameError: There is no card of that release (a ValueError); all are listed.
        CardError: The hub has no cards.
    """
    if version is not None and not isinstance(version, str):
        msg = f"version must be a str or None, but is {version!r}."
        raise TypeError(msg)
    if not isinstance(force_reload, bool):
        msg = f"force_reload must be a bool, but is {force_reload!r}."
        raise TypeError(msg)
    return sorted({card.name for card in cards_of(version, hub)})


def cards_of(
    version: str | None, hub: str | os.PathLike[str] | Hub | None = None
) -> tuple[Card, ...]:
    """Cards of a release, written as for `hub_list`, in the order of their uids.

    Raises:
        UnknownNameError: There is no card of that release; all are listed.
    """
    from mindspore_hub.hub.hub import Hub

    cards = Hub.of(hub).cards
    if version is None or version == "master":
        return cards
    found = tuple(card for card in cards if card.version == version.removeprefix("r"))
    if not found:
        from mindspore_hub.hub.values import release_order

        releases = ", ".join(sorted({card.version for card in cards}, key=release_order))
        msg = f"There is no card of release {version!r}; choose one of {releases}."
        raise UnknownNameError(msg)
    return found
