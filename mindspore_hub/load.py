"""Load a network by name, under upstream's module and function names.

The package imports this module for the function `load`; what loading needs (`pretrained.py`) is
imported by the functions that load, so that whoever only checks cards does not pay for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from mindspore import Parameter, nn

    from mindspore_hub.hub.card import Card

_SOURCES = ("gitee", "github", "local")


def load(
    name: str,
    *args: Any,
    source: str = "gitee",
    pretrained: bool = True,
    force_reload: bool = False,
    trust: bool = False,
    **kwargs: Any,
) -> nn.Cell:
    """Load a network by name, with its published checkpoint.

    Args:
        name: Model name in any case (`MVD`), `<model>@<variant>` (`MVD@sysumm01-all`), card name,
            uid (`mindspore/1.9/mvd_infraredtovisible_regdb`), URL of a card on gitee.com or
            github.com, or path of a card.
        *args: Positional arguments of the network's constructor.
        source: `gitee` or `github` for any name, `local` for the path of a card or of a hub root;
            cards and networks ship with the package, so nothing but checkpoints is ever
            downloaded.
        pretrained: Load the published checkpoint, verified and strictly; otherwise the network
            keeps its initial values.
        force_reload: Download the checkpoint again even if it is in the store.
        trust: With `source="local"`: build with the networks of the hub root that the path means,
            or that holds the card, instead of those of this package. This runs its code, now and,
            for a hub root given by its folder or a card whose network this package lacks, later
            without `trust` as long as it is the same.
        **kwargs: Keyword arguments of the network's constructor; they go before those of the card.
            `num_class` is understood by every network that classifies: with another number than
            the checkpoint's, its head keeps its initial values, which a warning says.

    Returns:
        The network in inference mode. MindSpore's context is not touched.

    Raises:
        TypeError: An argument is of another type, or the constructor does not take it.
        ValueError: `source` is unknown.
        UnknownNameError: No card has that name (a ValueError), and near ones are suggested; or
            nothing is at the path.
        AmbiguousNameError: Several cards have that name (a ValueError); they are listed.
        CardError: The card has no checkpoint to load (a ValueError).
        IntegrityError: No source has a file with the card's sha256 (an OSError).
        NetworkError: The checkpoint cannot be downloaded (an OSError).
        OfflineError: It is not in the store, and `MSHUB_OFFLINE` is set (an OSError).
        TrustError: The link leads to where no file may be taken from, or the code of the local hub
            is not trusted (a ValueError).
        StoreError: The store cannot be read or written (an OSError).
        SettingsError: A variable of the environment means nothing (a ValueError).
        CheckpointError: The file does not fit the network (a ValueError).
        MissingDependencyError: MindSpore is not installed (an ImportError).
    """
    from mindspore_hub.networks import pretrained as building

    _check_types(name, source, pretrained=pretrained, force_reload=force_reload, trust=trust)
    card, entry_point, cell = _find_network(name, source, trust=trust)
    arguments = entry_point.constructor_arguments(cell, args, kwargs)
    if pretrained:
        asset = building.loadable_asset(card)
        network = building.create_pretrained(
            cell, asset, arguments, force=force_reload, card=card.path
        )
        building.note_use(card, asset)
        return network
    published = card.asset.network_args if card.asset else {}
    return building.create_network(cell, published, arguments, card=card.path)


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
        `mindspore.load_param_into_net`, which would pass over wrong names: so the file must fit the
        network, as in `load`. Optimizer state is left out.

    Raises:
        TypeError: An argument is of another type.
        ValueError: `source` is unknown.
        HubError: As in `load`.
    """
    from mindspore_hub.networks.pretrained import load_parameters, loadable_asset, note_use

    _check_types(name, source, force_reload=force_reload)
    card, _, cell = _find_network(name, source)
    asset = loadable_asset(card)
    parameters = load_parameters(cell, asset, force=force_reload, card=card.path)
    note_use(card, asset)
    return parameters


def _find_network(name: str, source: str, *, trust: bool = False) -> tuple[Card, Any, Any]:
    """Card, entry point and class of a network."""
    from mindspore_hub.hub.hub import Hub
    from mindspore_hub.networks.trust import find_local_network, find_network

    if source == "local":
        path = _local_path(name)
        if trust or path.is_dir():
            return find_local_network(path, trust=trust)
    return find_network(Hub.of().resolve(name), trust=trust)


def _local_path(name: str) -> Path:
    from mindspore_hub.errors import UnknownNameError
    from mindspore_hub.hub.hub import existing
    from mindspore_hub.settings import shown_address

    path = existing(name)
    if path and (path.is_dir() or path.suffix == ".md"):
        return path
    problem = "is neither" if path else "does not exist"
    shown = shown_address(name) if "://" in name else name
    msg = (
        f'With source="local" (`mshub load --trust`) name must be the path of a card or folder, but '
        f"{shown!r} {problem}."
    )
    raise UnknownNameError(msg)


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
    if flags.get("trust") and source != "local":
        msg = f'trust=True is for source="local", but source is {source!r}.'
        raise ValueError(msg)
