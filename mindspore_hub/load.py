"""Load a network by name, under upstream's module and function names.

The package imports this module for the function `load`; what loading needs (`networks/build.py`) is
imported by the functions that load, so that whoever only checks cards does not pay for it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from mindspore import Parameter, nn

    from mindspore_hub.hub.card import Card
    from mindspore_hub.hub.hub import Hub
    from mindspore_hub.networks.bare import Fitted, Rename

_SOURCES = ("gitee", "github", "local")


def load(
    name: str,
    *args: Any,
    source: str = "gitee",
    pretrained: bool = True,
    force_reload: bool = False,
    hub: str | os.PathLike[str] | Hub | None = None,
    trust: bool = False,
    checkpoint: str | os.PathLike[str] | None = None,
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
        hub: Hub root whose card the name means and whose network is built; by default the one of
            `MSHUB_HUB`, or that of this package.
        trust: Run the networks of a hub that is not this package's own: that of `hub` or
            `MSHUB_HUB`, or the one at the path `name` or around the card there. Its code runs now,
            and later without `trust` as long as it is the same.
        checkpoint: A file of yours, which is loaded strictly in place of the published one, such as
            what `finetune` wrote. Arguments that its shapes tell are those of the file; if a note lies
            beside it (`own.ckpt.json`), it must be the file that the note describes.
        **kwargs: Keyword arguments of the network's constructor; they go before those of the card.
            `num_class` and `num_classes` are understood by every network that classifies: with
            another number than the checkpoint's, its head keeps its initial values, which a warning
            says. With 0, where the network takes it, there is no head, and the output is what it
            would be given; the checkpoint's must be whole all the same.

    Returns:
        The network in inference mode. MindSpore's context is not touched.

    Raises:
        TypeError: An argument is of another type, or the constructor does not take it.
        ValueError: `source` is unknown, or there is nothing to trust.
        UnknownNameError: No card has that name (a ValueError), and near ones are suggested; or
            nothing is at the path.
        AmbiguousNameError: Several cards have that name (a ValueError); they are listed.
        CardError: The card has no checkpoint to load, or its hub no network (a ValueError).
        IntegrityError: No source has a file with the card's sha256 (an OSError).
        NetworkError: The checkpoint cannot be downloaded (an OSError).
        OfflineError: It is not in the store, and `MSHUB_OFFLINE` is set (an OSError).
        TrustError: The link leads to where no file may be taken from, or the code of the hub
            is not trusted (a ValueError).
        StoreError: The store cannot be read or written (an OSError).
        SettingsError: A variable of the environment means nothing (a ValueError).
        CheckpointError: The file does not fit the network (a ValueError).
        MissingDependencyError: MindSpore is not installed (an ImportError).
    """
    from mindspore_hub.networks.build import build, create

    _check_types(name, source, pretrained=pretrained, force_reload=force_reload, trust=trust)
    if checkpoint is not None and (force_reload or not pretrained):
        msg = "checkpoint= is loaded from your file; leave out force_reload= and pretrained=False."
        raise ValueError(msg)
    card, found = _find(name, source, hub, trust=trust)
    if pretrained:
        return build(
            card, found, kwargs, positional=args, force=force_reload, checkpoint=checkpoint
        )
    return create(card, found, kwargs, positional=args)


def load_weights(
    name: str,
    source: str = "gitee",
    force_reload: bool = False,
    *,
    hub: str | os.PathLike[str] | Hub | None = None,
    trust: bool = False,
) -> dict[str, Parameter]:
    """Load the published parameters of a network, without the network; arguments are those of `load`.

    Returns:
        Parameters by the names that the network gives them, ready for
        `mindspore.load_param_into_net`, which would pass over wrong names: so the file must fit the
        network, as in `load`. Optimizer state is left out. Where the network is not here, the names
        are those in the file, without prefixes that training cells certainly put before them all.

    Raises:
        TypeError: An argument is of another type.
        ValueError: `source` is unknown.
        HubError: As in `load`.
    """
    _check_types(name, source, force_reload=force_reload, trust=trust)
    card, found = _find(name, source, hub, trust=trust)
    if card.is_indexed or not found.has_network(card):
        from mindspore_hub.networks.bare import parameters
    else:
        from mindspore_hub.networks.build import parameters
    return parameters(card, found, force=force_reload)


def fit(
    network: nn.Cell,
    name: str | os.PathLike[str],
    *,
    rename: Rename | None = None,
    hub: str | os.PathLike[str] | Hub | None = None,
) -> Fitted:
    """Set every parameter of a network of yours from a published file, or from one of yours.

    Nothing of the network runs, and its mode stays. That a file fits does not tell that the network
    computes what was published.

    Args:
        network: Any `nn.Cell`.
        name: Path of a checkpoint, or a name as of `load`, whose file is verified.
        rename: Names of the network for those in the file, without what training left there: a
            mapping, where what it does not have stays as it is, or a function. None as a name
            leaves a tensor out.
        hub: As of `load`.

    Returns:
        What was set. Parameters share the memory of the file, as those of `load`.

    Raises:
        TypeError: An argument is of another type.
        CheckpointError: The file does not fit, which leaves the network as it was (a ValueError). The
            message lists what is missing, unexpected, and of another shape or dtype; if only names
            differ, it ends with a `rename` that may be right.
        HubError: As in `load`, but for what is about networks of a hub.
    """
    from mindspore_hub.hub.hub import Hub
    from mindspore_hub.networks.bare import fit as fit_file
    from mindspore_hub.networks.framework import require_mindspore

    if not isinstance(name, str | os.PathLike):
        msg = f"name must be a str or a path, but is {name!r}."
        raise TypeError(msg)
    require_mindspore()
    from mindspore import nn

    if not isinstance(network, nn.Cell):
        msg = f"network must be an nn.Cell, but is {network!r} of type {type(network).__name__}."
        raise TypeError(msg)
    return fit_file(network, name, rename, Hub.of(hub))


def download(
    name: str,
    *,
    hub: str | os.PathLike[str] | Hub | None = None,
    force_reload: bool = False,
    pin: bool = False,
) -> Path:
    """Download the checkpoint of a card into the store, and verify it; no code of a hub runs.

    Args:
        name: As of `load`.
        hub: As of `load`.
        force_reload: As of `load`.
        pin: Take a file of which only the first digits of the sha256 are published, and pin it to
            its whole sha256, which counts from then on and is logged as a warning.

    Returns:
        A read-only file in the store, or in an extra cache.

    Raises:
        TypeError: An argument is of another type.
        TrustError: The file has to be pinned first, or its link leads to where no file may be
            taken from (a ValueError).
        HubError: As in `load`, but for what is about networks.
    """
    from mindspore_hub.files.checkpoint import checkpoint
    from mindspore_hub.hub.hub import Hub

    _check_types(name, "gitee", force_reload=force_reload, pin=pin)
    found = Hub.of(hub)
    with checkpoint(found.resolve(name), found, force=force_reload, pin=pin) as stored:
        stored.verify()
        return stored.path


def _find(
    name: str, source: str, hub: str | os.PathLike[str] | Hub | None, *, trust: bool
) -> tuple[Card, Hub]:
    """The card that a name means, and the hub whose network is built for it."""
    from mindspore_hub.hub.hub import Hub
    from mindspore_hub.networks.classes import find_network

    path = _local_path(name) if source == "local" else None
    if path and path.is_dir():
        local = Hub.of(path.resolve(), trust=trust).complete()
        return local.only_card(), local
    return find_network(name, hub, trust=trust)


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
