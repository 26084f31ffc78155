"""What a test of many cards or modes looks at: with MSHUB_TEST_ALL=1 all, else the newest cards of the first five models
and some.

Networks and files of every family are tried in `models/`; what is true of any card needs no hundred of them.
"""

import os

from mindspore_hub.hub.card import Card
from mindspore_hub.hub.hub import Hub
from mindspore_hub.hub.values import release_order

ALL = bool(os.environ.get("MSHUB_TEST_ALL"))

SMALL = {"lenet", "squeezenet_residual"}
"""Further models whose files a test can write and load in a moment."""


def _chosen(further: set[str]) -> list[Card]:
    every = Hub.of().cards
    if ALL:
        return [*every]
    newest = {card.name: card for card in sorted(every, key=lambda c: release_order(c.version))}
    return [
        card
        for card in every
        if card.uid in further or (not card.text("family") and card is newest[card.name])
    ]


def cards() -> list[Card]:
    """Cards of the first five models, and the first default card of each further family."""
    defaults = [card for card in Hub.of().cards if card.is_default]
    return _chosen({*{card.text("family"): card.uid for card in defaults}.values()})


def loaded() -> list[Card]:
    """Cards of the first five models, and of further ones that are small, to be built or loaded."""
    small = (card for card in Hub.of().cards if card.model_name in SMALL and card.is_default)
    return _chosen({card.uid for card in small})


def defaults() -> list[Card]:
    """One card of each model of `loaded`, or all cards."""
    return [card for card in loaded() if card.is_default or ALL]


def models() -> dict[str, list[Card]]:
    """The cards of `loaded` by model, each with all of its cards."""
    return {card.model_name: Hub.of().models[card.model_name] for card in loaded()}
