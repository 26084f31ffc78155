"""Parts of a run, and the one file that they make: that of a run without parts, byte for byte."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import placed
import pytest

import mindspore_hub
from mindspore_hub.errors import FeaturesError, HubError, PictureError, SettingsError
from mindspore_hub.gallery import features
from mindspore_hub.tasks.pictures.samples import Sample, known_of, list_samples
from mindspore_hub.tasks.pictures.shards import Shard

pytestmark = pytest.mark.slow

SIZE = 7
"""With batches of 7, a dense layer rounds otherwise in another place of the batch."""


def part(folder: Path, output: Path, shard: str | None, **options: Any) -> Path:
    """Embed one part, or all, with a network whose rows depend on their place in the batch."""
    settings = {"name": placed.CARD, "batch_size": SIZE, "runtime": "mindspore", **options}
    pictures = list_samples(folder)
    known = known_of(pictures, settings.pop("pattern", r"(?P<label>\d+)"))
    embedding = placed.Placed(**settings)
    embedding.write(pictures, output, known=known, shard=None if shard is None else Shard.of(shard))
    return output


def parts(folder: Path, target: Path, count: int, **options: Any) -> list[Path]:
    return [
        part(folder, target / f"part-{number:02}.npz", f"{number}/{count}", **options)
        for number in range(1, count + 1)
    ]


def test_the_same_is_true_of_a_network_whose_rows_depend_on_their_place(
    card: str, tmp_path: Path
) -> None:
    """By rounding: that they do is why a shard is made of whole batches."""
    import tiny

    folder = tiny.numbered(
        tmp_path / "all", 59
    )  # of which there are more than 55, so it is compiled
    files = sorted(folder.iterdir())[:SIZE]
    settings: dict[str, Any] = {"batch_size": SIZE, "network": tiny.Tiny()}
    forward, backward = (
        mindspore_hub.embed(card, order, **settings).vectors for order in (files, files[::-1])
    )
    assert np.allclose(forward, backward[::-1], atol=1e-4)
    assert not np.array_equal(forward, backward[::-1])
    mindspore_hub.embed(card, folder, output=tmp_path / "whole.npz", **settings)
    made = [tmp_path / f"part-{number}.npz" for number in range(1, 5)]
    for number, output in enumerate(made, 1):
        mindspore_hub.embed(card, folder, output=output, shard=f"{number}/4", **settings)
    mindspore_hub.merge_parts(made, tmp_path / "out.npz")
    assert (tmp_path / "out.npz").read_bytes() == (tmp_path / "whole.npz").read_bytes()


@pytest.mark.parametrize(("pictures", "count"), [(45, 2), (45, 7), (114, 16)])
def test_merged_parts_are_the_file_of_one_run(pictures: int, count: int, tmp_path: Path) -> None:
    folder = placed.draw(tmp_path / "all", pictures)  # more than 55 are compiled
    whole = part(folder, tmp_path / "whole.npz", None)
    made = parts(folder, tmp_path, count)
    found = mindspore_hub.merge_parts(reversed(made), tmp_path / "out.npz")
    assert (tmp_path / "out.npz").read_bytes() == whole.read_bytes()
    assert found.labels is not None
    assert found.labels.tolist() == list(range(pictures))


def test_pictures_that_are_left_out_are_left_out_of_the_merge(tmp_path: Path) -> None:
    folder = placed.draw(tmp_path / "all", 45)
    for number in [3, *range(7, 14)]:  # a whole batch, which is a whole part
        (folder / f"{number:04}.png").write_bytes(b"no picture")
    whole = part(folder, tmp_path / "whole.npz", None, skip_bad=True)
    made = parts(folder, tmp_path, 7, skip_bad=True)
    mindspore_hub.merge_parts(made, tmp_path / "out.npz")
    assert (tmp_path / "out.npz").read_bytes() == whole.read_bytes()


def test_a_part_that_was_stopped_goes_on(tmp_path: Path) -> None:
    folder = placed.draw(tmp_path / "all", 45)
    done: list[int] = []

    def stop(number: int, _total: int | None) -> None:
        done.append(number)
        if len(done) == 2:
            raise KeyboardInterrupt

    output = tmp_path / "part-01.npz"
    with pytest.raises(KeyboardInterrupt):
        part(folder, output, "1/2", progress=stop)
    assert not output.exists()
    part(folder, output, "1/2", progress=stop)
    assert len(done) == 4, "two batches before, and two after"
    whole = part(folder, tmp_path / "whole.npz", None)
    part(folder, tmp_path / "part-02.npz", "2/2")
    mindspore_hub.merge_parts(sorted(tmp_path.glob("part-*.npz")), tmp_path / "out.npz")
    assert (tmp_path / "out.npz").read_bytes() == whole.read_bytes()


# What does not belong together. Each case changes the third of three parts.


def other_size(folder: Path, third: Path) -> None:
    part(folder, third, "3/3", batch_size=6)


def other_pictures(folder: Path, third: Path) -> None:
    shutil.copy(folder / "0003.png", folder / "0044a.png")
    part(folder, third, "3/3")


def other_weights(folder: Path, third: Path) -> None:
    part(folder, third, "3/3", name=placed.CARD.replace("triplet", "quadruplet"))


def other_modality(folder: Path, third: Path) -> None:
    part(folder, third, "3/3", modality="visible")


def other_labels(folder: Path, third: Path) -> None:
    part(folder, third, "3/3", pattern=r"(?P<label>(?P<camera>\d+))")


def no_labels(folder: Path, third: Path) -> None:
    part(folder, third, "3/3", pattern=None)


def changed_picture(folder: Path, third: Path) -> None:
    path = folder / "0001.png"
    path.write_bytes((folder / "0002.png").read_bytes())
    part(folder, third, "3/3")


def other_count(folder: Path, third: Path) -> None:
    part(folder, third, "3/4")


def twice(_folder: Path, third: Path) -> None:
    shutil.copy(third.with_name("part-02.npz"), third)


def missing(_folder: Path, third: Path) -> None:
    third.unlink()


def cut(_folder: Path, third: Path) -> None:
    third.write_bytes(third.read_bytes()[:-100])


def flipped(_folder: Path, third: Path) -> None:
    content = bytearray(third.read_bytes())
    place = content.index(b"vectors.npy") + 200
    content[place] ^= 1
    third.write_bytes(content)


def whole(folder: Path, third: Path) -> None:
    part(folder, third, None)


def fewer_rows(_folder: Path, third: Path) -> None:
    found = features.load(third)
    found.take(np.arange(len(found) - 1)).save(third)


def odd_shard(_folder: Path, third: Path) -> None:
    found = features.load(third)
    found.about["shard"]["rows"] = [3]
    found.save(third)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            other_size,
            r"part-01\.npz, .*part-02\.npz agree, but not with .*part-03\.npz: batch_size 6 ",
        ),
        (other_pictures, r"not with .*part-03\.npz: .*pictures were added, changed or removed"),
        (
            changed_picture,
            r"not with .*part-03\.npz: pictures were added, changed or removed\. Make",
        ),
        (other_weights, r"not with .*part-03\.npz: card .*; sha256 "),
        (other_modality, r"not with .*part-03\.npz: modality visible instead of None\. Make"),
        (other_labels, r"not with .*part-03\.npz: arrays \(cameras\); labels and cameras "),
        (no_labels, r"not with .*part-03\.npz: arrays \(labels\); labels and cameras "),
        (other_count, r"not with .*part-03\.npz: shards 4 instead of 3\. Make"),
        (twice, r"part-02\.npz and .*part-03\.npz are both the part 2/3; name one of them\."),
        (missing, r"1 of 3 parts are missing: 3/3\. Make them \(`--shard 3/3`\), or name "),
        (
            cut,
            r"part-03\.npz cannot be read as a part: .*; *If it was cut|part-03\.npz cannot be read",
        ),
        (flipped, r"part-03\.npz cannot be read as a part: .*Bad CRC-32"),
        (
            whole,
            r"part-03\.npz is not a part: it does not say which shard it is of\. Parts are made",
        ),
        (fewer_rows, r"part-03\.npz is damaged: it has \d+ rows, but says \d+; make it again"),
        (odd_shard, r"part-03\.npz is damaged: what it says of its shard cannot be read"),
    ],
)
def test_parts_that_do_not_belong_together_are_refused(
    change: Callable[[Path, Path], None],
    message: str,
    three: tuple[Path, Path],
    tmp_path: Path,
) -> None:
    folder, target = three
    change(folder, target / "part-03.npz")
    output = tmp_path / "out.npz"
    output.write_bytes(b"earlier")
    with pytest.raises(FeaturesError, match=message):
        mindspore_hub.merge_parts(sorted(target.glob("part-*.npz")), output)
    assert output.read_bytes() == b"earlier"
    assert not list(tmp_path.glob(".*"))
    assert not list(tmp_path.glob("*.partial"))


@pytest.fixture
def three(tmp_path: Path) -> tuple[Path, Path]:
    """A folder of pictures, and one of its three parts."""
    folder, target = placed.draw(tmp_path / "all", 45), tmp_path / "parts"
    parts(folder, target, 3)
    return folder, target


def test_an_output_that_is_a_part_is_refused(three: tuple[Path, Path]) -> None:
    files = sorted(three[1].glob("*.npz"))
    before = files[1].read_bytes()
    with pytest.raises(FeaturesError, match="is one of the parts to merge; give the whole another"):
        mindspore_hub.merge_parts(files, files[1])
    assert files[1].read_bytes() == before
    with pytest.raises(FeaturesError, match="There is no part to merge"):
        mindspore_hub.merge_parts([], three[1] / "out.npz")


# Which shard it is


@pytest.mark.parametrize(
    ("text", "environment", "expected"),
    [
        ("3/16", {}, (3, 16)),
        ("auto", {"SLURM_ARRAY_TASK_ID": "4", "SLURM_ARRAY_TASK_MIN": "0"}, (5, 16)),
        ("auto/16", {"SLURM_ARRAY_TASK_ID": "16"}, (16, 16)),
        (
            "auto",
            {
                "SLURM_ARRAY_TASK_ID": "7",
                "SLURM_ARRAY_TASK_STEP": "2",
                "SLURM_ARRAY_TASK_COUNT": "8",
            },
            (4, 8),
        ),
        ("auto", {"SLURM_PROCID": "2", "SLURM_STEP_NUM_TASKS": "4"}, (3, 4)),
        ("auto/16", {"JOB_COMPLETION_INDEX": "0"}, (1, 16)),
        ("auto", {"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "4"}, (2, 4)),
        ("auto", {"PMI_RANK": "3", "PMI_SIZE": "4", "SLURM_PROCID": "3"}, (4, 4)),
    ],
)
def test_a_shard_is_what_is_written_or_what_the_environment_says(
    text: str, environment: Mapping[str, str], expected: tuple[int, int]
) -> None:
    array = {"SLURM_ARRAY_TASK_MIN": "1", "SLURM_ARRAY_TASK_STEP": "1"}
    if "SLURM_ARRAY_TASK_ID" in environment:
        first = int({**array, **environment}["SLURM_ARRAY_TASK_MIN"])
        array |= {"SLURM_ARRAY_TASK_COUNT": "16", "SLURM_ARRAY_TASK_MAX": str(first + 15)}
        environment = {**array, **environment}
    shard = Shard.of(text, environment)
    assert (shard.number, shard.count) == expected


@pytest.mark.parametrize(
    "text",
    [
        "17/16",
        "0/16",
        "0/0",
        "3",
        "3/",
        "/16",
        "-1/4",
        "1/2/3",
        "auto/",
        "Auto",
        "",
        "1 /2",
        "٣/16",
    ],
)
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(PictureError, match=r"shard"):
        Shard.of(text, {})


SLURM = {
    "SLURM_ARRAY_TASK_ID": "7",
    "SLURM_ARRAY_TASK_COUNT": "3",
    "SLURM_ARRAY_TASK_MIN": "1",
    "SLURM_ARRAY_TASK_MAX": "7",
    "SLURM_ARRAY_TASK_STEP": "1",
}


@pytest.mark.parametrize(
    ("text", "environment", "message"),
    [
        ("auto", {}, "does not say which shard this is"),
        (
            "auto",
            {"JOB_COMPLETION_INDEX": "3"},
            "does not say how many shards there are; write auto/COUNT",
        ),
        ("auto/3", {"JOB_COMPLETION_INDEX": "3"}, "says that this is number 4 of 3"),
        (
            "auto",
            {"JOB_COMPLETION_INDEX": "x"},
            "JOB_COMPLETION_INDEX must be a whole number, but is 'x'",
        ),
        ("auto", SLURM, "a Slurm array job with gaps"),
        (
            "auto/8",
            {"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "4"},
            "but 8 were asked for",
        ),
        (
            "auto/16",
            {**SLURM, "SLURM_ARRAY_TASK_MIN": "7", "SLURM_ARRAY_TASK_COUNT": "1"},
            "says that this is number 1 of 1 .*, but 16 were asked for",
        ),
        (
            "auto",
            {"PMI_RANK": "0", "PMI_SIZE": "4", "SLURM_PROCID": "1", "SLURM_STEP_NUM_TASKS": "4"},
            "says two things of the shard: srun says 2/4; MPI says 1/4",
        ),
    ],
)
def test_an_environment_that_does_not_say_it_is_explained(
    text: str, environment: Mapping[str, str], message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        Shard.of(text, environment)


def test_shards_are_dealt_by_the_hash_of_paths_and_hold_every_picture_once() -> None:
    samples = [Sample("", f"{number:05}.png") for number in range(1000)]
    found = [Shard(number, 16).pictures(samples, 16) for number in range(1, 17)]
    assert sorted(number for numbers in found for number in numbers) == list(range(1000))
    assert {len(numbers) for numbers in found} <= {64, 56, 48}
    assert all(number % 16 == 0 or number - 1 in numbers for numbers in found for number in numbers)
    # The deal is part of what files of different machines agree on: it may not change unseen.
    assert [numbers[0] // 16 for numbers in found] == DEALT


DEALT = [12, 0, 3, 21, 19, 5, 6, 17, 2, 20, 8, 31, 32, 4, 1, 30]


@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        (
            [np.zeros((4, 6, 3), np.uint8)],
            {"shard": "1/1", "runtime": "mindspore"},
            "A shard is for files, but picture 0",
        ),
        (
            "folder",
            {"shard": "1/8", "runtime": "mindspore"},
            r"45 pictures in batches of 7 are 7 batches, .* 8 shards",
        ),
        ("folder", {"shard": "1/2", "output": None}, "shard= needs output="),
        ("folder", {"shard": "1/2", "on": "local:2"}, "goes without on="),
        (
            "folder",
            {"on": "local:2", "network": object()},
            "A network that is given is only in this process",
        ),
    ],
)
def test_what_cannot_be_shared_out_is_refused(
    images: Any, options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    folder = placed.draw(tmp_path / "all", 45)
    settings = {"output": tmp_path / "f.npz", "batch_size": SIZE, **options}
    with pytest.raises(HubError, match=message):
        mindspore_hub.embed(placed.CARD, folder if images == "folder" else images, **settings)
    assert {path.name for path in tmp_path.iterdir()} == {"all"}
