"""Derived files: made once, found where they may lie, and never used when they are not right."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import checkpoints
import mindspore
import numpy as np
import pytest
import tiny
from click.testing import CliRunner
from mindspore import Tensor, nn, ops

import mindspore_hub
from mindspore_hub.commands.main import mshub
from mindspore_hub.errors import ExportError, FeaturesError, StoreError
from mindspore_hub.gallery.features import load
from mindspore_hub.hub.hub import Hub
from mindspore_hub.hub.values import Input
from mindspore_hub.networks.classes import find_network
from mindspore_hub.runtimes import Wanted
from mindspore_hub.runtimes.derived import derive, find, identity, key_of
from mindspore_hub.runtimes.export import export_any
from mindspore_hub.runtimes.openvino import OpenVino

FAST = ("onnxruntime", "openvino")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a hub of a tiny network, its file, pictures, and a store with its derived file."""
    folder = tmp_path_factory.mktemp("derived")
    (folder / "mirror").mkdir()
    mindspore.save_checkpoint(tiny.Tiny(), str(folder / "mirror" / "tiny.ckpt"))
    digest = checkpoints.digest(folder / "mirror" / "tiny.ckpt")
    link = "https://download.mindspore.cn/models/tiny.ckpt"
    tiny.hub(folder / "hub", link, digest)
    tiny.numbered(folder / "pictures", 5)
    before = {name: os.environ.get(name) for name in ("MSHUB_HOME", "MSHUB_MIRRORS")}
    os.environ.update(MSHUB_HOME=str(folder / "store"), MSHUB_MIRRORS=str(folder / "mirror"))
    try:
        with ThreadPoolExecutor(2) as pool:  # both want it at once
            both = [pool.submit(derive, wanted_in(folder)) for _ in range(2)]
        assert both[0].result().sha256 == both[1].result().sha256
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
    return folder


def wanted_in(folder: Path) -> Wanted:
    """What `embed` wants of the tiny network."""
    card, hub = find_network("Tiny", Hub(folder / "hub", trust=True))
    return Wanted(card, hub, places=(0,))


