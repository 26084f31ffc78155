"""Loading published structures over HTTPS, by every kind of name, strictly."""

import functools
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import checkpoints
import manifests
import mindspore
import numpy as np
import pytest
import sample
import tiny
from faults import flipped
from server import FileServer, good

import mindspore_hub
from mindspore_hub import tensors as tensorfile
from mindspore_hub.errors import (
    AmbiguousNameError,
    CardError,
    CheckpointError,
    IntegrityError,
    OfflineError,
    UnknownNameError,
)
from mindspore_hub.hub.card import Card
from mindspore_hub.hub.hub import Hub
from mindspore_hub.networks import weights
from mindspore_hub.networks.construct import build_uninitialised

pytestmark = pytest.mark.slow

LOAD_ALL = Path(__file__).with_name("load_all.py")

SHA256: dict[str, str] = {}
"""Digests of the served files."""


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FileServer]:
    """HTTPS server with the files of some cards of ours."""
    folder = tmp_path_factory.mktemp("published")
    for name, card in {checkpoints.file_of(card): card for card in sample.defaults()}.items():
        file = f"{name}.ckpt"
        SHA256[file] = checkpoints.write(folder / file, checkpoints.tensors_of(card))
    with FileServer(folder, tls=True) as server:
        yield server


@pytest.fixture
def trusting(monkeypatch: pytest.MonkeyPatch, published: FileServer) -> FileServer:
    """The server, with its CA trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(published.ca_file))
    return published


@pytest.fixture
def stored(
    monkeypatch: pytest.MonkeyPatch, trusting: FileServer, tmp_path_factory: pytest.TempPathFactory
) -> FileServer:
    """The server, and a store that has what tests before have downloaded."""
    monkeypatch.setenv("MSHUB_HOME", str(tmp_path_factory.getbasetemp() / "stored"))
    return trusting


@pytest.fixture(scope="module")
def tiny_hub(tmp_path_factory: pytest.TempPathFactory, published: FileServer) -> Path:
    """A hub with one small network, for what does not depend on the network."""
    held = {name: item.asnumpy() for name, item in tiny.Tiny().parameters_and_names()}
    path = checkpoints.save(published.folder / "tiny.ckpt", held)
    SHA256[path.name] = checkpoints.digest(path)
    folder = tmp_path_factory.mktemp("tiny") / "hub"
    return tiny.hub(folder, f"{published.url}/{path.name}", SHA256[path.name])


@pytest.fixture
def load_tiny(tiny_hub: Path, trusting: FileServer) -> Callable[..., mindspore.nn.Cell]:
    """Load the small network."""
    return functools.partial(mindspore_hub.load, "Tiny", hub=tiny_hub, trust=True)


def small_card(server: FileServer, folder: Path, model: str = "metric_learn") -> Path:
    """A card of a model, outside the hub, that names the served file."""
    card = Hub.of().resolve(model)
    copy = folder / card.path.name
    copy.write_bytes(card.path.read_bytes())
    file = f"{checkpoints.file_of(card)}.ckpt"
    return checkpoints.publish(copy, f"{server.url}/{file}", SHA256[file])


def test_every_manifest_is_of_a_card() -> None:
    assert {card.name for card in Hub.of().cards} >= checkpoints.MANIFESTS.keys()


def test_our_files_are_those_that_mindspore_writes(tmp_path: Path) -> None:
    tensors = [item for item in manifests.read("metric_learn_triplet") if np.prod(item.shape) < 999]
    assert {len(item.shape) for item in tensors} == {0, 1}
    assert {item.dtype for item in tensors} == {"float32", "int32"}
    sha256 = checkpoints.write(tmp_path / "ours.ckpt", tensors)
    with (tmp_path / "ours.ckpt").open("rb") as file:
        order = [*tensorfile.read_index(tensorfile.map_file(file)).entries]
    values = {item.name: checkpoints.value(item) for item in tensors}
    written = checkpoints.save(tmp_path / "theirs.ckpt", {name: values[name] for name in order})
    assert checkpoints.digest(written) == checkpoints.digest(tmp_path / "ours.ckpt") == sha256


def test_load_takes_every_card_and_every_kind_of_name(tmp_path: Path, stored: FileServer) -> None:
    hub = checkpoints.copy_hub(tmp_path / "hub", families=True)
    cards = sample.defaults()
    for card in cards:
        file = f"{checkpoints.file_of(card)}.ckpt"
        checkpoints.publish(
            hub / card.path.relative_to(checkpoints.ROOT), f"{stored.url}/{file}", SHA256[file]
        )
    search_path = os.pathsep.join([str(hub), str(Path(__file__).parent)])
    done = subprocess.run(
        [sys.executable, str(LOAD_ALL), *(card.uid for card in cards)],
        env={**os.environ, "PYTHONPATH": search_path},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["package"] == str(hub / "mindspore_hub")
    assert report["different"] == []
    assert report["resolved"] == {card.name: [card.uid] for card in cards}
    assert set(report["loaded"]) == {card.name for card in cards}
    assert set(report["loaded"].values()) == {"bare", "variant", "name", "uid", "path"}
    downloads = [request for request in stored.requests if request.startswith("GET")]
    assert len(downloads) == len(set(map(checkpoints.file_of, cards))), "one per distinct file"


def test_load_leaves_the_context_alone_and_gives_inference_mode(
    load_tiny: Callable[..., mindspore.nn.Cell],
) -> None:
    names = ("mode", "device_target", "device_id", "max_call_depth", "deterministic")
    before = {name: mindspore.get_context(name) for name in names}
    network = load_tiny()
    assert not network.training
    assert {name: mindspore.get_context(name) for name in names} == before


@pytest.fixture
def no_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail the test if a checkpoint is parsed."""
    monkeypatch.setattr(weights, "read_index", lambda *_: pytest.fail("it was parsed"))


