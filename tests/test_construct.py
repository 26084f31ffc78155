"""Building without initial values, and giving every parameter its value afterwards."""

import copy
import io
import pickle
import re
import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, TimeoutError
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mindspore
import numpy as np
import pytest
from mindspore import Tensor, nn
from mindspore.nn.utils import no_init_parameters

from mindspore_hub.errors import CheckpointError
from mindspore_hub.networks.assign import NewHead, as_parameter, assign
from mindspore_hub.networks.construct import build_initialised, build_uninitialised
from mindspore_hub.networks.weights import Signature, Weight, facts_of, read_weights
from mindspore_hub.tensors import map_file

VERSION = mindspore.__version__
skips_initialisers = pytest.mark.skipif(
    VERSION == "2.7.0",
    reason="MindSpore 2.7.0 computes with parameters without values, so all are drawn",
)
takes_odd_addresses = pytest.mark.skipif(
    VERSION.startswith("2.7"), reason="MindSpore 2.7 takes no array at an odd address"
)


class Pair(nn.Cell):
    """A network of two layers."""

    def __init__(self, classes: int = 3, dtype: Any = mindspore.float32) -> None:
        super().__init__()
        self.body = nn.Dense(2, 64, dtype=dtype)
        self.head = nn.Dense(64, classes, dtype=dtype)

    def construct(self, x: Tensor) -> Tensor:
        return self.head(self.body(x))


