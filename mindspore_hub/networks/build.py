"""From a card to its network: with its checkpoint, verified and strictly, or with initial values.

The bytes that are parsed are those that were hashed: the file is opened once, mapped, and hashed in a
thread while the network is built from what the card says. Nothing is parsed before the hash is right.
Arguments of the caller are tried before any byte is asked for.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from mindspore_hub.errors import CardError, CheckpointError
from mindspore_hub.files.checkpoint import checkpoint, loadable_asset
from mindspore_hub.hub.card import Asset, Card
from mindspore_hub.hub.hub import Hub
from mindspore_hub.hub.values import as_builtin
from mindspore_hub.networks.assign import NewHead, as_parameter, assign, head_of
from mindspore_hub.networks.classes import Network, bind, network_class
from mindspore_hub.networks.collector import collector_paused
from mindspore_hub.networks.construct import (
    Arguments,
    are_alike,
    build_initialised,
    construct,
    construct_early,
    shown_arguments,
)
from mindspore_hub.networks.framework import require_mindspore
from mindspore_hub.networks.own import open_own
from mindspore_hub.networks.weights import (
    Signature,
    Weight,
    check_arguments,
    derive_arguments,
    facts_of,
    read_weights,
)
from mindspore_hub.settings import shown_address
from mindspore_hub.tensors import map_file, naming

if TYPE_CHECKING:
    from mindspore import Parameter, nn

    from mindspore_hub.files.store import StoredFile
    from mindspore_hub.settings import Settings

logger = logging.getLogger(__name__)

_NONE: Arguments = MappingProxyType({})


def build(
    card: Card,
    hub: Hub,
    arguments: Arguments = _NONE,
    *,
    positional: Sequence[object] = (),
    settings: Settings | None = None,
    force: bool = False,
    checkpoint: str | os.PathLike[str] | None = None,
) -> nn.Cell:
    """Build the network of a card, in inference mode, and load its checkpoint, verified and strictly.

    With arguments of the caller, which go before those of the card, the network is built first, as far
    as the card tells of it: wrong ones are not worth a download. A `checkpoint` of one's own is loaded in
    place of the card's. Raises as `mindspore_hub.load` does.
    """
    network = network_class(card, hub)
    given = bind(network, positional, arguments)
    if checkpoint is not None:
        return _load_own(card, network, given, checkpoint)
    return _load(card, hub, network, given, settings=settings, force=force)[0]


def create(
    card: Card, hub: Hub, arguments: Arguments = _NONE, *, positional: Sequence[object] = ()
) -> nn.Cell:
    """Build the network of a card with initial values; as `build`, without its checkpoint."""
    network = network_class(card, hub)
    given = bind(network, positional, arguments)
    with _about(card):
        published = card.asset.network_args if card.asset else {}
        return construct(network, published, given, build=build_initialised)


def parameters(card: Card, hub: Hub, *, force: bool = False) -> dict[str, Parameter]:
    """Parameters of a card's checkpoint by the names of its network, which it has to fit."""
    built, weights = _load(card, hub, network_class(card, hub), {}, force=force)
    names = [name for name, _ in built.parameters_and_names()]
    return {name: as_parameter(name, weights[name]) for name in names}


def build_published(
    network: Network, published: Mapping[str, object], arguments: Arguments
) -> nn.Cell:
    """Build a network with the checkpoint that an entry point names; errors are those of `load`.

    Entry points of bundles call this from anywhere, so its arguments stay as they are: `published` has
    `uid`, `asset-link`, `asset-sha256` and `network-args` of the card, and `arguments` those of the
    caller by the names of the constructor.
    """
    require_mindspore()
    asset = Asset(
        link=str(published["asset-link"]),
        sha256=str(published["asset-sha256"]),
        network_args=as_builtin(published["network-args"]),
    )
    uid = str(published["uid"])
    card = Card(Path(uid), uid, "", other_asset=asset)
    return _load(card, Hub.of(), network, as_builtin(dict(arguments)))[0]


