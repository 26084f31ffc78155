"""Cards of which only the index of a hub has the facts, and which card a name of the index means."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from mindspore_hub.errors import CardError
from mindspore_hub.hub.card import Card, RepoLink
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Place
from mindspore_hub.hub.index import Entry, Index
from mindspore_hub.hub.values import YamlList, YamlMapping, YamlNode, YamlText

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class IndexedCard(Card):
    """A card of which only the index has the facts: neither its text nor its network is here.

    Its `path` is the one that it was published under, where nothing lies now.

    Attributes:
        entry: Its facts.
    """

    entry: Entry = field(default=Entry(""), repr=False, compare=False)

    @classmethod
    def of(cls, entry: Entry) -> IndexedCard:
        """The card that an entry describes."""
        keys = {
            "model-name": entry.model,
            "backbone-name": entry.backbone,
            "module-type": "-".join(part for part in (entry.domain, entry.task) if part),
            "mindspore-version": entry.mindspore,
            "train-dataset": entry.dataset,
            "evaluation": entry.evaluation,
            "license": entry.licence,
            "update-time": entry.updated,
        }
        values: dict[str, YamlNode] = {key: _text(text) for key, text in keys.items() if text}
        values["asset"] = YamlList(tuple(map(_asset, entry.assets)), Place())
        path = Path(f"{entry.uid}.md")
        return cls(path, entry.uid, entry.title, _mapping(values), entry=entry)

    is_indexed = True

    @property
    def document(self) -> Document:
        """Raises CardError: its text is not here."""
        msg = f"{self.uid} is known from the index only; the text of its card is not here."
        raise CardError(msg)

    @cached_property
    def repo_link(self) -> RepoLink | None:
        """Where the original code is; the index does not say the host."""
        owner, _, repo = self.entry.repo.partition("/")
        return RepoLink("", "", owner, repo, self.entry.ref, self.entry.path) if repo else None


def meant(entries: Sequence[Entry], name: str, index: Index, cards: Iterable[Card]) -> Card | None:
    """The card that a name with these entries means; None for no entries.

    It is a card of the hub wherever that has the same file.

    Args:
        entries: All entries that have the name.
        name: The name, for a message where it may mean several files.
        index: The index that they are from.
        cards: The cards of the hub.
    """
    if not entries:
        return None
    of_file: dict[str, list[Card]] = {}
    for card in cards:
        of_file.setdefault(card.asset_text("asset-sha256"), []).append(card)
    own = [
        [card for card in of_file.get(entry.sha256, ()) if _is_of_network(card, entry, index)]
        for entry in entries
    ]
    defaults = [card for cards in own for card in cards if card.is_default]
    entry = index.choose(entries)
    shipped = own[entries.index(entry)]
    if defaults and all(own):
        card = defaults[0]
    elif shipped:
        card = min(shipped, key=lambda card: (card.name != entry.name, card.uid))
    else:
        card = IndexedCard.of(entry)
    files = len({entry.sha256 or entry.uid for entry in entries})
    if files > 1:
        text = "%r may mean %s files; taking %s. `mshub search %s` shows all."
        logger.info(text, name, files, card.uid, name.partition("@")[0])
    return card


def _is_of_network(card: Card, entry: Entry, index: Index) -> bool:
    """Whether a card of the file of an entry is of its network, as far as the index knows better."""
    same = index.by_uid.get(card.uid.lower())
    return same is None or same.is_of_network(entry)


def _text(text: str) -> YamlText:
    return YamlText(text, Place(), plain=False)


def _mapping(values: Mapping[str, YamlNode]) -> YamlMapping:
    return YamlMapping(tuple((_text(key), value) for key, value in values.items()), Place())


def _asset(facts: Mapping[str, str]) -> YamlMapping:
    keys = {"format": "file-format", "link": "asset-link", "sha256": "asset-sha256"}
    return _mapping({keys[key]: _text(text) for key, text in facts.items() if key in keys})
