"""Entry points, which follow from the cards: their texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from mindspore_hub.errors import CardError
from mindspore_hub.hub.card import Card
from mindspore_hub.hub.hub import Hub, own_root
from mindspore_hub.hub.keys import is_class_name
from mindspore_hub.hub.paths import ENTRY_POINT, entry_point_path
from mindspore_hub.hub.values import Argument, quoted

if TYPE_CHECKING:
    from jinja2 import Template

SHARED = "_entry"
"""Module in `models/` that every entry point imports."""


def entry_point_texts(hub: Hub) -> dict[Path, str]:
    """Every entry point of a hub, with what they import if it is missing, and their texts.

    A CardError says that a card cannot be read or named in Python, or that a model has no single default.
    """
    _require_utf8(hub.complete())
    shared = hub.root / "models" / f"{SHARED}.py"
    lacks = shared.parent.is_dir() and not shared.is_file()
    own = own_root() / "models" / f"{SHARED}.py"
    added = {shared: own.read_text(encoding="utf-8")} if lacks and hub.models else {}
    return added | {
        entry_point_path(hub.root, model): entry_point_text(cards, default_card(model, cards))
        for model, cards in hub.models.items()
    }


def default_card(model: str, cards: list[Card]) -> Card:
    """The card that the bare name of a model means; a CardError if it is none, or several."""
    defaults = [card for card in cards if card.is_default]
    if len(defaults) != 1:
        uids = ", ".join(card.uid for card in defaults) or "none"
        msg = f"{model} needs exactly one card with `default: True`, but has: {uids}."
        raise CardError(msg)
    return defaults[0]


def entry_point_text(cards: list[Card], default: Card) -> str:
    """Text of the entry point for some cards of a model, whose bare name means the default one.

    A CardError says that no class can have its name, or that its cards name several networks.
    """
    _require_one_network(cards, default)
    return _template().render(default=default, cards=cards, keys=_keys(cards))


@cache
def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("mindspore_hub.networks"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - the output is Python, not HTML
    )
    environment.filters.update(text=quoted, literal=_literal)
    return environment.get_template(f"{ENTRY_POINT}.py.jinja")


def _require_one_network(cards: list[Card], default: Card) -> None:
    """Refuse cards of a model whose networks are not one that an entry point could import."""
    for card in cards:
        if card.network != default.network:
            msg = (
                f"{card.path}: its network is {'.'.join(card.network)}, but that of {default.uid}, "
                f"another card of {card.model_name}, is {'.'.join(default.network)}; a model has one "
                "network."
            )
            raise CardError(msg)
        if not all(map(is_class_name, card.network)):
            msg = (
                f"{card.path}: no class can have the model-name {card.model_name!r}; rename the "
                "model, or name its network: `network: MODULE.NAME`."
            )
            raise CardError(msg)


def _require_utf8(hub: Hub) -> None:
    for card in hub.cards:
        if any("\ud800" <= character <= "\udfff" for character in card.uid):
            msg = (
                f"{card.path}: its name is not UTF-8, so nothing can be generated; rename the file."
            )
            raise CardError(msg)


def _keys(cards: list[Card]) -> dict[str, str]:
    """What an entry point calls the card of each uid: its name, or the uid where that repeats."""
    counts = Counter(card.name.lower() for card in cards)
    return {card.uid: card.name if counts[card.name.lower()] == 1 else card.uid for card in cards}


def _literal(arguments: Mapping[str, Argument]) -> str:
    """A dict as the formatter writes it."""
    items = [
        f"{quoted(name)}: {quoted(value) if isinstance(value, str) else repr(value)}"
        for name, value in arguments.items()
    ]
    return "{" + ", ".join(items) + "}"
