"""The class of a card's network: the one place that imports what is in a hub's `models/`.

A module of a folder is imported under a package name that no other folder can have, the same that
entry points use (`models/_entry.py`), so that modules of two hubs never mix.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from mindspore_hub.errors import CardError
from mindspore_hub.hub.values import as_builtin
from mindspore_hub.networks.framework import Network, require_mindspore
from mindspore_hub.networks.trust import explained, trusted_copy
from mindspore_hub.networks.weights import facts_of

if TYPE_CHECKING:
    from mindspore_hub.hub.card import Card
    from mindspore_hub.hub.hub import Hub

_CLASS_COUNTS = ("num_class", "num_classes")
"""What callers may call the class count of any network that classifies."""


def has_network(card: Card, hub: Hub) -> bool:
    """Whether a hub has the module of a card's network."""
    return (hub.root / "models" / f"{card.network[0]}.py").is_file()


def network_class(card: Card, hub: Hub) -> Network:
    """Import what a card names as its network: a class, or a function that builds a cell.

    Args:
        card: The card.
        hub: The hub whose network it is. The code of one that is not this package's own runs from
            a private copy, and only if it is trusted, now or earlier.

    Raises:
        CardError: The hub has no such network, or its code cannot be imported.
        TrustError: The code of the hub is not trusted.
        MissingDependencyError: MindSpore is not installed.
    """
    module, name = card.network
    if not has_network(card, hub):
        msg = (
            f"{hub.root} has no models/{module}.py, which the network of {card.uid} is to be in. "
            "Add it, or name another module in the card: `network: MODULE.NAME`."
        )
        raise CardError(msg)
    if hub.is_own:
        require_mindspore()
        return import_network(hub.root, module, name)
    copy = trusted_copy(hub)
    require_mindspore()
    with explained(hub.root, copy):
        return import_network(copy, module, name)


def import_network(root: Path, module: str, name: str) -> Network:
    """Import a network of a hub root whose code may run.

    Raises:
        CardError: The module does not define it.
        Exception: What the module raises.
    """
    models = (root / "models").resolve()
    package = f"_mindspore_hub_models_{hashlib.sha256(str(models).encode()).hexdigest()[:16]}"
    if package not in sys.modules:
        created = ModuleType(package)
        created.__path__ = [str(models)]
        sys.modules.setdefault(package, created)
    network: Network | None = getattr(importlib.import_module(f"{package}.{module}"), name, None)
    if network is None:
        msg = f"models/{module}.py defines no {name}."
        raise CardError(msg)
    return network


def bind(
    network: Network, positional: Sequence[object], arguments: Mapping[str, object]
) -> dict[str, object]:
    """What a caller gives, by the names of the constructor and with Python's own numbers.

    `num_class` and `num_classes` are understood whatever the network calls its class count.

    Raises:
        TypeError: The constructor does not take it, or the class count is given twice.
    """
    signature = inspect.signature(network)
    named = _with_class_count(network, signature, arguments)
    try:
        bound = signature.bind_partial(*positional, **named).arguments
    except TypeError as error:
        msg = f"{network.__name__}{signature}: {error}."
        raise TypeError(msg) from error
    for parameter in signature.parameters.values():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            bound.update(bound.pop(parameter.name, {}))
    given: dict[str, object] = as_builtin(bound)
    return given


def _with_class_count(
    network: Network, signature: inspect.Signature, arguments: Mapping[str, object]
) -> dict[str, object]:
    own = [name for name in _CLASS_COUNTS if name in signature.parameters]
    classes = facts_of(network).class_argument or "".join(own[:1])
    named = dict(arguments)
    for name in _CLASS_COUNTS:
        if classes and name in named and name != classes and name not in signature.parameters:
            if classes in named:
                msg = f"{network.__name__}: {name} and {classes} are the same; give one."
                raise TypeError(msg)
            named[classes] = named.pop(name)
    return named
