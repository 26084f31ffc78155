"""Outputs of the original networks, computed with MindSpore 2.0.0 on a CPU.

`data/golden/INDEX.json` says of each file which network, how it was built, and the calls whose
outputs it holds. A call reads: set `parameters`, draw inputs from `tags` (tag: batch size) for the
network or from `tensors` (tag: shape) for its `cell`, `mirror` them, compute, feed the output to
the cell `then`, compare with the arrays `outputs`; the arrays `unchanged` equal parameters
afterwards. "gates/1" is row 1 of the array "gates".
"""

import functools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fill
import mindspore
import numpy as np
import pytest
import sample
import wire
from mindspore import nn

from mindspore_hub.networks.assign import assign
from mindspore_hub.networks.construct import build_uninitialised
from mindspore_hub.networks.weights import facts_of, read_weights
from mindspore_hub.tensors import map_file

pytestmark = pytest.mark.slow

GOLDEN = Path(__file__).parents[1] / "data" / "golden"
INDEX = json.loads((GOLDEN / "INDEX.json").read_text())

FURTHER = {
    *("ddag_395_part3_modal1_b1", "ddag_395_part3_modal2_b1", "mvd_395_b1"),
    *("multitasknet_heatmap_b1", "multitasknet_rgb_b1", "multitasknet_rgb_nokeypt_b1"),
    "multitasknet_segment_b1",
}
"""Other class counts, and arguments between those that are tried: compared with MSHUB_TEST_ALL=1 only."""

CLASS_COUNTS = {"class_num", "num_class", "num_vids"}

# Of the largest magnitude. MindSpore versions differ by up to 3e-6; a wrong eps in one single
# normalisation moves an output by 4e-5.
TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def filled(network_class, tmp_path_factory):
    """Load a network from a file of drawn parameters; the last one is kept, as it takes seconds."""
    path = tmp_path_factory.mktemp("golden") / "file"

    @functools.lru_cache(maxsize=1)
    def drawn(network: str) -> dict[tuple[str, tuple[int, ...]], bytes]:
        return {}  # what the networks of a class share is drawn once

    @functools.lru_cache(maxsize=1)
    def load(network: str, arguments: str, prefix: str) -> nn.Cell:
        cell, given = network_class(network), json.loads(arguments)
        with path.open("wb") as file:
            for name, parameter in build_uninitialised(cell, given).parameters_and_names():
                key = (prefix + name, parameter.shape)
                if key not in drawn(network):
                    drawn(network)[key] = fill.parameter(*key).tobytes()
                file.write(wire.value(name, wire.tensor(drawn(network)[key], parameter.shape)))
        net = build_uninitialised(cell, given)
        with path.open("rb") as file:
            assign(net, read_weights(map_file(file), facts_of(cell)), facts_of(cell))
        path.unlink()  # the parameters keep the map of it
        return net

    return load


def _cases() -> Iterator[tuple[str, str]]:
    """Every name but further ones in PyNative mode; in GRAPH mode, which takes seconds, one for each network.

    With MSHUB_TEST_ALL=1, GRAPH mode tries one for each structure that arguments give a network.
    """
    compiled: set[tuple[str, str, str]] = set()
    for name, case in INDEX.items():
        if name in FURTHER and not sample.ALL:
            continue
        yield name, "pynative"
        flags = {k: v for k, v in case["arguments"].items() if k not in CLASS_COUNTS}
        structure = case["network"], json.dumps(flags) if sample.ALL else ""
        cells = {(*structure, call.get("cell", call.get("then", ""))) for call in case["calls"]}
        if not cells <= compiled:
            compiled |= cells
            yield name, "graph"


@pytest.mark.parametrize(("name", "mode"), [*_cases()], indirect=["mode"])
def test_outputs_equal_those_of_the_original(name, mode, filled):
    case = INDEX[name]
    arrays = np.load(GOLDEN / f"{name}.npz")
    net = filled(case["network"], json.dumps(case["arguments"]), case.get("fill_prefix", ""))
    for call in case["calls"]:
        with _parameters_set(net, _arrays(arrays, call.get("parameters", {}))):
            outputs = zip(call["outputs"], _compute(net, call), strict=True)
            unchanged = [
                (key, _reach(net, path)) for key, path in call.get("unchanged", {}).items()
            ]
            for key, output in (*outputs, *unchanged):
                error = _relative_error(output.asnumpy(), _array(arrays, key))
                assert error <= TOLERANCE, key


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.npz")), ids=lambda path: path.stem)
def test_every_array_of_a_golden_file_is_compared(path):
    calls = INDEX[path.stem]["calls"]
    keys = [key for call in calls for key in (*call["outputs"], *call.get("unchanged", ()))]
    assert {key.split("/")[0] for key in keys} == set(np.load(path).files)


def _compute(net: nn.Cell, call: dict[str, Any]) -> tuple[mindspore.Tensor, ...]:
    if "cell" in call:
        inputs = [fill.tensor(tag, shape) for tag, shape in call.get("tensors", {}).items()]
        return _run(_reach(net, call["cell"]), inputs)
    inputs = [_draw(call["tags"], shape) for shape in net.input_shapes]
    mirrored = [value[..., ::-1].copy() for value in inputs]
    if "mirror" not in call:
        outputs = _run(net, inputs)
    elif call["mirror"] == "alone":
        outputs = _run(net, mirrored)
    else:
        outputs = (_unit(_run(net, inputs)[0] + _run(net, mirrored)[0]),)
    return _run(_reach(net, call["then"]), outputs) if "then" in call else outputs


def _run(cell: nn.Cell, inputs: list[np.ndarray]) -> tuple[mindspore.Tensor, ...]:
    outputs = cell(*(mindspore.Tensor(value) for value in inputs))
    return outputs if isinstance(outputs, tuple) else (outputs,)


def _draw(tags: dict[str, int], shape: tuple[int, ...]) -> np.ndarray:
    draw = fill.image if len(shape) == 3 else fill.vector
    return np.concatenate([draw(tag, (count, *shape)) for tag, count in tags.items()])


def _unit(rows: mindspore.Tensor) -> mindspore.Tensor:
    values = rows.asnumpy()
    return mindspore.Tensor(values / np.linalg.norm(values, axis=1, keepdims=True))


def _reach(net: nn.Cell, path: str) -> Any:
    return functools.reduce(getattr, path.split("."), net)


@contextmanager
def _parameters_set(net: nn.Cell, values: dict[str, np.ndarray]) -> Iterator[None]:
    before = {name: _reach(net, name).asnumpy().copy() for name in values}
    for name, value in values.items():
        _reach(net, name).set_data(mindspore.Tensor(value))
    try:
        yield
    finally:
        for name, value in before.items():
            _reach(net, name).set_data(mindspore.Tensor(value))


def _arrays(arrays: Any, keys: dict[str, str]) -> dict[str, np.ndarray]:
    return {name: _array(arrays, key) for name, key in keys.items()}


def _array(arrays: Any, key: str) -> np.ndarray:
    name, *row = key.split("/")
    return arrays[name][int(row[0])] if row else arrays[name]


def _relative_error(output: np.ndarray, expected: np.ndarray) -> float:
    assert output.shape == expected.shape
    return float(np.abs(output - expected).max() / np.abs(expected).max())
