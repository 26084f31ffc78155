"""`mshub convert` as users start it."""

import json
import os
from pathlib import Path

import checkpoints
import fill
import manifests
import mindspore
import numpy as np
import pytest
import wire
from commands import run
from mindspore import Tensor, nn
from safetensors import safe_open

import mindspore_hub
from mindspore_hub.files.store import Store
from mindspore_hub.hub.hub import Hub
from mindspore_hub.networks.examine import examine

MODEL = "metric_learn"
CLASSES = 7

ARRAYS = {
    "a.weight": np.arange(12, dtype=np.float32).reshape(3, 4),
    "a.bias": np.ones(3, np.float16),
    "step": np.array(7, np.int32),
}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of metric_learn for few classes, with a prefix, and with state of its optimizer."""
    tensors = manifests.read("metric_learn_triplet")
    held = {}
    for item in tensors:
        if item.canonical:
            shape = tuple(CLASSES if size == 5184 else size for size in item.shape)
            prefix = "" if item.kind == "head" else "net."
            held[prefix + item.name] = fill.parameter(item.canonical, shape)
    held["moments.net.bn1.gamma"] = np.zeros(64, np.float32)
    return checkpoints.save(tmp_path_factory.mktemp("published") / "published.ckpt", held)


@pytest.mark.parametrize(("target", "back"), [("safetensors", "ckpt"), ("ckpt", "safetensors")])
def test_tensors_go_to_the_other_format_and_back(target: str, back: str, tmp_path: Path) -> None:
    path = checkpoints.save(tmp_path / f"a.{back}", ARRAYS, format=back)
    first, second = tmp_path / f"deep/b.{target}", tmp_path / f"c.{back}"
    done = run("convert", path, "--to", target, "-o", first)
    assert (done.returncode, done.stderr) == (0, "")
    size = first.stat().st_size
    assert done.stdout == f"{first}: {target}, {size} bytes, 3 tensors, every byte compared\n"
    facts = json.loads(run("convert", first, "--to", back, "-o", second, "--format", "json").stdout)
    assert facts == {
        "path": str(second),
        "format": back,
        "size": second.stat().st_size,
        "tensors": 3,
    }
    assert run("diff", path, second).returncode == 0
    assert examine(second).format == back
    assert {item.name for item in tmp_path.iterdir()} == {path.name, "deep", second.name}


METADATA = {"format": "pt", "license": "apache-2.0", "step": "12", "von": "Zürich \N{SNOWMAN}"}


def with_metadata(path: Path, metadata: dict[str, object]) -> Path:
    entry = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    path.write_bytes(wire.safetensors({"__metadata__": metadata, "w": entry}, bytes(4)))
    return path


@pytest.mark.parametrize("onto_itself", [True, False])
def test_texts_of_a_safetensors_header_are_kept(onto_itself: bool, tmp_path: Path) -> None:
    path = with_metadata(tmp_path / "a.safetensors", {**METADATA})
    goal = path if onto_itself else tmp_path / "b.safetensors"
    done = run("convert", path, "--to", "safetensors", "-o", goal, "--force")
    assert (done.returncode, done.stderr) == (0, "")
    with safe_open(goal, "np") as file:
        assert file.metadata() == {**METADATA, "format": "ms"}
    assert examine(goal).metadata == {**METADATA, "format": "ms"}


def test_a_header_that_holds_other_than_texts_is_kept_as_texts(tmp_path: Path) -> None:
    odd = {"epoch": 12, "classes": ["a", "b"], "half": "\ud800", "of": None}
    path = with_metadata(tmp_path / "a.safetensors", odd)
    done = run("convert", path, "--to", "safetensors", "-o", tmp_path / "b.safetensors")
    assert done.returncode == 0, done.stderr
    expected = {"epoch": "12", "classes": '["a", "b"]', "half": "\ud800", "of": "null"}
    assert examine(tmp_path / "b.safetensors").metadata == {**expected, "format": "ms"}


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        (METADATA, "left out metadata: license, step, von"),
        ({"a\nb": "c"}, "left out metadata: 'a\\nb'"),
        ({"format": "pt"}, None),
        ({}, None),
    ],
)
def test_texts_that_have_no_place_in_a_format_are_named(
    metadata: dict[str, object], message: str | None, tmp_path: Path
) -> None:
    path = with_metadata(tmp_path / "a.safetensors", metadata)
    goal = tmp_path / "b.ckpt"
    done = run("convert", path, "--to", "ckpt", "-o", goal, "-q")
    assert done.returncode == 0
    assert done.stderr == (f"{goal}: {message}\n" if message else "")


@pytest.mark.parametrize("target", ["ckpt", "safetensors"])
def test_a_tensor_of_a_type_that_is_only_listed_is_refused(target: str, tmp_path: Path) -> None:
    entry = {"dtype": "F8_E5M2", "shape": [4], "data_offsets": [0, 4]}
    path = tmp_path / "a.safetensors"
    path.write_bytes(wire.safetensors({"w": entry}, bytes(4)))
    done = run("convert", path, "--to", target, "-o", tmp_path / "b")
    assert done.returncode == 1
    assert f"{path}: its entry w has the type F8_E5M2" in done.stderr
    assert not (tmp_path / "b").exists()


def test_a_file_that_is_there_is_replaced_on_request_only(tmp_path: Path) -> None:
    path = checkpoints.save(tmp_path / "a.ckpt", ARRAYS)
    goal = tmp_path / "b.safetensors"
    goal.write_bytes(b"mine")
    goal.chmod(0o600)
    done = run("convert", path, "--to", "safetensors", "-o", goal)
    assert (done.returncode, done.stdout, goal.read_bytes()) == (2, "", b"mine")
    assert f"{goal} exists; --force replaces it." in done.stderr
    assert run("convert", path, "--to", "safetensors", "-o", goal, "--force").returncode == 0
    assert examine(goal).format == "safetensors"
    assert goal.stat().st_mode & 0o777 == 0o600


def test_a_file_can_be_converted_in_place(tmp_path: Path) -> None:
    path = checkpoints.save(tmp_path / "a.ckpt", ARRAYS)
    done = run("convert", path, "--to", "safetensors", "-o", path, "--force")
    assert done.returncode == 0
    facts = examine(path)
    assert (facts.format, len(facts.tensors)) == ("safetensors", 3)


@pytest.mark.parametrize("options", [("--to", "mindir"), ("--to", "ckpt", "--names", "network")])
def test_what_needs_the_network_asks_for_it(options: tuple[str, ...], tmp_path: Path) -> None:
    path = checkpoints.save(tmp_path / "a.ckpt", ARRAYS)
    done = run("convert", path, *options, "-o", tmp_path / "b")
    assert (done.returncode, done.stdout) == (2, "")
    assert "needs the network: add --network MODEL." in done.stderr
    assert not (tmp_path / "b").exists()


def test_what_cannot_be_converted_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.ckpt").write_bytes(b"page")
    text = checkpoints.save(tmp_path / "text.ckpt", ARRAYS, append_dict={"note": "x"})
    before = set(tmp_path.iterdir())
    for path, options, problem in (
        (tmp_path / "a.ckpt", ("--to", "ckpt"), "is not a MindSpore checkpoint"),
        (text, ("--to", "safetensors"), "its entry note is a text"),
        (text, ("--to", "onnx", "--network", "MVD"), "does not fit MVD"),
    ):
        done = run("convert", path, *options, "-o", tmp_path / "b")
        assert (done.returncode, done.stdout) == (1, "")
        assert problem in done.stderr
        assert set(tmp_path.iterdir()) == before


def test_the_names_of_the_network_are_what_mindspore_loads(published: Path, tmp_path: Path) -> None:
    goal = tmp_path / "clean.ckpt"
    done = run(
        *("convert", published, "--to", "ckpt", "-o", goal),
        *("--names", "network", "--network", MODEL),
    )
    said = [line for line in done.stderr.splitlines() if not line.startswith("[WARNING] ")]
    assert (done.returncode, said) == (0, [])  # MindSpore 2.7 warns of dtypes that it knows
    network = mindspore_hub.load(MODEL, pretrained=False, class_num=CLASSES)
    left = mindspore.load_param_into_net(
        network, mindspore.load_checkpoint(str(goal)), strict_load=True
    )
    assert left == ([], [])
    names = {name for name, _ in network.parameters_and_names()}
    assert {tensor.name for tensor in examine(goal).tensors} == names
    assert network.bn1.gamma.asnumpy().tolist() == fill.parameter("bn1.gamma", (64,)).tolist()


def test_the_network_of_a_card_is_written_with_the_values_of_the_store(
    published: Path, tmp_path: Path
) -> None:
    home = Path(os.environ["MSHUB_HOME"])
    card = tmp_path / "card.md"
    text = Hub.of().resolve(MODEL).path.read_text(encoding="utf-8")
    card.write_text(text.replace("class_num: 5184", f"class_num: {CLASSES}"), encoding="utf-8")
    digest = checkpoints.digest(published)
    checkpoints.publish(card, "https://download.mindspore.cn/x.ckpt", digest)
    store = Store(home)
    store.prepare()
    (store.partial / "x").write_bytes(published.read_bytes())
    store.add(store.partial / "x", digest)
    goal = tmp_path / "a.mindir"
    done = run("convert", card, "--to", "mindir", "-o", goal, "--format", "json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["inputs"] == [[1, 3, 224, 224]]
    assert facts["difference"] <= 1e-5
    sample = Tensor(fill.image("a", (1, 3, 224, 224)))
    loaded = nn.GraphCell(mindspore.load(str(goal)))(sample).asnumpy()
    expected = mindspore_hub.load(str(card))(sample).asnumpy()
    assert np.abs(loaded - expected).max() <= 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("target", ["real.safetensors", "new.safetensors"])
def test_a_link_as_output_stays_and_leads_to_the_file(tmp_path: Path, target: str) -> None:
    path = checkpoints.save(tmp_path / "a.ckpt", ARRAYS)
    (tmp_path / "real.safetensors").write_bytes(b"old")
    link = tmp_path / "link.safetensors"
    link.symlink_to(target)
    done = run("convert", path, "--to", "safetensors", "-o", link, "--force")
    assert (done.returncode, link.is_symlink()) == (0, True), done.stderr
    assert examine(tmp_path / target).format == "safetensors"


def test_a_device_as_output_stays_and_its_size_is_that_of_what_was_written(tmp_path: Path) -> None:
    path = checkpoints.save(tmp_path / "a.ckpt", ARRAYS)
    goal = tmp_path / "b.safetensors"
    assert run("convert", path, "--to", "safetensors", "-o", goal).returncode == 0
    options = ("--to", "safetensors", "--force", "--format", "json", "-o", "/dev/null")
    done = run("convert", path, *options)
    assert (done.returncode, Path("/dev/null").is_char_device()) == (0, True)
    assert json.loads(done.stdout)["size"] == goal.stat().st_size


def test_a_pipe_that_nobody_reads_is_refused_by_name(tmp_path: Path) -> None:
    path = checkpoints.save(tmp_path / "a.ckpt", ARRAYS)
    os.mkfifo(tmp_path / "pipe")
    done = run("convert", path, "--to", "safetensors", "-o", tmp_path / "pipe", "--force")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{tmp_path / 'pipe'} is a pipe that nobody reads" in done.stderr
    assert (tmp_path / "pipe").is_fifo()
