"""`mshub embed` in processes of its own, with a hub whose network is loaded over loopback."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import checkpoints
import commands
import mindspore
import numpy as np
import pytest
import tiny
from server import FileServer

from mindspore_hub.gallery import features

pytestmark = pytest.mark.slow

UID = "botany/1.0/tiny_pixels"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A hub whose only card names a served file; trust in the server is in the environment."""
    folder = tmp_path_factory.mktemp("embed")
    file = folder / "served" / "tiny.ckpt"
    file.parent.mkdir()
    mindspore.save_checkpoint(tiny.Tiny(), str(file))
    with FileServer(file.parent, tls=True) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(server.ca_file))
        yield tiny.hub(folder / "hub", f"{server.url}/tiny.ckpt", checkpoints.digest(file))


@pytest.fixture(scope="module")
def home(hub: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that the tests share, which knows that the hub is trusted."""
    folder = tmp_path_factory.mktemp("store")
    done = run(hub, folder, "load", "tiny", "--trust")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny.numbered(tmp_path / "all", 5)


def run(hub: Path, home: Path, *arguments: object) -> "subprocess.CompletedProcess[str]":
    return commands.run(*arguments, MSHUB_HUB=str(hub), MSHUB_HOME=str(home), MSHUB_NO_PROGRESS="")


def test_a_folder_becomes_a_file(hub: Path, home: Path, folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "new" / "f.npz"
    done = run(
        *(hub, home, "-q", "embed", "tiny", folder, "-o", output),
        *("--pattern", r"(?P<label>\d+)", "--batch-size", "2", "--modality", "visible"),
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{output}: 5 pictures, {tiny.WIDTH} values each, by {UID}; 0 skipped\n"
    found = features.load(output)
    assert found.labels is not None
    assert found.labels.tolist() == list(range(5))
    prepared = np.stack([_prepared(path) for path in sorted(folder.iterdir())])
    np.testing.assert_allclose(found.vectors, tiny.feature(prepared), rtol=0, atol=1e-4)
    assert found.about["card"] == UID
    assert (found.about["batch_size"], found.about["modality"]) == (2, "visible")
    assert found.about["sha256"] == checkpoints.digest(hub.parent / "served" / "tiny.ckpt")
    assert [path.name for path in output.parent.iterdir()] == ["f.npz"]


def _prepared(path: Path) -> np.ndarray:
    """What the card says, read plainly."""
    from PIL import Image

    with Image.open(path) as image:
        small = image.resize((tiny.SIZE[1], tiny.SIZE[0]), Image.Resampling.BILINEAR)
    mean, std = np.float32((0.485, 0.456, 0.406)), np.float32((0.229, 0.224, 0.225))
    made: np.ndarray = ((np.asarray(small, np.float32) / 255 - mean) / std).transpose(2, 0, 1)
    return made


def test_json_lists_what_was_skipped_and_progress_is_json_unless_quiet(
    hub: Path, home: Path, folder: Path, tmp_path: Path
) -> None:
    (folder / "0002.png").write_bytes(b"no picture")
    output = tmp_path / "f.npz"
    done = run(hub, home, "embed", UID, folder, "-o", output, "--skip-bad", "--format", "json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts.pop("skipped").keys() == {"0002.png"}
    assert facts == {"path": str(output), "card": UID, "pictures": 4, "dimension": tiny.WIDTH}
    lines = done.stderr.splitlines()
    assert {"file": "f.npz", "done": 5, "total": 5} in [
        json.loads(line) for line in lines if line.startswith("{")
    ]
    (skipped,) = [line for line in lines if line.startswith("skipped 0002.png: ")]
    quiet = ("embed", UID, folder, "-o", output, "--force", "--skip-bad", "--format", "json", "-q")
    assert run(hub, home, *quiet).stderr.splitlines() == [skipped]


def test_a_terminal_shows_a_bar(hub: Path, home: Path, folder: Path, tmp_path: Path) -> None:
    command = ["embed", "tiny", folder, "-o", tmp_path / "f.npz", "--batch-size", "1"]
    env = {"MSHUB_HUB": str(hub), "MSHUB_HOME": str(home), "MSHUB_NO_PROGRESS": ""}
    done = commands.on_terminal(*command, streams=("stderr",), **env)
    assert done.returncode == 0
    assert "Tiny" in done.stdout


def test_an_output_that_is_there_is_kept_unless_forced(
    hub: Path, home: Path, folder: Path, tmp_path: Path
) -> None:
    output = tmp_path / "f.npz"
    output.write_bytes(b"earlier")
    done = run(hub, tmp_path / "nowhere", "embed", "tiny", folder, "-o", output)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{output} exists; --force replaces it." in done.stderr
    assert output.read_bytes() == b"earlier"
    assert not (tmp_path / "nowhere").exists()
    done = run(hub, home, "embed", "tiny", folder, "-o", output, "--force")
    assert done.returncode == 0, done.stderr
    assert len(features.load(output)) == 5


@pytest.mark.parametrize(
    ("name", "options", "code", "message"),
    [
        ("tinny", (), 3, "'tinny' names no model card. Did you mean Tiny or "),
        ("tiny", ("--modality", "infrared"), 1, "trained on visible and thermal pictures"),
        ("tiny", ("--pattern", "x"), 1, "must have a group (?P<label>...)"),
        ("tiny", ("--batch-size", "0"), 2, "0 is not in the range x>=1"),
        ("tiny", ("--keypoints", "nowhere.csv"), 2, "File 'nowhere.csv' does not exist"),
        ("tiny", ("--heatmaps", "assets"), 1, "takes nothing beside pictures, but heatmaps"),
    ],
)
def test_a_wrong_call_is_explained_and_leaves_nothing(
    name: str,
    options: tuple[str, ...],
    code: int,
    message: str,
    hub: Path,
    home: Path,
    folder: Path,
    tmp_path: Path,
) -> None:
    before = set(tmp_path.iterdir())
    done = run(hub, home, "embed", name, folder, "-o", tmp_path / "f.npz", *options)
    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert set(tmp_path.iterdir()) == before


def test_a_bad_picture_ends_the_command_and_is_named(
    hub: Path, home: Path, folder: Path, tmp_path: Path
) -> None:
    (folder / "0002.png").write_bytes(b"no picture")
    done = run(hub, home, "embed", "tiny", folder, "-o", tmp_path / "f.npz")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"mshub: error: {folder}/0002.png cannot be read as a picture" in done.stderr


def test_a_place_that_cannot_be_written_is_a_matter_of_the_disk(
    hub: Path, home: Path, folder: Path
) -> None:
    done = run(hub, home, "embed", "tiny", folder, "-o", folder / "0001.png" / "f.npz")
    assert (done.returncode, done.stdout) == (9, "")
    assert "f.npz.partial beside it, cannot be written: Not a directory." in done.stderr


def test_an_interrupted_command_says_that_the_next_one_goes_on(
    hub: Path, home: Path, tmp_path: Path
) -> None:
    folder, output = tiny.numbered(tmp_path / "all", 700), tmp_path / "f.npz"
    command = ("embed", "tiny", folder, "-o", output, "--batch-size", "1", "--format", "json")
    child = subprocess.Popen(
        [sys.executable, "-m", "mindspore_hub", *map(str, command)],
        cwd=hub,
        env={**os.environ, "MSHUB_HOME": str(home), "MSHUB_NO_PROGRESS": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stderr is not None
    for line in child.stderr:
        if '"file": "f.npz"' in line:
            child.send_signal(signal.SIGINT)
            break
    said, errors = child.communicate()
    assert (child.returncode, said) == (130, "")
    assert errors.endswith(
        "What was computed is kept; the same command goes on from there.\nmshub: interrupted\n"
    )
    assert not output.exists()
    again = run(hub, home, *command)
    assert again.returncode == 0, again.stderr
    assert f"{output}.partial: going on after " in again.stderr
    assert len(features.load(output)) == 700


@pytest.mark.parametrize("target", ["real.npz", "new.npz"])
def test_a_link_as_output_stays_and_leads_to_the_features(
    hub: Path, home: Path, folder: Path, tmp_path: Path, target: str
) -> None:
    (tmp_path / "real.npz").write_bytes(b"old")
    link = tmp_path / "link.npz"
    link.symlink_to(target)
    done = run(hub, home, "-q", "embed", "tiny", folder, "-o", link, "--force")
    assert (done.returncode, link.is_symlink()) == (0, True), done.stderr
    assert len(features.load(tmp_path / target)) == 5
    assert not (tmp_path / "link.npz.partial").exists()


@pytest.mark.parametrize("kind", ["pipe", "/dev/null", "/dev/stdout"])
def test_an_output_that_cannot_be_taken_up_is_refused_at_once(
    hub: Path, home: Path, folder: Path, tmp_path: Path, kind: str
) -> None:
    os.mkfifo(tmp_path / "pipe")
    output = tmp_path / kind
    before = output.lstat()
    done = run(hub, home, "-q", "embed", "tiny", folder, "-o", output, "--force")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{output} is no" in done.stderr or f"{output} is a pipe" in done.stderr
    assert (output.lstat().st_ino, output.lstat().st_mode) == (before.st_ino, before.st_mode)


@pytest.mark.parametrize(("style", "encoding"), [("human", "latin-1"), ("json", "gbk")])
def test_names_of_any_bytes_are_printed_by_their_codes(
    hub: Path,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    style: str,
    encoding: str,
) -> None:
    pictures = tmp_path / os.fsdecode(b"caf\xe9\x1b[2J\n ::error::forged \xe2\x80\xae")
    tiny.numbered(pictures, 2)
    (pictures / "推理\x9b.png").write_bytes(b"no picture")
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    output = pictures / "f.npz"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mindspore_hub", "embed", "tiny", str(pictures)),
            *("-o", str(output), "--skip-bad", "--format", style),
        ],
        cwd=hub,
        env={**os.environ, "MSHUB_HOME": str(home)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    printed = (done.stdout + done.stderr).decode(encoding.partition(":")[0])
    assert not any(line.lstrip().startswith("::") for line in printed.splitlines())
    assert printed.replace("\n", "").isprintable()
    assert r"caf\udce9\x1b[2J" in done.stderr.decode(encoding.partition(":")[0])
    if style == "json":
        found = json.loads(done.stdout)
        assert (found["path"], found["pictures"]) == (str(output), 2)
    assert len(features.load(output)) == 2
