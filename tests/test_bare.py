"""Published files without a network here: pinned, downloaded, their parameters alone, and in cells of ours."""

import hashlib
import json
import logging
import shutil
from pathlib import Path
from typing import Any

import checkpoints
import manifests
import numpy as np
import pytest
import sample
from click.testing import CliRunner
from commands import run
from manifests import Tensor
from mindspore import nn
from server import FileServer

import mindspore_hub
from mindspore_hub.authoring.index import build
from mindspore_hub.commands.main import mshub
from mindspore_hub.errors import (
    CardError,
    CheckpointError,
    IntegrityError,
    OfflineError,
    TrustError,
    UnknownNameError,
)
from mindspore_hub.hub.index import INDEX

LINK = "https://download.mindspore.cn/models/r1.9"

COUNTERS = ("learning_rate", "global_step")
MOMENTUM = ("momentum", *COUNTERS)
SCALING = ("scale_sense", "current_iterator_step", "last_overflow_iterator_step")

FAMILIES: dict[str, tuple[str, str, tuple[str, ...], tuple[str, ...]]] = {
    # name: names in the file, what is left of them, slots with the names in them, other leftovers
    "resnet50": ("conv1.weight bn1.gamma end_point.bias", "", ("moments.",), MOMENTUM),
    "vgg16": ("layers.0.weight classifier.0.bias", "", ("moments.",), (*MOMENTUM, "epoch_num")),
    "mobilenetv1": ("network.0.0.weight network.0.1.beta fc.bias", "", ("moments.",), MOMENTUM),
    "cspdarknet53": ("backbone.conv0.weight head.fc.weight", "", ("moments.",), MOMENTUM),
    "resnext50": ("backbone.conv1.weight head.fc.bias", "", (), (*MOMENTUM, *SCALING)),
    "inceptionv3": ("a.conv.weight b.bn.gamma", "", ("mean_square.", "moment."), COUNTERS),
    "mindcvnet": ("features.0.weight classifier.bias", "", (), ()),
    "alone": ("network.a.weight network.b.weight", "", (), ()),
    "logistic": ("model.weight model.bias", "", (), ()),
    "tracking": ("model.a.weight head.weight", "", ("accum.", "stat."), MOMENTUM),
    "densenet121": (
        *("network.backbone.a.weight network.head.b.bias", "network."),
        *(("moments.-",), MOMENTUM),
    ),
    "nasnet": (
        *("network.stem.weight network.cell_0.gamma", "network."),
        *(("mean_square.", "moment."), COUNTERS),
    ),
    "pcb": (
        *("network.base.conv1.weight network.instance0.gamma", "network."),
        *(("accum.-", "stat.-"), ("momentum", "learning_rate_group_0", "learning_rate_group_1")),
    ),
    "facenet": (
        *("network.backbone.layer1.weight network.margin_fc.weight", "network."),
        *(("moments.",), (*MOMENTUM, *SCALING)),
    ),
    "convnext": (
        *("model.stages.0.weight model.norm.gamma", "model."),
        *(("adam_m.", "adam_v."), (*COUNTERS, *SCALING)),
    ),
    "cct": ("model.tokenizer.weight model.norm.beta", "model.", ("adam_m.-", "adam_v.-"), COUNTERS),
    "simclr": (
        *("train_net.netwithloss._backbone.model.weight", "train_net.netwithloss._backbone."),
        *((), ()),
    ),
}
"""Files of families as training leaves them, their tensors made small; `-` for slots without prefix."""

SHORT = "resnet50"
"""The family whose card has the first digits only."""


def flipped(content: bytes, place: int) -> bytes:
    """The same with one bit of it changed."""
    changed = bytearray(content)
    changed[place] ^= 1
    return bytes(changed)


def tensor(name: str) -> Tensor:
    return Tensor(name, None, "net", "float32", (2, 3) if name.endswith("weight") else (4,))


def own_names(family: str) -> dict[str, str]:
    """Names that are parameters, by those in the file."""
    names, prefix, _, _ = FAMILIES[family]
    return {name: name.removeprefix(prefix) for name in names.split()}


def tensors_of(family: str) -> list[Tensor]:
    _, _, slots, others = FAMILIES[family]
    own = own_names(family)
    of_slots = [
        f"{slot.removesuffix('-')}{bare if slot.endswith('-') else name}"
        for slot in slots
        for name, bare in own.items()
    ]
    return [tensor(name) for name in (*own, *of_slots, *others)]


