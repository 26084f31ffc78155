"""From an asset in a mirror to a network: formats, dtypes, and how often a constructor runs."""

import gc
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import checkpoints
import manifests
import mindspore
import numpy as np
import pytest
import wire
from mindspore import Tensor, nn

import mindspore_hub
from mindspore_hub.errors import (
    CardError,
    CheckpointError,
    IntegrityError,
    NetworkError,
    OfflineError,
)
from mindspore_hub.files import download
from mindspore_hub.hub.card import Asset, Card
from mindspore_hub.hub.hub import Hub
from mindspore_hub.networks import build
from mindspore_hub.networks.weights import facts_of
from mindspore_hub.tensors import read_index

pytestmark = pytest.mark.usefixtures("tmp_path")  # a mirror lies beside the store

TYPES = {"float32": "F32", "float16": "F16"}


class Layer(nn.Cell):
    """A network whose size and dtype are arguments, and which counts its instances."""

    built = 0
    checkpoint = SimpleNamespace(
        **{
            **vars(facts_of(object)),
            "arguments": (
                SimpleNamespace(name="size", tensor="layer.weight", axis=0, values={}, always=None),
            ),
        }
    )

    def __init__(self, size: int = 3, dtype: str = "float32") -> None:
        if size == 0:
            msg = "size must be positive"
            raise ValueError(msg)
        Layer.built += 1
        super().__init__()
        self.layer = nn.Dense(2, size, dtype=getattr(mindspore, dtype))

    def construct(self, x: Tensor) -> Tensor:
        return self.layer(x)


@pytest.fixture(autouse=True)
def count() -> None:
    """Count from zero."""
    Layer.built = 0


def arrays(size: int, dtype: str) -> dict[str, np.ndarray]:
    weight = np.arange(2 * size, dtype=dtype).reshape(size, 2)
    return {"layer.weight": weight, "layer.bias": -np.arange(size, dtype=dtype)}


def as_ckpt(held: dict[str, np.ndarray], padding: int = 0) -> bytes:
    """A file with as much optimizer state before the tensors as padding asks for."""
    state = wire.value("moments." + "a" * (1 + padding), wire.tensor(bytes(4), dtype="Int32"))
    return state + b"".join(
        wire.value(name, wire.tensor(array.tobytes(), array.shape, dtype=array.dtype.name.title()))
        for name, array in held.items()
    )


def as_safetensors(held: dict[str, np.ndarray], padding: int = 0) -> bytes:
    """A file with as many blanks behind its header."""
    header, end = {}, 0
    for name, array in held.items():
        offsets = [end, end := end + array.nbytes]
        dtype = TYPES[array.dtype.name]
        header[name] = {"dtype": dtype, "shape": array.shape, "data_offsets": offsets}
    text = json.dumps(header).encode() + b" " * padding
    return wire.safetensors(text, b"".join(array.tobytes() for array in held.values()))


WRITERS = {"ckpt": as_ckpt, "safetensors": as_safetensors}


def card_with(asset: Asset) -> Card:
    return Hub.of().resolve("MVD").with_asset(asset)


