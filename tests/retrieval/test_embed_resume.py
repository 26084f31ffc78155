"""Runs of embed that were stopped go on where they were, and never with what is not theirs."""

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import embed_slowly
import numpy as np
import pytest
import tiny
from PIL import Image

import mindspore_hub
from mindspore_hub.errors import PictureError, StoreError
from mindspore_hub.gallery import features
from mindspore_hub.tasks.pictures.chunks import Chunk, StoredChunks
from mindspore_hub.tasks.pictures.samples import list_samples
from mindspore_hub.tasks.retrieval.embedding import Embedding

pytestmark = pytest.mark.slow

TESTS = Path(__file__).parents[1]
SLOWLY = TESTS / "embed_slowly.py"
PICTURES = 24


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny.numbered(tmp_path / "all", PICTURES)


def start(*arguments: object) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, str(SLOWLY), *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def kill_after(batches: int, *arguments: object) -> None:
    """Run until that many batches are there; the process gets no chance to tidy up."""
    child = start(*arguments)
    assert child.stdin is not None
    assert child.stdout is not None
    for line in child.stdout:
        if line.startswith("done"):
            batches -= 1
            if not batches:
                break
            child.stdin.write("\n")
            child.stdin.flush()
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    child.stdin.close()
    child.stdout.close()


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[str]:
    """Run to the end in this process, and give what was said."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [str(SLOWLY), *map(str, arguments)])
        patch.setattr(sys, "stdin", io.StringIO())
        embed_slowly.main()
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(("size", "batches"), [(4, 6), (2, 7)])
def test_a_killed_run_goes_on_and_gives_the_same_file(
    size: int,
    batches: int,
    card: str,
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole, output = tmp_path / "whole.npz", tmp_path / "f.npz"
    options: dict[str, Any] = {"batch_size": size, "pattern": r"(?P<label>\d+)", "output": whole}
    mindspore_hub.embed(card, folder, network=tiny.Tiny(), **options)
    kill_after(batches, card, folder, output, size)
    assert not output.exists()
    said = run(capsys, card, folder, output, size)
    # A batch may be there that the killed process could not report any more.
    everything = [f"done {done}" for done in range(size, PICTURES + 1, size)]
    left = [line for line in said if line.startswith("done")]
    assert left in (everything[batches:], everything[batches + 1 :])
    assert said.count("call") == (len(left) if size == 4 else 0)
    assert output.read_bytes() == whole.read_bytes()
    assert not output.with_name("f.npz.partial").exists()


# In this process: `stopped` leaves what a run left that ended after some batches.


class Stopped(Exception):
    """What ends a run."""


def stopped(
    card: str, pictures: Any, output: Path, *, batches: int = 3, shift: float = 0, **options: Any
) -> Path:
    def stop(done: int, _total: int | None) -> None:
        if done == 4 * batches:
            raise Stopped

    network = tiny.Tiny()
    network.layer.bias.set_data(network.layer.bias + shift)
    embedding = Embedding(card, network=network, batch_size=4, progress=stop, **options)
    with pytest.raises(Stopped):
        embedding.write(list_samples(pictures), output, known={})
    return output.with_name(f"{output.name}.partial")


def computed(
    card: str, pictures: Any, output: Path, *, size: int = 4, **options: Any
) -> tuple[int, features.Features]:
    """Batches that a run computes, and what it makes."""
    calls: list[object] = []
    network = tiny.Tiny(called=calls.append)
    embedding = Embedding(card, network=network, batch_size=size, **options)
    embedding.write(list_samples(pictures), output, known={})
    return len(calls), features.load(output)


def plain(card: str, folder: Path) -> np.ndarray:
    return mindspore_hub.embed(card, folder, network=tiny.Tiny(), batch_size=4).vectors


def test_a_stopped_run_is_taken_up_by_its_own_file_only(
    card: str, folder: Path, tmp_path: Path
) -> None:
    stopped(card, folder, tmp_path / "f.npz")
    assert computed(card, folder, tmp_path / "g.npz")[0] == 6
    calls, found = computed(card, folder, tmp_path / "f.npz")
    assert calls == 3
    assert np.array_equal(found.vectors, plain(card, folder))


def test_a_run_that_lacks_only_its_file_computes_nothing(
    card: str, folder: Path, tmp_path: Path
) -> None:
    stopped(card, folder, tmp_path / "f.npz", batches=6)
    calls, found = computed(card, folder, tmp_path / "f.npz")
    assert calls == 0
    assert np.array_equal(found.vectors, plain(card, folder))


def add(folder: Path, _card: str) -> None:
    tiny.draw(folder, "new.png")


def remove(folder: Path, _card: str) -> None:
    (folder / "0023.png").unlink()


def change(folder: Path, _card: str) -> None:
    Image.fromarray(tiny.pixels("another")).save(folder / "0001.png")


def touch(folder: Path, _card: str) -> None:
    os.utime(folder / "0001.png", (1, 1))


def order(_folder: Path, card: str) -> None:
    path = Path(card)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("order: RGB", "order: BGR"), encoding="utf-8")


def nothing(_folder: Path, _card: str) -> None:
    pass


def warned(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Warnings of this package; MindSpore has some of its own."""
    ours = [record for record in caplog.records if record.name.startswith("mindspore_hub")]
    return [record.getMessage() for record in ours if record.levelname == "WARNING"]