def write_card(folder: Path, name: str, link: str, sha256: str, release: str = "1.9") -> None:
    path = folder / "botany" / release / f"{name}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    asset = f"asset:\n  - file-format: ckpt\n    asset-link: <{link}>\n    asset-sha256: {sha256}\n"
    text = f"# T\n\n---\nmodel-name: {name.partition('_')[0]}\n{asset}---\n"
    path.write_text(text, encoding="utf-8")


def write_hub(root: Path, cards: Path) -> Path:
    """A hub that has nothing but the index of these cards."""
    (root / "assets").mkdir(parents=True)
    (root / "assets" / INDEX).write_bytes(build(cards))
    return root


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A hub with a card for each family, and digests of the files that lie in `mirror` beside it."""
    folder = tmp_path_factory.mktemp("published")
    digests = {}
    for family in FAMILIES:
        file = folder / "mirror" / f"{family}.ckpt"
        digests[family] = checkpoints.write(file, tensors_of(family))
        stated = digests[family][:8] if family == SHORT else digests[family]
        write_card(folder / "cards", f"{family}_fern", f"{LINK}/{family}.ckpt", stated)
    link = f"{LINK}/of_another.ckpt"
    write_card(folder / "cards", "other_fern", link, digests[SHORT][:8])
    write_card(folder / "cards", "nothing_fern", link, "")
    write_hub(folder / "hub", folder / "cards")
    return folder, digests


@pytest.fixture
def hub(published: tuple[Path, dict[str, str]], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub, with the mirror that has its files; there is no other way to them."""
    monkeypatch.setenv("MSHUB_MIRRORS", str(published[0] / "mirror"))
    monkeypatch.setenv("MSHUB_OFFLINE", "1")
    return published[0] / "hub"


@pytest.fixture
def sha256(published: tuple[Path, dict[str, str]]) -> str:
    """Digest of the file whose card has the first digits of it."""
    return published[1][SHORT]


@pytest.fixture
def pins(tmp_path: Path, sha256: str) -> Path:
    return tmp_path / "store" / "pins" / f"{sha256[:8]}.json"