class Calculating(Pair):
    """A network whose constructor computes with parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.total = self.body.weight.sum() + 1


class Waiting(Pair):
    """A network whose constructor waits until it is told to go on."""

    def __init__(self, begun: threading.Event, go_on: threading.Event) -> None:
        begun.set()
        go_on.wait(60)
        super().__init__()


class Failing(Pair):
    """A network that cannot be built."""

    def __init__(self) -> None:
        super().__init__()
        msg = "no such layer"
        raise KeyError(msg)


HEAD = SimpleNamespace(**{**vars(facts_of(object)), "head": ("head.*",)})
"""Facts of a network whose second layer depends on the number of classes."""


def saved(folder: Path, network: nn.Cell) -> dict[str, Weight]:
    """The tensors of a file that a network was saved to."""
    mindspore.save_checkpoint(network, str(folder / "file.ckpt"))
    with (folder / "file.ckpt").open("rb") as file:
        return read_weights(map_file(file), facts_of(network))


def values(network: nn.Cell) -> dict[str, np.ndarray]:
    return {name: value.asnumpy().copy() for name, value in network.parameters_and_names()}


def drawn(network: nn.Cell) -> list[bool]:
    """Whether each parameter has a value."""
    return [not parameter.has_init for parameter in network.get_parameters()]


@skips_initialisers
def test_values_are_not_drawn_until_they_are_asked_for() -> None:
    network = build_uninitialised(Pair, {})
    assert not any(drawn(network))
    assert all(drawn(build_initialised(Pair, {}))), "other networks are built as ever"


@takes_odd_addresses
def test_every_parameter_shares_the_memory_of_the_file(tmp_path: Path) -> None:
    original = Pair()
    weights = saved(tmp_path, original)
    network = build_uninitialised(Pair, {})
    assert assign(network, weights, facts_of(network)) == []
    assert all(drawn(network))
    for name, value in values(original).items():
        np.testing.assert_array_equal(values(network)[name], value)
        weights[name].array[...] = 7
        assert (values(network)[name] == 7).all()


def test_what_the_file_does_not_fit_is_drawn_as_ever(tmp_path: Path) -> None:
    weights = saved(tmp_path, Pair())
    network = build_uninitialised(Pair, {"classes": 500})
    assert assign(network, weights, HEAD, new_head=NewHead(3, 500)) == ["head.weight", "head.bias"]
    assert all(drawn(network))
    held, usual = values(network), values(Pair(500))
    for name in ("head.weight", "head.bias"):
        assert np.isfinite(held[name]).all()
        assert held[name].std() == pytest.approx(usual[name].std(), rel=0.2)
        assert np.abs(held[name]).max() == pytest.approx(np.abs(usual[name]).max(), rel=0.2)


@pytest.mark.parametrize(
    ("name", "held", "difference"),
    [
        ("head.weight", np.ones((3, 63), np.float32), "expected (3, 64), the file has (3, 63)"),
        ("head.bias", np.ones(99, np.float32), "expected (500,), the file has (99,)"),
        ("head.weight", np.ones(3, np.float32), "expected (500, 64), the file has (3,)"),
        ("head.bias", np.ones(3, np.float16), "expected float32, the file has float16"),
        ("head.bias", None, "missing in the file"),
    ],
)
def test_a_head_that_is_not_loaded_must_be_whole_all_the_same(
    name: str, held: np.ndarray | None, difference: str, tmp_path: Path
) -> None:
    weights = saved(tmp_path, Pair())
    del weights[name]
    if held is not None:
        weights[name] = Weight(name, Signature(held.shape, str(held.dtype)), held)
    network = build_initialised(Pair, {"classes": 500})
    before = values(network)
    with pytest.raises(CheckpointError, match=re.escape(difference)):
        assign(network, weights, HEAD, new_head=NewHead(3, 500))
    for parameter, value in values(network).items():
        np.testing.assert_array_equal(before[parameter], value)


@pytest.mark.parametrize("dtype", [mindspore.float16, mindspore.bfloat16, mindspore.float64])
def test_other_dtypes_keep_theirs(dtype: Any, tmp_path: Path) -> None:
    original = Pair(dtype=dtype)
    weights = saved(tmp_path, original)
    network = build_uninitialised(Pair, {"dtype": dtype})
    assign(network, weights, facts_of(network))
    for parameter, same in zip(network.get_parameters(), original.get_parameters(), strict=True):
        assert parameter.dtype == dtype
        assert bytes(parameter.get_bytes()) == bytes(same.get_bytes())
        loose = as_parameter(same.name, weights[same.name])
        assert (loose.name, loose.dtype, loose.shape) == (same.name, dtype, same.shape)
        assert bytes(loose.get_bytes()) == bytes(same.get_bytes())


def test_a_network_that_was_loaded_is_copied_pickled_and_saved_with_its_values(
    tmp_path: Path,
) -> None:
    original = Pair()
    network = build_uninitialised(Pair, {})
    assign(network, saved(tmp_path, original), facts_of(network))
    expected = values(original)
    assert_same(values(copy.deepcopy(network)), expected)
    parameters = dict(network.parameters_and_names())
    stream = io.BytesIO()
    pickle.dump(parameters, stream)
    stream.seek(0)
    unpickled = pickle.load(stream)  # noqa: S301 - written two lines above
    assert_same({name: value.asnumpy() for name, value in unpickled.items()}, expected)
    assert_same({key: weight.array for key, weight in saved(tmp_path, network).items()}, expected)


def assert_same(held: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert held.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(held[name], value)


def test_a_constructor_that_computes_with_parameters_gets_values() -> None:
    network = build_uninitialised(Calculating, {})
    assert all(drawn(network))
    total = network.body.weight.asnumpy().sum() + 1
    np.testing.assert_allclose(network.total.asnumpy(), total, rtol=1e-5)


@skips_initialisers
def test_an_error_that_was_there_before_is_not_the_constructors() -> None:
    with no_init_parameters():
        Pair().body.weight.sum()
    with pytest.raises(RuntimeError, match="is uninitialized"):
        build_uninitialised(Pair, {})
    assert not any(drawn(build_uninitialised(Pair, {})))


def test_a_constructor_that_fails_fails_as_ever() -> None:
    with pytest.raises(KeyError, match="no such layer"):
        build_uninitialised(Failing, {})
    with pytest.raises(TypeError, match="colour"):
        build_uninitialised(Pair, {"colour": 1})
    assert all(drawn(Pair()))


def test_a_mindspore_that_cannot_skip_initial_values_draws_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr("mindspore.nn.utils.no_init_parameters")
    assert all(drawn(build_uninitialised(Pair, {})))


@skips_initialisers
def test_a_network_that_another_thread_builds_has_values() -> None:
    begun, go_on = threading.Event(), threading.Event()
    with ThreadPoolExecutor(2) as threads:
        waiting = threads.submit(build_uninitialised, Waiting, {"begun": begun, "go_on": go_on})
        begun.wait(60)
        other = threads.submit(build_initialised, Pair, {})
        with suppress(TimeoutError):
            other.result(0.2)  # time to go wrong
        go_on.set()
        assert all(drawn(other.result()))
        assert not any(drawn(waiting.result()))


@skips_initialisers
def test_users_are_not_warned_of_what_this_package_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def soon_removed() -> Iterator[None]:
        warnings.warn("no_init_parameters is deprecated", DeprecationWarning, stacklevel=2)
        with no_init_parameters():
            yield

    monkeypatch.setattr("mindspore.nn.utils.no_init_parameters", soon_removed)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        network = build_uninitialised(Pair, {})
    assert not any(drawn(network)), "a warning that was raised would have them drawn"