def create(
    cell: Any, asset: Asset, given: dict[str, Any] | None = None, **options: bool
) -> nn.Cell:
    """The network of a card with a checkpoint of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "network_class", lambda *_: cell)
        return build.build(card_with(asset), Hub.of(), given or {}, **options)


def load_parameters(cell: Any, asset: Asset, **options: bool) -> dict[str, mindspore.Parameter]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "network_class", lambda *_: cell)
        return build.parameters(card_with(asset), Hub.of(), **options)


def stored() -> list[Path]:
    """Files of the store."""
    blobs = Path(os.environ["MSHUB_HOME"], "blobs")
    return [path for path in blobs.rglob("*") if path.is_file()]


def publish(content: bytes, name: str, monkeypatch: pytest.MonkeyPatch, **arguments: Any) -> Asset:
    """Put a file into a mirror, and declare it."""
    mirror = Path(os.environ["MSHUB_HOME"]).parent / "mirror"
    mirror.mkdir()
    (mirror / name).write_bytes(content)
    monkeypatch.setenv("MSHUB_MIRRORS", str(mirror))
    link = f"https://download.mindspore.cn/models/{name}"
    return Asset(link, checkpoints.digest(mirror / name), network_args=arguments)


@pytest.mark.parametrize("aligned", [True, False])
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("format", WRITERS)
def test_a_network_is_loaded_and_trained_and_its_file_stays(
    format: str, dtype: str, aligned: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = arrays(3, dtype)
    content = next(
        file
        for file in (WRITERS[format](held, padding) for padding in range(8))
        if file.index(held["layer.weight"].tobytes()) % 8 == (0 if aligned else 1)
    )
    asset = publish(content, f"file.{format}", monkeypatch)
    network = create(Layer, asset, {"dtype": dtype})
    assert_holds(network, held)
    descend(network, dtype)
    assert not np.array_equal(network.layer.weight.asnumpy(), held["layer.weight"])
    (blob,) = (
        path for path in Path(os.environ["MSHUB_HOME"], "blobs").rglob("*") if path.is_file()
    )
    assert blob.read_bytes() == content
    assert_holds(create(Layer, asset, {"dtype": dtype}), held)


def assert_holds(network: nn.Cell, held: dict[str, np.ndarray]) -> None:
    got = {name: value.asnumpy() for name, value in network.parameters_and_names()}
    assert got.keys() == held.keys()
    for name, array in held.items():
        assert got[name].dtype == array.dtype
        np.testing.assert_array_equal(got[name], array)


def descend(network: nn.Cell, dtype: str) -> None:
    """Make one step."""
    optimizer = nn.SGD(network.trainable_params(), learning_rate=0.5)
    inputs = Tensor(np.ones((4, 2), dtype))
    differentiate = mindspore.value_and_grad(lambda x: network(x).sum(), None, optimizer.parameters)
    optimizer(differentiate(inputs)[1])


@pytest.mark.parametrize("format", WRITERS)
def test_a_file_of_another_dtype_is_refused(format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    content = WRITERS[format](arrays(3, "float16"))
    asset = publish(content, f"file.{format}", monkeypatch)
    with pytest.raises(CheckpointError) as caught:
        create(Layer, asset)
    assert "layer.weight: expected float32, the file has float16" in str(caught.value)


@pytest.mark.parametrize("model", ["metric_learn", "MVD"])
def test_a_published_structure_is_loaded_from_safetensors(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = Hub.of().resolve(model)
    tensors = manifests.read(checkpoints.MANIFESTS[card.name])
    held = {tensor.name: Tensor(checkpoints.value(tensor)) for tensor in tensors}
    file = tmp_path / "mirror" / "file.safetensors"
    file.parent.mkdir()
    entries = [{"name": name, "data": value} for name, value in held.items()]
    mindspore.save_checkpoint(entries, str(file), format="safetensors")
    monkeypatch.setenv("MSHUB_MIRRORS", str(file.parent))
    copy = tmp_path / card.path.name
    copy.write_bytes(card.path.read_bytes())
    link = "https://download.mindspore.cn/models/file.safetensors"
    checkpoints.publish(copy, link, checkpoints.digest(file))
    network = mindspore_hub.load(str(copy))
    file_names = {tensor.canonical: tensor.name for tensor in tensors}
    for name, parameter in network.parameters_and_names():
        np.testing.assert_array_equal(parameter.asnumpy(), held[file_names[name]].asnumpy())


@pytest.mark.parametrize(
    ("declared", "given", "size", "built"),
    [
        ({}, {}, 3, 1),  # the default is right
        ({"size": 5}, {}, 5, 1),
        ({}, {}, 5, 2),  # only the file tells
        ({}, {"size": 5}, 5, 1),
    ],
)
def test_a_network_is_built_again_only_if_the_file_tells_of_another(
    declared: dict[str, int],
    given: dict[str, int],
    size: int,
    built: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = arrays(size, "float32")
    asset = publish(as_ckpt(held), "file.ckpt", monkeypatch, **declared)
    assert_holds(create(Layer, asset, given), held)
    assert Layer.built == built


def test_arguments_that_only_the_file_tells_do_not_keep_the_callers_from_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Uncertain(Layer):
        def __init__(self, size: int, dtype: str = "float32") -> None:
            super().__init__(size, dtype)

    held = arrays(4, "float16")
    asset = publish(as_ckpt(held), "file.ckpt", monkeypatch)
    assert_holds(create(Uncertain, asset, {"dtype": "float16"}), held)


@pytest.mark.parametrize("format", WRITERS)
@pytest.mark.parametrize("load", [load_parameters, create])
def test_nothing_of_a_file_that_was_damaged_in_the_store_is_parsed(
    load: Callable[..., Any], format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = WRITERS[format](arrays(3, "float32"))
    asset = publish(content, f"file.{format}", monkeypatch)
    load(Layer, asset)
    (blob,) = stored()
    blob.chmod(0o644)
    blob.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    called = set()
    sys.setprofile(lambda frame, *_: called.add(frame.f_code))
    try:
        with pytest.raises(IntegrityError, match="in the store is damaged"):
            load(Layer, asset)
    finally:
        sys.setprofile(None)
    assert called
    assert read_index.__code__ not in called
    load(Layer, asset)


@pytest.mark.parametrize("load", [load_parameters, create])
def test_a_file_in_the_store_is_brought_again_only_if_that_is_forced(
    load: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asset = publish(as_ckpt(arrays(3, "float32")), "file.ckpt", monkeypatch)
    monkeypatch.setenv("MSHUB_OFFLINE", "1")
    load(Layer, asset)
    Path(os.environ["MSHUB_MIRRORS"], "file.ckpt").unlink()
    load(Layer, asset)
    with pytest.raises(OfflineError, match="MSHUB_OFFLINE forbids the network"):
        load(Layer, asset, force=True)
    load(Layer, asset)


def test_parameters_come_without_optimizer_state(monkeypatch: pytest.MonkeyPatch) -> None:
    held = arrays(3, "float32")
    asset = publish(as_ckpt(held), "file.ckpt", monkeypatch)
    parameters = load_parameters(Layer, asset)
    assert parameters.keys() == held.keys()
    for name, array in held.items():
        assert parameters[name].name == name
        np.testing.assert_array_equal(parameters[name].asnumpy(), array)


def test_the_collector_runs_while_a_file_is_brought_and_not_while_a_network_is_built(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    states = []
    real = download.obtain

    def obtain(*args: Any, **kwargs: Any) -> Any:
        states.append(("brought", gc.isenabled()))
        return real(*args, **kwargs)

    class Watching(Layer):
        def __init__(self, size: int = 3) -> None:
            super().__init__(size)
            states.append(("built", gc.isenabled()))

    monkeypatch.setattr(download, "obtain", obtain)
    asset = publish(as_ckpt(arrays(3, "float32")), "file.ckpt", monkeypatch)
    create(Watching, asset)
    create(Watching, asset, {"size": 3})
    assert states == [("brought", True), ("built", False), ("built", False), ("brought", True)]
    assert gc.isenabled()


def test_arguments_that_build_nothing_are_told_of_once_the_file_is_right(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asset = publish(as_ckpt(arrays(3, "float32")), "file.ckpt", monkeypatch, dtyp="float32")
    with pytest.raises(CardError, match="Layer cannot be built with network-args"):
        create(Layer, asset)
    with pytest.raises(ValueError, match="size must be positive"):
        create(Layer, Asset(asset.link, asset.sha256), {"size": 0})
    damaged = Asset(asset.link, "0" * 64, network_args={"size": 0})
    with pytest.raises(NetworkError, match=r"file\.ckpt: another file"):
        create(Layer, damaged, {})
