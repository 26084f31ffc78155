"""Which protocol is followed, and with which options: as asked for, as noted, as published."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mindspore_hub.errors import FeaturesError
from mindspore_hub.hub.card import Card
from mindspore_hub.tasks.retrieval import datasets, protocols
from mindspore_hub.tasks.retrieval._registry import fitting
from mindspore_hub.tasks.retrieval.protocol import Protocol, as_protocol


def follow(
    card: Card | None,
    about: Mapping[str, Any],
    *,
    protocol: str | None,
    options: Mapping[str, Any],
    made: bool,
) -> Protocol:
    """The protocol to follow.

    Args:
        card: The card, whose protocol is followed if nobody says otherwise.
        about: What features say of themselves; the protocol that is noted there goes before.
        protocol: Name of the protocol, before both.
        options: Options, before those of any other place.
        made: Whether the features are made already, which settles the options of the data set.

    Raises:
        UnknownNameError: There is no such protocol.
        FeaturesError: Nobody says which one, it has no such option, or a value of another kind.
        DatasetError: A value means nothing to the data set.
    """
    base = _noted(about) or (_published(card) if card else None)
    if protocol is not None and (base is None or base.name != protocol):
        base = Protocol(protocol)
    if base is None:
        msg = (
            f"Neither the features nor a card say how to score them; give protocol, one of "
            f"{', '.join(protocols.names())}."
        )
        raise FeaturesError(msg)
    usual = all_options(base.name)
    settled = _decided(about, base.name).keys() | (_settled(about, base.name) if made else set())
    fixed = sorted(settled & options.keys())
    if fixed:
        msg = (
            f"{fixed[0]} cannot be given: the data that the features were made of decides it. Leave "
            "it out, or make features of other data."
        )
        raise FeaturesError(msg)
    given = {name: _fitting(base.name, name, value, usual) for name, value in options.items()}
    followed = Protocol(base.name, {**base.options, **given})
    datasets.dataset(followed.name, Path(), **of_dataset(followed))  # reads nothing, but checks
    return followed


def all_options(protocol: str) -> dict[str, Any]:
    """Options of a protocol and of the data set of the same name, with their usual values.

    Raises:
        UnknownNameError: There is no such protocol.
    """
    own = protocols.default_options(protocol)  # asked first, since it names what is unknown
    return {**datasets.default_options(protocol), **own}


def of_dataset(followed: Protocol) -> dict[str, Any]:
    """Those options that are of the data set."""
    known = datasets.default_options(followed.name)
    return {name: value for name, value in followed.options.items() if name in known}


def make(followed: Protocol, about: Mapping[str, Any]) -> protocols.Evaluation:
    """The protocol, with its options and what the data of these features decided.

    Raises:
        FeaturesError: The value of an option means nothing.
    """
    known = protocols.default_options(followed.name)
    asked = {name: value for name, value in followed.options.items() if name in known}
    return protocols.protocol(followed.name, **asked, **_decided(about, followed.name))


def _decided(about: Mapping[str, Any], protocol: str) -> dict[str, Any]:
    """Options that the data of these features decided, such as that galleries are drawn already."""
    noted, data = _noted(about), about.get("data")
    told = data.get("protocol_options") if isinstance(data, Mapping) else None
    if noted is None or noted.name != protocol or not isinstance(told, Mapping):
        return {}
    usual = all_options(protocol)
    return {name: _fitting(protocol, name, value, usual) for name, value in told.items()}


def is_published(card: Card, followed: Protocol) -> bool:
    """Whether a protocol is that of a card, with the same options."""
    published = _published(card)
    if published is None or published.name != followed.name:
        return False
    usual = all_options(followed.name)
    return {**usual, **published.options} == {**usual, **followed.options}


def _published(card: Card) -> Protocol | None:
    return as_protocol(card.asset.node.get("protocol")) if card.asset else None


def _settled(about: Mapping[str, Any], protocol: str) -> set[str]:
    """Options that change nothing in features which are there: those of their data set."""
    of_data = datasets.default_options(protocol).keys()
    return set(of_data if "data" in about else of_data - protocols.default_options(protocol).keys())


def _noted(about: Mapping[str, Any]) -> Protocol | None:
    noted = about.get("protocol")
    if not isinstance(noted, Mapping) or noted.get("name") not in protocols.names():
        return None
    name, usual = noted["name"], all_options(noted["name"])
    options = {key: value for key, value in noted.items() if key != "name"}
    return Protocol(name, {key: _fitting(name, key, v, usual) for key, v in options.items()})


def _fitting(protocol: str, name: str, value: Any, usual: Mapping[str, Any]) -> Any:
    """A value of the kind that the option has."""
    if name not in usual:
        msg = (
            f"The protocol {protocol!r} has no option {name!r}; it and its data set have "
            f"{', '.join(usual)}."
        )
        raise FeaturesError(msg)
    return fitting(name, value, usual[name], error=FeaturesError)