@pytest.mark.parametrize("bit", [0, 8 * 2_500_000, -1], ids=["first", "middle", "last"])
@pytest.mark.usefixtures("no_parser")
def test_load_parses_nothing_of_a_file_with_one_flipped_bit(bit: int, tmp_path: Path) -> None:
    card = Hub.of().resolve("metric_learn")
    copy = tmp_path / card.path.name
    copy.write_bytes(card.path.read_bytes())
    file = tmp_path / "served" / "file.ckpt"
    tensors = manifests.read("metric_learn_triplet")
    megabytes = [item for item in tensors if np.prod(item.shape) == 262_144]
    sha256 = checkpoints.write(file, megabytes[:6])
    size = file.stat().st_size
    assert size > 5_000_000
    with FileServer(file.parent) as server:
        checkpoints.publish(copy, f"{server.url}/file.ckpt", sha256)
        server.on("/file.ckpt", flipped(bit % (8 * size)), good)
        with pytest.raises(IntegrityError, match="sha256"):
            mindspore_hub.load(str(copy))


def test_load_takes_the_good_file_after_a_bad_one(
    load_tiny: Callable[..., mindspore.nn.Cell], trusting: FileServer
) -> None:
    trusting.on("/tiny.ckpt", flipped(801), good)
    with pytest.raises(IntegrityError, match="sha256"):
        load_tiny()
    assert load_tiny() is not None


