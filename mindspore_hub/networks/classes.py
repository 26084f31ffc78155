"""The class of a card's network: the one place that imports what is in a hub's `models/`.

A module of a folder is imported under a package name that no other folder can have, the same that
entry points use (`models/_entry.py`), so that modules of two hubs never mix.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Protocol

from mindspore_hub.errors import CardError
from mindspore_hub.hub.hub import Hub, own_root
from mindspore_hub.hub.paths import root_above
from mindspore_hub.hub.values import SHA256, as_builtin
from mindspore_hub.networks.framework import require_mindspore
from mindspore_hub.networks.trust import explained, trusted_copy

if TYPE_CHECKING:
    from mindspore import nn

    from mindspore_hub.hub.card import Card


class Network(Protocol):
    """What a card names as its network: a class of cells, or a function that builds one."""

    __name__: str

    def __call__(self, *args: object, **kwargs: object) -> nn.Cell:
        """Build the network."""


def find_network(
    name: str, hub: str | os.PathLike[str] | Hub | None = None, *, trust: bool = False
) -> tuple[Card, Hub]:
    """The card that a name means, and the hub whose network is built for it.

    Takes any name that `mindspore_hub.load` takes, and a hub as `Hub.of` does. `trust` lets networks of
    another hub run; a ValueError says that there is no other hub to be trusted.
    """
    found = Hub.of(hub, trust=trust)
    card = found.resolve(name)
    chosen = network_hub(card, found)
    if found.trust and found.is_own and chosen is found:
        _require_hub(card, name)
    return card, chosen


def _require_hub(card: Card, name: str) -> None:
    """Refuse trust where there is no hub to be trusted."""
    if not name.endswith(".md"):
        msg = "trust=True is for hub=, MSHUB_HUB, or the path of a card in another hub."
        raise ValueError(msg)
    if root_above(card.path.resolve()) is None:
        msg = (
            f"{card.path} lies in no folder called assets with models beside it, so there is no hub "
            "whose networks could fit it."
        )
        raise CardError(msg)


def network_hub(card: Card, hub: Hub) -> Hub:
    """The hub whose network is built for a card.

    It is `hub`, but for the card of another hub, named by its path: its own hub is meant if `hub`
    lacks the network, or if the caller of the package's own hub trusts it.
    """
    above = None if card.is_indexed else root_above(card.path.resolve())
    if above is None or above == hub.root.resolve():
        return hub
    wants_own = (hub.trust and hub.is_own) or not hub.has_network(card)
    return Hub(above, trust=hub.trust) if wants_own else hub


def network_class(card: Card, hub: Hub) -> Network:
    """Import what a card names as its network: a class, or a function that builds a cell.

    The code of a hub that is not this package's own runs from a private copy, and only if it is trusted,
    now or earlier; else a TrustError. A CardError says that there is no such network, or that its code
    cannot be imported.
    """
    if card.is_indexed:
        raise CardError(_without_network(card))
    module, name = card.network
    if not hub.has_network(card):
        msg = (
            f"{hub.root} has no models/{module}.py, which the network of {card.uid} is to be in. "
            f"Add it, or name another module in the card: `network: MODULE.NAME`. {_without(card)}"
        )
        raise CardError(msg)
    if hub.is_own:
        require_mindspore()
        return import_network(hub.root, module, name)
    copy = trusted_copy(hub, card.uid)
    require_mindspore()
    with explained(hub.root, copy):
        return import_network(copy, module, name)


def _without_network(card: Card) -> str:
    """What says that a card of the index has no network here, and what can be done."""
    link = card.repo_link
    where = "published nowhere"
    if link:
        folder = f"in the folder {link.path} of" if link.path else "in"
        where = f"{folder} {link.owner}/{link.repo}" + (f", branch {link.ref}" if link.ref else "")
    return f"There is no network for {card.uid} here; its code was {where}. {_without(card)}"


def _without(card: Card) -> str:
    """What can be done with the checkpoint of a card where its network is not."""
    if card.asset is None:
        return "It publishes no checkpoint either."
    if not (card.asset.link and card.asset.sha256):
        return "Its checkpoint cannot be verified either: it has no link, or no sha256."
    pin = ""
    if not SHA256.fullmatch(card.asset.sha256):
        pin = f" Both need `mshub download {card.uid} --pin` before."
    return (
        f'Its weights can be had alone, by `mindspore_hub.load_weights("{card.uid}")`, or in a '
        f'network of yours, by `mindspore_hub.fit(network, "{card.uid}")`.{pin}'
    )


def import_network(root: Path, module: str, name: str) -> Network:
    """Import a network of a hub root whose code may run; a CardError if the module lacks it.

    Whatever the module raises comes as it is.
    """
    network: Network | None = getattr(_module(root, module), name, None)
    if network is None:
        msg = f"models/{module}.py defines no {name}."
        raise CardError(msg)
    return network


def bind(
    network: Network, positional: Sequence[object], arguments: Mapping[str, object]
) -> dict[str, object]:
    """What a caller gives, by the names of the constructor and with Python's own numbers.

    `num_class` and `num_classes` are understood whatever the network calls its class count; entry points
    share the rule (`models/_entry.py`). Raises TypeError for what the constructor does not take.
    """
    shared = _module(own_root(), "_entry")
    given: dict[str, object] = as_builtin(shared.bind(network, positional, arguments))
    return given


def _module(root: Path, name: str) -> ModuleType:
    """A module of the folder `models` of a hub root whose code may run."""
    models = (root / "models").resolve()
    package = f"_mindspore_hub_models_{hashlib.sha256(str(models).encode()).hexdigest()[:16]}"
    if package not in sys.modules:
        created = ModuleType(package)
        created.__path__ = [str(models)]
        sys.modules.setdefault(package, created)
    return importlib.import_module(f"{package}.{name}")
