"""A network written as ONNX for any number of samples, compared, and sealed.

`python -m mindspore_hub.runtimes.export` does it in a process of its own, so that the one that asks for it
imports no MindSpore: it reads JSON, and answers with JSON in its last line.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mindspore_hub.errors import ExportError, HubError, InternalError
from mindspore_hub.files.sealed import seal
from mindspore_hub.hub.values import Input
from mindspore_hub.networks import golden
from mindspore_hub.runtimes import Wanted
from mindspore_hub.runtimes.any_batch import any_batch

if TYPE_CHECKING:
    from mindspore import nn
    from numpy.typing import NDArray

    Arrays = list[NDArray[Any]]

_BATCHES = (1, 3)
"""Numbers of samples with which outputs are compared."""

_WRITTEN = (2, 5)
"""Numbers of samples for which MindSpore writes a network; what depends on them is what differs."""


def export_any(
    network: nn.Cell, path: Path, *, inputs: Sequence[Input], places: Sequence[int] = ()
) -> float:
    """Write outputs of a network, in inference mode, as ONNX for any number of samples, and compare them.

    Args:
        network: The network.
        path: The file to write, which ends in `.onnx` and lies alone in its folder.
        inputs: Shape and dtype of each input for one sample.
        places: Places of the outputs, from 0; none for all.

    Returns:
        Largest difference of an output in terms of its largest value, over drawn inputs of two numbers
        of samples.

    Raises:
        ExportError: MindSpore cannot export it, what was written cannot be run, or an output differs by
            more than `golden.TOLERANCE`.
        FeaturesError: The network has no rows of numbers at these places.
    """
    from mindspore_hub.networks.convert import check_outputs
    from mindspore_hub.runtimes.mindspore import wanted_outputs

    name = type(network).__name__
    run = wanted_outputs(network, tuple(places), compiled=False) if places else None
    drawn = [golden.draw(inputs, seed=size, batch_size=size) for size in _BATCHES]
    expected = [list(run(*each)) if run else golden.compute(network, each) for each in drawn]
    _write(_chosen(network, tuple(places)), path, inputs)
    compute = _runner(path)
    differences = []
    for each, outputs in zip(drawn, expected, strict=True):
        try:
            found = compute(each)
        except Exception as error:  # of any kind, as the runtimes please
            msg = f"{name} was written as ONNX, but it cannot be run for {len(each[0])} samples: {error}"
            raise ExportError(msg) from error
        differences.append(check_outputs(name, outputs, found))
    return max(differences)


def write_sealed(wanted: Wanted, key: str, path: Path) -> tuple[float, tuple[tuple[int, ...], ...]]:
    """Write a derived file of a network with its published checkpoint.

    Gives the largest difference, in terms of the largest value, and the shape of each input for one sample.

    Raises:
        ExportError: As in `export_any`.
        HubError: As in `networks.build.build`.
    """
    from mindspore_hub.networks.build import build
    from mindspore_hub.runtimes.derived import identity

    network = build(wanted.card, wanted.hub, wanted.arguments)
    inputs = golden.inputs_of(network, wanted.card.inputs)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{key[:12]}") as folder:
        written = Path(folder) / "network.onnx"
        difference = export_any(network, written, inputs=inputs, places=wanted.places)
        facts = {
            "key": key,
            "card": wanted.card.uid,
            **identity(wanted),
            "inputs": [item.shape for item in inputs],
            "difference": difference,
            "mindspore": _version(),
        }
        seal(written, facts)
        written.replace(path)
    return difference, tuple(item.shape for item in inputs)


def _write(network: nn.Cell, path: Path, inputs: Sequence[Input]) -> None:
    """Write a network for two numbers of samples, and make one file for any number of them."""
    from mindspore_hub.networks.convert import write_network

    written = []
    for size in _WRITTEN:
        write_network(network, path, golden.draw(inputs, batch_size=size), "onnx")
        written.append(path.read_bytes())
        path.unlink()
    path.write_bytes(any_batch(written[0], written[1], _WRITTEN))


def _version() -> str:
    import mindspore

    return str(mindspore.__version__)


def _chosen(network: nn.Cell, places: tuple[int, ...]) -> nn.Cell:
    """A network that gives some outputs of another one only, so that nothing else is written."""
    from mindspore import nn

    if not places:
        return network

    class Chosen(nn.Cell):  # type: ignore[misc] # MindSpore has no types
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def construct(self, *inputs: Any) -> Any:
            outputs = self.network(*inputs)
            if isinstance(outputs, (tuple, list)):
                return tuple([outputs[place] for place in places])
            return outputs

    chosen = Chosen()
    chosen.set_train(False)
    return chosen


def _runner(path: Path) -> Any:
    """What computes outputs of a written file: that runtime of the installed ones which reads it as it is."""
    from mindspore_hub.runtimes.processor import available_threads

    if find_spec("onnxruntime") is not None:
        from mindspore_hub.runtimes.onnxruntime import session_of

        session = session_of(path, available_threads())
        return lambda inputs: session.run(None, _named(session.get_inputs(), inputs))
    if find_spec("openvino") is not None:
        from mindspore_hub.runtimes.openvino import compiled

        model = compiled(path, precision="f32", threads=available_threads())
        return lambda inputs: list(model(list(inputs)).to_tuple())
    msg = (
        "What is written for any number of samples is compared, which needs a runtime: "
        "`pip install 'mindspore-hub[onnx]'` or `[openvino]`."
    )
    raise ExportError(msg)


def _named(declared: Sequence[Any], inputs: Arrays) -> dict[str, Any]:
    if len(declared) != len(inputs):
        msg = f"it takes {len(declared)} inputs instead of {len(inputs)}"
        raise ExportError(msg)
    return {item.name: values for item, values in zip(declared, inputs, strict=True)}


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    from mindspore_hub.networks.classes import find_network
    from mindspore_hub.networks.framework import require_mindspore

    asked = request["wanted"]
    card, hub = find_network(asked["name"], asked["hub"], trust=asked["trust"])
    wanted = Wanted(card, hub, asked["arguments"], tuple(asked["places"]))
    require_mindspore()
    return {"difference": write_sealed(wanted, request["key"], Path(request["path"]))[0]}


def _main() -> None:
    logging.basicConfig(level=logging.ERROR)
    request = json.load(sys.stdin)
    answer: dict[str, Any]
    try:
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)  # MindSpore leaves notes on what it cannot compile in the current one
            answer = _answer(request)
    except HubError as error:
        answer = {"error": type(error).__name__, "message": str(error)}
    except Exception as error:
        answer = {"error": InternalError.__name__, "message": f"{type(error).__name__}: {error}"}
    sys.stdout.write(f"\n{json.dumps(answer)}\n")


if __name__ == "__main__":
    _main()