@pytest.mark.parametrize("family", FAMILIES)
def test_the_parameters_of_an_indexed_card_come_under_the_names_of_its_network(
    family: str, hub: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = mindspore_hub.download(f"{family}_fern", hub=hub, pin=family == SHORT)
    assert hashlib.sha256(path.read_bytes()).hexdigest().startswith(path.parent.name)
    caplog.set_level(logging.INFO, "mindspore_hub")
    found = mindspore_hub.load_weights(f"{family}_fern", hub=hub)
    names = own_names(family)
    assert found.keys() == set(names.values())
    for name, bare in names.items():
        assert found[bare].name == bare
        assert np.array_equal(found[bare].asnumpy(), checkpoints.value(tensor(name)))
    said = [text for text in caplog.messages if "left out" in text]
    assert len(said) == (
        set(names) != {item.name for item in tensors_of(family)} or family == "simclr"
    )


SAMPLE = {
    name: tensors
    for place, (name, tensors) in enumerate(manifests.published().items())
    if sample.ALL or place % 16 == 0 or "network." in tensors[0].name
}
"""Real names; by default of some files, of all of them on request."""


def test_files_of_other_families_come_through_a_mirror_with_just_their_parameters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = tmp_path / "mirror"
    small = {
        name: [item._replace(shape=(2,)) for item in tensors] for name, tensors in SAMPLE.items()
    }
    for name, tensors in small.items():
        sha256 = checkpoints.write(mirror / f"{name}.ckpt", tensors)
        write_card(tmp_path / "cards", f"{name}_fern", f"{LINK}/{name}.ckpt", sha256)
    hub = write_hub(tmp_path / "hub", tmp_path / "cards")
    monkeypatch.setenv("MSHUB_MIRRORS", str(mirror))
    monkeypatch.setenv("MSHUB_OFFLINE", "1")
    for name, tensors in small.items():
        found = mindspore_hub.load_weights(f"{name}_fern", hub=hub)
        own = {item.canonical: item for item in tensors if item.canonical}
        assert found.keys() == own.keys(), name
        for canonical, item in own.items():
            assert np.array_equal(found[canonical].asnumpy(), checkpoints.value(item)), item.name


@pytest.mark.usefixtures("hub")
def test_a_hub_of_cards_without_networks_is_used_as_an_index_is(
    published: tuple[Path, dict[str, str]], sha256: str, tmp_path: Path
) -> None:
    shutil.copytree(published[0] / "cards", tmp_path / "assets")
    pinned, needed = f"{SHORT}_fern", f"`mshub download botany/1.9/{SHORT}_fern --pin`"
    with pytest.raises(TrustError, match=needed):
        mindspore_hub.load_weights(pinned, hub=tmp_path)
    with pytest.raises(CardError, match=rf"has no models/{SHORT}\.py.* Both need {needed} before"):
        mindspore_hub.load(pinned, hub=tmp_path)
    assert mindspore_hub.download(pinned, hub=tmp_path, pin=True).name == sha256[2:]
    for family in (SHORT, "facenet"):
        weights = mindspore_hub.load_weights(f"{family}_fern", hub=tmp_path)
        assert {*weights} == {*own_names(family).values()}
    with pytest.raises(CheckpointError, match=r"botany/1.9/facenet_fern: .* does not fit Leaf"):
        mindspore_hub.fit(Leaf(), "facenet_fern", hub=tmp_path)


def test_what_is_left_out_is_said_once(hub: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "mindspore_hub.networks.bare")
    mindspore_hub.load_weights("densenet121_fern", hub=hub)
    assert caplog.messages == [
        (
            "botany/1.9/densenet121_fern: left out the prefix network. of all names and 5 tensors of "
            "training (global_step, learning_rate, moments.*, momentum)"
        )
    ]


def test_a_card_with_first_digits_is_refused_until_it_is_pinned(
    hub: Path, sha256: str, pins: Path, caplog: pytest.LogCaptureFixture
) -> None:
    name, uid = f"{SHORT}_fern", f"botany/1.9/{SHORT}_fern"
    for refused in (mindspore_hub.download, mindspore_hub.load_weights):
        with pytest.raises(TrustError) as caught:
            refused(name, hub=hub)
        assert str(caught.value) == (
            f"{uid} publishes only the first 8 digits of its sha256, {sha256[:8]}, which verify "
            f"nothing. `mshub download {uid} --pin` downloads the file, shows its whole sha256 and "
            "pins it: from then on, that is the one that counts."
        )
    assert not pins.parents[1].exists()
    path = mindspore_hub.download(name, hub=hub, pin=True)
    text = f"{uid} is pinned to sha256 {sha256}, of which {sha256[:8]} is published."
    assert [record.getMessage() for record in caplog.records] == [text]
    pin = json.loads(pins.read_text())
    assert (pin["sha256"], len(pin["date"])) == (sha256, 10)
    assert pin["links"] == [f"{LINK}/{SHORT}.ckpt", f"{LINK}/of_another.ckpt"]
    caplog.clear()
    assert mindspore_hub.download(name, hub=hub) == path
    assert mindspore_hub.download(name, hub=hub, pin=True) == path
    assert mindspore_hub.load_weights("other_fern", hub=hub).keys() == own_names(SHORT).keys()
    assert not caplog.records


def test_a_file_with_other_digits_is_not_pinned(
    hub: Path, published: tuple[Path, dict[str, str]], pins: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    content = (published[0] / "mirror" / f"{SHORT}.ckpt").read_bytes()
    for wrong in (flipped(content, 9), content[:-1], b""):
        (mirror / f"{SHORT}.ckpt").write_bytes(wrong)
        monkeypatch.setenv("MSHUB_MIRRORS", str(mirror))
        with pytest.raises((IntegrityError, OfflineError)):
            mindspore_hub.download(f"{SHORT}_fern", hub=hub, pin=True)
    assert not pins.exists()


def test_a_pinned_file_has_to_stay_as_it_was(hub: Path, sha256: str, pins: Path) -> None:
    name = f"{SHORT}_fern"
    mindspore_hub.download(name, hub=hub, pin=True)
    pin = json.loads(pins.read_text())
    pins.write_text(json.dumps({**pin, "sha256": sha256[:8] + "0" * 56}))
    with pytest.raises(OfflineError, match="0" * 56):
        mindspore_hub.load_weights(name, hub=hub)


@pytest.mark.parametrize(
    "damage",
    [
        lambda pin: "",
        lambda pin: "[]",
        lambda pin: json.dumps({**pin, "sha256": "0" * 64}),
        lambda pin: json.dumps({**pin, "sha256": pin["sha256"][:60]}),
        lambda pin: json.dumps({**pin, "sha256": 7}),
        lambda pin: json.dumps({**pin, "links": [f"{LINK}/of_a_third.ckpt"]}),
    ],
)
def test_a_pin_that_is_damaged_or_of_another_file_does_not_count(
    damage: Any, hub: Path, pins: Path
) -> None:
    name = f"{SHORT}_fern"
    mindspore_hub.download(name, hub=hub, pin=True)
    pins.write_text(damage(json.loads(pins.read_text())))
    with pytest.raises(TrustError, match="--pin"):
        mindspore_hub.load_weights(name, hub=hub)
    mindspore_hub.download(name, hub=hub, pin=True)
    mindspore_hub.load_weights(name, hub=hub)


def test_a_card_without_a_digest_cannot_be_pinned(hub: Path) -> None:
    with pytest.raises(CardError, match="publishes no sha256"):
        mindspore_hub.download("nothing_fern", hub=hub, pin=True)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (f"{SHORT}_fern", f"Both need `mshub download botany/1.9/{SHORT}_fern --pin` before."),
        ("vgg16_fern", '`mindspore_hub.fit(network, "botany/1.9/vgg16_fern")`.'),
        ("nothing_fern", "cannot be verified either: it has no link, or no sha256."),
    ],
)
def test_load_names_the_ways_that_work_for_a_card(name: str, words: str, hub: Path) -> None:
    with pytest.raises(CardError) as caught:
        mindspore_hub.load(name, hub=hub)
    assert str(caught.value).startswith(f"There is no network for botany/1.9/{name} here; ")
    assert str(caught.value).endswith(words)


