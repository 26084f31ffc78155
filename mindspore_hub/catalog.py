"""From a name to a card: model names, variants, card names, uids, URLs and paths."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from mindspore_hub.cards.paths import card_paths, uid_of
from mindspore_hub.cards.schema import Card, read_card, variants_of
from mindspore_hub.errors import AmbiguousNameError, UnknownNameError

_CARD_URL = re.compile(
    r"https://(?:gitee\.com|github\.com|raw\.githubusercontent\.com)"
    r"/[^?#]+/assets/(?P<uid>[^?#]+?)(?:\.md)?/?(?:[?#].*)?"
)


def hub_root() -> Path:
    """Hub root that belongs to this package: inside it when installed, beside it in a checkout."""
    package = Path(__file__).parent
    packaged = package / "_hub"
    return packaged if packaged.is_dir() else package.parent


@dataclass(frozen=True)
class Catalog:
    """The cards of a hub root.

    Attributes:
        root: Folder with `assets/`, `models/` and `mindspore_hub_conf/`.
        cards: Its cards, by uid in order.
    """

    root: Path
    cards: tuple[Card, ...]

    @classmethod
    def read(cls, root: Path | None = None) -> Catalog:
        """Read every card of a hub root, by default the package's own.

        Raises:
            CardError: A card cannot be read.
        """
        root = root or hub_root()
        paths = card_paths(root / "assets")
        cards = [read_card(path, uid) for uid, path in paths if path.is_file()]
        return cls(root, tuple(_told_apart(cards)))

    @property
    def models(self) -> dict[str, list[Card]]:
        """Cards of each model."""
        models: dict[str, list[Card]] = {}
        for card in self.cards:
            models.setdefault(card.model_name, []).append(card)
        return models

    def resolve(self, name: str) -> Card:
        """Find the card that a name means.

        Args:
            name: Model name in any case (`MVD`), `<model>@<variant>` (`MVD@sysumm01-all`), card
                name (`mvd_allresearch_sysumm01`), uid (`mindspore/1.9/mvd_allresearch_sysumm01`),
                URL of a card on gitee.com or github.com, or path of a `.md` file.

        Raises:
            UnknownNameError: No card has that name; near names are suggested.
            AmbiguousNameError: Several cards have that name; they are listed.
            CardError: The file at a path is no readable card.
        """
        if "://" in name:
            return self._by_uid(_uid_of_url(name))
        if name.endswith(".md"):
            return _by_path(Path(name))
        if "/" in name:
            return self._by_uid(name)
        model, separator, variant = name.partition("@")
        return self._by_variant(model, variant) if separator else self._by_name(name)

    def only_card(self) -> Card:
        """The card that a hub means by itself: its only one, or the default of its only model.

        Raises:
            UnknownNameError: It has no cards.
            AmbiguousNameError: It has several models, or no default; its cards are listed.
        """
        if not self.cards:
            msg = f"{self.root} has no cards."
            raise UnknownNameError(msg)
        defaults = [card for card in self.cards if card.is_default]
        one_default = len(self.models) == 1 and len(defaults) == 1
        found = defaults if one_default else list(self.cards)
        if len(found) > 1:
            paths = "\n".join(f"  {card.path}" for card in found)
            msg = f"{self.root} has several cards; give the path of one of them:\n{paths}"
            raise AmbiguousNameError(msg)
        return found[0]

    def _by_uid(self, uid: str) -> Card:
        found = [card for card in self.cards if card.uid.lower() == uid.lower()]
        return found[0] if found else self._unknown(uid, [card.uid for card in self.cards])

    def _by_name(self, name: str) -> Card:
        of_model = [card for card in self.cards if card.model_name.lower() == name.lower()]
        defaults = [card for card in of_model if card.is_default]
        found = defaults or of_model or self._called(name)
        known = [*self.models, *(card.name for card in self.cards)]
        return _only(name, found) if found else self._unknown(name, known)

    def _by_variant(self, model: str, variant: str) -> Card:
        cards = [card for card in self.cards if card.model_name.lower() == model.lower()]
        if not cards:
            return self._unknown(f"{model}@{variant}", list(self.models))
        found = [card for card in cards if _is_variant(card, variant)]
        if not found:
            name = f"{cards[0].model_name}@{variant}"
            msg = f"{name} names no card. Variants of {cards[0].model_name}:\n{_choices(cards)}"
            raise UnknownNameError(msg)
        return _only(f"{model}@{variant}", found)

    def _called(self, name: str) -> list[Card]:
        return [card for card in self.cards if card.name.lower() == name.lower()]

    def _unknown(self, name: str, known: list[str]) -> Card:
        near = _near(name.partition("@")[0], known)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        msg = f"{name!r} names no model card.{hint} `mshub list` shows every card."
        raise UnknownNameError(msg)


def published_links(sha256: str) -> Iterator[str]:
    """Every link under which the cards of the package publish a file; reads them when asked."""
    for card in Catalog.read().cards:
        if card.asset and card.asset.sha256 == sha256:
            yield card.asset.link


def _by_path(path: Path) -> Card:
    if not _is_file(path):
        msg = f"There is no card {path}; give the path of an existing .md file, a name or a uid."
        raise UnknownNameError(msg)
    return read_card(path.expanduser(), uid_of(path.expanduser()))


def _is_file(path: Path) -> bool:
    try:
        return path.expanduser().is_file()
    except (OSError, RuntimeError):  # a name too long for the system; no such user
        return False


def _uid_of_url(url: str) -> str:
    match = _CARD_URL.fullmatch(url)
    if not match:
        msg = (
            f"{url} is no address of a model card; expected "
            "https://gitee.com/mindspore/hub/blob/master/mshub_res/assets/<uid>.md, "
            "the same on github.com, or just <uid>."
        )
        raise UnknownNameError(msg)
    return match["uid"]


def _is_variant(card: Card, variant: str) -> bool:
    return variant.lower() in variants_of(card.name, card.model_name)


def _told_apart(cards: list[Card]) -> Iterator[Card]:
    """The cards, where those whose variant means several are to be called by their uids."""
    counts = Counter(
        (card.model_name.lower(), variant)
        for card in cards
        for variant in variants_of(card.name, card.model_name)
    )
    for card in cards:
        is_alone = counts[card.model_name.lower(), card.variant.lower()] == 1
        yield card if is_alone else replace(card, needs_uid=True)


def _only(name: str, cards: list[Card]) -> Card:
    if len(cards) > 1:
        msg = f"{name!r} may mean several cards; choose one of them:\n{_choices(cards)}"
        raise AmbiguousNameError(msg)
    return cards[0]


def _choices(cards: list[Card]) -> str:
    return "\n".join(
        f"  {card.uid}" if card.needs_uid else f"  {card.variant_name}  ({card.uid})"
        for card in cards
    )


def _near(name: str, known: list[str]) -> list[str]:
    from difflib import get_close_matches

    by_lower = {item.lower(): item for item in known}
    return [by_lower[item] for item in get_close_matches(name.lower(), by_lower, 3, 0.6)]
