"""Evaluation protocols: one module each, a protocol by being in this folder.

A module is called by the name of its protocol and has a frozen dataclass `PROTOCOL`, whose fields
are the options. Where the published number depends on a peculiarity of the original evaluation,
the published definition is the default, and an option gives the clean one. The docstrings say
where each comes from; paths such as research/cv/MVD are those of the MindSpore models repository.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol, cast

from mindspore_hub.errors import FeaturesError
from mindspore_hub.tasks.retrieval._registry import Registry, fitting
from mindspore_hub.tasks.retrieval.features import Features
from mindspore_hub.tasks.retrieval.scoring.result import Result

_PROTOCOLS = Registry(__name__, Path(__file__).parent, noun="protocol", constant="PROTOCOL")


class Evaluation(Protocol):
    """What every protocol can do."""

    def evaluate(self, query: Features, gallery: Features | None = None) -> Result:
        """Score features.

        Args:
            query: Features of the queries.
            gallery: Features of the gallery; None where queries are looked up among themselves.

        Raises:
            FeaturesError: Something that the protocol needs is missing.
        """


def names() -> list[str]:
    """Names of all protocols."""
    return _PROTOCOLS.names()


def default_options(name: str) -> dict[str, Any]:
    """Options of a protocol, with the values that they have if nobody says.

    Raises:
        UnknownNameError: There is no such protocol.
    """
    return _PROTOCOLS.options(name)


def protocol(name: str, /, **options: Any) -> Evaluation:
    """Make a protocol.

    Args:
        name: Its name.
        options: Its options, as its class documents them.

    Raises:
        UnknownNameError: There is no such protocol.
        FeaturesError: It has no such option, or the value of one means nothing.
    """
    known = default_options(name)
    unknown = sorted(options.keys() - known.keys())
    if unknown:
        msg = f"The protocol {name!r} has no option {unknown[0]!r}; it has {', '.join(known)}."
        raise FeaturesError(msg)
    values = {
        option: fitting(option, value, known[option], error=FeaturesError)
        for option, value in options.items()
    }
    return cast("Evaluation", _PROTOCOLS.find(name)(**values))
