"""The cards of a folder, and from a name to one of them: model names, variants, uids, URLs, paths."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from mindspore_hub.errors import AmbiguousNameError, CardError, UnknownNameError
from mindspore_hub.hub.card import Card, read_card, variants_of
from mindspore_hub.hub.findings import Place
from mindspore_hub.hub.paths import card_paths, uid_of, uid_of_url
from mindspore_hub.hub.values import YamlMapping, YamlText, release_order
from mindspore_hub.settings import hub_setting

if TYPE_CHECKING:
    from mindspore_hub.hub.index import Entry, Index

logger = logging.getLogger(__name__)

_SUGGESTIONS = 3
"""How many near names a message gives at most."""

_MANY = 1000
"""As many cards take half a second to read."""


def own_root() -> Path:
    """Hub root that belongs to this package: inside it when installed, beside it in a checkout."""
    package = Path(__file__).parents[1]
    packaged = package / "_hub"
    return packaged if packaged.is_dir() else package.parent


@dataclass(frozen=True)
class UnreadableCard:
    """A card that cannot be read, and why."""

    uid: str
    path: Path
    error: CardError

    def stand_in(self, models: Mapping[str, str]) -> Card:
        """A card with the model that its path suggests, so that its names do not mean another one.

        Args:
            models: Names of models by the same in lower case.
        """
        words = self.path.stem.lower().split("_")
        begins = ("_".join(words[:end]) for end in range(len(words) - 1, 0, -1))
        model = next((models[begin] for begin in begins if begin in models), words[0])
        entry = YamlText("model-name", Place()), YamlText(model, Place())
        return Card(self.path, self.uid, "", YamlMapping((entry,), Place()))


class Hub:
    """The cards of a hub root, which are read once, when they are first asked for.

    That is a folder with `assets/`, `models/` and `mindspore_hub_conf/`. With `trust`, networks of it may
    run; the package's own is always trusted.
    """

    def __init__(self, root: str | os.PathLike[str], *, trust: bool = False) -> None:
        self.root = Path(root)
        self.trust = trust

    @classmethod
    def of(cls, hub: Hub | str | os.PathLike[str] | None = None, *, trust: bool = False) -> Hub:
        """The hub that an argument means: itself, that of a path, or by default the usual one.

        The usual one is at `MSHUB_HUB`, or belongs to this package. With `trust`, its code may run. Raises
        SettingsError if `MSHUB_HUB` is not a path, and CardError for a folder without cards.
        """
        if isinstance(hub, Hub):
            return cls(hub.root, trust=True) if trust and not hub.trust else hub
        root = Path(hub).expanduser() if hub is not None else hub_setting() or own_root()
        if not (root / "assets").is_dir():
            msg = (
                f"{root} is not a hub root: it has no folder assets. Give the folder that holds "
                "assets, models and mindspore_hub_conf."
            )
            raise CardError(msg)
        return cls(root, trust=trust)

    @property
    def is_own(self) -> bool:
        """Whether it belongs to this package, whose code is trusted."""
        return self.root.resolve() == own_root().resolve()

    @property
    def cards(self) -> tuple[Card, ...]:
        """Its cards, by uid in order.

        One that cannot be read is left out with a warning: it must not take all others with it.
        """
        for unread in self.unread:
            _warn(unread.path)
        return self._read[0]

    @property
    def unread(self) -> tuple[UnreadableCard, ...]:
        """Cards that are not among them, because they cannot be read."""
        return self._read[1]

    def has_network(self, card: Card) -> bool:
        """Whether it has the module of a card's network."""
        return (self.root / "models" / f"{card.network[0]}.py").is_file()

    def complete(self) -> Hub:
        """The same hub, where leaving a card out would give a wrong result: its error is raised."""
        for unread in self.unread:
            raise unread.error
        return self

    @cached_property
    def _read(self) -> tuple[tuple[Card, ...], tuple[UnreadableCard, ...]]:
        cards, unread = [], []
        paths = card_paths(self.root / "assets")
        if len(paths) > _MANY:
            text = (
                "Reading all %s cards of %s, since any may have changed; `mshub index build %s -o "
                "HUB/assets/index.jsonl.xz` makes a hub of their facts, which is read at once."
            )
            logger.info(text, f"{len(paths):,}", self.root, self.root)
        for uid, path in paths:
            if path.is_file():
                try:
                    cards.append(read_card(path, uid))
                except CardError as error:
                    unread.append(UnreadableCard(uid, path, error))
        return tuple(_with_unique_names(cards)), tuple(unread)

    @cached_property
    def index(self) -> Index:
        """Its index of published cards, an empty one if it has none; its own cards need none.

        Raises:
            CardError: The file is damaged, or of a later version.
        """
        from mindspore_hub.hub.index import read_index

        return read_index(self.root / "assets")

    def links(self, sha256: str) -> Iterator[str]:
        """Every link under which a file is published, those of its own cards before the index.

        Cards and index are read when the first link of each is asked for.
        """
        links: dict[str, None] = {}
        for card in self.cards:
            if card.asset_text("asset-sha256") == sha256 and card.asset:
                links[card.asset.link] = None
                yield card.asset.link
        try:
            yield from (link for link in self.index.links(sha256) if link not in links)
        except CardError as error:
            logger.warning("%s", error)

    @property
    def models(self) -> dict[str, list[Card]]:
        """Cards of each model."""
        models: dict[str, list[Card]] = {}
        for card in self.cards:
            models.setdefault(card.model_name, []).append(card)
        return models

    def resolve(self, name: str) -> Card:
        """Find the card that a name means, among those of this hub: nothing is fetched.

        Args:
            name: Model name in any case (`MVD`), `<model>@<variant>` (`MVD@sysumm01-all`), card
                name (`mvd_allresearch_sysumm01`), uid (`mindspore/1.9/mvd_allresearch_sysumm01`),
                path of a `.md` file, or URL of a card on gitee.com or github.com, in any repository: it
                means the uid that it ends with. Of models and cards, `NAME@1.9` means those of that
                release.

        Returns:
            A card of this hub, or an `IndexedCard` for a name that only its index knows.

        Raises:
            UnknownNameError: No card has that name; near names are suggested.
            AmbiguousNameError: Several cards have that name; they are listed.
            CardError: The card cannot be read.
        """
        card = self._find(name)
        for unread in self.unread:
            if unread.path == card.path:
                raise unread.error
        return card

    def _find(self, name: str) -> Card:
        if "://" in name:
            return self._by_uid(uid_of_url(name))
        if name.endswith(".md"):
            return self._by_path(name)
        if "/" in name:
            return self._by_uid(name)
        model, separator, variant = name.partition("@")
        return self._by_variant(model, variant) if separator else self._by_name(name)

    def only_card(self) -> Card:
        """The card that a hub means by itself: its only one, or the default of its only model."""
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

    @property
    def _candidates(self) -> list[Card]:
        """Every card that a name may mean, those that cannot be read included."""
        models = {card.model_name.lower(): card.model_name for card in self.cards}
        return [*self.cards, *(unread.stand_in(models) for unread in self.unread)]

    def _by_path(self, name: str) -> Card:
        path = existing(name)
        if path and path.is_file():
            return read_card(path, uid_of(path))
        hint = _did_you_mean(_near(Path(name).stem, [card.name for card in self._candidates]))
        msg = (
            f"There is no card {name!r}.{hint} Give the path of an existing .md file, a name or a "
            f"uid.{self._left_out()}"
        )
        raise UnknownNameError(msg)

    def _by_uid(self, name: str) -> Card:
        uid = name.removesuffix("/").lower()
        found = [card for card in self._candidates if card.uid.lower() == uid]
        if found:
            return found[0]
        entry = self.index.by_uid.get(uid)
        card = self._indexed([entry] if entry else [], name)
        return card or self._unknown(name, self._near_uids(uid))

    def _indexed(self, entries: list[Entry], name: str) -> Card | None:
        """The card that entries of the index with this name mean."""
        from mindspore_hub.hub.indexed import meant

        return meant(entries, name, self.index, self.cards)

    def _near_uids(self, uid: str) -> list[str]:
        """Uids of the cards that the last part of a uid may mean, those of its release first."""
        release, _, name = uid.rpartition("/")
        cards = sorted(
            self._candidates,
            key=lambda card: (card.uid.rpartition("/")[0].lower() != release, not card.is_default),
        )
        found: list[str] = []
        for item in _near(name, [*_names(cards), *self.index.names]):
            found += (card.uid for card in cards if item in {card.model_name, card.name})
            uids = [entry.uid for entry in self.index.named(item)]
            found += sorted(uids, key=lambda uid: uid.rpartition("/")[0].lower() != release)
        return list(dict.fromkeys(found))[:_SUGGESTIONS]

    def _by_name(self, name: str) -> Card:
        candidates = self._candidates
        of_model = _of_model(name, candidates)
        defaults = [card for card in of_model if card.is_default]
        unreadable = {unread.path for unread in self.unread}
        # Without its default card, a model must not come to mean one of the others.
        found = (
            defaults
            or [card for card in of_model if card.path in unreadable][:1]
            or of_model
            or [card for card in candidates if card.name.lower() == name.lower()]
        )
        if found:
            return _only(name, found)
        card = self._indexed(self.index.named(name), name)
        return card or self._unknown(name, _near(name, [*_names(candidates), *self.index.names]))

    def _by_variant(self, model: str, variant: str) -> Card:
        name = f"{model}@{variant}"
        cards = _of_model(model, self._candidates)
        lower = variant.lower()
        found = [card for card in cards if lower in variants_of(card.name, card.model_name)]
        called = cards or [card for card in self._candidates if card.name.lower() == model.lower()]
        release = variant.removeprefix("r")
        of_release = [card for card in called if (card.version or _folder(card)) == release]
        found = found or [card for card in of_release if card.is_default] or of_release
        if found:
            return _only(name, found)
        if card := self._indexed(self.index.named(model, variant), name):
            return card
        published = self.index.named(model)
        if not called and not published:
            return self._unknown(name, _near(model, [*_names(self._candidates), *self.index.names]))
        if cards:
            name = f"{cards[0].model_name}@{variant}"
            known = f"Variants of {cards[0].model_name}:\n{_choices(cards)}"
        else:
            releases = [*map(_folder, called), *(entry.release for entry in published)]
            listed = ", ".join(dict.fromkeys(releases))
            known = f"{model} is published for the releases {listed}; see `mshub search {model}`."
        msg = f"{name!r} names no card.{self._elsewhere()} {known}"
        raise UnknownNameError(msg)

    def _unknown(self, name: str, near: list[str]) -> Card:
        shown = "`mshub list` shows every card"
        if self.index.entries:
            shown = "`mshub search WORDS` finds published cards"
        msg = f"{name!r} names no model card.{_did_you_mean(near)} {shown}.{self._elsewhere()}"
        raise UnknownNameError(msg)

    def _elsewhere(self) -> str:
        """Where else a card may be that is not among those of this hub."""
        hint = " For a card of another hub, give --hub DIR or set MSHUB_HUB." if self.is_own else ""
        return f"{hint}{self._left_out()}"

    def _left_out(self) -> str:
        paths = [str(unread.path) for unread in self.unread]
        return f" Cards that cannot be read: {', '.join(paths)}." if paths else ""


