"""Try a network with its file, and write its card, in one process for each publication.

The mode of MindSpore is one of the whole process, and a network is code: neither is for the process
of the caller. `try_out` starts the process and reads its answer; `main` is what runs there, in a copy
of the hub.
"""

from __future__ import annotations

import inspect
import json
import logging
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mindspore_hub.authoring import generate
from mindspore_hub.authoring.card_text import Trial, card_text
from mindspore_hub.authoring.plan import Plan, make_plan
from mindspore_hub.errors import CardError, CheckpointError, HubError
from mindspore_hub.hub.card import read_card
from mindspore_hub.hub.values import Input
from mindspore_hub.networks import golden
from mindspore_hub.networks.build import assemble
from mindspore_hub.networks.classes import Network, import_network
from mindspore_hub.networks.examine import shape_text
from mindspore_hub.networks.framework import require_mindspore
from mindspore_hub.networks.weights import (
    Derived,
    derive_arguments,
    derive_embedding_size,
    facts_of,
    weights_of,
)

if TYPE_CHECKING:
    from mindspore import nn

logger = logging.getLogger(__name__)

_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from mindspore_hub.authoring.trial import main; main(sys.argv[2])"
)
"""Finds the package and MindSpore where the caller does, whatever folder it runs in."""

_ANSWER = "answer"


def try_out(plan: Plan, hub: Path) -> Trial:
    """Load the file strictly and compute in both modes of MindSpore; write the card in between.

    What shapes in the file tell is logged, even if the file does not fit.

    Args:
        plan: What is to be published.
        hub: Copy of the hub, with the network; the card and what is generated from it come into it.

    Raises:
        HubError: The file does not fit, or the network does not compute the same in both modes.
    """
    logger.info("Building %s and computing in PyNative and GRAPH mode", plan.model)
    with tempfile.TemporaryDirectory(prefix="mshub-trial-") as name:
        lines, result = _ask(plan, hub, Path(name))
    for line in lines:
        logger.info("%s", line)
    if isinstance(result, HubError):
        raise result
    return result


def main(path: str) -> None:
    """Answer the request in a file: a trial, or the error that came of it."""
    request, sha256 = pickle.loads(Path(path).read_bytes())  # noqa: S301 - written by `_ask`
    lines: list[str] = []
    result: Trial | HubError
    try:
        plan = make_plan(request)
        if plan.sha256 != sha256:
            msg = f"{plan.file.path} has changed meanwhile; publish it again when it is whole."
            raise CheckpointError(msg)
        require_mindspore()
        cell = _network_class(plan)
        facts = facts_of(cell)
        with _about(plan):
            derived = derive_arguments(weights_of(plan.file.index, facts), facts)
        lines += _lines(cell, derived)
        result = _try(plan, cell, derived)
    except HubError as error:
        result = error
    Path(path).with_name(_ANSWER).write_bytes(pickle.dumps((lines, result)))


def _ask(plan: Plan, hub: Path, folder: Path) -> tuple[list[str], Trial | HubError]:
    """Start the process, and read its answer."""
    file, answer, golden_file = folder / "request", folder / _ANSWER, plan.request.golden
    request = replace(
        plan.request,
        checkpoint=plan.request.checkpoint.absolute(),
        root=hub,
        network=None,  # the copy of the hub has it
        golden=golden_file.absolute() if golden_file else None,
    )
    file.write_bytes(pickle.dumps((request, plan.sha256)))
    search_path = json.dumps([str(Path(entry or ".").absolute()) for entry in sys.path])
    done = _run([sys.executable, "-c", _PROGRAM, search_path, str(file)], folder)
    if not answer.is_file():
        end = done.stderr.decode("utf-8", "replace").strip()[-2000:]
        msg = (
            f"{plan.model} ended the process that tried it with {done.returncode}; the end of what "
            f"it said:\n{end}"
        )
        raise CardError(msg)
    lines, result = pickle.loads(answer.read_bytes())  # noqa: S301 - written by `main`
    return lines, result