@pytest.fixture
def wanted(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wanted:
    """The same, with a copy of that store as the store."""
    shutil.copytree(made / "store", tmp_path / "store")
    monkeypatch.setenv("MSHUB_MIRRORS", str(made / "mirror"))
    return wanted_in(made)


@pytest.fixture
def file(wanted: Wanted, tmp_path: Path) -> Path:
    """The derived file in that store."""
    return tmp_path / "store" / "derived" / f"{key_of(identity(wanted))}.onnx"


def expected(folder: Path) -> np.ndarray:
    """Features of the pictures, without any runtime."""
    transform = mindspore_hub.transforms("Tiny", hub=folder / "hub")
    rows = tiny.feature(np.stack([transform(path) for path in sorted(folder.glob("pictures/*"))]))
    return np.asarray(rows)


def test_it_is_made_by_one_of_two_who_want_it_at_once(made: Path) -> None:
    assert len(list((made / "store" / "derived").glob("*.onnx"))) == 1
    assert not list((made / "store" / "partial").iterdir())


@pytest.mark.parametrize("runtime", [*FAST, "auto", "mindspore"])
def test_runtimes_agree(runtime: str, wanted: Wanted, made: Path) -> None:
    features = mindspore_hub.embed(
        "Tiny", made / "pictures", batch_size=2, hub=made / "hub", trust=True, runtime=runtime
    )
    right = expected(made)
    assert np.abs(features.vectors - right).max() <= 1e-5 * np.abs(right).max()
    chosen = {"auto": "openvino"}.get(runtime, runtime)
    assert (features.about["runtime"], features.about["precision"]) == (chosen, "f32")
    assert ("derived" in features.about) == (chosen != "mindspore")


WITHOUT = """
import sys
sys.modules["mindspore"] = None
from mindspore_hub.commands.main import main
main()
"""


def run_without(*words: object) -> "subprocess.CompletedProcess[str]":
    """A command in a process that cannot import MindSpore."""
    command = [sys.executable, "-c", WITHOUT, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_features_are_made_and_measured_without_mindspore(
    wanted: Wanted, made: Path, tmp_path: Path
) -> None:
    output, hub = tmp_path / "f.npz", ("--hub", made / "hub")
    done = run_without("embed", "Tiny", made / "pictures", "-o", output, *hub, "--trust")
    assert done.returncode == 0, done.stderr
    assert "MindSpore is not installed" in done.stderr or "openvino computes" in done.stderr
    right = expected(made)
    assert np.abs(load(output).vectors - right).max() <= 1e-5 * np.abs(right).max()
    shutil.rmtree(tmp_path / "store" / "derived")
    done = run_without("embed", "Tiny", made / "pictures", "-o", tmp_path / "g.npz", *hub)
    assert done.returncode == 8
    assert f"--batch-size any -o {key_of(identity(wanted))}.onnx" in done.stderr
    assert "MSHUB_MIRRORS" in done.stderr


def test_what_is_written_lies_where_it_is_found(wanted: Wanted, file: Path, tmp_path: Path) -> None:
    found = find(wanted)
    assert found is not None
    assert found.path == file
    assert found.uid == wanted.card.uid
    assert found.input_shapes == ((3, 4, 6),)


@pytest.mark.parametrize("fault", ["flipped", "truncated", "half", "other", "empty"])
def test_a_damaged_file_is_moved_away(
    fault: str, wanted: Wanted, file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    content = file.read_bytes()
    file.unlink()
    flipped = bytearray(content)
    flipped[len(content) // 4] ^= 1
    contents = {
        "flipped": bytes(flipped),
        "truncated": content[:-1],
        "half": content[: len(content) // 2],
        "other": content.replace(b'"key": "', b'"key": "0', 1)[:-1],
        "empty": b"",
    }
    file.write_bytes(contents[fault])
    assert find(wanted) is None
    assert str(file) in caplog.text
    assert not file.exists()
    assert len(list((tmp_path / "store" / "corrupt").iterdir())) == 1


def test_a_file_of_other_code_is_not_used(
    wanted: Wanted, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(made / "hub", tmp_path / "hub")
    source = tmp_path / "hub" / "models" / "tiny.py"
    source.write_text(source.read_text() + "\n# another version\n")
    assert find(wanted) is not None
    assert find(wanted_in(tmp_path)) is None


@pytest.mark.parametrize("name", ["{}.onnx", "derived/{}.onnx"])
def test_it_is_taken_from_a_mirror(
    name: str, wanted: Wanted, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = tmp_path / "mirror" / name.format(file.stem)
    there.parent.mkdir(parents=True)
    file.rename(there)
    monkeypatch.setenv("MSHUB_MIRRORS", str(tmp_path / "mirror"))
    found = find(wanted)
    assert found is not None
    assert found.path == file
    assert file.read_bytes() == there.read_bytes()
    file.unlink()
    there.chmod(0o644)
    there.write_bytes(there.read_bytes()[:-1])
    assert find(wanted) is None
    assert there.exists()


def test_it_is_used_in_an_extra_cache_as_it_lies(
    wanted: Wanted, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "store").rename(tmp_path / "shared")
    monkeypatch.setenv("MSHUB_EXTRA_CACHES", str(tmp_path / "shared"))
    found = find(wanted)
    assert found is not None
    assert found.path == tmp_path / "shared" / "derived" / file.name
    before = sorted((tmp_path / "shared" / "derived").iterdir())
    rows = OpenVino(found, precision="f32", threads=1)(np.zeros((2, 3, 4, 6), np.float32))
    assert rows[0].shape == (2, tiny.WIDTH)
    assert sorted((tmp_path / "shared" / "derived").iterdir()) == before


def test_a_store_that_cannot_be_written_is_an_error(
    wanted: Wanted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "none").touch()
    monkeypatch.setenv("MSHUB_HOME", str(tmp_path / "none"))
    with pytest.raises(StoreError):
        derive(wanted)


@pytest.mark.parametrize("fault", [None, "flipped", "truncated", "other"])
def test_what_openvino_compiled_is_kept_and_verified(
    fault: str | None, wanted: Wanted, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    found = find(wanted)
    assert found is not None
    inputs = np.ones((3, 3, 4, 6), np.float32)
    first = OpenVino(found, precision="f32", threads=1)(inputs)
    (kept,) = file.parent.glob("*.openvino")
    content = bytearray(kept.read_bytes())
    kept.unlink()
    if fault == "flipped":
        content[len(content) // 3] ^= 1
    elif fault == "truncated":
        del content[-10:]
    elif fault == "other":
        content = bytearray(file.read_bytes())
    kept.write_bytes(content)
    caplog.clear()
    again = OpenVino(found, precision="f32", threads=1)(inputs)
    assert np.array_equal(first[0], again[0])
    assert ("compiled again" in caplog.text) == (fault is not None)


def test_a_variable_that_is_mindspores_is_put_back(
    wanted: Wanted, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = find(wanted)
    assert found is not None
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    OpenVino(found, precision="f32", threads=1)
    assert os.environ["ONEDNN_MAX_CPU_ISA"] == "AVX2"


class Counted(nn.Cell):
    """Computes with the number of samples."""

    def construct(self, x: Tensor) -> Tensor:
        return x.reshape(x.shape[0], -1) * x.shape[0]


class Paired(nn.Cell):
    """Samples are seen side by side, so that they depend on each other."""

    def construct(self, x: Tensor) -> Tensor:
        rows = x.reshape(x.shape[0], -1)
        return rows - rows.mean(0, keep_dims=True)


class Inverse(nn.Cell):
    """Computes what ONNX has no operator for."""

    def construct(self, x: Tensor) -> Tensor:
        return ops.erfinv(ops.tanh(x.reshape(x.shape[0], -1)))


@pytest.mark.parametrize(("network", "error"), [(Counted, ExportError), (Inverse, ExportError)])
def test_what_cannot_be_exported_is_refused(
    network: type[nn.Cell], error: type[Exception], folder: Path
) -> None:
    cell = network()
    cell.set_train(False)
    with pytest.raises(error):
        export_any(cell, folder / "new" / "network.onnx", inputs=(Input((2, 3)),), places=(0,))


def test_an_output_that_is_not_there_is_refused(folder: Path) -> None:
    cell = tiny.Tiny()
    with pytest.raises(FeaturesError):
        export_any(cell, folder / "network.onnx", inputs=(Input((3, 4, 6)),), places=(1,))


def test_it_is_converted_by_hand_for_any_number_of_samples(
    wanted: Wanted, made: Path, tmp_path: Path
) -> None:
    output = tmp_path / "hand.onnx"
    words = ["convert", "Tiny", "--to", "onnx", "--batch-size", "any", "-o", str(output)]
    done = CliRunner().invoke(mshub, [*words, "--hub", str(made / "hub"), "--trust"])
    assert done.exit_code == 0, done.output
    assert "takes (any, 3, 4, 6), outputs equal within" in done.output
    import onnxruntime
    import openvino

    session = onnxruntime.InferenceSession(output, providers=["CPUExecutionProvider"])
    model = openvino.Core().compile_model(str(output), "CPU")
    for size in (1, 3, 16):
        pixels = np.random.RandomState(size).random_sample((size, 3, 4, 6)).astype(np.float32)
        right = tiny.feature(pixels)
        rows = session.run(None, {session.get_inputs()[0].name: pixels})[0]
        for found in (rows, model([pixels])[0]):
            assert np.abs(found - right).max() <= 1e-5 * np.abs(right).max()
    shutil.rmtree(tmp_path / "store" / "derived")
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    output.rename(mirror / f"{key_of(identity(wanted))}.onnx")
    os.environ["MSHUB_MIRRORS"] = str(mirror)
    assert find(wanted) is not None


def test_the_cache_lists_and_removes_it(wanted: Wanted, made: Path, file: Path) -> None:
    hub = ["--hub", str(made / "hub")]
    listed = CliRunner().invoke(mshub, ["cache", "ls", *hub])
    assert "derived" in listed.output
    assert CliRunner().invoke(mshub, ["cache", "prune", *hub]).exit_code == 0
    assert file.exists()
    assert CliRunner().invoke(mshub, ["cache", "rm", "Tiny", *hub]).exit_code == 0
    assert not file.exists()
