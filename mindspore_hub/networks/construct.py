"""From a network's class to a cell: without initial values where a file has all of them."""

from __future__ import annotations

import inspect
import logging
import threading
import warnings
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, TypeAlias

from mindspore_hub.errors import CardError
from mindspore_hub.networks.classes import Network
from mindspore_hub.networks.collector import collector_paused

if TYPE_CHECKING:
    from mindspore import nn

logger = logging.getLogger(__name__)

Arguments: TypeAlias = Mapping[str, object]

_CARELESS = "2.7.0"
"""A MindSpore that computes with parameters without values instead of refusing to."""

_ONE_AT_A_TIME = threading.RLock()
"""MindSpore skips initial values in the whole process; networks built here meanwhile want theirs."""


def build_initialised(network: Network, arguments: Arguments) -> nn.Cell:
    """Build a network whose parameters have initial values."""
    with _ONE_AT_A_TIME:
        return network(**arguments)


def build_uninitialised(network: Network, arguments: Arguments) -> nn.Cell:
    """Build a network whose parameters get values when they are set, or by `init_data`.

    A constructor that computes with its own parameters cannot go without values, and neither can a
    MindSpore that does not offer it: both build as usual. While the constructor runs, parameters
    that another thread creates by itself wait for their values too; MindSpore draws them when
    their network is called.
    """
    _raise_pending()  # of the caller; it is not for the constructor to answer
    with _ONE_AT_A_TIME, ExitStack() as stack:
        try:
            _skip_initialisers(stack)
            built = network(**arguments)
            _raise_pending()
        except Exception as error:  # of any kind, since the same call decides below
            logger.debug("%s is built with initial values: %s", network.__name__, error)
        else:
            return built
    return build_initialised(network, arguments)


def construct(
    network: Network,
    published: Arguments,
    given: Arguments,
    *,
    build: Callable[[Network, Arguments], nn.Cell] = build_uninitialised,
) -> nn.Cell:
    """Build a network in inference mode from the arguments of a card, and before them the caller's.

    Raises:
        CardError: Those of the card do not fit.
        TypeError, ValueError: The constructor refuses those of the caller.
    """
    try:
        built = build(network, {**published, **given})
    except (TypeError, ValueError) as error:
        if given and _builds(network, published):
            raise  # what the constructor says of the caller's arguments says it all
        also = f" and {shown_arguments(given)}, which you gave" if given else ""
        msg = (
            f"{network.__name__} cannot be built with network-args {dict(published)}{also}: {error}. "
            "Correct network-args."
        )
        raise CardError(msg) from error
    built.set_train(False)
    return built


@collector_paused()
def construct_early(network: Network, published: Arguments, given: Arguments) -> nn.Cell | None:
    """The network that card and caller tell of, if they do; the file may tell of another."""
    try:
        return construct(network, published, given)
    except CardError:  # to be said once the file is known to be right, and has told the rest
        return None


def are_alike(network: Network, arguments: Arguments, others: Arguments) -> bool:
    """Whether arguments of a constructor mean the same, defaults included."""
    signature = inspect.signature(network)
    try:
        one, other = signature.bind(**arguments), signature.bind(**others)
    except TypeError:  # which the constructor is to say
        return False
    one.apply_defaults()
    other.apply_defaults()
    return one == other


def shown_arguments(arguments: Arguments) -> str:
    """Arguments as they stand in a call."""
    return ", ".join(f"{name}={value!r}" for name, value in arguments.items())


def _builds(network: Network, arguments: Arguments) -> bool:
    try:
        build_uninitialised(network, arguments)
    except (TypeError, ValueError):
        return False
    return True


def _skip_initialisers(stack: ExitStack) -> None:
    """Let parameters be created without values until the stack unwinds, if MindSpore can."""
    import mindspore

    if mindspore.__version__ == _CARELESS:
        msg = f"MindSpore {_CARELESS} would compute with parameters that have no values"
        raise ImportError(msg)
    with warnings.catch_warnings():  # the interface is to be removed, which is not for users
        warnings.simplefilter("ignore")
        from mindspore.nn.utils import no_init_parameters

        stack.enter_context(no_init_parameters())


def _raise_pending() -> None:
    """Raise what operators that were called before have failed with; MindSpore computes later."""
    import mindspore

    mindspore.Tensor(0).asnumpy()
