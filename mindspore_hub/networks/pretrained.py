"""From a card's asset to a network with its weights, verified and strictly.

The bytes that are parsed are those that were hashed: the file is opened once, mapped, and hashed in a
thread while the network is built from what the card says. Nothing is parsed before the hash is right.
Arguments of the caller are tried before any byte is asked for.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mindspore_hub._collector import collector_paused
from mindspore_hub.errors import CardError, CheckpointError
from mindspore_hub.files import records
from mindspore_hub.files.download import memo_of, obtain
from mindspore_hub.files.store import Store
from mindspore_hub.hub.card import Asset, Card
from mindspore_hub.hub.hub import Hub
from mindspore_hub.hub.values import SHA256, as_builtin
from mindspore_hub.networks import assign as checkpoint
from mindspore_hub.networks import construct
from mindspore_hub.networks.entry_point import require_mindspore
from mindspore_hub.networks.weights import (
    Weight,
    check_arguments,
    derive_arguments,
    facts_of,
    read_weights,
)
from mindspore_hub.settings import Settings, shown_address
from mindspore_hub.tensors import map_file

if TYPE_CHECKING:
    from pathlib import Path

    from mindspore import Parameter, nn

    from mindspore_hub.files.records import Memo
    from mindspore_hub.files.store import StoredFile

logger = logging.getLogger(__name__)

_SOME_CARD = "the card"
"""What messages call a card whose file is not known; entry points know none."""


def create_pretrained(
    cell: Any,
    asset: Asset,
    arguments: Mapping[str, Any],
    *,
    settings: Settings | None = None,
    force: bool = False,
    card: Path | str = _SOME_CARD,
) -> nn.Cell:
    """Build a network and load a checkpoint into it, verified and strictly.

    With arguments of the caller the network is built first, as far as the card tells of it: wrong
    ones are not worth a download.

    Args:
        cell: Class of the network.
        asset: The checkpoint.
        arguments: Constructor arguments that go before those of the asset.
        settings: Where to keep and find files, by default what the environment says.
        force: Download the checkpoint again even if it is in the store.
        card: File of the card, for messages.

    Returns:
        The network in inference mode.

    Raises:
        HubError: As in `load`.
    """
    require_mindspore()
    settings = settings or Settings.from_environment()
    wanted = _Wanted(cell, as_builtin(dict(arguments)), card)
    early = _build_early(wanted, asset) if arguments else None
    with _obtain(asset, settings, force=force) as stored:
        return _create_from(stored, wanted, asset, memo=memo_of(settings), network=early)[0]


def load_network(card: Card) -> nn.Cell:
    """The network of a card with its published checkpoint, in inference mode.

    Raises:
        HubError: As in `load`.
    """
    from mindspore_hub.networks.trust import find_network

    card, entry_point, cell = find_network(card)
    arguments = entry_point.constructor_arguments(cell, (), {})
    asset = loadable_asset(card)
    network = create_pretrained(cell, asset, arguments, card=card.path)
    note_use(card, asset)
    return network


def note_use(card: Card, asset: Asset) -> None:
    """Note in the store that a card's checkpoint was used."""
    store = Store(Settings.from_environment().home)
    records.note_use(store.refs, card.uid, asset.sha256, asset.link)


def load_parameters(
    cell: Any, asset: Asset, *, force: bool = False, card: Path | str = _SOME_CARD
) -> dict[str, Parameter]:
    """Parameters of a checkpoint by the names of a network, which it has to fit.

    Args:
        cell: Class of the network.
        asset: The checkpoint.
        force: Download the checkpoint again even if it is in the store.
        card: File of the card, for messages.

    Raises:
        HubError: As in `load`.
    """
    settings = Settings.from_environment()
    wanted = _Wanted(cell, {}, card)
    with _obtain(asset, settings, force=force) as stored:
        network, weights = _create_from(stored, wanted, asset, memo=memo_of(settings))
    names = [name for name, _ in network.parameters_and_names()]
    return {name: checkpoint.as_parameter(name, weights[name]) for name in names}