def test_load_refuses_a_file_that_was_damaged_in_the_store(
    load_tiny: Callable[..., mindspore.nn.Cell], tmp_path: Path
) -> None:
    load_tiny()
    (blob,) = (path for path in (tmp_path / "store/blobs").rglob("*") if path.is_file())
    blob.chmod(0o644)
    with blob.open("r+b") as file:
        file.seek(blob.stat().st_size // 2)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))
    with pytest.raises(IntegrityError):
        load_tiny()
    assert load_tiny() is not None


def test_load_needs_no_network_for_a_checkpoint_in_the_store(
    load_tiny: Callable[..., mindspore.nn.Cell],
    trusting: FileServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MSHUB_OFFLINE", "1")
    with pytest.raises(OfflineError, match=r"tiny\.ckpt"):
        load_tiny()
    monkeypatch.delenv("MSHUB_OFFLINE")
    load_tiny()
    asked = len(trusting.requests)
    monkeypatch.setenv("MSHUB_OFFLINE", "1")
    assert load_tiny() is not None
    assert len(trusting.requests) == asked


@pytest.mark.parametrize("function", ["load", "load_weights"])
def test_a_checkpoint_is_downloaded_once_and_again_if_that_is_forced(
    function: str, tiny_hub: Path, trusting: FileServer
) -> None:
    asked = []
    for force in (False, False, True):
        before = len(trusting.requests)
        call = getattr(mindspore_hub, function)
        call("Tiny", hub=tiny_hub, trust=True, force_reload=force)
        asked.append(len(trusting.requests) - before)
    assert asked == [1, 0, 1]


@pytest.mark.parametrize("model", sorted({card.model_name for card in sample.defaults()}))
def test_load_with_another_class_count_reinitialises_the_head_only(
    model: str, tmp_path: Path, stored: FileServer, caplog: pytest.LogCaptureFixture
) -> None:
    card = str(small_card(stored, tmp_path, model))
    whole = mindspore_hub.load(card)
    caplog.clear()
    with caplog.at_level(logging.WARNING, "mindspore_hub"):
        network = mindspore_hub.load(card, num_classes=7)
    expected = dict(whole.parameters_and_names())
    fresh = {
        name: parameter.shape
        for name, parameter in network.parameters_and_names()
        if parameter.shape != expected[name].shape
    }
    assert all({7, 14} & set(shape) for shape in fresh.values()), "classes, or pairs of them"
    assert fresh
    assert all(name in caplog.text for name in fresh)
    ordinary = new_network(model, 7)
    for name, parameter in network.parameters_and_names():
        if name in fresh:
            assert_drawn_alike(parameter.asnumpy(), ordinary[name].init_data().asnumpy())
        else:
            assert np.array_equal(parameter.asnumpy(), expected[name].asnumpy()), name


def new_network(model: str, classes: int) -> dict[str, mindspore.Parameter]:
    """Parameters of a network, to be drawn where they are looked at."""
    cell = checkpoints.network_class(model)
    arguments = {
        **Hub.of().resolve(model).asset.network_args,
        cell.checkpoint.class_argument: classes,
    }
    return dict(build_uninitialised(cell, arguments).parameters_and_names())


def assert_drawn_alike(values: np.ndarray, others: np.ndarray) -> None:
    """Two draws of the same magnitude, some of seven values only; or one constant."""
    assert np.isfinite(values).all()
    if len(np.unique(others)) == 1:
        assert np.array_equal(values, others)
    else:
        assert 0.1 < np.abs(values).max() / np.abs(others).max() < 10
        assert not np.array_equal(values, others)


@pytest.mark.parametrize("context", [mindspore.PYNATIVE_MODE, mindspore.GRAPH_MODE])
def test_fine_tuning_changes_the_network_and_never_the_store(
    context: int, load_tiny: Callable[..., mindspore.nn.Cell], tmp_path: Path
) -> None:
    network = load_tiny()
    before = {name: value.asnumpy().copy() for name, value in network.parameters_and_names()}
    mode = mindspore.get_context("mode")
    mindspore.set_context(mode=context)
    try:
        descend(network)
    finally:
        mindspore.set_context(mode=mode)
    for parameter in network.trainable_params():
        assert not np.array_equal(parameter.asnumpy(), before[parameter.name]), parameter.name
    (blob,) = (path for path in (tmp_path / "store/blobs").rglob("*") if path.is_file())
    assert checkpoints.digest(blob) == SHA256["tiny.ckpt"]
    again = dict(load_tiny().parameters_and_names())
    assert all(np.array_equal(again[name].asnumpy(), value) for name, value in before.items())


def descend(network: mindspore.nn.Cell) -> None:
    """Make one step that shrinks every parameter, whatever the data."""
    optimizer = mindspore.nn.SGD(network.trainable_params(), learning_rate=0.1, weight_decay=0.1)

    def loss(image: mindspore.Tensor) -> mindspore.Tensor:
        return mindspore.ops.square(network(image)).mean()

    differentiate = mindspore.value_and_grad(loss, None, optimizer.parameters)
    image = mindspore.Tensor(np.ones((1, 3, *tiny.SIZE), np.float32))
    optimizer(differentiate(image)[1])


def test_load_refuses_another_argument_than_the_class_count(
    tmp_path: Path, stored: FileServer
) -> None:
    card = str(small_card(stored, tmp_path, "MultiTaskNet"))
    with pytest.raises(CheckpointError, match=r"base\.conv0\.weight") as caught:
        mindspore_hub.load(card, num_class=7, heatmapaware=False)
    assert str(caught.value).endswith(
        "\nYou gave num_vids=7, heatmapaware=False, but the file has heatmapaware=True "
        "(base.conv0.weight has shape (64, 39, 7, 7)). Leave out what does not fit: without it, the "
        f"file is loaded.\nThe card is {card}."
    )
    with pytest.raises(CheckpointError) as caught:
        mindspore_hub.load(card, multitask=False)
    assert "\nYou gave multitask=False. Leave out what does not fit" in str(caught.value)


def test_load_derives_uncertain_arguments_from_the_file(tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    for name in ("segment575", "heatmap576", "both575") if sample.ALL else ("segment575",):
        tensors = manifests.read(f"multitasknet_{name}")
        sha256 = checkpoints.write(mirror / f"{name}.ckpt", tensors)
        copy = tmp_path / f"{name}.md"
        copy.write_bytes(Hub.of().resolve("MultiTaskNet").path.read_bytes())
        with FileServer(mirror) as server:
            card = checkpoints.publish(copy, f"{server.url}/{name}.ckpt", sha256)
            network = mindspore_hub.load(str(card))
        shapes = {tensor.canonical: tensor.shape for tensor in tensors}
        assert network.base.conv0.weight.shape == shapes["base.conv0.weight"]
        assert network.classifier_vid.weight.shape == shapes["classifier_vid.weight"]


def test_load_shows_arguments_of_a_card_that_contradict_the_file(
    tmp_path: Path, stored: FileServer
) -> None:
    card = small_card(stored, tmp_path)
    text = card.read_text(encoding="utf-8")
    card.write_text(text.replace("{class_num: 5184}", "{class_num: 11318}"), encoding="utf-8")
    with pytest.raises(CheckpointError) as caught:
        mindspore_hub.load(str(card))
    assert "class_num: the card says 11318, the checkpoint 5184" in str(caught.value)
    assert "head.weight has shape (5184, 2048)" in str(caught.value)
    with pytest.raises(CheckpointError) as caught:
        mindspore_hub.load(str(card), num_class=7)
    assert "You gave" not in str(caught.value)
    assert str(caught.value).endswith(f"correct network-args or asset-link.\nThe card is {card}.")


def test_load_names_the_one_tensor_in_which_a_served_file_differs(tmp_path: Path) -> None:
    network = [item for item in manifests.read("multitasknet_heatmap575") if item.canonical]
    network = [
        item._replace(shape=(65, 39, 7, 7)) if item.canonical == "base.conv0.weight" else item
        for item in network
    ]
    sha256 = checkpoints.write(tmp_path / "served" / "file.ckpt", network)
    card = tmp_path / "card.md"
    card.write_bytes(Hub.of().resolve("MultiTaskNet").path.read_bytes())
    with FileServer(tmp_path / "served") as server:
        checkpoints.publish(card, f"{server.url}/file.ckpt", sha256)
        with pytest.raises(CheckpointError) as caught:
            mindspore_hub.load(str(card))
    assert str(caught.value).startswith(f"{server.url}/file.ckpt: ")
    message = "base.conv0.weight: expected (64, 39, 7, 7), the file has (65, 39, 7, 7)"
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("{class_num: [5184]}", "network-args gives class_num no single value"),
        ("{class_num: }", "network-args gives class_num no single value"),
        ("5184", "network-args is not a mapping"),
        ("{classes: 5184}", "metric_learn cannot be built with network-args {'classes': 5184}"),
        ("{class_num: many}", "metric_learn cannot be built with network-args"),
    ],
)
def test_load_refuses_a_card_whose_arguments_mean_nothing(
    arguments: str, message: str, tmp_path: Path
) -> None:
    card = tmp_path / "card.md"
    text = Hub.of().resolve("metric_learn").path.read_text(encoding="utf-8")
    card.write_text(text.replace("{class_num: 5184}", arguments), encoding="utf-8")
    with pytest.raises(CardError) as caught:
        mindspore_hub.load(str(card), pretrained=False)
    assert message in str(caught.value)
    assert str(card) in str(caught.value)


@pytest.mark.parametrize("pretrained", [True, False])
def test_load_blames_the_card_for_its_arguments_whatever_the_caller_gives(
    pretrained: bool, tmp_path: Path, stored: FileServer
) -> None:
    card = small_card(stored, tmp_path)
    text = card.read_text(encoding="utf-8")
    card.write_text(text.replace("{class_num: 5184}", "{zzz: 1}"), encoding="utf-8")
    with pytest.raises(CardError) as caught:
        mindspore_hub.load(str(card), num_class=7, pretrained=pretrained)
    message = str(caught.value)
    assert "and class_num=7, which you gave: " in message
    assert "unexpected keyword argument 'zzz'" in message
    assert message.endswith(f"Correct network-args.\nThe card is {card}.")


@pytest.mark.parametrize(
    ("key", "written", "link", "sha256"),
    [
        ("asset-link", "", "", None),
        ("asset-sha256", "ABCDEF", None, "ABCDEF"),
        ("asset-sha256", "", None, ""),
    ],
)
@pytest.mark.parametrize("function", ["load", "load_weights"])
def test_a_card_whose_file_can_never_be_verified_is_refused_without_a_request(
    function: str, key: str, written: str, link: str | None, sha256: str | None, tmp_path: Path
) -> None:
    published = Hub.of().resolve("metric_learn")
    lines = published.path.read_text(encoding="utf-8").splitlines()
    card = tmp_path / "card.md"
    changed = (f"    {key}: {written}" if f"    {key}:" in line else line for line in lines)
    card.write_text("\n".join(changed) + "\n", encoding="utf-8")
    with pytest.raises(CardError) as caught:
        getattr(mindspore_hub, function)(str(card))
    link = published.asset.link if link is None else link
    sha256 = published.asset.sha256 if sha256 is None else sha256
    assert str(caught.value) == (
        f"{card} declares an asset that can never be verified: asset-link {link!r}, asset-sha256 "
        f"{sha256!r}; `mshub card check {card}` says what is wrong."
    )


def test_load_takes_the_file_from_the_link_of_another_card_with_its_digest(
    tmp_path: Path, trusting: FileServer
) -> None:
    hub = checkpoints.copy_hub(tmp_path / "hub")
    one, other = (Hub.of(hub).resolve(f"resnet50{mark}triplet_sop") for mark in ("_", ""))
    sha256 = SHA256["metric_learn_triplet.ckpt"]
    checkpoints.publish(one.path, f"{trusting.url}/gone.ckpt", sha256)
    checkpoints.publish(other.path, f"{trusting.url}/metric_learn_triplet.ckpt", sha256)
    before = len(trusting.requests)
    mindspore_hub.load(one.uid, hub=hub, trust=True)
    assert trusting.requests[before:] == ["GET /gone.ckpt", "GET /metric_learn_triplet.ckpt"]


def test_load_weights_gives_parameters_that_fit_the_network(
    tmp_path: Path, stored: FileServer
) -> None:
    card = str(small_card(stored, tmp_path, "DDAG"))
    weights = mindspore_hub.load_weights(card)
    network = mindspore_hub.load(card, pretrained=False)
    assert weights.keys() == {name for name, _ in network.parameters_and_names()}
    missing, unexpected = mindspore.load_param_into_net(network, weights)
    assert (missing, unexpected) == ([], [])


def test_load_weights_refuses_a_file_of_another_network(tmp_path: Path) -> None:
    tensors = [item for item in manifests.read("multitasknet_heatmap575") if item.canonical]
    sha256 = checkpoints.write(tmp_path / "mirror" / "file.ckpt", tensors)
    card = tmp_path / "card.md"
    card.write_bytes(Hub.of().resolve("metric_learn").path.read_bytes())
    with FileServer(tmp_path / "mirror") as server:
        checkpoints.publish(card, f"{server.url}/file.ckpt", sha256)
        with pytest.raises(CheckpointError, match="does not fit metric_learn") as caught:
            mindspore_hub.load_weights(str(card))
    assert str(caught.value).endswith(f"correct network-args or asset-link.\nThe card is {card}.")


def structures() -> dict[str, list[Card]]:
    """Cards by the networks they are built as, the first card's name for each."""
    found: dict[str, list[Card]] = {}
    for card in sample.defaults():
        same = f"{card.model_name} {card.asset.network_args}"
        found.setdefault(same, []).append(card)
    return {cards[0].name: cards for cards in found.values()}


@pytest.mark.usefixtures("no_values")
@pytest.mark.parametrize("cards", structures().values(), ids=structures())
def test_load_builds_every_card_without_its_checkpoint(cards: list[Card]) -> None:
    network = mindspore_hub.load(cards[0].uid, pretrained=False)
    assert isinstance(network, mindspore.nn.Cell)
    assert {card.input_shapes for card in cards} == {network.input_shapes}


@pytest.mark.usefixtures("no_values")
def test_load_takes_positional_arguments_of_the_constructor() -> None:
    network = mindspore_hub.load("VehicleNet", 10, pretrained=False)
    assert network.classifier.classifier.weight.shape == (10, 512)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"name": 1}, TypeError, "name must be a str, but is 1"),
        ({"name": "MVD", "pretrained": "yes"}, TypeError, "pretrained must be a bool"),
        ({"name": "MVD", "force_reload": 1}, TypeError, "force_reload must be a bool"),
        ({"name": "MVD", "source": "bitbucket"}, ValueError, "source must be one of gitee"),
        ({"name": "~nobody-by-this-name"}, UnknownNameError, "names no model card"),
        ({"name": "~nobody-by-this-name/x.md"}, UnknownNameError, "There is no card '~nobody"),
        ({"name": "MVD", "source": "local"}, UnknownNameError, "card or folder, but 'MVD' does"),
        ({"name": "x.md", "source": "local"}, UnknownNameError, "'x.md' does not exist"),
        ({"name": __file__, "source": "local"}, UnknownNameError, "test_load.py' is neither"),
        ({"name": "~nobody-by-this-name", "source": "local"}, UnknownNameError, "does not exist"),
        ({"name": "a" * 5000, "source": "local"}, UnknownNameError, "does not exist"),
        ({"name": "\0", "source": "local", "trust": True}, UnknownNameError, r"'\x00' does not"),
        ({"name": "https://www.baidu.com"}, ValueError, "is not the address of a model card"),
        ({"name": "MVDD"}, UnknownNameError, "Did you mean MVD?"),
        ({"name": "DDAG@nope"}, UnknownNameError, "DDAG@sysumm01-indoor"),
        ({"name": "MVD@regdb"}, AmbiguousNameError, "MVD@regdb-visibletoinfrared"),
        ({"name": "nowhere.md"}, UnknownNameError, "There is no card 'nowhere.md'"),
        ({"name": "MVD", "pretrained": False, "classes": 1}, TypeError, "classes"),
        ({"name": "MVD", "pretrained": False, "num_class": 0}, ValueError, "num_class"),
    ],
)
def test_load_explains_a_bad_call(
    arguments: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        mindspore_hub.load(**arguments)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_class": 0}, "num_class must be an integer of at least 1, got 0"),
        ({"num_class": "3"}, "num_class must be an integer of at least 1, got '3'"),
        ({"drop": 7}, "drop must be a number of at least 0 and below 1, got 7"),
    ],
)
def test_load_refuses_wrong_arguments_before_it_asks_for_the_file(
    arguments: dict[str, object], message: str, tmp_path: Path, trusting: FileServer
) -> None:
    card = str(small_card(trusting, tmp_path, "MVD"))
    asked = len(trusting.requests)
    with pytest.raises(ValueError, match=message):
        mindspore_hub.load(card, **arguments)
    assert len(trusting.requests) == asked


