"""What fine-tuning does before any step: identities are split, bad data are said, batches are drawn."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import people
import pytest
from disks import small_disk

from mindspore_hub.errors import (
    CardError,
    CheckpointError,
    DatasetError,
    PictureError,
    SettingsError,
    StoreError,
)
from mindspore_hub.networks.own import note_path
from mindspore_hub.tasks.pictures.fields import Preprocessing
from mindspore_hub.tasks.pictures.preprocess import Transform
from mindspore_hub.tasks.pictures.samples import known_of, list_samples
from mindspore_hub.tasks.retrieval.training.batches import Batches, augment
from mindspore_hub.tasks.retrieval.training.data import Data, split
from mindspore_hub.tasks.retrieval.training.options import Options
from mindspore_hub.tasks.retrieval.training.report import Log, draw_curves, read_log
from mindspore_hub.tasks.retrieval.training.snapshots import Snapshots

PREPROCESSING = Preprocessing(
    "pillow", (32, 16), "bilinear", "RGB", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), "CHW"
)


REPEATED = "it is repeated in a batch, with another augmentation each time"


def data_of(folder: Path, pattern: str | None = people.PATTERN, **changes: Any) -> Data:
    listed = list_samples(folder)
    options: Any = {"share": 0.25, "seed": 1, "identities": 4, "skip_bad": False, **changes}
    return split(listed, known_of(listed, pattern), library="pillow", **options)


def test_identities_are_split_by_the_seed_and_none_is_in_both_parts(tmp_path: Path) -> None:
    folder = people.draw(tmp_path / "people", 12, 4)
    parts = [data_of(folder, seed=seed) for seed in range(5)]
    for data in parts:
        assert not set(data.train.labels) & set(data.held_out.labels)
        assert sorted([*data.train.identities, *data.held_out.identities]) == list(range(12))
        assert len(data.held_out.identities) == 3
        assert data.remarks == ()
    assert len({tuple(data.held_out.identities) for data in parts}) > 1
    again = data_of(folder, seed=3)
    assert again.held_out.identities == parts[3].held_out.identities
    assert len({data.digest for data in [*parts, again]}) == 1
    (folder / "0000_c1_0.png").unlink()
    assert data_of(folder).digest != again.digest


def test_odd_identities_are_said_with_what_is_done_about_them(tmp_path: Path) -> None:
    folder = people.draw(tmp_path / "people", 8, 4)
    data = data_of(folder)
    alone, train = data.held_out.identities[0], data.train.identities[0]
    for path in folder.glob(f"{train:04}_*"):
        path.unlink()
    people.draw(folder, 1, 1, first=train)
    for path in folder.glob(f"{alone:04}_c2_*"):
        path.unlink()
    shutil.copy(folder / "0000_c1_0.png", folder / "-1_c1_0.png")
    pattern = r"(?P<label>-?\d+)_c(?P<camera>\d+)"
    assert data_of(folder, pattern, identities=16, skip_bad=True).remarks == (
        "left out, because the label is negative: 1 picture",
        f"training identities with one picture, {REPEATED}: {train}",
        f"held-out identities of one camera, which are wrong answers only: {alone}",
        "6 identities train, fewer than the 16 of a batch, which gets 6",
    )


def test_a_picture_that_cannot_be_read_is_said_before_any_step(tmp_path: Path) -> None:
    folder = people.draw(tmp_path / "people", 8, 4)
    broken = folder / "0002_c1_0.png"
    broken.write_bytes(broken.read_bytes()[:100])
    with pytest.raises(
        PictureError, match=r"1 picture of 32 cannot be read.*--skip-bad.*\n.*0002_c1"
    ):
        data_of(folder)
    data = data_of(folder, skip_bad=True)
    assert data.remarks == ("left out, because unreadable: 0002_c1_0.png",)
    assert len(data.train.samples) + len(data.held_out.samples) == 31


def _twice(folder: Path) -> None:
    shutil.copy(folder / "0001_c1_0.png", folder / "0002_c1_9.png")


def _few(folder: Path) -> None:
    for path in folder.glob("000[3-7]*"):
        path.unlink()


def _one_camera(folder: Path) -> None:
    for path in folder.glob("*_c2_*"):
        path.unlink()


@pytest.mark.parametrize(
    ("spoil", "pattern", "message"),
    [
        (_twice, people.PATTERN, r"0001_c1_0.png is 1, 0002_c1_9.png is 2"),
        (_few, people.PATTERN, r"Of 3 identities, 2 would be held out; at least two must be left"),
        (_one_camera, people.PATTERN, r"No held-out identity was seen by two cameras"),
        (lambda _: None, None, r"needs the identity of each picture"),
    ],
)
def test_data_that_nothing_can_be_learned_from_are_refused(
    spoil: Any, pattern: str | None, message: str, tmp_path: Path
) -> None:
    folder = people.draw(tmp_path / "people", 8, 4)
    spoil(folder)
    with pytest.raises(DatasetError, match=message):
        data_of(folder, pattern)


def batches_of(folder: Path, **options: Any) -> Batches:
    chosen = Options.of({"identities": 3, "pictures": 4, "crop": 2, **options})
    return Batches(data_of(folder).train, Transform(PREPROCESSING), chosen)


def test_a_batch_has_so_many_pictures_of_each_of_so_many_identities(tmp_path: Path) -> None:
    folder = people.draw(tmp_path / "people", 10, 3)
    batches = batches_of(folder)
    seen: list[int] = []
    for number in range(10):
        places, labels = batches.drawn(number)
        identities, counts = np.unique(labels, return_counts=True)
        assert counts.tolist() == [4, 4, 4]
        assert places.tolist() == batches.drawn(number)[0].tolist()
        seen += identities.tolist()
    assert np.bincount(seen).tolist() == pytest.approx([len(seen) / 8] * 8, abs=1.5)
    labels, (images,) = batches(4)
    assert images.shape == (12, 3, 32, 16)
    assert labels.dtype == np.int32
    other = batches_of(folder)
    assert np.array_equal(other(4)[1][0], images), "it does not depend on what was drawn before"
    ahead = [images for _, (images,) in other.ahead(3, 6)]
    assert len(ahead) == 3
    assert np.array_equal(ahead[1], images)
    assert not np.array_equal(batches_of(folder, seed=9)(4)[1][0], images)


@pytest.mark.parametrize("keep_places", [False, True])
def test_augmentation_mirrors_shifts_and_erases(keep_places: bool) -> None:
    image = np.arange(3 * 8 * 6, dtype=np.float32).reshape(3, 8, 6) + 1
    mirrored = image.copy()
    options = Options(flip=1.0, crop=0, erase=0.0)
    augment(mirrored, options, np.random.default_rng(0), colors=3, keep_places=keep_places)
    assert np.array_equal(mirrored, image if keep_places else image[..., ::-1])
    shifted = image.copy()
    options = Options(flip=0.0, crop=3, erase=0.0)
    augment(shifted, options, np.random.default_rng(3), colors=3, keep_places=keep_places)
    assert np.isin(shifted, [0, *image.ravel()]).all()
    assert np.array_equal(shifted, image) is keep_places
    erased = image.copy()
    options = Options(flip=0.0, crop=0, erase=1.0)
    augment(erased, options, np.random.default_rng(0), colors=2, keep_places=keep_places)
    assert 0 < np.count_nonzero(erased[0] == 0) < 0.45 * 48
    assert np.array_equal(erased[2], image[2])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "steps must be at least 1, but is 0"),
        ({"holdout": 1.0}, "holdout must be a share between 0 and 1"),
        ({"optimizer": "lion"}, "optimizer must be one of adam, sgd"),
        ({"learning_rate": 0.0}, "learning_rate must be a number above 0"),
        ({"margin": float("nan")}, "margin must be a number of at least 0"),
        ({"pictures": True}, "pictures must be a int"),
    ],
)
def test_an_option_that_means_nothing_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(message)):
        Options.of(options)


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(TypeError, match="epochs is not an option of fine-tuning"):
        Options.of({"epochs": 3})


def test_the_command_has_every_option_with_its_default() -> None:
    from mindspore_hub.commands.finetune import finetune

    words = ["NAME", str(Path()), "--pattern", "x", "-o", "own.ckpt"]
    given = finetune.make_context("finetune", words).params
    for name, usual in Options().as_json().items():
        assert given[name] == usual, name


def arrays(step: int) -> dict[str, Any]:
    return {"network.a": np.full((3, 2), step, np.float32), "optimizer.0": np.int32(step)}


def test_snapshots_are_taken_up_and_only_the_newest_and_the_best_stay(tmp_path: Path) -> None:
    output, plan = tmp_path / "own.ckpt", {"options": {"seed": 1}, "data": "x"}
    snapshots = Snapshots(output, plan)
    assert not snapshots.begun
    snapshots.keep_best(0, {"mAP": 0.5}, {"a": np.zeros(3, np.float32)})
    for step in (0, 5, 10):
        snapshots.state.step = step
        snapshots.save(arrays(step))
    (snapshots.folder / "step-0000015.ckpt").write_bytes(b"torn")
    again = Snapshots(output, plan)
    assert (again.begun, again.state.step, again.state.best["mAP"]) == (True, 10, 0.5)
    loaded = again.load()
    assert np.array_equal(loaded["network.a"], arrays(10)["network.a"])
    assert loaded["optimizer.0"].reshape(()) == 10
    again.state.step = 15
    again.save(arrays(15))
    names = sorted(path.name for path in again.folder.iterdir())
    assert names == ["best-0000000.ckpt", "state.json", "step-0000015.ckpt"]
    with pytest.raises(StoreError, match="15 steps of another run, with other data, options"):
        Snapshots(output, {"options": {"seed": 2}, "data": "y"})
    assert not Snapshots(output, {"options": {}, "data": "y"}, force=True).begun
    assert not again.folder.exists()


def test_a_full_disk_keeps_the_last_snapshot(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "1m") as disk:
        snapshots = Snapshots(disk / "own.ckpt", {})
        snapshots.save({"a": np.ones(100_000, np.float32)})
        snapshots.state.step = 7
        with pytest.raises(StoreError, match="Make room there"):
            snapshots.save({"a": np.ones(200_000, np.float32)})
        again = Snapshots(disk / "own.ckpt", {})
        assert again.state.step == 0
        assert again.load()["a"].sum() == 100_000


def test_the_log_is_cut_to_what_a_run_goes_on_from_and_drawn(tmp_path: Path) -> None:
    log = Log(tmp_path / "own.ckpt.jsonl", 0, tmp_path / "events")
    log.add(0, {"rank1": 0.25, "mAP": 0.5})
    log.add(1, {"loss": 2.0, "identity": 1.5, "triplet": 0.5})
    size = log.size
    log.add(2, {"loss": 1.0, "identity": 0.5, "triplet": 0.5})
    log.close()
    again = Log(log.path, size, None)
    again.add(2, {"loss": 1.5, "identity": 1.0, "triplet": 0.5})
    again.add(2, {"rank1": 0.5, "mAP": 0.75})
    again.close()
    lines = read_log(log.path)
    assert [(line["step"], line.get("loss")) for line in lines] == [
        (0, None),
        (1, 2.0),
        (2, 1.5),
        (2, None),
    ]
    draw_curves(log.path, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 10_000
    assert list((tmp_path / "events").iterdir())


def test_publish_takes_facts_from_the_note_and_options_go_before_it(tmp_path: Path) -> None:
    from mindspore_hub.authoring.plan import Request, with_note

    checkpoint = tmp_path / "own.ckpt"
    assert with_note(Request(checkpoint, "MVD")) == Request(checkpoint, "MVD")
    note = {
        "model": "MVD",
        "card": "mindspore/1.9/mvd_infraredtovisible_regdb",
        "metrics": {"rank1": 0.8125, "mAP": 0.7},
        "versions": {"mindspore": "2.10.0"},
        "device": "cpu",
        "network_args": {"num_class": 48},
        "preprocessing": PREPROCESSING.as_json(),
        "retrieval": {"outputs": [0, 1], "distance": "dot"},
    }
    note_path(checkpoint).write_text(json.dumps(note), encoding="utf-8")
    found = with_note(Request(checkpoint, "mvd", facts={"device": "ascend", "variant": ""}))
    assert found.facts == {
        "evaluation": "rank1acc81.25 | mAP70",
        "device": "ascend",
        "mindspore-version": "2.10",
        "preprocessing": "{library: pillow, size: [32, 16], interpolation: bilinear, order: RGB, "
        "mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], layout: CHW}",
        "task": "{name: retrieval, outputs: [0, 1], distance: dot}",
        "fine-tunable": "True",
    }
    assert found.network_args == {"num_class": 48}
    with pytest.raises(CardError, match="whose network is MVD, not DDAG; give --model MVD"):
        with_note(Request(checkpoint, "DDAG"))
    note_path(checkpoint).write_text("{", encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"the note of own\.ckpt, cannot be read"):
        with_note(Request(checkpoint, "MVD"))