def assemble(
    network: Network,
    weights: Mapping[str, Weight],
    published: Arguments,
    given: Arguments = _NONE,
    *,
    built: nn.Cell | None = None,
) -> nn.Cell:
    """Build a network, in inference mode, that fits the tensors of a file, and set all parameters from them.

    Arguments that are `given` go before those `published` by the card and those of the file. A network that
    was `built` from the former two is taken if the file tells of no other arguments. A CardError says that
    the arguments of card and file fit no network, a CheckpointError that file and card disagree.
    """
    facts = facts_of(network)
    derived = derive_arguments(weights, facts)
    check_arguments(published, derived)
    known = {**{key: found.value for key, found in derived.items()}, **published}
    if built is None or not are_alike(network, {**published, **given}, {**known, **given}):
        built = construct(network, known, given)
    classes = facts.class_argument
    published_count, wanted = known.get(classes), given.get(classes)
    new_head: NewHead | None = None
    without: dict[str, Signature] = {}
    if isinstance(published_count, int) and isinstance(wanted, int) and wanted != published_count:
        if wanted:
            new_head = NewHead(published_count, wanted)
        else:
            whole = construct(network, known, {**given, classes: published_count})
            without = head_of(whole, built, facts)
    initialised = assign(built, weights, facts, new_head=new_head, without=without)
    if without:
        logger.info(
            "%s=0: the network ends before its head, so these parameters of the checkpoint are not "
            "loaded: %s",
            classes,
            ", ".join(without),
        )
    if initialised:
        logger.warning(
            "%s=%s instead of the checkpoint's %s: these parameters are not loaded but "
            "initialised: %s",
            classes,
            wanted,
            published_count,
            ", ".join(initialised),
        )
    return built


def _load(
    card: Card,
    hub: Hub,
    network: Network,
    given: Arguments,
    *,
    settings: Settings | None = None,
    force: bool = False,
) -> tuple[nn.Cell, Mapping[str, Weight]]:
    """The network with the checkpoint of a card, and the weights that share its memory."""
    asset = loadable_asset(card)
    with _about(card):
        built = construct_early(network, asset.network_args, given) if given else None
        with checkpoint(card, hub, settings=settings, force=force) as stored:
            return _load_stored(stored, network, asset, given, built=built)


def _load_own(
    card: Card, network: Network, given: Arguments, path: str | os.PathLike[str]
) -> nn.Cell:
    """The network with a checkpoint of one's own; where it tells an argument, the card does not."""
    own = open_own(path, card)
    facts = facts_of(network)
    with naming(own.path), collector_paused():
        weights = read_weights(own.buffer, facts)
        told = derive_arguments(weights, facts)
        published = card.asset.network_args if card.asset else {}
        stated = {name: value for name, value in published.items() if name not in told}
        return assemble(network, weights, stated, given)


@contextmanager
def _about(card: Card) -> Iterator[None]:
    """Let an error say which card it is about."""
    try:
        yield
    except (CardError, CheckpointError) as error:
        msg = f"{error}\nThe card is {card.path}."
        raise type(error)(msg) from error


@collector_paused()
def _load_stored(
    stored: StoredFile,
    network: Network,
    asset: Asset,
    given: Arguments,
    *,
    built: nn.Cell | None,
) -> tuple[nn.Cell, Mapping[str, Weight]]:
    with naming(stored.path):
        buffer = map_file(stored.file)
    with stored.verifying(buffer):
        if built is None:
            built = construct_early(network, asset.network_args, given)
    try:
        weights = read_weights(buffer, facts_of(network))
    except CheckpointError as error:
        msg = (
            f"{shown_address(asset.link)} matches the sha256 of its card, but {error} Correct "
            "asset-link and asset-sha256."
        )
        raise CheckpointError(msg) from error
    try:
        return assemble(network, weights, asset.network_args, given, built=built), weights
    except CheckpointError as error:
        remedy = _remedy(network, weights, asset.network_args, given)
        msg = f"{shown_address(asset.link)}: {error}\n{remedy}"
        raise CheckpointError(msg) from error


def _remedy(
    network: Network, weights: Mapping[str, Weight], published: Arguments, given: Arguments
) -> str:
    """Say whose fault it is that a file does not fit, and what to do about it."""
    if given and _fits(network, weights, published):
        return (
            f"You gave {shown_arguments(given)}{_contradicted(network, weights, given)}. Leave out what does "
            "not fit: without it, the file is loaded."
        )
    return (
        "The file matches the sha256 of its card. So card and network disagree with it: correct "
        "network-args or asset-link."
    )


def _fits(network: Network, weights: Mapping[str, Weight], published: Arguments) -> bool:
    try:
        assemble(network, weights, published)
    except (CardError, CheckpointError):
        return False
    return True


def _contradicted(network: Network, weights: Mapping[str, Weight], given: Arguments) -> str:
    """What the file has instead of what the caller gave; another class count may be given."""
    facts = facts_of(network)
    others = [
        f"{name}={found.value!r} ({found.tensor} has shape {found.shape})"
        for name, found in derive_arguments(weights, facts).items()
        if name != facts.class_argument and given.get(name, found.value) != found.value
    ]
    return f", but the file has {', '.join(others)}" if others else ""
