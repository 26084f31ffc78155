"""A card has no network, or its arguments do not fit the network.

What: `network: MODULE.NAME` names a class or function in `models/MODULE.py`; without it, the network
is the class `<model-name>` in `models/<model-name>.py`, in lower case. `network-args` are its
arguments: it takes them, they have the type that it states, and none that it needs is missing.

Why: With any other name the network cannot be built.

Example: `network-args: {classes: 206}` for MVD.

Instead: `network-args: {num_class: 206}`
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from mindspore_hub._files import read_regular
from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.card import NETWORK, asset_items
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.keys import is_class_name
from mindspore_hub.hub.values import YamlMapping, as_argument, is_null

SEVERITY = Severity.ERROR
HUB_ONLY = True

_TYPES: dict[str, tuple[type, ...]] = {
    "bool": (bool,),
    "int": (int,),
    "float": (int, float),
    "str": (str,),
}


class _Parameter(NamedTuple):
    annotation: str | None
    required: bool


class _Constructor(NamedTuple):
    parameters: dict[str, _Parameter]
    takes_all: bool


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report cards without a network, and arguments that do not fit its constructor."""
    model = document.card.model_name
    if model:
        yield from _problems(document, model, hub.root)


def _problems(document: Document, model: str, root: Path) -> Iterator[Problem]:
    key = "model-name" if is_null(document.front_matter.get("network")) else "network"
    place, network = document.front_matter.place_of(key), document.card.text(key) or ""
    if key == "network" and not NETWORK.fullmatch(network):
        return  # which another rule reports
    if key == "model-name" and not is_class_name(model):
        yield Problem(place, f"no class can have the model-name {model!r}", "rename the model")
        return
    module, _, model = network.rpartition(".") if key == "network" else (model.lower(), "", model)
    constructor = _read_constructor(root, module, model)
    if constructor is None:
        kind = "class" if key == "model-name" else "class or function"
        message = f"models/{module}.py defines no {kind} {model}"
        yield Problem(place, message, f"add the network, or correct {key}")
        return
    for asset in asset_items(document.front_matter):
        arguments = asset.get("network-args")
        if isinstance(arguments, YamlMapping):
            yield from _unfit(arguments, model, constructor)
        for name, parameter in constructor.parameters.items():
            if parameter.required and not (
                isinstance(arguments, YamlMapping) and name in arguments.names
            ):
                message = f"{model} needs the argument {name}"
                yield Problem(asset.place_of("network-args"), message, "add it to network-args")


def _unfit(arguments: YamlMapping, model: str, constructor: _Constructor) -> Iterator[Problem]:
    parameters = constructor.parameters
    for name, node in arguments.entries:
        if name.text not in parameters:
            if not constructor.takes_all:
                from difflib import get_close_matches

                near = get_close_matches(name.text, parameters, 1) or parameters or ["none"]
                message = f"{model} takes no argument {name.text}"
                yield Problem(name.place, message, f"it takes {', '.join(near)}")
            continue
        annotation = parameters[name.text].annotation
        value = as_argument(node)
        if annotation in _TYPES and value is not None and type(value) not in _TYPES[annotation]:
            message = f"{name.text} of {model} is {value!r}"
            yield Problem(node.place, message, f"give a value of the type {annotation}")


def _read_constructor(root: Path, module: str, name: str) -> _Constructor | None:
    """Read it from the source, so that checking a card never imports its network."""
    try:
        return _constructor_in(read_regular(root / "models" / f"{module}.py"), name)
    except (OSError, ValueError):
        return None


@lru_cache(maxsize=64)
def _constructor_in(source: bytes, name: str) -> _Constructor | None:
    """What builds a network, in a source; most cards of a hub share theirs with others."""
    try:
        module = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    for node in module.body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return _constructor(node.args, bound=0)
        if isinstance(node, ast.ClassDef) and node.name == name:
            return next(
                (
                    _constructor(item.args, bound=1)
                    for item in node.body
                    if isinstance(item, ast.FunctionDef) and item.name == "__init__"
                ),
                _Constructor({}, takes_all=False),
            )
    return None


def _constructor(arguments: ast.arguments, *, bound: int) -> _Constructor:
    """Parameters that a caller gives; the first ones of a method are bound."""
    positional = [*arguments.posonlyargs, *arguments.args]
    without_default = len(positional) - len(arguments.defaults)
    parameters = {
        argument.arg: _Parameter(_annotation(argument), index < without_default)
        for index, argument in enumerate(positional)
        if index >= bound
    }
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        parameters[argument.arg] = _Parameter(_annotation(argument), default is None)
    return _Constructor(parameters, takes_all=arguments.kwarg is not None)


def _annotation(argument: ast.arg) -> str | None:
    return argument.annotation.id if isinstance(argument.annotation, ast.Name) else None
