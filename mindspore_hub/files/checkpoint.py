"""The checkpoint of a card: from its link and digest to an open file of the store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mindspore_hub.errors import CardError
from mindspore_hub.files.download import obtain
from mindspore_hub.files.records import note_use
from mindspore_hub.files.store import Store, StoredFile
from mindspore_hub.hub.hub import Hub, own_root
from mindspore_hub.hub.values import SHA256
from mindspore_hub.settings import Settings, shown_address

if TYPE_CHECKING:
    from mindspore_hub._progress import Progress
    from mindspore_hub.hub.card import Asset, Card


def checkpoint(
    card: Card,
    hub: Hub,
    *,
    settings: Settings | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> StoredFile:
    """Open the checkpoint of a card, downloading it if no store has it, and note that it is used.

    Further links of the same file are those of the cards of `hub`, then of this package's own.

    Returns:
        An open file, to be verified before any of its bytes is used (`StoredFile.verify`).

    Raises:
        CardError: The card declares no checkpoint, or none that could be verified.
        HubError: As in `files.download.obtain`.
    """
    asset = loadable_asset(card)
    settings = settings or Settings.from_environment()
    found = obtain(
        asset.link,
        asset.sha256,
        alternatives=_links(asset.sha256, hub),
        settings=settings,
        progress=progress,
        force=force,
    )
    note_use(Store(settings.home).refs, card.uid, asset.sha256, asset.link)
    return found


def loadable_asset(card: Card) -> Asset:
    """The checkpoint that a card declares.

    Raises:
        CardError: It declares none, or without a valid link and sha256.
    """
    if card.asset is None:
        msg = f"{card.uid} declares no checkpoint (ckpt or safetensors); load it with pretrained=False."
        raise CardError(msg)
    if not card.asset.link or not SHA256.fullmatch(card.asset.sha256):
        msg = (
            f"{card.path} declares an asset that can never be verified: asset-link "
            f"{shown_address(card.asset.link)!r}, asset-sha256 {card.asset.sha256!r}; "
            f"`mshub card check {card.path}` says what is wrong."
        )
        raise CardError(msg)
    return card.asset


def _links(sha256: str, hub: Hub) -> Iterator[str]:
    yield from hub.links(sha256)
    if not hub.is_own:
        yield from Hub(own_root()).links(sha256)
