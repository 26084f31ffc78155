"""Data sets and how they are scored: one module each, found by being in this folder.

A module is called by the name of its data set. Its `DATASET` reads the data set as it is published:
a frozen dataclass that is a `Dataset`, with the options as further fields. Images are not opened; an
item says where one lies. All of these data sets have licences of their own and must be asked for; a
reader says where. Its `PROTOCOL` scores features: another frozen dataclass, whose fields are the
options. Where the published number depends on a peculiarity of the original evaluation, the published
definition is the default, and an option gives the clean one. The docstrings say where each comes from;
paths such as research/cv/MVD are those of the MindSpore models repository.
"""

from __future__ import annotations

import dataclasses
import difflib
import importlib
import os
from pathlib import Path
from typing import Any, Protocol, cast

from mindspore_hub.errors import DatasetError, FeaturesError, HubError, UnknownNameError
from mindspore_hub.hub.values import as_builtin
from mindspore_hub.tasks.retrieval.datasets._dataset import Dataset, Item
from mindspore_hub.tasks.retrieval.features import Features
from mindspore_hub.tasks.retrieval.scoring.metrics import Result

__all__ = [
    "Dataset",
    "Evaluation",
    "Item",
    "dataset",
    "dataset_options",
    "fitting",
    "names",
    "protocol",
    "protocol_options",
]


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
    """Names of all data sets, which are those of their protocols."""
    return sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py"))


def dataset(name: str, root: str | os.PathLike[str], **options: Any) -> Dataset:
    """Make the reader of a data set; nothing is read yet.

    Args:
        name: Its name.
        root: Its folder.
        options: Its options, as its class documents them.

    Raises:
        UnknownNameError: There is no such data set.
        DatasetError: It has no such option, or the value of one means nothing.
    """
    known = dataset_options(name)
    if unknown := sorted(options.keys() - known.keys()):
        there = ", ".join(known) or "none"
        msg = f"The data set {name!r} has no option {unknown[0]!r}; options: {there}."
        raise DatasetError(msg)
    values = _fitting(options, known, DatasetError)
    return cast("Dataset", _class(name, "data set")(Path(root or ""), **values))


def protocol(name: str, /, **options: Any) -> Evaluation:
    """Make a protocol.

    Args:
        name: Its name.
        options: Its options, as its class documents them.

    Raises:
        UnknownNameError: There is no such protocol.
        FeaturesError: It has no such option, or the value of one means nothing.
    """
    known = protocol_options(name)
    if unknown := sorted(options.keys() - known.keys()):
        msg = f"The protocol {name!r} has no option {unknown[0]!r}; it has {', '.join(known)}."
        raise FeaturesError(msg)
    values = _fitting(options, known, FeaturesError)
    return cast("Evaluation", _class(name, "protocol")(**values))


def dataset_options(name: str) -> dict[str, Any]:
    """Options of a data set, with the values that they have if nobody says.

    Raises:
        UnknownNameError: There is no such data set.
    """
    return _defaults(_class(name, "data set"))


def protocol_options(name: str) -> dict[str, Any]:
    """Options of a protocol, with the values that they have if nobody says.

    Raises:
        UnknownNameError: There is no such protocol.
    """
    return _defaults(_class(name, "protocol"))


def _class(name: str, noun: str) -> Any:
    """The `DATASET` or `PROTOCOL` of a name."""
    there = names()
    if name not in there:
        near = difflib.get_close_matches(name, there, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        msg = f"No {noun} is called {name!r}; there are {', '.join(there)}.{hint}"
        raise UnknownNameError(msg)
    constant = {"data set": "DATASET", "protocol": "PROTOCOL"}[noun]
    return getattr(importlib.import_module(f"{__name__}.{name}"), constant)


def _defaults(found: Any) -> dict[str, Any]:
    fields = dataclasses.fields(found)
    return {f.name: f.default for f in fields if f.default is not dataclasses.MISSING}


def _fitting(
    options: dict[str, Any], known: dict[str, Any], error: type[HubError]
) -> dict[str, Any]:
    return {name: fitting(name, value, known[name], error=error) for name, value in options.items()}


def fitting(name: str, value: object, usual: object, *, error: type[HubError]) -> Any:
    """A value of the kind that an option has; numbers of NumPy are taken like Python's.

    Args:
        name: Name of the option, for the message.
        value: The value.
        usual: What the option is if nobody says; None for a whole number or none.
        error: What to raise.

    Raises:
        HubError: It is of another kind.
    """
    value = as_builtin(value)
    if isinstance(usual, tuple):
        value = _items(value)
        fits = all(type(item) is int for item in value)
    elif isinstance(usual, str):
        fits = isinstance(value, str)
    elif isinstance(usual, float):
        fits = type(value) in {int, float}
    else:
        fits = type(value) is int or value is usual is None
    if not fits:
        kinds = "a whole number or None" if usual is None else f"of the kind of {usual!r}, as usual"
        msg = f"{name} must be {kinds}, but is {value!r}."
        raise error(msg)
    return value


def _items(value: Any) -> tuple[Any, ...]:
    """The items of a list, an array or the like; one thing stands for itself."""
    try:
        return (value,) if isinstance(value, str) else tuple(map(as_builtin, value))
    except TypeError:
        return (value,)