def build_network(
    cell: Any,
    weights: Mapping[str, Weight],
    asset: Asset,
    arguments: Mapping[str, Any],
    *,
    card: Path | str = _SOME_CARD,
) -> nn.Cell:
    """Build a network that fits the tensors of a file, and set every parameter from them.

    Args:
        cell: Class of the network.
        weights: Tensors of the file.
        asset: What its card says of the file.
        arguments: Constructor arguments that go before those of the card and the file.
        card: Where network-args are to be corrected, for messages.

    Returns:
        The network in inference mode.

    Raises:
        CardError: The arguments of card and file fit no network.
        CheckpointError: File and card contradict each other, or the file does not fit.
    """
    return _build(_Wanted(cell, arguments, card), asset, weights)


def create_network(
    cell: Any,
    published: Mapping[str, Any],
    arguments: Mapping[str, Any],
    *,
    card: Path | str = _SOME_CARD,
) -> nn.Cell:
    """Build a network with initial values, in inference mode.

    Args:
        cell: Class of the network.
        published: Constructor arguments of the card.
        arguments: Those of the caller, which go before.
        card: File of the card, for messages.

    Raises:
        CardError: The arguments of the card fit no network.
    """
    return _create(
        _Wanted(cell, as_builtin(dict(arguments)), card), published, build=construct.build
    )


def loadable_asset(card: Card) -> Asset:
    """The checkpoint that a card declares.

    Raises:
        CardError: It declares none, or without a valid link and sha256.
    """
    if card.asset is None:
        msg = f"{card.uid} declares no checkpoint (ckpt or safetensors); load it with pretrained=False."
        raise CardError(msg)
    if not card.asset.link or not SHA256.fullmatch(card.asset.sha256):
        msg = (
            f"{card.path} declares an asset that can never be verified: asset-link "
            f"{shown_address(card.asset.link)!r}, asset-sha256 {card.asset.sha256!r}; "
            f"`mshub card check {card.path}` says what is wrong."
        )
        raise CardError(msg)
    return card.asset


@dataclass(frozen=True)
class _Wanted:
    """A network as a caller asks for it; see `create_pretrained`."""

    cell: Any
    arguments: Mapping[str, Any]
    card: Path | str = _SOME_CARD


def _obtain(asset: Asset, settings: Settings, *, force: bool) -> StoredFile:
    alternatives = Hub.of().links(asset.sha256)
    return obtain(
        asset.link, asset.sha256, alternatives=alternatives, settings=settings, force=force
    )


@collector_paused()
def _create_from(
    stored: StoredFile,
    wanted: _Wanted,
    asset: Asset,
    *,
    memo: Memo | None,
    network: nn.Cell | None = None,
) -> tuple[nn.Cell, dict[str, Weight]]:
    """The network, and the weights with which it shares its memory."""
    try:
        buffer = map_file(stored.file)
    except CheckpointError as error:
        msg = f"{stored.path}: {error}"
        raise CheckpointError(msg) from error
    with stored.verifying(buffer, memo):
        if network is None:
            network = _build_early(wanted, asset)
    weights = _read_weights(buffer, wanted, asset)
    try:
        return _build(wanted, asset, weights, network=network), weights
    except CheckpointError as error:
        msg = f"{shown_address(asset.link)}: {error}\n{_remedy(wanted, asset, weights)}"
        raise CheckpointError(msg) from error


def _read_weights(buffer: Any, wanted: _Wanted, asset: Asset) -> dict[str, Weight]:
    try:
        return read_weights(buffer, facts_of(wanted.cell))
    except CheckpointError as error:
        msg = (
            f"{shown_address(asset.link)} matches the sha256 of its card, but {error} Correct asset-link and "
            f"asset-sha256 in {wanted.card}."
        )
        raise CheckpointError(msg) from error


