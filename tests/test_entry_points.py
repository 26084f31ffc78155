"""Entry points under both clients: in place, copied out, several in a process, both modes."""

import importlib.util
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import checkpoints
import manifests
import mindspore
import numpy as np
import pytest
import sample
import upstream
from server import FileServer

from mindspore_hub.errors import CardError
from mindspore_hub.hub.hub import Hub
from mindspore_hub.networks.classes import network_class
from mindspore_hub.networks.weights import facts_of

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("no_values")]

MODELS = sample.models()


@pytest.fixture(autouse=True)
def search_path() -> Iterator[None]:
    """The upstream client leaves folders on the search path; nobody else shall see them."""
    before = list(sys.path)
    yield
    sys.path[:] = before


def entry_point_folder(root: Path, model: str) -> Path:
    return root / "mindspore_hub_conf" / model


def bundle(root: Path, model: str, folder: Path) -> Path:
    """Copy an entry point out of the hub, with `models` beside it."""
    shutil.copytree(entry_point_folder(root, model), folder)
    shutil.copytree(root / "models", folder / "models")
    return folder


@pytest.mark.parametrize("model", MODELS)
def test_entry_points_take_the_model_and_every_card(model: str, root: Path) -> None:
    module = upstream.load_entry_point(entry_point_folder(root, model))
    default = Hub.of().resolve(model)
    names = [card.name for card in MODELS[model]]
    keys = {it: it.name if names.count(it.name) == 1 else it.uid for it in MODELS[model]}
    assert keys[default] == module.DEFAULT
    for card in MODELS[model]:
        published = module.CHECKPOINTS[keys[card]]
        assert published["asset-sha256"] == card.asset.sha256
        assert published["asset-link"] == card.asset.link
        if card is not default and not sample.ALL:
            continue
        network = module.create_network(keys[card].upper())
        for argument, value in published["network-args"].items():
            tensors = [a.tensor for a in facts_of(network).arguments if a.name == argument]
            shapes = {name: item.shape for name, item in network.parameters_and_names()}
            assert all(value in shapes[tensor] for tensor in tensors)


def test_entry_points_give_arguments_of_the_caller_precedence(root: Path) -> None:
    folder = entry_point_folder(root, "VehicleNet")
    for network in (
        upstream.create_network(folder, "VehicleNet", 10),
        upstream.create_network(folder, "VehicleNet", class_num=10),
    ):
        assert network.classifier.classifier.weight.shape == (10, 512)


def test_entry_points_understand_num_class_whatever_the_network_calls_it(root: Path) -> None:
    folder = entry_point_folder(root, "DDAG")
    network = upstream.create_network(folder, "DDAG", num_class=7)
    assert network.classifier.weight.shape == (7, 2048)
    network = upstream.create_network(folder, "DDAG", num_classes=7)
    assert network.classifier.weight.shape == (7, 2048)
    with pytest.raises(TypeError, match="DDAG: num_class and class_num are the same; give one"):
        upstream.create_network(folder, "DDAG", num_class=7, class_num=8)
    with pytest.raises(TypeError, match=r"DDAG\(.*: got an unexpected keyword argument 'classes'"):
        upstream.create_network(folder, "DDAG", classes=7)


@pytest.mark.parametrize("arguments", [{"name": 3}, {"name": "mvd", "pretrained": "yes"}])
def test_entry_points_check_types(arguments: dict[str, object], root: Path) -> None:
    module = upstream.load_entry_point(entry_point_folder(root, "MVD"))
    with pytest.raises(TypeError, match="name must be a str, pretrained a bool"):
        module.create_network(**arguments)


def test_entry_points_name_what_there_is_for_another_name(root: Path) -> None:
    with pytest.raises(NotImplementedError, match=r"'resnet50' is not here; there is mvd, "):
        upstream.create_network(entry_point_folder(root, "MVD"), "resnet50")


def test_entry_points_say_where_they_looked_for_the_networks(root: Path, tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    shutil.copytree(entry_point_folder(root, "MVD"), folder)
    with pytest.raises(ImportError, match=r"MVD: no mvd\.py in"):
        upstream.create_network(folder, "MVD")


def test_entry_points_load_the_checkpoint_verified_and_strictly(tmp_path: Path) -> None:
    hub = checkpoints.copy_hub(tmp_path / "hub")
    card = Hub.of(hub).resolve("MultiTaskNet")
    tensors = manifests.read("multitasknet_heatmap576")
    sha256 = checkpoints.write(tmp_path / "published" / "file.ckpt", tensors)
    with FileServer(tmp_path / "published") as server:
        entry_point = entry_point_folder(hub, "MultiTaskNet") / "mindspore_hub_conf.py"
        text = entry_point.read_text(encoding="utf-8")
        text = text.replace(card.asset.link, f"{server.url}/file.ckpt")
        entry_point.write_text(text.replace(card.asset.sha256, sha256), encoding="utf-8")
        network = upstream.create_network(entry_point.parent, "MultiTaskNet", pretrained=True)
    for tensor in tensors:
        if tensor.canonical:
            held = dict(network.parameters_and_names())[tensor.canonical].asnumpy()
            assert np.array_equal(held, checkpoints.value(tensor)), tensor.canonical


def test_two_folders_of_networks_never_mix(root: Path, tmp_path: Path) -> None:
    copy = bundle(root, "metric_learn", tmp_path / "net")
    in_copy = type(upstream.create_network(copy, "metric_learn"))
    in_place = type(
        upstream.create_network(entry_point_folder(root, "metric_learn"), "metric_learn")
    )
    assert in_copy is not in_place
    assert sys.modules[in_copy.__module__].__file__ == str(copy / "models" / "metric_learn.py")
    assert in_place is checkpoints.network_class("metric_learn")


def test_a_card_without_a_network_is_explained(tmp_path: Path) -> None:
    text = Hub.of().resolve("MVD").path.read_text(encoding="utf-8")
    card = tmp_path / "leafnet_imagenet.md"
    card.write_text(text.replace("model-name: MVD", "model-name: LeafNet"), encoding="utf-8")
    with pytest.raises(
        CardError, match=r"has no models/leafnet\.py, which the network of leafnet_i"
    ):
        network_class(Hub.of().resolve(str(card)), Hub.of())


def test_the_root_entry_point_builds_any_model(root: Path) -> None:
    hub_conf = import_file(root / "hub_conf.py")
    for name in ("mvd_allresearch_sysumm01", "metric_learn"):
        assert isinstance(hub_conf.create_network(name), mindspore.nn.Cell)
    with pytest.raises(NotImplementedError, match="vehiclenet_vehiclenetdataset"):
        hub_conf.create_network("yolov5s")


def import_file(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