def test_the_commands_pin_and_know_what_is_pinned(hub: Path, sha256: str, tmp_path: Path) -> None:
    name, env = f"{SHORT}_fern", {"MSHUB_HUB": str(hub)}
    done = run("download", name, **env)
    assert (done.returncode, done.stdout) == (7, "")
    assert f"`mshub download botany/1.9/{name} --pin`" in done.stderr
    done = run("-q", "download", name, "--pin", **env)
    assert done.returncode == 0
    assert Path(done.stdout.strip()).name == sha256[2:]
    assert sha256 in done.stderr
    done = run("download", name, "--format", "json", **env)
    assert json.loads(done.stdout)["sha256"] == sha256
    for command in (("verify", name), ("inspect", name), ("cache", "rm", name)):
        assert run(*command, **env).returncode == 0, command


def test_a_pinned_file_comes_over_the_network_and_goes_on(
    tmp_path: Path, published: tuple[Path, dict[str, str]], sha256: str
) -> None:
    with FileServer(published[0] / "mirror") as server:
        write_card(tmp_path / "cards", "leaf_fern", f"{server.url}/{SHORT}.ckpt", sha256[:9])
        hub = write_hub(tmp_path / "hub", tmp_path / "cards")
        path = mindspore_hub.download("leaf_fern", hub=hub, pin=True)
        assert path.name == sha256[2:]
        assert server.requests == [f"GET /{SHORT}.ckpt"]
        mindspore_hub.load_weights("leaf_fern", hub=hub)
        assert len(server.requests) == 1


class Leaf(nn.Cell):
    """A network with a convolution, a normalisation and a head."""

    def __init__(self, classes: int = 2) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.head = nn.Dense(4, classes)

    def construct(self, x: Any) -> Any:
        return self.head(self.norm(self.stem(x)).mean((2, 3)))


SHAPES = {name: item.shape for name, item in Leaf().parameters_and_names()}
VALUES = {
    name: np.arange(np.prod(shape), dtype=np.float32).reshape(shape) + number
    for number, (name, shape) in enumerate(SHAPES.items())
}
OTHER = {name.replace("stem", "conv1").replace("head", "fc"): name for name in VALUES}
"""Names that another network gives the same parameters."""


def save(path: Path, names: dict[str, str], **changes: np.ndarray) -> Path:
    """A file with our values under other names, in order."""
    path.parent.mkdir(exist_ok=True)
    return checkpoints.save(path, {old: VALUES[new] for old, new in names.items()} | changes)


