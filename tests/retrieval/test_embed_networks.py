"""The feature of each network is the one that its published evaluation makes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import checkpoints
import mindspore
import numpy as np
import pytest
import sample
import tiny
from mindspore import Tensor, nn
from PIL import Image
from server import FileServer

import mindspore_hub
from mindspore_hub.gallery.features import Features
from mindspore_hub.hub.hub import Hub
from mindspore_hub.networks.construct import build_uninitialised

pytestmark = pytest.mark.slow

PICTURES, FEW = 8, 2
"""Pictures for which networks are compiled, with MSHUB_TEST_ALL=1, and for which they are not."""

Array = np.ndarray[Any, Any]
Rows = dict[str, Array]


def run(network: nn.Cell, *inputs: Array) -> tuple[Array, ...]:
    outputs = network(*map(Tensor, inputs))
    return tuple(item.asnumpy() for item in (outputs if isinstance(outputs, tuple) else (outputs,)))


def unit(rows: Array) -> Array:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def all_four(network: nn.Cell, x: Array) -> Rows:
    return {"vectors": np.hstack(run(network, x))}


def first(network: nn.Cell, x: Array) -> Rows:
    return {"vectors": run(network, x)[0]}


def second(network: nn.Cell, x: Array) -> Rows:
    return {"vectors": run(network, x)[1]}


def sum_with_mirror(network: nn.Cell, x: Array) -> Rows:
    (straight,), (mirrored,) = run(network, x), run(network, x[:, :, :, ::-1].copy())
    return {"vectors": unit(straight + mirrored)}


def first_of_unit_length(network: nn.Cell, x: Array) -> Rows:
    return {"vectors": unit(run(network, x)[0])}


def vehicle_and_scores(network: nn.Cell, x: Array, points: Array) -> Rows:
    _, colors, types, vectors = run(network, x, points)
    return {"vectors": vectors, "color_scores": colors, "type_scores": types}


CASES: list[tuple[str, Callable[..., Rows], int]] = [
    ("MVD", all_four, 8192),
    ("DDAG@sysumm01-all", second, 2048),
    ("DDAG@regdb-visibletoinfrared", first, 2048),
    ("VehicleNet", sum_with_mirror, 512),
    ("metric_learn", first_of_unit_length, 2048),
    ("MultiTaskNet", vehicle_and_scores, 1024),
]


def test_every_network_of_a_known_protocol_has_a_case() -> None:
    cards = Hub.of().cards
    alone = [card for card in cards if card.asset and not card.text("family")]
    known = {card.model_name for card in alone if card.asset.mapping("task")}
    assert {name.partition("@")[0] for name, _, _ in CASES} == known


def filled(name: str) -> nn.Cell:
    """The network of a card, with values that anybody can draw again."""
    arguments = Hub.of().resolve(name).asset.network_args
    network = build_uninitialised(checkpoints.network_class(name), arguments)
    return tiny.fill_in(network).set_train(False)


def with_maps(folder: Path, maps: Path) -> dict[str, Path]:
    """Heatmaps and keypoints for each picture."""
    random = np.random.default_rng(0)
    lines = []
    for path in sorted(folder.iterdir()):
        (maps / path.stem).mkdir(parents=True)
        for number in range(36):
            grey = random.integers(0, 256, (8, 8), np.uint8)
            Image.fromarray(grey).save(maps / path.stem / f"{number:02}.jpg")
        points = random.random((36, 3)) * (5, 7, 1)
        lines.append(",".join([path.name, "1", "2", "3", *map(str, points.ravel())]))
    keypoints = maps / "label_query.csv"
    keypoints.write_text("\n".join(lines), encoding="utf-8")
    return {"heatmaps": maps, "keypoints": keypoints}


def prepared(name: str, folder: Path, beside: dict[str, Path]) -> tuple[Array, ...]:
    """The inputs of the network, all pictures at once."""
    paths = sorted(folder.iterdir())
    extras: dict[str, Any] = {}
    if beside:
        lines = beside["keypoints"].read_text(encoding="utf-8").splitlines()
        extras["heatmaps"] = [beside["heatmaps"] / path.stem for path in paths]
        extras["keypoints"] = [np.array(line.split(",")[4:], float) for line in lines]
    made = mindspore_hub.transforms(name)(paths, **extras)
    return made if isinstance(made, tuple) else (made,)


@contextmanager
def graph_mode() -> Iterator[None]:
    before = mindspore.get_context("mode")
    mindspore.set_context(mode=mindspore.GRAPH_MODE)
    try:
        yield
        assert mindspore.get_context("mode") == mindspore.GRAPH_MODE
    finally:
        mindspore.set_context(mode=before)


@pytest.mark.parametrize(("name", "feature", "width"), CASES)
def test_the_feature_is_that_of_the_published_evaluation(
    name: str, feature: Callable[..., Rows], width: int, tmp_path: Path
) -> None:
    count = PICTURES if sample.ALL else FEW
    folder = tiny.numbered(tmp_path / "all", count)
    beside = with_maps(folder, tmp_path / "maps") if name == "MultiTaskNet" else {}
    network = filled(name)
    names = [parameter.name for parameter in network.get_parameters()]
    wanted = feature(network, *prepared(name, folder, beside))
    assert wanted["vectors"].shape == (count, width)
    network.set_train(True)

    few = sorted(folder.iterdir())[:FEW]
    made = [mindspore_hub.embed(name, few, network=network, batch_size=1, **beside)]
    if sample.ALL:
        # Networks of which the first output is the feature are compiled alike; one is enough.
        size = 2 if name == "DDAG@regdb-visibletoinfrared" else 1
        made.append(mindspore_hub.embed(name, folder, network=network, batch_size=size, **beside))
    assert network.training
    assert [parameter.name for parameter in network.get_parameters()] == names
    assert mindspore.get_context("mode") == mindspore.PYNATIVE_MODE
    assert [len(features) for features in made] == [FEW, PICTURES][: len(made)]
    for features in made:
        assert_alike(features, wanted)
        assert features.about["network"] == "given"


def assert_alike(found: Features, wanted: Rows) -> None:
    for key, rows in wanted.items():
        made = getattr(found, key)
        assert made.dtype == np.float32
        part = rows[: len(found)]
        np.testing.assert_allclose(made, part, rtol=0, atol=1e-5 * np.abs(rows).max())


def test_the_published_checkpoint_is_loaded_and_made_into_features_in_graph_mode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "metric_learn"
    network, folder = filled(name), tiny.numbered(tmp_path / "all", 3)
    card = tmp_path / "card.md"
    card.write_bytes(Hub.of().resolve(name).path.read_bytes())
    (tmp_path / "served").mkdir()
    file = tmp_path / "served" / "file.ckpt"
    mindspore.save_checkpoint(network, str(file))
    sha256 = checkpoints.digest(file)
    with FileServer(file.parent, tls=True) as server, graph_mode():
        monkeypatch.setenv("SSL_CERT_FILE", str(server.ca_file))
        checkpoints.publish(card, f"{server.url}/file.ckpt", sha256)
        loaded = mindspore_hub.embed(str(card), folder, batch_size=2)
    assert_alike(loaded, first_of_unit_length(network, *prepared(name, folder, {})))
    assert (loaded.about["network"], loaded.about["sha256"]) == ("published", sha256)


def test_the_two_features_of_ddag_differ_here(tmp_path: Path) -> None:
    folder = tiny.numbered(tmp_path / "all", 2)
    name = "DDAG@sysumm01-all"
    plain, attended = run(filled(name), *prepared(name, folder, {}))
    assert np.abs(plain - attended).max() > 1e-3 * np.abs(plain).max()
