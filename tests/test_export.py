"""Networks as MINDIR and ONNX: compared with what they compute, or clearly refused."""

import importlib.util
from pathlib import Path

import mindspore
import numpy as np
import pytest
from mindspore import Tensor, nn, ops

from mindspore_hub.errors import ExportError
from mindspore_hub.hub.values import Input
from mindspore_hub.networks import convert as module
from mindspore_hub.networks import golden
from mindspore_hub.networks.convert import export

RUNTIME = importlib.util.find_spec("onnxruntime") is not None


@pytest.fixture(autouse=True)
def elsewhere(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """MindSpore leaves notes on what it cannot compile in the current folder."""
    monkeypatch.chdir(tmp_path_factory.mktemp("current"))


class Small(nn.Cell):
    """Two inputs, two outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, weight_init="normal")
        self.dense = nn.Dense(5, 4)

    def construct(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        features = self.conv(x).mean((2, 3))
        return features, features + self.dense(y)


class Inverse(nn.Cell):
    """Computes what ONNX has no operator for."""

    def construct(self, x: Tensor) -> Tensor:
        return ops.erfinv(ops.tanh(x))


class Hollow(nn.Cell):
    """Computes no number."""

    def construct(self, x: Tensor) -> Tensor:
        return ops.log(-ops.abs(x))


class Drifting(nn.Cell):
    """Computes something else each time, as nothing that is written can."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = mindspore.Parameter(Tensor(0.0))

    def construct(self, x: Tensor) -> Tensor:
        return x * ops.assign_add(self.calls, Tensor(1.0))


def small() -> Small:
    mindspore.set_seed(1)
    network = Small()
    network.set_train(False)
    return network


INPUTS = (Input((3, 8, 6)), Input((5,)))


@pytest.mark.parametrize("batch_size", [1, 3])
def test_a_mindir_computes_what_the_network_does(batch_size: int, tmp_path: Path) -> None:
    network, path = small(), tmp_path / "small.model"
    difference = export(network, path, format="mindir", inputs=INPUTS, batch_size=batch_size)
    assert difference is not None
    assert difference <= golden.TOLERANCE
    path.rename(tmp_path / "a.mindir")
    loaded = nn.GraphCell(mindspore.load(str(tmp_path / "a.mindir")))
    random = np.random.default_rng(5)
    inputs = [Tensor(random.random((batch_size, *item.shape), np.float32)) for item in INPUTS]
    for one, other in zip(network(*inputs), loaded(*inputs), strict=True):
        np.testing.assert_allclose(one.asnumpy(), other.asnumpy(), atol=1e-6)


@pytest.mark.skipif(not RUNTIME, reason="onnxruntime is not installed")
def test_an_onnx_computes_what_the_network_does(tmp_path: Path) -> None:
    difference = export(small(), tmp_path / "a.onnx", format="onnx", inputs=INPUTS)
    assert difference is not None
    assert difference <= golden.TOLERANCE
    assert [path.name for path in tmp_path.iterdir()] == ["a.onnx"]


def test_an_onnx_that_nothing_can_run_is_written_and_said_to_be_not_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert export(small(), tmp_path / "a.onnx", format="onnx", inputs=INPUTS) is None
    assert (tmp_path / "a.onnx").stat().st_size > 400


def test_the_operator_that_cannot_be_exported_is_named(tmp_path: Path) -> None:
    with pytest.raises(ExportError) as caught:
        export(Inverse(), tmp_path / "a.onnx", format="onnx", inputs=[Input((4,))])
    message = str(caught.value)
    assert message.startswith(f"MindSpore {mindspore.__version__} cannot export Inverse as onnx: ")
    assert "Erfinv" in message
    assert "C++" not in message
    assert not (tmp_path / "a.onnx").exists()


def test_a_network_without_numbers_cannot_be_compared(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="Hollow computes infinite values or NaN"):
        export(Hollow(), tmp_path / "a", format="mindir", inputs=[Input((4,))])


def test_outputs_that_differ_are_refused_and_not_kept(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="the outputs of Drifting differ by 1 of the largest"):
        export(Drifting(), tmp_path / "a", format="mindir", inputs=[Input((4,))])
    assert not (tmp_path / "a").exists()


def test_another_shape_of_outputs_is_refused() -> None:
    with pytest.raises(ExportError, match=r"gives \[\(1, 2\)\], but what was written gives"):
        module.check_outputs("Net", [np.zeros((1, 2))], [np.zeros((2,))])