def values(network: nn.Cell) -> dict[str, np.ndarray]:
    return {name: item.asnumpy().copy() for name, item in network.parameters_and_names()}


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return one.keys() == other.keys() and all(
        np.array_equal(one[name], other[name]) for name in one
    )


def test_a_file_with_the_names_of_the_network_fits(tmp_path: Path) -> None:
    training = {f"moments.{name}": VALUES[name] for name in VALUES}
    file = save(tmp_path / "leaf.ckpt", dict(zip(VALUES, VALUES, strict=True)), **training)
    for _ in range(2):
        network = Leaf()
        fitted = mindspore_hub.fit(network, file)
        assert same(values(network), VALUES)
    assert fitted.names == {name: name for name in VALUES}
    assert fitted.left_out == tuple(training)
    assert str(fitted) == f"{file} fits Leaf: 7 parameters."
    assert isinstance(fitted, mindspore_hub.Fitted)
    assert fitted.network is network


def test_names_that_differ_are_proposed_and_never_taken_by_themselves(tmp_path: Path) -> None:
    file = save(tmp_path / "leaf.ckpt", OTHER)
    network = Leaf()
    before = values(network)
    with pytest.raises(CheckpointError) as caught:
        mindspore_hub.fit(network, file)
    assert same(values(network), before)
    message, _, proposal = str(caught.value).partition("rename=")
    assert message == (
        f"{file}: the checkpoint does not fit Leaf, and nothing was loaded.\n"
        "  3 missing in the file:\n"
        "    stem.weight float32 (4, 3, 3, 3)\n"
        "    head.weight float32 (2, 4)\n"
        "    head.bias float32 (2,)\n"
        "  3 unexpected in the file:\n"
        "    conv1.weight\n"
        "    fc.weight\n"
        "    fc.bias\n"
        "  The shapes agree one after the other, so that these names may mean the same; nothing was "
        "tried. If you know that they do, give\n"
    )
    rename = json.loads(proposal)
    assert rename == {old: new for old, new in OTHER.items() if old != new}
    fitted = mindspore_hub.fit(network, file, rename=rename)
    assert same(values(network), VALUES)
    assert fitted.names["stem.weight"] == "conv1.weight"
    mindspore_hub.fit(Leaf(), file, rename=lambda name: rename.get(name, name))


@pytest.mark.parametrize(
    "names",
    [
        {old: new for old, new in OTHER.items() if new != "head.bias"},
        dict(sorted(OTHER.items())),
        {
            old.replace("gamma", "x").replace("beta", "gamma").replace("x", "beta"): new
            for old, new in OTHER.items()
        },
    ],
    ids=["one less", "another order", "another meaning"],
)
def test_nothing_is_proposed_that_cannot_be_right(names: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="does not fit Leaf") as caught:
        mindspore_hub.fit(Leaf(), save(tmp_path / "leaf.ckpt", names))
    assert "rename" not in str(caught.value)


def test_differences_of_every_kind_are_listed(tmp_path: Path) -> None:
    changed = {
        **VALUES,
        "head.bias": np.zeros(3, np.float32),
        "head.weight": VALUES["head.weight"].astype(np.float16),
        "norm.gammas": VALUES["norm.gamma"],
    }
    del changed["norm.gamma"]
    with pytest.raises(CheckpointError) as caught:
        mindspore_hub.fit(Leaf(), checkpoints.save(tmp_path / "leaf.ckpt", changed))
    for line in (
        "norm.gamma float32 (4,) (near norm.gammas)",
        "norm.gammas (near norm.gamma)",
        "head.bias: expected (2,), the file has (3,)",
        "head.weight: expected float32, the file has float16",
    ):
        assert f"    {line}" in str(caught.value).splitlines()


