"""Load a network by name, under upstream's module and function names."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mindspore_hub import checkpoint
from mindspore_hub.cards.schema import SHA256, Asset, Card
from mindspore_hub.catalog import Catalog, hub_root, published_links
from mindspore_hub.entry_point import load_entry_point, require_mindspore
from mindspore_hub.errors import CardError, CheckpointError
from mindspore_hub.fetch import memo_of, obtain
from mindspore_hub.refs import note_use
from mindspore_hub.settings import Settings

if TYPE_CHECKING:
    from mindspore import Parameter, nn

_log = logging.getLogger(__name__)

_SOURCES = ("gitee", "github", "local")


def load(
    name: str,
    *args: Any,
    source: str = "gitee",
    pretrained: bool = True,
    force_reload: bool = False,
    **kwargs: Any,
) -> nn.Cell:
    """Load a network by name, with its published checkpoint.

    Args:
        name: Model name in any case (`MVD`), `<model>@<variant>` (`MVD@sysumm01-all`), card name,
            uid (`mindspore/1.9/mvd_infraredtovisible_regdb`), URL of a card on gitee.com or
            github.com, or path of a card.
        *args: Positional arguments of the network's constructor.
        source: `gitee` or `github` for any name, `local` for the path of a card; cards and
            networks ship with the package, so nothing but checkpoints is ever downloaded.
        pretrained: Load the published checkpoint, verified and strictly; otherwise the network
            keeps its initial values.
        force_reload: Download the checkpoint again even if it is in the store.
        **kwargs: Keyword arguments of the network's constructor; they go before those of the card.
            `num_class` is understood by every network that classifies: with another number than
            the checkpoint's, its head keeps its initial values, which a warning says.

    Returns:
        The network in inference mode. MindSpore's context is not touched.

    Raises:
        TypeError: An argument is of another type, or the constructor does not take it.
        ValueError: `source` is unknown.
        UnknownNameError: No card has that name (a ValueError); near names are suggested.
        AmbiguousNameError: Several cards have that name (a ValueError); they are listed.
        CardError: The card has no checkpoint to load (a ValueError).
        IntegrityError: No source has a file with the card's sha256 (an OSError).
        NetworkError: The checkpoint cannot be downloaded (an OSError).
        OfflineError: It is not in the store, and `MSHUB_OFFLINE` is set (an OSError).
        TrustError: The link leads to where no file may be taken from (a ValueError).
        StoreError: The store cannot be read or written (an OSError).
        SettingsError: A variable of the environment means nothing (a ValueError).
        CheckpointError: The file does not fit the network (a ValueError).
        MissingDependencyError: MindSpore is not installed (an ImportError).
    """
    _check_types(name, source, pretrained=pretrained, force_reload=force_reload)
    card = _resolve(name, source)
    entry_point = load_entry_point(hub_root(), card.model_name)
    cell = entry_point.network_class()
    arguments = entry_point.constructor_arguments(cell, args, kwargs)
    if pretrained:
        asset = loadable_asset(card)
        network = create_pretrained(cell, asset, arguments, force=force_reload)
        note_use(Settings.from_environment().home / "refs", card.uid, asset.sha256, asset.link)
        return network
    return _create(cell, card.asset.network_args if card.asset else {}, arguments)


def load_weights(
    name: str, source: str = "gitee", force_reload: bool = False
) -> dict[str, Parameter]:
    """Load the published parameters of a network, without the network.

    Args:
        name: Any name that `load` takes.
        source: As in `load`.
        force_reload: As in `load`.

    Returns:
        Parameters by the names that the network gives them, ready for
        `mindspore.load_param_into_net`; optimizer state is left out.

    Raises:
        TypeError: An argument is of another type.
        ValueError: `source` is unknown.
        HubError: As in `load`.
    """
    _check_types(name, source, force_reload=force_reload)
    card = _resolve(name, source)
    cell = load_entry_point(hub_root(), card.model_name).network_class()
    settings = Settings.from_environment()
    weights = _fetch_weights(cell, loadable_asset(card), settings, force=force_reload)
    return {key: weight.parameter for key, weight in weights.items()}


def create_pretrained(
    cell: Any,
    asset: Asset,
    arguments: Mapping[str, Any],
    *,
    settings: Settings | None = None,
    force: bool = False,
) -> nn.Cell:
    """Build a network and load a checkpoint into it, verified and strictly.

    Args:
        cell: Class of the network.
        asset: The checkpoint.
        arguments: Constructor arguments that go before those of the asset.
        settings: Where to keep and find files, by default what the environment says.
        force: Download the checkpoint again even if it is in the store.

    Returns:
        The network in inference mode.

    Raises:
        HubError: As in `load`.
    """
    require_mindspore()
    weights = _fetch_weights(cell, asset, settings or Settings.from_environment(), force=force)
    try:
        return build_network(cell, weights, asset, arguments)
    except CheckpointError as error:
        msg = (
            f"{asset.link}: {error}\nThe file matches the sha256 of its card. So card and network "
            "disagree with it: correct network-args or asset-link in the card, or leave out the "
            "arguments you gave."
        )
        raise CheckpointError(msg) from error


def build_network(
    cell: Any,
    weights: Mapping[str, checkpoint.Weight],
    asset: Asset,
    arguments: Mapping[str, Any],
) -> nn.Cell:
    """Build a network that fits the tensors of a file, and set every parameter from them.

    Args:
        cell: Class of the network.
        weights: Tensors of the file.
        asset: What its card says of the file.
        arguments: Constructor arguments that go before those of the card and the file.

    Returns:
        The network in inference mode.

    Raises:
        CheckpointError: File and card contradict each other, or the file does not fit.
    """
    facts = checkpoint.facts_of(cell)
    derived = checkpoint.derive_arguments(weights, facts)
    checkpoint.check_arguments(asset.network_args, derived)
    published = {**{key: found.value for key, found in derived.items()}, **asset.network_args}
    network = _create(cell, published, arguments)
    classes = facts.class_argument
    new_head = arguments.get(classes, published.get(classes)) != published.get(classes)
    kept = checkpoint.assign(network, weights, facts, new_head=new_head)
    if kept:
        _log.warning(
            "%s=%s instead of the checkpoint's %s: these parameters are not loaded but "
            "initialised: %s",
            *(classes, arguments[classes], published[classes], ", ".join(kept)),
        )
    return network


def loadable_asset(card: Card) -> Asset:
    """The checkpoint that a card declares.

    Raises:
        CardError: It declares none, or without a valid link and sha256.
    """
    if card.asset is None:
        msg = f"{card.uid} declares no ckpt asset; load it with pretrained=False."
        raise CardError(msg)
    if not card.asset.link or not SHA256.fullmatch(card.asset.sha256):
        msg = (
            f"{card.path} declares an asset that can never be verified: asset-link "
            f"{card.asset.link!r}, asset-sha256 {card.asset.sha256!r}; "
            f"`mshub card check {card.path}` says what is wrong."
        )
        raise CardError(msg)
    return card.asset


def _fetch_weights(
    cell: Any, asset: Asset, settings: Settings, *, force: bool
) -> dict[str, checkpoint.Weight]:
    alternatives = published_links(asset.sha256)
    found = obtain(
        *(asset.link, asset.sha256), alternatives=alternatives, settings=settings, force=force
    )
    try:
        with found:
            found.verify(memo_of(settings))
            return checkpoint.read_weights(found.path, checkpoint.facts_of(cell))
    except CheckpointError as error:
        msg = (
            f"{asset.link} matches the sha256 of its card, but {error} Correct asset-link and "
            "asset-sha256 in the card."
        )
        raise CheckpointError(msg) from error


def _create(cell: Any, published: Mapping[str, Any], arguments: Mapping[str, Any]) -> nn.Cell:
    try:
        network: nn.Cell = cell(**{**published, **arguments})
    except (TypeError, ValueError) as error:
        if arguments:
            raise
        msg = f"{cell.__name__} cannot be built with network-args {dict(published)}: {error}"
        raise CardError(msg) from error
    network.set_train(False)
    return network


def _resolve(name: str, source: str) -> Card:
    if source == "local" and not name.endswith(".md"):
        msg = f'With source="local" name must be the path of a card, but is {name!r}.'
        raise ValueError(msg)
    return Catalog.read().resolve(name)


def _check_types(name: str, source: str, **flags: bool) -> None:
    if not isinstance(name, str):
        msg = f"name must be a str, but is {name!r} of type {type(name).__name__}."
        raise TypeError(msg)
    for flag, value in flags.items():
        if not isinstance(value, bool):
            msg = f"{flag} must be a bool, but is {value!r} of type {type(value).__name__}."
            raise TypeError(msg)
    if source not in _SOURCES:
        msg = f"source must be one of {', '.join(_SOURCES)}, but is {source!r}."
        raise ValueError(msg)
