"""The command `mshub bench`, in processes as users start them."""

import json
import os
import subprocess
from pathlib import Path

import checkpoints
import commands
import mindspore
import pytest
import tiny

pytestmark = pytest.mark.slow

MODEL = "metric_learn"


def run(*arguments: str, command: str = "bench") -> subprocess.CompletedProcess[str]:
    """Run a command."""
    return commands.run(command, *arguments)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hub of a tiny network, whose file, and one of another width, lie beside it."""
    folder = tmp_path_factory.mktemp("bench")
    for width in (tiny.WIDTH, 7):
        mindspore.save_checkpoint(tiny.Tiny(width), str(folder / f"{width}.ckpt"))
    return tiny.hub(folder / "hub", *published(folder, tiny.WIDTH))


def published(folder: Path, width: int) -> tuple[str, str]:
    """Link and digest of a file."""
    digest = checkpoints.digest(folder / f"{width}.ckpt")
    return f"https://download.mindspore.cn/models/{width}.ckpt", digest


@pytest.fixture
def options(hub: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    monkeypatch.setenv("MSHUB_MIRRORS", str(hub.parent))
    return ("--hub", str(hub), "--trust")


def test_load_and_forward_are_measured_in_both_ways_and_modes(options: tuple[str, ...]) -> None:
    done = run("tiny", *options, "--format", "json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["uid"] == "botany/1.0/tiny_pixels"
    assert report["load"].keys() == {"hashed", "memo"}
    assert report["forward"].keys() == {"pynative", "graph"}
    loads = [took["seconds"] for took in report["load"].values()]
    calls = [figure for took in report["forward"].values() for figure in took.values()]
    assert len(calls) == 4
    assert all(figure > 0 for figure in [*loads, *calls])
    assert report["setup"]["MindSpore"]
    assert report["setup"]["Processors"] == os.cpu_count()
    assert isinstance(report["setup"]["Threads"], int)
    notes = {path.stem for path in Path(os.environ["MSHUB_HOME"], "verified").iterdir()}
    blob = next(Path(os.environ["MSHUB_HOME"], "blobs").rglob("*/??/*"))
    assert blob.parent.name + blob.name in notes, "what is called hashed before was so"
    ways = [(each["runtime"], each["precision"]) for each in report["runtimes"]]
    assert ways[:3] == [("mindspore", "f32"), ("onnxruntime", "f32"), ("openvino", "f32")]
    for each in report["runtimes"]:
        assert each["per_second"].keys() == {"1", "8", "32"}
        assert each["megabytes"] > 0
        assert each["difference"] <= (1e-5 if each["precision"] == "f32" else 0.1)
        assert each["cosine"] >= 0.9999


def test_code_of_others_is_refused_before_anything_is_brought(
    hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MSHUB_MIRRORS", str(hub.parent))
    done = run("tiny", "--hub", str(hub))
    assert (done.returncode, done.stdout) == (7, "")
    assert done.stderr.count("is not from this package") == 1
    assert not Path(os.environ["MSHUB_HOME"]).exists()


def test_a_network_is_measured_without_its_checkpoint(options: tuple[str, ...]) -> None:
    done = run("tiny", *options, "--no-pretrained", "--batch-size", "2")
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
    assert not Path(os.environ["MSHUB_HOME"], "blobs").exists()


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


def test_a_file_that_does_not_fit_ends_the_command(hub: Path, options: tuple[str, ...]) -> None:
    checkpoints.publish(hub / "assets/botany/1.0/tiny_pixels.md", *published(hub.parent, 7))
    done = run("tiny", *options)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("does not fit Tiny") == 1


def test_a_batch_has_a_sample() -> None:
    done = run(MODEL, "--batch-size", "0")
    assert done.returncode == 2
    assert "--batch-size" in done.stderr