def insert(folder: Path, _card: str) -> None:
    tiny.draw(folder, "0000a.png")


def remove_early(folder: Path, _card: str) -> None:
    (folder / "0002.png").unlink()


def several(folder: Path, card: str) -> None:
    for change_one in (insert, remove, remove_early, change):
        change_one(folder, card)


@pytest.mark.parametrize(
    ("change", "size", "computed_again", "given_up"),
    [
        (add, 4, 13, 0),
        (insert, 4, 13, 0),
        (remove, 4, 11, 0),
        (remove_early, 4, 12, 1),
        (change, 4, 13, 1),
        (touch, 4, 13, 1),
        (nothing, 5, 12, 0),
        (nothing, 30, 12, 0),
        (several, 7, 13, 2),
    ],
)
def test_rows_of_unchanged_pictures_are_taken_over(
    change: Callable[[Path, str], None],
    size: int,
    computed_again: int,
    given_up: int,
    card: str,
    folder: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    stopped(card, folder, tmp_path / "f.npz")
    change(folder, card)
    calls, found = computed(card, folder, tmp_path / "f.npz", size=size)
    assert calls == -(-computed_again // min(size, len(list(folder.iterdir()))))
    assert found.paths is not None
    assert found.paths.tolist() == sorted(path.name for path in folder.iterdir())
    np.testing.assert_allclose(found.vectors, plain(card, folder), rtol=1e-5, atol=1e-5)
    assert found.about["batch_size"] == size
    warnings = warned(caplog)
    assert len(warnings) == bool(given_up)
    assert all(f"{given_up} of 12 finished rows are given up" in text for text in warnings)
    assert [path.name for path in tmp_path.iterdir() if ".partial" in path.name] == []


@pytest.mark.parametrize(
    ("change", "options", "before", "differs"),
    [
        (order, {}, {}, "preprocessing (order)"),
        (nothing, {"modality": "visible"}, {}, "modality visible instead of None"),
        (nothing, {}, {"shift": 1.0}, "sha256 "),
        (order, {"size": 5}, {"shift": 1.0}, "batch_size 5 instead of 4; "),
    ],
)
def test_another_plan_begins_anew_and_says_what_that_costs(
    change: Callable[[Path, str], None],
    options: dict[str, Any],
    before: dict[str, Any],
    differs: str,
    card: str,
    folder: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    parts = stopped(card, folder, tmp_path / "f.npz", **before)
    change(folder, card)
    calls, found = computed(card, folder, tmp_path / "f.npz", **options)
    assert calls == -(-PICTURES // options.get("size", 4))
    np.testing.assert_allclose(found.vectors, plain(card, folder), rtol=1e-5, atol=1e-5)
    (warning,) = warned(caplog)
    assert f"{parts}: 12 of 12 finished rows are given up" in warning
    assert differs in warning


def test_what_was_taken_over_is_kept_when_that_run_is_stopped_too(
    card: str, folder: Path, tmp_path: Path
) -> None:
    stopped(card, folder, tmp_path / "f.npz")
    insert(folder, card)
    stopped(card, folder, tmp_path / "f.npz", batches=4)  # of the first 13 and 3 more: one batch
    remove_early(folder, card)
    calls, found = computed(card, folder, tmp_path / "f.npz")
    assert calls == -(-(PICTURES - 15) // 4)
    np.testing.assert_allclose(found.vectors, plain(card, folder), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("old", [True, False])
def test_a_run_that_ended_while_it_took_over_loses_nothing(
    old: bool, card: str, folder: Path, tmp_path: Path
) -> None:
    parts = stopped(card, folder, tmp_path / "f.npz")
    left = parts.with_name(f"{parts.name}.new")
    if old:
        left.mkdir()
        (left / "batches.txt").write_bytes(b"half a li")
    else:
        parts.rename(left)
    insert(folder, card)
    calls, found = computed(card, folder, tmp_path / "f.npz")
    assert calls == 4
    np.testing.assert_allclose(found.vectors, plain(card, folder), rtol=1e-5, atol=1e-5)
    assert not left.exists()


def test_pictures_that_were_left_out_are_taken_over_as_such(
    card: str, folder: Path, tmp_path: Path
) -> None:
    for name in ("0003.png", "0005.png"):
        (folder / name).write_bytes(b"no picture")
    stopped(card, folder, tmp_path / "f.npz", skip_bad=True)
    insert(folder, card)
    (folder / "0003.png").unlink()
    with pytest.raises(PictureError, match=r"0005\.png cannot be read"):
        computed(card, folder, tmp_path / "f.npz")
    calls, found = computed(card, folder, tmp_path / "f.npz", size=6, skip_bad=True)
    assert calls == -(-13 // 6)
    assert list(found.about["skipped"]) == ["0005.png"]
    expected = [path.name for path in sorted(folder.iterdir()) if path.name != "0005.png"]
    assert found.paths is not None
    assert found.paths.tolist() == expected


def test_pictures_that_are_no_files_are_never_taken_up(card: str, tmp_path: Path) -> None:
    pictures = [tiny.pixels(str(number)) for number in range(PICTURES)]
    stopped(card, pictures, tmp_path / "f.npz")
    assert computed(card, pictures, tmp_path / "f.npz")[0] == 6


def test_what_was_skipped_is_not_missed_in_silence(card: str, folder: Path, tmp_path: Path) -> None:
    (folder / "0005.png").write_bytes(b"no picture")
    stopped(card, folder, tmp_path / "f.npz", skip_bad=True)
    with pytest.raises(PictureError, match=r"0005\.png cannot be read"):
        computed(card, folder, tmp_path / "f.npz")
    calls, found = computed(card, folder, tmp_path / "f.npz", skip_bad=True)
    assert calls == 3, "what was computed before is taken up"
    assert list(found.about["skipped"]) == ["0005.png"]


def test_a_run_that_a_bad_picture_ended_goes_on_without_it(
    card: str, folder: Path, tmp_path: Path
) -> None:
    (folder / "0013.png").write_bytes(b"no picture")
    with pytest.raises(PictureError, match=r"0013\.png cannot be read"):
        computed(card, folder, tmp_path / "f.npz")
    calls, found = computed(card, folder, tmp_path / "f.npz", skip_bad=True)
    assert calls == 3, "the three batches before it are there"
    assert len(found) == PICTURES - 1


# Files that are not as they were written


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def zero(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def empty(path: Path) -> None:
    path.write_bytes(b"")


def extend(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"00000000 {")


def nest(path: Path) -> None:
    path.write_bytes(b"[" * 100_000)


@pytest.mark.parametrize("name", ["vectors.float32", "batches.txt", "plan.json"])
@pytest.mark.parametrize("damage", [cut, flip, zero, empty, extend, nest, Path.unlink])
def test_damaged_parts_are_computed_again(
    damage: Callable[[Path], object], name: str, card: str, folder: Path, tmp_path: Path
) -> None:
    parts = stopped(card, folder, tmp_path / "f.npz")
    damage(parts / name)
    calls, found = computed(card, folder, tmp_path / "f.npz")
    assert 3 <= calls <= 6
    assert np.array_equal(found.vectors, plain(card, folder))
    assert not parts.exists()


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_wrong_line_of_the_journal_ends_it(
    number: int, card: str, folder: Path, tmp_path: Path
) -> None:
    parts = stopped(card, folder, tmp_path / "f.npz")
    journal = parts / "batches.txt"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:number], *lines[number + 1 :], lines[number]]))
    calls, found = computed(card, folder, tmp_path / "f.npz")
    assert calls == (6 - number if number < 2 else 3)
    assert np.array_equal(found.vectors, plain(card, folder))


def test_a_lost_line_of_a_batch_without_rows_moves_no_feature(
    card: str, folder: Path, tmp_path: Path
) -> None:
    for number in range(4, 8):
        (folder / f"{number:04}.png").write_bytes(b"no picture")
    parts = stopped(card, folder, tmp_path / "f.npz", skip_bad=True)
    lines = (parts / "batches.txt").read_bytes().splitlines(keepends=True)
    (parts / "batches.txt").write_bytes(b"".join([lines[0], *lines[2:]]))
    calls, found = computed(card, folder, tmp_path / "f.npz", skip_bad=True)
    assert calls == 4
    assert found.paths is not None
    assert found.paths.tolist() == [f"{n:04}.png" for n in range(PICTURES) if n not in range(4, 8)]
    expected = tiny.feature(mindspore_hub.transforms(card)([folder / path for path in found.paths]))
    np.testing.assert_allclose(found.vectors, expected, rtol=0, atol=1e-4)


def test_a_folder_that_is_not_ours_is_left_alone(card: str, folder: Path, tmp_path: Path) -> None:
    mine = tmp_path / "f.npz.partial" / "thesis.txt"
    mine.parent.mkdir()
    mine.write_text("precious")
    with pytest.raises(StoreError, match=r"f\.npz\.partial .* holds thesis\.txt"):
        computed(card, folder, tmp_path / "f.npz")
    assert mine.read_text() == "precious"


def test_two_runs_of_the_same_file_disturb_each_other_in_nothing(
    card: str, folder: Path, tmp_path: Path
) -> None:
    output = tmp_path / "f.npz"

    def intrude(done: int, _total: int | None) -> None:
        if done == 12:
            calls, found = computed(card, folder, output, size=5)
            assert (calls, len(found)) == (3, PICTURES), "what the first had done is taken over"

    embedding = Embedding(card, network=tiny.Tiny(), batch_size=4, progress=intrude)
    embedding.write(list_samples(folder), output, known={})
    assert features.load(output).about["batch_size"] == 4
    assert np.array_equal(features.load(output).vectors, plain(card, folder))
    assert not output.with_name("f.npz.partial").exists()


@pytest.mark.parametrize("plan", [{"batch_size": 4}, {"batch_size": 5}])
def test_a_run_whose_folder_another_one_took_says_so(plan: dict[str, int], tmp_path: Path) -> None:
    chunk = Chunk({"vectors": np.ones((1, 3), np.float32)}, [0])
    with StoredChunks(tmp_path / "f.npz", {"batch_size": 4}, ["a"], skipping=False) as first:
        with StoredChunks(tmp_path / "f.npz", plan, ["a"], skipping=False) as second:
            second.append(chunk)
            second.save({"about": np.array("{}")})
        with pytest.raises(StoreError, match="another run writes the same output"):
            first.append(chunk)
    with StoredChunks(tmp_path / "f.npz", plan, ["a"], skipping=False) as third:
        assert third.missing() == [0]


def test_a_run_leaves_the_folder_of_another_one_alone(tmp_path: Path) -> None:
    chunk = Chunk({"vectors": np.ones((1, 3), np.float32)}, [0])
    with StoredChunks(tmp_path / "f.npz", {"batch_size": 4}, ["a", "b"], skipping=False) as first:
        first.append(chunk)
        with StoredChunks(
            tmp_path / "f.npz", {"batch_size": 5}, ["a", "b"], skipping=False
        ) as other:
            first.append(Chunk({"vectors": np.full((1, 3), 7, np.float32)}, [1]))
            first.save({"about": np.array("{}")})
            assert other.missing() == [1]
            other.append(Chunk({"vectors": np.full((1, 3), 2, np.float32)}, [1]))
            other.save({"about": np.array("{}")})
    assert features.load(tmp_path / "f.npz").vectors.tolist() == [[1, 1, 1], [2, 2, 2]]
