"""Try a network with its file in each mode of MindSpore, each time in a process of its own."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mindspore_hub import errors
from mindspore_hub.cards.values import Argument, Shape
from mindspore_hub.errors import CardError, HubError
from mindspore_hub.publishing import golden
from mindspore_hub.publishing.plan import Plan

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_log = logging.getLogger(__name__)

_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from mindspore_hub.publishing.child import main; main(sys.argv[2])"
)
"""Finds the package and MindSpore where the caller does, whatever folder it runs in."""


@dataclass(frozen=True)
class Trial:
    """What a network did with a file.

    Attributes:
        network_args: Constructor arguments that the card states.
        classes: Name of the one that counts classes, or an empty string.
        parameters: How many parameters were set, all of them from the file.
        inputs: Shape of each input for one sample.
        outputs: Outputs for one drawn sample.
    """

    network_args: Mapping[str, Argument]
    classes: str
    parameters: int
    inputs: tuple[Shape, ...]
    outputs: list[Array]

    @property
    def output_shapes(self) -> tuple[Shape, ...]:
        """Shape of each output for one sample."""
        return tuple(tuple(output.shape[1:]) for output in self.outputs)


def try_out(plan: Plan, hub: Path, mode: str, *, seed: int, card: Path | None = None) -> Trial:
    """Build the network of a hub, load the file strictly, and compute one drawn sample.

    Args:
        plan: What is to be published.
        hub: Hub root with the network.
        mode: `pynative` or `graph`.
        seed: What the input is drawn from.
        card: The card to go by, once it is written; its entry point is used then.

    Raises:
        HubError: The file does not fit, or the network does not compute.
    """
    import tempfile

    _log.info("Building %s and computing in %s mode", plan.model, mode)
    with tempfile.TemporaryDirectory(prefix="mshub-trial-") as name:
        folder = Path(name)
        request = _request(plan, hub, folder)
        request.update(mode=mode, seed=seed, card=str(card or ""))
        answer = _ask(request, folder)
        return Trial(
            network_args=answer["arguments"],
            classes=answer["classes"],
            parameters=answer["parameters"],
            inputs=tuple(tuple(shape) for shape in answer["inputs"]),
            outputs=_outputs(folder / "outputs.npz"),
        )


def _request(plan: Plan, hub: Path, folder: Path) -> dict[str, Any]:
    given = plan.facts.get("input-shape", "")
    usual = {name for card in plan.siblings if card.asset for name in card.asset.network_args}
    return {
        "answer": str(folder / "answer.json"),
        "outputs": str(folder / "outputs.npz"),
        "root": str(hub),
        "model": plan.model,
        "checkpoint": str(plan.stored.path.absolute()),
        "sha256": plan.stored.sha256,
        "arguments": dict(plan.request.network_args),
        "stated": sorted(usual),
        "inputs": _shapes(given) if given else [],
    }


def _ask(request: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    file = folder / "request.json"
    file.write_text(json.dumps(request), encoding="utf-8")
    search_path = json.dumps([str(Path(entry or ".").absolute()) for entry in sys.path])
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", _PROGRAM, search_path, str(file)],
        cwd=folder,  # a graph that does not compile leaves files there
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    answer = Path(request["answer"])
    if not answer.is_file():
        end = done.stderr.decode("utf-8", "replace").strip()[-2000:]
        msg = (
            f"{request['model']} ended the process that tried it in {request['mode']} mode with "
            f"{done.returncode}; the end of what it said:\n{end}"
        )
        raise CardError(msg)
    facts: dict[str, Any] = json.loads(answer.read_bytes())
    if "error" in facts:
        kind = getattr(errors, facts["error"], HubError)
        raise kind(facts["message"])
    return facts


def _shapes(text: str) -> list[list[int]]:
    """`[3, 288, 144]`, or a list of such lists."""
    try:
        value = json.loads(text)
        shapes = value if isinstance(value[0], list) else [value]
        if all(type(size) is int and size > 0 for shape in shapes for size in shape):
            return [list(shape) for shape in shapes]
    except (ValueError, TypeError, IndexError, KeyError):
        pass
    msg = f"input-shape {text!r} is no shape; write `[3, 288, 144]`, or one such list per input."
    raise CardError(msg)


def _outputs(path: Path) -> list[Array]:
    import numpy as np

    with np.load(path, allow_pickle=False) as arrays:
        return [arrays[f"arr_{index}"] for index in range(len(arrays.files))]


def deviation(one: Trial, other: Trial) -> float:
    """How far the outputs of two trials are apart, relative to the largest value."""
    return golden.deviation(one.outputs, other.outputs)
