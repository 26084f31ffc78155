"""Check folders of cards, and do not check again what has not changed.

What was found in a card is found again while its bytes are the same, and what its rules looked at
besides (`beside`); what was found in several cards together, while that holds for each of them.
Contents are compared, never times.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from mindspore_hub.checking import beside
from mindspore_hub.checking.kept import TOGETHER, Kept, Shelf
from mindspore_hub.checking.suppress import unsuppressed
from mindspore_hub.errors import CardError, SettingsError
from mindspore_hub.hub.findings import Finding
from mindspore_hub.hub.paths import Cards, find_cards, in_hubs
from mindspore_hub.settings import Settings

if TYPE_CHECKING:
    from mindspore_hub.checking.rules import Rule
    from mindspore_hub.hub.document import Document


def check_again(cards: Cards, rules: Callable[[], list[Rule]], choice: str) -> list[Finding]:
    """Check cards as far as they, or what their findings rest on, changed since the last time.

    Args:
        cards: The cards of a folder.
        rules: Says by which rules.
        choice: A name of these rules: under the same name, they are the same.

    Returns:
        What no comment in a card asks to ignore.

    Raises:
        InternalError: A rule crashed.
    """
    shelf = _shelf(cards, choice)
    kept = shelf.read() if shelf else None
    if kept and _holds(kept, cards):
        return kept.every_finding
    new = _check(cards, rules(), kept)
    if new is None:
        from mindspore_hub.checking.check import check_cards

        return check_cards(cards, rules())
    if shelf and _was_still(new, cards):
        shelf.write(new)
    return new.every_finding


def _shelf(cards: Cards, choice: str) -> Shelf | None:
    try:
        return Shelf(Settings.from_environment().home, cards, choice)
    except (SettingsError, OSError) as error:
        import logging

        logging.getLogger(__name__).debug("findings are not kept: %s", error)
        return None


def _holds(kept: Kept, cards: Cards) -> bool:
    """Whether a check would find the same now."""
    try:
        digests = {uid: _sha256(cards.read(path)) for uid, path in cards.every}
    except CardError:
        return False
    return digests == kept.digests and beside.hold(chain.from_iterable(kept.looks.values()))


def _was_still(new: Kept, cards: Cards) -> bool:
    """Whether nothing changed during a check: H905 reads the cards of a hub root by itself."""
    if cards.root is None or cards.folder is None:
        return True
    try:
        return _holds(new, in_hubs([find_cards(cards.folder)])[0])
    except CardError:
        return False


def _check(cards: Cards, rules: list[Rule], kept: Kept | None) -> Kept | None:
    """Check cards that are not known and all together; None where one cannot be read."""
    from mindspore_hub.checking.check import check_document, check_in_hub, check_together, new_hub
    from mindspore_hub.hub.document import decode_document

    new = Kept({}, {}, {})
    hub = new_hub(cards.root)
    asked = {uid for uid, _ in cards.named}
    for uid, path in cards.every:
        try:
            data = cards.read(path)
        except CardError:
            return None
        document = decode_document(data, path, uid)
        new.digests[uid] = _sha256(data)
        if uid in asked and kept and _is_known(uid, kept, new):
            new.looks[uid], new.findings[uid] = kept.looks.get(uid, []), kept.findings.get(uid, [])
        elif uid in asked:
            found = chain(
                check_document(document, rules), check_in_hub(document, rules, cards.root)
            )
            _keep(new, uid, found, {path: document})
        hub.add(document)
    _keep(new, TOGETHER, check_together(hub, rules, asked), hub.by_path)
    return new


def _is_known(uid: str, kept: Kept, new: Kept) -> bool:
    return kept.digests.get(uid) == new.digests[uid] and beside.hold(kept.looks.get(uid, ()))


def _keep(
    new: Kept, uid: str, findings: Iterable[Finding], documents: Mapping[Path, Document]
) -> None:
    with beside.noted() as looks:
        found = list(unsuppressed(findings, documents))
    if found:
        new.findings[uid] = found
    if looks:
        new.looks[uid] = looks


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