def _build(
    wanted: _Wanted,
    asset: Asset,
    weights: Mapping[str, Weight],
    *,
    network: nn.Cell | None = None,
) -> nn.Cell:
    """The network with its weights; one that was built early is taken if it is the right one."""
    arguments = wanted.arguments
    facts = facts_of(wanted.cell)
    derived = derive_arguments(weights, facts)
    check_arguments(asset.network_args, derived)
    published = {**{key: found.value for key, found in derived.items()}, **asset.network_args}
    early = {**asset.network_args, **arguments}
    if network is None or not _are_alike(wanted.cell, early, {**published, **arguments}):
        network = _create(wanted, published)
    classes = facts.class_argument
    kept = checkpoint.assign(
        network,
        weights,
        facts,
        new_head=_new_head(published.get(classes), arguments.get(classes)),
    )
    if kept:
        logger.warning(
            "%s=%s instead of the checkpoint's %s: these parameters are not loaded but "
            "initialised: %s",
            classes,
            arguments[classes],
            published[classes],
            ", ".join(kept),
        )
    return network


def _new_head(published: int | None, wanted: int | None) -> checkpoint.NewHead | None:
    """Whether the head is for other classes than those of the file."""
    if published is None or wanted is None or wanted == published:
        return None
    return checkpoint.NewHead(published, wanted)


def _remedy(wanted: _Wanted, asset: Asset, weights: Mapping[str, Weight]) -> str:
    """Say whose fault it is that a file does not fit, and what to do about it."""
    if wanted.arguments and _fits(replace(wanted, arguments={}), asset, weights):
        return (
            f"You gave {_shown(wanted.arguments)}{_told(wanted, weights)}. Leave out what does not "
            "fit: without it, the file is loaded."
        )
    return (
        "The file matches the sha256 of its card. So card and network disagree with it: correct "
        f"network-args or asset-link in {wanted.card}."
    )


def _fits(wanted: _Wanted, asset: Asset, weights: Mapping[str, Weight]) -> bool:
    try:
        _build(wanted, asset, weights)
    except (CardError, CheckpointError):
        return False
    return True


def _told(wanted: _Wanted, weights: Mapping[str, Weight]) -> str:
    """What the file has instead of what the caller gave; another class count may be given."""
    facts = facts_of(wanted.cell)
    told = [
        f"{name}={found.value!r} ({found.tensor} has shape {found.shape})"
        for name, found in derive_arguments(weights, facts).items()
        if name != facts.class_argument and wanted.arguments.get(name, found.value) != found.value
    ]
    return f", but the file has {', '.join(told)}" if told else ""


@collector_paused()
def _build_early(wanted: _Wanted, asset: Asset) -> nn.Cell | None:
    """The network that card and caller tell of, if they do; the file may tell of another."""
    try:
        return _create(wanted, asset.network_args)
    except CardError:  # to be said once the file is known to be right, and has told the rest
        return None


def _are_alike(cell: Any, arguments: Mapping[str, Any], others: Mapping[str, Any]) -> bool:
    """Whether arguments of a constructor mean the same, defaults included."""
    signature = inspect.signature(cell)
    try:
        one, other = signature.bind(**arguments), signature.bind(**others)
    except TypeError:  # which the constructor is to say
        return False
    one.apply_defaults()
    other.apply_defaults()
    return one == other


def _create(
    wanted: _Wanted,
    published: Mapping[str, Any],
    *,
    build: Callable[[Any, Mapping[str, Any]], nn.Cell] = construct.build_uninitialised,
) -> nn.Cell:
    cell, arguments = wanted.cell, wanted.arguments
    try:
        network = build(cell, {**published, **arguments})
    except (TypeError, ValueError) as error:
        if arguments and _builds(cell, published):
            raise  # what the constructor says of the caller's arguments says it all
        given = f" and {_shown(arguments)}, which you gave" if arguments else ""
        msg = (
            f"{cell.__name__} cannot be built with network-args {dict(published)}{given}: {error}. "
            f"Correct network-args in {wanted.card}."
        )
        raise CardError(msg) from error
    network.set_train(False)
    return network


def _builds(cell: Any, arguments: Mapping[str, Any]) -> bool:
    try:
        construct.build_uninitialised(cell, arguments)
    except (TypeError, ValueError):
        return False
    return True


def _shown(arguments: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in arguments.items())