def test_a_name_may_be_left_out_and_none_may_stand_twice(tmp_path: Path) -> None:
    extra = {"margin.weight": VALUES["head.weight"]}
    file = save(tmp_path / "leaf.ckpt", dict(zip(VALUES, VALUES, strict=True)), **extra)
    fitted = mindspore_hub.fit(Leaf(), file, rename={"margin.weight": None})
    assert fitted.left_out == ("margin.weight",)
    for rename, message in (
        ({"margin.weigth": None}, "rename names what the file does not hold: margin.weigth."),
        (
            {"margin.weight": "head.weight"},
            "rename gives head.weight and margin.weight one name, head.weight.",
        ),
    ):
        with pytest.raises(CheckpointError) as caught:
            mindspore_hub.fit(Leaf(), file, rename=rename)
        assert str(caught.value) == f"{file}: {message}"
    with pytest.raises(TypeError, match="must give a str or None"):
        mindspore_hub.fit(Leaf(), file, rename=len)  # type: ignore[arg-type]


class Wrapped(nn.Cell):
    """A network whose own names all begin like those that training cells make."""

    def __init__(self) -> None:
        super().__init__()
        self.network = Leaf()


def test_the_names_of_the_network_decide_what_a_prefix_is(tmp_path: Path) -> None:
    own = {f"network.{name}": name for name in VALUES}
    training = {f"moments.{name}": VALUES[new] for name, new in own.items()}
    file = save(tmp_path / "leaf.ckpt", own, **training)
    for network in (Leaf(), Wrapped()):
        mindspore_hub.fit(network, file)
        found = values(network).values()
        assert all(map(np.array_equal, found, VALUES.values()))


def test_a_published_file_is_verified_and_fitted_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = save(tmp_path / "mirror" / "leaf.ckpt", dict(zip(VALUES, VALUES, strict=True)))
    sha256 = checkpoints.digest(file)
    write_card(tmp_path / "cards", "leaf_fern", f"{LINK}/leaf.ckpt", sha256)
    hub = write_hub(tmp_path / "hub", tmp_path / "cards")
    monkeypatch.setenv("MSHUB_MIRRORS", str(file.parent))
    network = Leaf()
    assert mindspore_hub.fit(network, "leaf", hub=hub).file == "botany/1.9/leaf_fern"
    assert same(values(network), VALUES)
    stored = mindspore_hub.download("leaf", hub=hub)
    stored.chmod(0o644)
    stored.write_bytes(flipped(stored.read_bytes(), -1))
    with pytest.raises(IntegrityError):
        mindspore_hub.fit(network, "leaf", hub=hub)


def test_only_cells_and_names_are_taken() -> None:
    with pytest.raises(TypeError, match="network must be an"):
        mindspore_hub.fit(Leaf, "MVD")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="name must be a str or a path"):
        mindspore_hub.fit(Leaf(), 7)  # type: ignore[arg-type]


def test_the_command_fits_networks_of_packages_that_are_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "botany.py").write_text(
        "from mindspore import nn\n\n\ndef leaf(classes=2):\n    cell = nn.Cell()\n"
        "    cell.fc = nn.Dense(4, classes)\n    return cell\n",
        encoding="utf-8",
    )
    head = {"head.weight": VALUES["head.weight"], "head.bias": VALUES["head.bias"]}
    file = checkpoints.save(tmp_path / "leaf.ckpt", head)
    names = tmp_path / "names.json"
    names.write_text(json.dumps({name: name.replace("head", "fc") for name in head}))
    monkeypatch.syspath_prepend(tmp_path)
    refused = run("fit", "botany.leaf", file)
    assert refused.returncode == 7
    assert "botany.leaf is code of an installed package" in refused.stderr
    words = ["fit", "botany.leaf", str(file), "--trust", "--rename", str(names)]
    done = CliRunner().invoke(mshub, [*words, "--format", "json"], catch_exceptions=False)
    said = json.loads(done.stdout)
    assert (said["fits"], said["parameters"], said["left_out"]) == (True, 2, [])
    assert said["names"] == {"fc.weight": "head.weight", "fc.bias": "head.bias"}
    assert "yes, with all parameters" in CliRunner().invoke(mshub, words).stdout
    for changed, kind, message in (
        (["--argument", "classes=3"], CheckpointError, "of another shape"),
        (["--argument", "colour=3"], UnknownNameError, "botany.leaf cannot be built: TypeError"),
    ):
        unfit = CliRunner().invoke(mshub, [*words, *changed])
        assert isinstance(unfit.exception, kind)
        assert message in str(unfit.exception)
    unknown = CliRunner().invoke(mshub, ["fit", "botany.tree", str(file), "--trust"])
    assert "botany.tree cannot be built: AttributeError" in str(unknown.exception)
