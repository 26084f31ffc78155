"""The command `mshub bench`, in processes as users start them."""

import json
import os
import subprocess
from pathlib import Path

import checkpoints
import commands
import manifests
import pytest

from mindspore_hub.hub.hub import Hub

pytestmark = pytest.mark.slow

MODEL = "metric_learn"
LINK = "https://download.mindspore.cn/models/file.ckpt"


def run(*arguments: str, command: str = "bench") -> subprocess.CompletedProcess[str]:
    """Run a command."""
    return commands.run(command, *arguments)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A mirror with a file for metric_learn, and the digest of the file."""
    mirror = tmp_path_factory.mktemp("mirror")
    tensors = manifests.read(checkpoints.MANIFESTS[Hub.of().resolve(MODEL).name])
    weights = [tensor for tensor in tensors if tensor.canonical]
    return mirror, checkpoints.write(mirror / "file.ckpt", weights)


@pytest.fixture
def card(file: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A card of metric_learn whose file lies in a mirror."""
    mirror, sha256 = file
    monkeypatch.setenv("MSHUB_MIRRORS", str(mirror))
    published = Hub.of().resolve(MODEL)
    copy = tmp_path / published.path.name
    copy.write_bytes(published.path.read_bytes())
    return checkpoints.publish(copy, LINK, sha256)


def test_load_and_forward_are_measured_in_both_ways_and_modes(card: Path) -> None:
    done = run(str(card), "--format", "json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["uid"] == card.stem
    assert report["load"].keys() == {"hashed", "memo"}
    assert report["forward"].keys() == {"pynative", "graph"}
    loads = [took["seconds"] for took in report["load"].values()]
    calls = [figure for took in report["forward"].values() for figure in took.values()]
    assert len(calls) == 4
    assert all(figure > 0 for figure in [*loads, *calls])
    assert report["setup"]["MindSpore"]
    assert report["setup"]["Processors"] == os.cpu_count()
    assert isinstance(report["setup"]["Threads"], int)
    notes = list(Path(os.environ["MSHUB_HOME"], "verified").iterdir())
    assert len(notes) == 1, "what is called hashed before was so"


def test_a_network_is_measured_without_its_checkpoint() -> None:
    done = run(MODEL, "--no-pretrained", "--batch-size", "2")
    assert done.returncode == 0, done.stderr
    titles = [line.split("  ")[0] for line in done.stdout.splitlines()[2:]]
    assert titles[:5] == [
        "Card",
        "Build",
        "Forward, PyNative",
        "Forward, GRAPH",
        "Samples per call",
    ]
    assert "Samples per call     2\n" in done.stdout
    assert not Path(os.environ["MSHUB_HOME"]).exists()


@pytest.mark.parametrize(
    ("name", "code"), [("nothing", 3), ("MVD@regdb", 3), (MODEL, 6), ("nowhere.md", 3)]
)
def test_what_cannot_be_loaded_is_said_as_load_says_it(
    name: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MSHUB_OFFLINE", "1")
    measured, loaded = run(name), run(name, command="load")
    assert (measured.returncode, measured.stdout) == (code, "")
    assert measured.stderr == loaded.stderr


def test_a_file_that_does_not_fit_ends_the_command(card: Path) -> None:
    text = card.read_text(encoding="utf-8")
    card.write_text(text.replace("{class_num: 5184}", "{class_num: 7}"), encoding="utf-8")
    done = run(str(card))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("class_num: the card says 7, the checkpoint 5184") == 1


def test_a_batch_has_a_sample() -> None:
    done = run(MODEL, "--batch-size", "0")
    assert done.returncode == 2
    assert "--batch-size" in done.stderr
