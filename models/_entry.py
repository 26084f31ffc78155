"""What entry points share: a network by the name of its model or card, under every client.

An entry point is data and one import of this module. It runs under the upstream client, which knows
nothing of `mindspore-hub`; that package is needed only for `pretrained=True`.
"""

import importlib
import inspect

_CLASS_COUNTS = ("num_class", "num_classes")
"""What callers may call the class count of any network that classifies."""


def create_network(entry_point, name, args, kwargs, *, pretrained=False):
    """Build the network of an entry point.

    Args:
        entry_point: Its constants: `MODEL`; `NETWORK`, module and name of what builds the network;
            `DEFAULT`, a name in `CHECKPOINTS`; `CHECKPOINTS`, facts of each card by its name.
        name: The name of the model in lower case for the default card, or the name of a card.
        args: Positional arguments of the constructor.
        kwargs: Keyword arguments of the constructor; they go before those of the card.
        pretrained: Load the card's checkpoint, verified and strictly; needs the package
            `mindspore-hub`, version 3 or later.

    Returns:
        An `nn.Cell`.

    Raises:
        TypeError: An argument is of another type, or the constructor does not take it.
        NotImplementedError: There is no card of that name.
        ValueError: The card has no checkpoint.
        ImportError: `mindspore-hub` is needed and not installed.
    """
    if not isinstance(name, str) or not isinstance(pretrained, bool):
        msg = f"name must be a str, pretrained a bool; got {name!r}, {pretrained!r}."
        raise TypeError(msg)
    checkpoints = entry_point["CHECKPOINTS"]
    names = {entry_point["MODEL"].lower(): entry_point["DEFAULT"]}
    names |= {card.lower(): card for card in checkpoints}
    if name.lower() not in names:
        msg = f"{name!r} is not here; there is {', '.join(names)}."
        raise NotImplementedError(msg)
    published = checkpoints[names[name.lower()]]
    module, _, attribute = entry_point["NETWORK"].rpartition(".")
    network = getattr(importlib.import_module(f".{module}", __package__), attribute)
    arguments = bind(network, args, kwargs)
    if pretrained:
        return _create_pretrained(network, published, arguments)
    return network(**{**published["network-args"], **arguments})


def bind(network, args, kwargs):
    """What a caller gives, by the names of the constructor.

    `num_class` and `num_classes` are understood whatever the network calls its class count.
    """
    signature = inspect.signature(network)
    named = _with_class_count(network, signature.parameters, kwargs)
    try:
        bound = signature.bind_partial(*args, **named).arguments
    except TypeError as error:
        msg = f"{network.__name__}{signature}: {error}."
        raise TypeError(msg) from error
    for parameter in signature.parameters.values():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            bound.update(bound.pop(parameter.name, {}))
    return bound


def _with_class_count(network, parameters, kwargs):
    own = [name for name in _CLASS_COUNTS if name in parameters]
    stated = getattr(getattr(network, "checkpoint", None), "class_argument", "")
    classes = stated or "".join(own[:1])
    named = dict(kwargs)
    for name in _CLASS_COUNTS:
        if classes and name in named and name != classes and name not in parameters:
            if classes in named:
                msg = f"{network.__name__}: {name} and {classes} are the same; give one."
                raise TypeError(msg)
            named[classes] = named.pop(name)
    return named


def _create_pretrained(network, published, arguments):
    if "asset-link" not in published:
        msg = f"{published['uid']} has no checkpoint; use pretrained=False."
        raise ValueError(msg)
    try:
        from mindspore_hub.networks.build import build_published
    except ImportError as error:
        msg = "pretrained=True needs mindspore-hub, version 3 or later."
        raise ImportError(msg) from error
    return build_published(network, published, arguments)