def existing(name: str) -> Path | None:
    """The path that a name is, with a leading `~` replaced; None if nothing is there."""
    try:
        path = Path(name).expanduser()
        return path if path.exists() else None
    except (OSError, RuntimeError):  # a name too long for the system; no such user
        return None


@cache
def _warn(path: Path) -> None:
    """Say once that a card is left out, however often the cards are read."""
    logger.warning("%s cannot be read and is left out; see `mshub card check %s`.", path, path)


def _of_model(model: str, cards: list[Card]) -> list[Card]:
    return [card for card in cards if card.model_name.lower() == model.lower()]


def _names(cards: list[Card]) -> list[str]:
    """Names of models and of cards."""
    return [*dict.fromkeys(card.model_name for card in cards), *(card.name for card in cards)]


def _with_unique_names(cards: list[Card]) -> Iterator[Card]:
    """The cards; one whose variant means several of them is to be called by its uid."""
    meant: dict[tuple[str, str], list[Card]] = {}
    for card in cards:
        for variant in variants_of(card.name, card.model_name):
            meant.setdefault((card.model_name.lower(), variant), []).append(card)
    newest: dict[tuple[str, str], list[Card]] = {}
    for card in cards:
        key = card.model_name.lower(), card.variant.lower()
        newest[key] = newest.get(key) or _newest(meant[key])
        first, *others = newest[key]
        yield card if first is card and not others else card.called_by_uid()


