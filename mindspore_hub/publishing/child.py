"""What runs in a process of its own: build a network, load a file strictly, compute once.

The mode of MindSpore is one of the whole process, and a network is code: neither is for the
process of the caller. Takes the path of a JSON request and writes the answer beside it.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from mindspore_hub.errors import CardError, CheckpointError, HubError
from mindspore_hub.publishing import golden


def main(path: str) -> None:
    """Answer the request in a file: facts, or the error that came of it."""
    request = json.loads(Path(path).read_bytes())
    try:
        answer = _try(request)
    except HubError as error:
        answer = {"error": type(error).__name__, "message": str(error)}
    Path(request["answer"]).write_text(json.dumps(answer), encoding="utf-8")


def _try(request: Mapping[str, Any]) -> dict[str, Any]:
    from mindspore_hub.entry_point import require_mindspore

    require_mindspore()
    import mindspore

    graph = request["mode"] == "graph"
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
    outputs = _compute(network, golden.draw(shapes, request["seed"]))
    _save(Path(request["outputs"]), outputs)
    return {**answer, "inputs": [list(shape) for shape in shapes]}


def _network_class(request: Mapping[str, Any]) -> Any:
    """The class, by the entry point where there is one for it already."""
    from mindspore_hub.entry_point import load_entry_point

    root, model = Path(request["root"]), request["model"]
    if request["card"]:
        return load_entry_point(root, model).network_class()
    package = ModuleType("_mindspore_hub_published")
    package.__path__ = [str(root / "models")]
    sys.modules[package.__name__] = package
    try:
        return getattr(importlib.import_module(f"{package.__name__}.{model.lower()}"), model)
    except Exception as error:
        msg = f"models/{model.lower()}.py cannot be imported: {type(error).__name__}: {error}"
        raise CardError(msg) from error


def _load(cell: Any, request: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The network with every parameter from the file, and what was learnt of the file."""
    from mindspore_hub.pretrained import build_network
    from mindspore_hub.tensorfile import map_file
    from mindspore_hub.weights import derive_arguments, facts_of, read_weights

    with Path(request["checkpoint"]).open("rb") as file:
        buffer = map_file(file)
    if hashlib.sha256(buffer).hexdigest() != request["sha256"]:
        msg = f"{request['checkpoint']} has changed meanwhile; publish it again when it is whole."
        raise CheckpointError(msg)
    try:
        weights = read_weights(buffer, facts_of(cell))
        derived = derive_arguments(weights, facts_of(cell))
        asset = _asset(request)
        network = build_network(cell, weights, asset, {})
    except CheckpointError as error:
        msg = f"{request['checkpoint']}: {error}"
        raise CheckpointError(msg) from error
    found = {name: argument.value for name, argument in derived.items()}
    return network, {
        "arguments": {**_stated(cell, found, request["stated"]), **asset.network_args},
        "derived": found,
        "parameters": len(list(network.get_parameters())),
        "classes": getattr(facts_of(cell), "class_argument", ""),
    }


def _asset(request: Mapping[str, Any]) -> Any:
    """The asset of the card, if it is written, else one with the arguments given."""
    from mindspore_hub.cards.schema import Asset, read_card

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
    classes = getattr(getattr(cell, "checkpoint", None), "class_argument", "")
    return {
        name: value
        for name, value in derived.items()
        if name in {*usual, classes} or parameters[name].default != value
    }


def _compute(network: Any, inputs: Sequence[Any]) -> list[Any]:
    import mindspore
    import numpy as np

    try:
        outputs = network(*map(mindspore.Tensor, inputs))
        found = list(_arrays(outputs))
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


def _arrays(outputs: Any) -> Iterator[Any]:
    for output in outputs if isinstance(outputs, tuple | list) else (outputs,):
        yield output.asnumpy()


def _save(path: Path, outputs: Sequence[Any]) -> None:
    import numpy as np

    with path.open("wb") as file:
        np.savez(file, *outputs)
