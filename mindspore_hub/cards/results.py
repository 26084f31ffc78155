"""Check folders of cards, and do not check again what has not changed.

What was found in a card is found again while its bytes are the same, and what its rules looked at
besides (`beside`); what was found in several cards together, while that holds for each of them.
Contents are compared, never times.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from mindspore_hub.cards import beside
from mindspore_hub.cards.findings import Finding
from mindspore_hub.cards.kept import Kept, Part, Shelf
from mindspore_hub.cards.paths import Cards, read_bytes
from mindspore_hub.cards.suppress import unsuppressed
from mindspore_hub.errors import CardError, SettingsError
from mindspore_hub.settings import Settings

if TYPE_CHECKING:
    from mindspore_hub.cards.parse import Document
    from mindspore_hub.cards.rules import Rule

logger = logging.getLogger(__name__)


def check_again(cards: Cards, rules: Callable[[], list[Rule]], choice: str) -> list[Finding]:
    """Check cards as far as they, or what their findings rest on, changed since the last time.

    Args:
        cards: The cards; one that was named itself is checked every time.
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
        return kept.findings
    new = _check(cards, rules(), kept)
    if new is None:
        return check_afresh(cards, rules())
    # H905 reads cards by itself: findings rest on what was read here only if nothing changed since.
    if shelf and (cards.root is None or _holds(new, cards)):
        shelf.write(new)
    return new.findings


def check_afresh(cards: Cards, rules: list[Rule]) -> list[Finding]:
    """Check all of it; what no comment in a card asks to ignore.

    Raises:
        InternalError: A rule crashed.
    """
    from mindspore_hub.cards.check import check_tree, read_cards

    tree = read_cards(cards)
    return list(unsuppressed(check_tree(tree, rules), tree.by_path))


def _shelf(cards: Cards, choice: str) -> Shelf | None:
    if cards.folder is None:
        return None
    try:
        return Shelf(Settings.from_environment().home, cards, choice)
    except (SettingsError, OSError) as error:
        logger.debug("findings are not kept: %s", error)
        return None


def _holds(kept: Kept, cards: Cards) -> bool:
    """Whether a check would find the same now."""
    try:
        digests = {uid: _sha256(read_bytes(path)) for uid, path in cards.named}
    except CardError:
        return False
    if digests != {uid: part.digest for uid, part in kept.cards.items()}:
        return False
    parts = [*kept.cards.values(), kept.together]
    return beside.hold(look for part in parts for look in part.looks)


def _check(cards: Cards, rules: list[Rule], kept: Kept | None) -> Kept | None:
    """Check cards that are not known and all together; None where one cannot be read."""
    from mindspore_hub.cards.check import Tree, check_together
    from mindspore_hub.cards.parse import decode_document

    parts, documents = {}, {}
    for uid, path in cards.named:
        try:
            data = read_bytes(path)
        except CardError:
            return None
        documents[path] = decode_document(data, path, uid)
        known = kept.cards.get(uid) if kept else None
        parts[uid] = _of_card(documents[path], _sha256(data), rules, known)
    with beside.noted() as looks:
        found = check_together(Tree([*documents.values()], [], cards.root), rules)
        return Kept(parts, Part("", looks, list(unsuppressed(found, documents))))


def _of_card(document: Document, digest: str, rules: list[Rule], known: Part | None) -> Part:
    from mindspore_hub.cards.check import check_document

    if known and known.digest == digest and beside.hold(known.looks):
        return known
    with beside.noted() as looks:
        found = check_document(document, rules)
        return Part(digest, looks, list(unsuppressed(found, {document.path: document})))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