def _only(name: str, cards: list[Card]) -> Card:
    cards = _newest(cards)
    if len(cards) > 1:
        msg = f"{name!r} may mean several cards; choose one of them:\n{_choices(cards)}"
        raise AmbiguousNameError(msg)
    return cards[0]


def _newest(cards: list[Card]) -> list[Card]:
    """Of a card that is there for several releases, the newest; cards of several names are all meant."""
    if len(cards) == 1 or len({card.name.lower() for card in cards}) > 1:
        return cards
    releases = [release_order(_folder(card)) for card in cards]
    return [card for card, at in zip(cards, releases, strict=True) if at == max(releases)]


def _folder(card: Card) -> str:
    return card.uid.rpartition("/")[0].rpartition("/")[2]


def _choices(cards: list[Card]) -> str:
    return "\n".join(
        f"  {card.uid}" if card.needs_uid else f"  {card.variant_name}  ({card.uid})"
        for card in cards
    )


def _near(name: str, known: list[str]) -> list[str]:
    """Names like this one, the nearest first; only itself if it is one of them."""
    from difflib import get_close_matches

    by_lower = {item.lower(): item for item in known}
    if name.lower() in by_lower:
        return [by_lower[name.lower()]]
    return [by_lower[item] for item in get_close_matches(name.lower(), by_lower, _SUGGESTIONS, 0.6)]


def _did_you_mean(near: list[str]) -> str:
    return f" Did you mean {' or '.join(near)}?" if near else ""
