"""Build a network, with initial values or without: drawing them takes most of the time."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mindspore import nn

logger = logging.getLogger(__name__)

_CARELESS = "2.7.0"
"""A MindSpore that computes with parameters without values instead of refusing to."""

_ONE_AT_A_TIME = threading.RLock()
"""MindSpore skips initial values in the whole process; networks built here meanwhile want theirs."""


def build(cell: Any, arguments: Mapping[str, Any]) -> nn.Cell:
    """Build a network whose parameters have initial values.

    Args:
        cell: Class of the network.
        arguments: Arguments of its constructor.
    """
    with _ONE_AT_A_TIME:
        network: nn.Cell = cell(**arguments)
    return network


def build_uninitialised(cell: Any, arguments: Mapping[str, Any]) -> nn.Cell:
    """Build a network whose parameters get values when they are set, or by `init_data`.

    A constructor that computes with its own parameters cannot go without values, and neither can a
    MindSpore that does not offer it: both build as ever. While the constructor runs, parameters
    that another thread creates by itself wait for their values too; MindSpore draws them when
    their network is called.

    Args:
        cell: Class of the network.
        arguments: Arguments of its constructor.

    Raises:
        Exception: What the constructor raises with values, too.
    """
    _raise_pending()  # of the caller; it is not for the constructor to answer
    with _ONE_AT_A_TIME, ExitStack() as stack:
        try:
            _skip_initialisers(stack)
            network: nn.Cell = cell(**arguments)
            _raise_pending()
        except Exception as error:  # of any kind, since the same call decides below
            logger.debug("%s is built with initial values: %s", cell.__name__, error)
        else:
            return network
    return build(cell, arguments)


def _skip_initialisers(stack: ExitStack) -> None:
    """Let parameters be created without values until the stack unwinds.

    Raises:
        ImportError: This MindSpore cannot.
    """
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