def test_load_refuses_wrong_arguments_offline_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MSHUB_OFFLINE", "1")
    with pytest.raises(ValueError, match="num_class must be"):
        mindspore_hub.load("MVD", num_class=0)
    with pytest.raises(OfflineError):
        mindspore_hub.load("MVD", num_class=5)


@pytest.mark.usefixtures("no_values")
def test_load_takes_integers_of_numpy() -> None:
    classes = np.array([0, 4, 9]).max() + 1
    network = mindspore_hub.load(
        "VehicleNet", pretrained=False, num_class=classes, stride=np.uint8(2)
    )
    assert network.classifier.classifier.weight.shape == (10, 512)


def test_models_load_and_run_in_one_process_beside_modules_of_the_same_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("models", "src", "tools"):
        (tmp_path / f"{name}.py").write_text("MINE = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("models", "src", "tools"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import src

    import models
    import tools

    before = mindspore.get_context("mode")
    try:
        for name in ("squeezenet_residual", "metric_learn", "lenet"):
            network = mindspore_hub.load(name, pretrained=False)
            inputs = [np.ones((1, *shape), np.float32) for shape in network.input_shapes]
            expected = Hub.of().resolve(name).output_shapes
            for mode in (mindspore.PYNATIVE_MODE, mindspore.GRAPH_MODE):
                mindspore.set_context(mode=mode)
                outputs = network(*map(mindspore.Tensor, inputs))
                outputs = outputs if isinstance(outputs, tuple) else (outputs,)
                assert tuple(output.shape[1:] for output in outputs) == expected
    finally:
        mindspore.set_context(mode=before)
    assert models.MINE
    assert src.MINE
    assert tools.MINE
    for name in ("models", "src", "tools"):
        assert sys.modules[name].__file__ == str(tmp_path / f"{name}.py")
        monkeypatch.delitem(sys.modules, name)
