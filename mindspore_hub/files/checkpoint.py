"""The checkpoint of a card: from its link and digest to an open file of the store.

Of some published files only the first digits of the digest are known, which verify nothing: whoever
wants to can make a file that has them. Such a file is pinned: downloaded once because the user asks for
it, and from then on its whole digest counts.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from mindspore_hub.errors import CardError, TrustError
from mindspore_hub.files.records import note_pin, note_use, read_pin
from mindspore_hub.files.store import Store, StoredFile
from mindspore_hub.hub.hub import Hub, own_root
from mindspore_hub.hub.values import SHA256
from mindspore_hub.settings import Settings, shown_address

if TYPE_CHECKING:
    from mindspore_hub._progress import Progress
    from mindspore_hub.hub.card import Asset, Card

logger = logging.getLogger(__name__)

_DIGITS = re.compile("[0-9a-f]{8,63}")
"""First digits of a digest; by fewer than eight, nothing is told apart."""


def checkpoint(
    card: Card,
    hub: Hub,
    *,
    settings: Settings | None = None,
    force: bool = False,
    pin: bool = False,
    progress: Progress | None = None,
) -> StoredFile:
    """Open the checkpoint of a card, downloading it if no store has it, and note that it is used.

    Further links of the same file are those of the cards of `hub`, then of this package's own. With
    `pin`, a file of which only the first digits of the digest are published is pinned to its digest.
    The file is to be verified before any of its bytes is used (`StoredFile.verify`). Raises CardError
    for a card without a checkpoint that could be verified, TrustError for one that would have to be
    pinned, else as in `files.download.obtain`.
    """
    from mindspore_hub.files.download import obtain  # half of the network

    settings = settings or Settings.from_environment()
    store = Store(settings.home)
    unpinned = _unpinned(card, store) if pin else None
    asset = unpinned or loadable_asset(card, settings)
    published = card.asset.sha256 if card.asset else asset.sha256
    found = obtain(
        asset.link,
        asset.sha256,
        alternatives=_links(published, hub),
        settings=settings,
        progress=progress,
        force=force,
        pin=unpinned is not None,
    )
    if unpinned:
        note_pin(store.pins, published, found.sha256, [asset.link, *_links(published, hub)])
        logger.warning(
            "%s is pinned to sha256 %s, of which %s is published.",
            *(card.uid, found.sha256, published),
        )
    note_use(store.refs, card.uid, found.sha256, asset.link)
    return found


def loadable_asset(card: Card, settings: Settings | None = None) -> Asset:
    """The checkpoint that a card declares, with the digest that its file has to have.

    Raises CardError if it declares none with a valid link and sha256, TrustError if the file is to be
    pinned first.
    """
    asset = card.asset
    if asset is None:
        hint = "" if card.is_indexed else "; load it with pretrained=False"
        msg = f"{card.uid} declares no checkpoint (ckpt or safetensors){hint}."
        raise CardError(msg)
    if asset.link and SHA256.fullmatch(asset.sha256):
        return asset
    is_pinnable = asset.link and _DIGITS.fullmatch(asset.sha256)
    if not (card.is_indexed or is_pinnable):
        msg = (
            f"{card.path} declares an asset that can never be verified: asset-link "
            f"{shown_address(asset.link)!r}, asset-sha256 {asset.sha256!r}; "
            f"`mshub card check {card.path}` says what is wrong."
        )
        raise CardError(msg)
    if not is_pinnable:
        missing = "sha256" if asset.link else "link"
        msg = f"{card.uid} publishes no {missing}, so its file cannot be had and verified."
        raise CardError(msg)
    settings = settings or Settings.from_environment()
    pinned = read_pin(Store(settings.home).pins, asset.sha256, asset.link)
    if pinned is None:
        msg = (
            f"{card.uid} publishes only the first {len(asset.sha256)} digits of its sha256, "
            f"{asset.sha256}, which verify nothing. `mshub download {card.uid} --pin` downloads the "
            "file, shows its whole sha256 and pins it: from then on, that is the one that counts."
        )
        raise TrustError(msg)
    return replace(asset, sha256=pinned)


def _unpinned(card: Card, store: Store) -> Asset | None:
    """The checkpoint of a card if it has to be pinned first."""
    asset = card.asset
    if not (asset and asset.link and _DIGITS.fullmatch(asset.sha256)):
        return None
    return None if read_pin(store.pins, asset.sha256, asset.link) else asset


def _links(sha256: str, hub: Hub) -> Iterator[str]:
    yield from hub.links(sha256)
    if not hub.is_own:
        yield from Hub(own_root()).links(sha256)