def _run(command: Sequence[str], folder: Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(  # noqa: S603 - our own program
        command,
        cwd=folder,  # a graph that does not compile leaves files there
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )


def _network_class(plan: Plan) -> Network:
    """The network that is published; it is the caller's own, so that its code may run."""
    try:
        return import_network(plan.request.root, plan.network.stem, plan.model)
    except HubError:
        raise
    except Exception as error:
        msg = f"{plan.network} cannot be imported: {type(error).__name__}: {error}"
        raise CardError(msg) from error


def _lines(cell: Network, derived: Mapping[str, Derived]) -> Iterator[str]:
    """What shapes tell, for people."""
    classes, size = facts_of(cell).class_argument, derive_embedding_size(derived, facts_of(cell))
    facts = {
        name: (f"{it.value}{' classes' * (name == classes)}", it) for name, it in derived.items()
    }
    if size:
        facts["embedding size"] = str(size.value), size
    for name, (value, found) in facts.items():
        yield f"{name}: {value}, by {found.tensor} ({shape_text(found.shape)})"


def _try(plan: Plan, cell: Network, derived: Mapping[str, Derived]) -> Trial:
    """Compute in PyNative mode, write the card, and compute by the card in GRAPH mode."""
    import mindspore

    facts = facts_of(cell)
    size = derive_embedding_size(derived, facts)
    recorded = golden.read_record(plan.request.golden)
    mindspore.set_context(mode=mindspore.PYNATIVE_MODE)
    network = _load(plan, cell, plan.request.network_args)
    shapes = tuple(map(tuple, getattr(network, "input_shapes", None) or plan.inputs))
    if not shapes:
        msg = (
            f"{plan.model} does not say the shapes of its inputs; set `input_shapes` in its "
            "constructor, or give `input-shape`."
        )
        raise CardError(msg)
    seed = recorded.seed if recorded else golden.SEED
    inputs = golden.draw([Input(shape) for shape in shapes], seed=seed)
    outputs = _compute(network, inputs)
    if recorded:
        recorded.compare(shapes, outputs)
    trial = Trial(
        network_args={**_stated(plan, cell, derived), **plan.request.network_args},
        from_shapes={
            "class_argument": facts.class_argument,
            "derived": {name: asdict(found) for name, found in derived.items()},
            "embedding_size": asdict(size) if size else None,
        },
        parameters=len(list(network.get_parameters())),
        inputs=shapes,
        outputs=tuple(tuple(output.shape[1:]) for output in outputs),
        record=golden.record_text(shapes, outputs),
    )
    card = plan.request.root / plan.card
    card.parent.mkdir(parents=True, exist_ok=True)
    card.write_text(card_text(plan, trial, card), encoding="utf-8", newline="\n")
    generate.write(plan.request.root)
    mindspore.set_context(mode=mindspore.GRAPH_MODE)
    off = golden.deviation(_compute(_load_by_card(plan, card), inputs), outputs)
    if not off <= golden.TOLERANCE:
        msg = (
            f"The outputs of {plan.model} in PyNative and GRAPH mode differ by {off:.1e} of the "
            f"largest value, more than {golden.TOLERANCE:.0e}; correct the network."
        )
        raise CheckpointError(msg)
    return replace(trial, deviation=off)


def _load(plan: Plan, cell: Network, arguments: Mapping[str, object]) -> nn.Cell:
    with _about(plan):
        return assemble(cell, weights_of(plan.file.index, facts_of(cell)), arguments)


def _load_by_card(plan: Plan, card: Path) -> nn.Cell:
    """The network by the card, as everybody will load it."""
    read = read_card(card, plan.uid)
    if read.asset is None or read.asset.sha256 != plan.sha256:
        msg = f"{card} does not name the file; this is a defect of this package."
        raise CardError(msg)
    return _load(plan, import_network(plan.request.root, *read.network), read.asset.network_args)


@contextmanager
def _about(plan: Plan) -> Iterator[None]:
    """Let an error say which file it is about."""
    try:
        yield
    except CardError as error:
        msg = f"{error} They are those of the facts, or given by --network-arg NAME=VALUE."
        raise CardError(msg) from error
    except CheckpointError as error:
        msg = (
            f"{plan.file.path}: {error}\nSave what {plan.model} holds and no more: neither other "
            "networks nor what append_dict adds can be published."
        )
        raise CheckpointError(msg) from error


def _stated(plan: Plan, cell: Network, derived: Mapping[str, Derived]) -> dict[str, Any]:
    """Derived arguments that a card states: as its model's cards do, and what is not the default."""
    usual = {name for card in plan.siblings if card.asset for name in card.asset.network_args}
    usual.add(facts_of(cell).class_argument)
    parameters = inspect.signature(cell).parameters
    return {
        name: found.value
        for name, found in derived.items()
        if name in usual or parameters[name].default != found.value
    }


def _compute(network: Any, inputs: Sequence[golden.Array]) -> list[golden.Array]:
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
