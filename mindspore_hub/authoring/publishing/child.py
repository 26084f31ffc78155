"""What runs in a process of its own: read what a network says of its files, or try it with one.

The mode of MindSpore is one of the whole process, and a network is code: neither is for the
process of the caller. Takes the path of a JSON request and writes the answer beside it.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mindspore_hub import _files
from mindspore_hub.errors import CardError, CheckpointError, HubError
from mindspore_hub.hub.values import Input
from mindspore_hub.networks import golden
from mindspore_hub.networks.build import assemble
from mindspore_hub.networks.classes import import_network
from mindspore_hub.networks.framework import Network, require_mindspore
from mindspore_hub.networks.weights import (
    Facts,
    Weight,
    derive_arguments,
    derive_embedding_size,
    facts_of,
    read_weights,
)
from mindspore_hub.tensors import map_file


def main(path: str) -> None:
    """Answer the request in a file: facts, or the error that came of it."""
    request = json.loads(Path(path).read_bytes())
    try:
        answer = _tell(request) if request["task"] == "tell" else _try(request)
    except HubError as error:
        answer = {"error": type(error).__name__, "message": str(error)}
    Path(request["answer"]).write_text(json.dumps(answer), encoding="utf-8")


def _tell(request: Mapping[str, Any]) -> dict[str, Any]:
    """What shapes in the file tell; no network is built."""
    require_mindspore()
    facts = facts_of(_network_class(request))
    with _about(request):
        derived = derive_arguments(_read_weights(request, facts), facts)
    size = derive_embedding_size(derived, facts)
    return {
        "class_argument": facts.class_argument,
        "derived": {name: asdict(found) for name, found in derived.items()},
        "embedding_size": size and asdict(size),
    }


def _try(request: Mapping[str, Any]) -> dict[str, Any]:
    """Build the network, load the file strictly, compute once."""
    require_mindspore()
    import mindspore

    graph = request["task"] == "graph"
    mindspore.set_context(mode=mindspore.GRAPH_MODE if graph else mindspore.PYNATIVE_MODE)
    cell = _network_class(request)
    network, answer = _load(cell, request)
    shapes = getattr(network, "input_shapes", None) or request["inputs"]
    if not shapes:
        msg = (
            f"{cell.__name__} does not say the shapes of its inputs; set `input_shapes` in its "
            "constructor, or give `input-shape`."
        )
        raise CardError(msg)
    inputs = [Input(tuple(shape)) for shape in shapes]
    outputs = _compute(network, golden.draw(inputs, seed=request["seed"]))
    golden.write(Path(request["outputs"]), outputs)
    return {**answer, "inputs": [list(shape) for shape in shapes]}


def _network_class(request: Mapping[str, Any]) -> Network:
    """The network that is published; it is the caller's own, so that its code may run."""
    model = request["model"]
    try:
        return import_network(Path(request["root"]), model.lower(), model)
    except HubError:
        raise
    except Exception as error:
        msg = f"models/{model.lower()}.py cannot be imported: {type(error).__name__}: {error}"
        raise CardError(msg) from error


def _load(cell: Any, request: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The network with every parameter from the file, and what was learnt of the file."""
    facts, asset = facts_of(cell), _asset(request)
    with _about(request):
        weights = _read_weights(request, facts)
        derived = derive_arguments(weights, facts)
        network = assemble(cell, weights, asset.network_args)
    found = {name: argument.value for name, argument in derived.items()}
    return network, {
        "arguments": {**_stated(cell, found, request["stated"]), **asset.network_args},
        "parameters": len(list(network.get_parameters())),
        "classes": facts.class_argument,
    }


@contextmanager
def _about(request: Mapping[str, Any]) -> Iterator[None]:
    """Let an error say which file it is about."""
    try:
        yield
    except CardError as error:
        msg = f"{error} They are those of the facts, or given by --network-arg NAME=VALUE."
        raise CardError(msg) from error
    except CheckpointError as error:
        msg = (
            f"{request['checkpoint']}: {error}\nSave what {request['model']} holds and no more: "
            "neither other networks nor what append_dict adds can be published."
        )
        raise CheckpointError(msg) from error


def _read_weights(request: Mapping[str, Any], facts: Facts) -> dict[str, Weight]:
    """Tensors of the file, which is still the one that was looked at."""
    with _files.open_regular(request["checkpoint"]) as file:
        buffer = map_file(file)
    if hashlib.sha256(buffer).hexdigest() != request["sha256"]:
        msg = "it has changed meanwhile; publish it again when it is whole."
        raise CheckpointError(msg)
    return read_weights(buffer, facts)


def _asset(request: Mapping[str, Any]) -> Any:
    """The asset of the card, if it is written, else one with the arguments given."""
    from mindspore_hub.hub.card import Asset, read_card

    if request["card"]:
        card = read_card(Path(request["card"]), "")
        if card.asset is None or card.asset.sha256 != request["sha256"]:
            msg = f"{request['card']} does not name the file; this is a defect of this package."
            raise CardError(msg)
        return card.asset
    return Asset("", request["sha256"], request["arguments"])


def _stated(cell: Any, derived: Mapping[str, Any], usual: Sequence[str]) -> dict[str, Any]:
    """Derived arguments that a card states: as its model's cards do, and what is not the default."""
    parameters = inspect.signature(cell).parameters
    classes = facts_of(cell).class_argument
    return {
        name: value
        for name, value in derived.items()
        if name in {*usual, classes} or parameters[name].default != value
    }


def _compute(network: Any, inputs: Sequence[Any]) -> list[Any]:
    import numpy as np

    try:
        found = golden.compute(network, inputs)
    except (TypeError, ValueError, RuntimeError, AttributeError) as error:
        shapes = ", ".join(str(value.shape) for value in inputs)
        msg = f"{type(network).__name__} cannot compute inputs of the shapes {shapes}: {error}"
        raise CardError(msg) from error
    if not found or not all(np.isfinite(array).all() for array in found):
        msg = (
            f"{type(network).__name__} gives outputs that are not finite for a normal input; the "
            "file holds values that no trained network has."
        )
        raise CheckpointError(msg)
    return found
