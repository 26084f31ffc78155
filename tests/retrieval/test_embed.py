"""Pictures to features: which pictures, in which order, and what is said of those that are bad."""

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mindspore
import numpy as np
import pytest
import tiny
from mindspore import nn
from PIL import Image

import mindspore_hub
from mindspore_hub.errors import CardError, FeaturesError, PictureError, StoreError
from mindspore_hub.gallery import features
from mindspore_hub.tasks.pictures.samples import list_samples
from mindspore_hub.tasks.retrieval.embedding import Embedding


@pytest.fixture
def network() -> tiny.Tiny:
    return tiny.Tiny()


def expected(card: str, folder: Path, *names: str) -> np.ndarray:
    prepared = mindspore_hub.transforms(card)([folder / name for name in names])
    return tiny.feature(prepared)


def assert_close(found: np.ndarray, wanted: np.ndarray) -> None:
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5 * np.abs(wanted).max())


def test_a_folder_is_taken_in_the_order_of_paths_without_what_is_hidden_or_no_picture(
    card: str, network: tiny.Tiny, tmp_path: Path
) -> None:
    folder = tiny.draw(
        tmp_path / "all",
        *("b/2.png", "b.png", "a/z/1.JPG", "a-1.bmp", "10.png", "9.png"),
        *(".hidden.png", ".cache/1.png", "a/.thumbs/1.png"),
    )
    for name in ("notes.txt", "a/features.h5", "b/labels.csv", "film.mpg", "png"):
        (folder / name).write_bytes(b"no picture")
    found = mindspore_hub.embed(card, folder, network=network)
    names = ["10.png", "9.png", "a-1.bmp", "a/z/1.JPG", "b.png", "b/2.png"]
    assert found.paths is not None
    assert found.paths.tolist() == names
    assert_close(found.vectors, expected(card, folder, *names))
    assert found.about["root"] == str(folder)
    assert "skipped" not in found.about


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 8, 100])
def test_the_size_of_batches_does_not_matter(
    size: int, card: str, network: tiny.Tiny, tmp_path: Path
) -> None:
    folder = tiny.numbered(tmp_path / "all", 9)
    found = mindspore_hub.embed(card, folder, network=network, batch_size=size)
    assert_close(found.vectors, expected(card, folder, *(f"{n:04}.png" for n in range(9))))
    assert found.about["batch_size"] == size


def test_integers_of_numpy_are_integers(card: str, network: tiny.Tiny, tmp_path: Path) -> None:
    folder, output = tiny.numbered(tmp_path / "all", 3), tmp_path / "x.npz"
    found = mindspore_hub.embed(
        card, folder, network=network, batch_size=np.int64(2), output=output
    )
    assert_close(found.vectors, expected(card, folder, "0000.png", "0001.png", "0002.png"))
    features.Features(found.vectors, about={"of": {"cut": [np.int64(3)]}}).save(output)
    assert features.load(output).about == {"of": {"cut": [3]}}


def test_every_batch_that_the_network_sees_has_the_same_size(card: str, tmp_path: Path) -> None:
    seen: list[int] = []
    network = tiny.Tiny(called=lambda x: seen.append(len(x)))
    folder = tiny.numbered(tmp_path / "all", 10)
    (folder / "0001.png").write_bytes(b"no picture")
    found = mindspore_hub.embed(card, folder, network=network, batch_size=4, skip_bad=True)
    assert seen == [4, 4, 4]
    assert len(found) == 9


def test_one_picture_is_embedded_by_its_path(
    card: str, network: tiny.Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.draw(tmp_path / "all", "a.png", "b.png")
    monkeypatch.chdir(tmp_path / "all")
    found = mindspore_hub.embed(card, "a.png", network=network)
    assert found.paths is not None
    assert found.paths.tolist() == ["a.png"]
    assert found.about["root"] == str(tmp_path / "all")
    assert_close(found.vectors, expected(card, tmp_path / "all", "a.png"))


@pytest.mark.parametrize("kind", ["image", "images", "array", "arrays", "stack", "generator"])
def test_pictures_may_be_no_files(kind: str, card: str, network: tiny.Tiny, tmp_path: Path) -> None:
    names = ["a.png"] if kind in {"image", "array"} else ["a.png", "b.png", "c.png"]
    arrays = [tiny.pixels(name) for name in names]
    images: dict[str, Any] = {
        "image": Image.fromarray(arrays[0]),
        "images": [Image.fromarray(array) for array in arrays],
        "array": arrays[0],
        "arrays": arrays,
        "stack": np.stack(arrays),
        "generator": (Image.fromarray(array) for array in arrays),
    }
    found = mindspore_hub.embed(card, images[kind], network=network, batch_size=2)
    folder = tiny.draw(tmp_path / "all", *names)
    assert_close(found.vectors, expected(card, folder, *names))
    assert found.paths is None
    assert found.about["root"] is None


def test_a_list_of_paths_keeps_its_order(card: str, network: tiny.Tiny, tmp_path: Path) -> None:
    folder = tiny.draw(tmp_path / "all", "a.png", "b.png")
    paths = [folder / "b.png", str(folder / "a.png"), folder / "b.png"]
    found = mindspore_hub.embed(card, paths, network=network)
    assert found.paths is not None
    assert found.paths.tolist() == [str(path) for path in paths]
    assert_close(found.vectors, expected(card, folder, "b.png", "a.png", "b.png"))


# Pictures that cannot be read


def test_a_bad_picture_is_fatal_and_named(card: str, network: tiny.Tiny, tmp_path: Path) -> None:
    folder = tiny.numbered(tmp_path / "all", 5)
    (folder / "0003.png").write_bytes((folder / "0002.png").read_bytes()[:60])
    with pytest.raises(PictureError, match=r"all/0003\.png cannot be read as a picture"):
        mindspore_hub.embed(card, folder, network=network, batch_size=2)


def test_a_bad_array_is_named_by_its_number(card: str, network: tiny.Tiny) -> None:
    pictures = [tiny.pixels("a"), tiny.pixels("b")[:, :, :2]]
    with pytest.raises(PictureError, match=r"Picture 1: An array must be uint8"):
        mindspore_hub.embed(card, pictures, network=network)


@pytest.mark.parametrize(
    "bad", [{3}, {0, 1}, {2, 3}, {4}, {0, 1, 2, 3}, {1, 3}], ids=lambda bad: str(sorted(bad))
)
@pytest.mark.parametrize("stored", [False, True])
def test_bad_pictures_are_skipped_with_a_warning_and_listed(
    stored: bool,
    bad: set[int],
    card: str,
    network: tiny.Tiny,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    folder = tiny.numbered(tmp_path / "all", 5)
    for number in bad:
        (folder / f"{number:04}.png").write_bytes(b"no picture")
    output = tmp_path / "f.npz" if stored else None
    options = {"skip_bad": True, "batch_size": 2, "pattern": r"(?P<label>\d+)", "output": output}
    found = mindspore_hub.embed(card, folder, network=network, **options)
    good = [number for number in range(5) if number not in bad]
    assert found.paths is not None
    assert found.paths.tolist() == [f"{number:04}.png" for number in good]
    assert found.labels is not None
    assert found.labels.tolist() == good
    assert_close(found.vectors, expected(card, folder, *found.paths))
    assert found.about["skipped"].keys() == {f"{number:04}.png" for number in bad}
    assert all("cannot be read as a picture" in why for why in found.about["skipped"].values())
    warnings = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert sorted(text[:16] for text in warnings) == [f"skipped {n:04}.png" for n in sorted(bad)]


@pytest.mark.parametrize("stored", [False, True])
def test_a_folder_of_bad_pictures_only_is_an_error(
    stored: bool, card: str, network: tiny.Tiny, tmp_path: Path
) -> None:
    folder = tmp_path / "all"
    folder.mkdir()
    for name in "abc":
        (folder / f"{name}.png").write_bytes(b"no picture")
    output = tmp_path / "f.npz" if stored else None
    options = {"network": network, "output": output, "skip_bad": True, "batch_size": 2}
    with pytest.raises(FeaturesError, match=r"None of 3 pictures could be read; the first"):
        mindspore_hub.embed(card, folder, **options)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all", "tiny_pixels.md"]


def test_a_feature_that_is_no_number_is_an_error_that_names_its_picture(
    card: str, network: tiny.Tiny, tmp_path: Path
) -> None:
    facts = tiny.card(
        tmp_path, task="{name: retrieval, outputs: [0], normalised: True, distance: dot}"
    )
    network.layer.weight.set_data(mindspore.ops.zeros_like(network.layer.weight))
    network.layer.bias.set_data(mindspore.ops.zeros_like(network.layer.bias))
    folder = tiny.draw(tmp_path / "all", "a.png")
    with (
        np.errstate(invalid="ignore"),
        pytest.raises(FeaturesError, match=r"The feature of a\.png is infinite, not a number"),
    ):
        mindspore_hub.embed(facts, folder, network=network)


class Scored(tiny.Tiny):
    """Scores of colours beside the feature, of which one is not a number."""

    def construct(self, x: mindspore.Tensor) -> tuple[mindspore.Tensor, mindspore.Tensor]:
        made = super().construct(x)
        return made, mindspore.ops.log(0 * made - 1)


def test_a_score_that_is_no_number_is_an_error_that_names_its_picture(tmp_path: Path) -> None:
    facts = tiny.card(tmp_path, task="{name: retrieval, outputs: [0], colors: 1, distance: dot}")
    folder = tiny.draw(tmp_path / "all", "a.png")
    for output in (None, tmp_path / "x.npz"):
        with pytest.raises(FeaturesError, match=r"The row of color_scores of a\.png is infinite"):
            mindspore_hub.embed(facts, folder, network=Scored(), output=output)
    assert not (tmp_path / "x.npz").exists()


# What is asked for, and what does not fit


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ("nowhere", "There is no picture and no folder .*/nowhere"),
        ("empty", "empty holds no pictures"),
        ([], "There is no picture; give a folder"),
    ],
)
def test_no_picture_is_an_error(
    images: Any, message: str, card: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PictureError, match=message):
        mindspore_hub.embed(card, images)


def test_labels_and_cameras_come_from_paths(card: str, network: tiny.Tiny, tmp_path: Path) -> None:
    folder = tiny.draw(tmp_path / "all", "0002_c3.png", "x/0002_c1.png", "-1_c9.png")
    pattern = r"(?P<label>-?\d+)_c(?P<camera>\d+)"
    found = mindspore_hub.embed(card, folder, network=network, pattern=pattern)
    assert found.paths is not None
    assert found.labels is not None
    assert found.cameras is not None
    assert found.paths.tolist() == ["-1_c9.png", "0002_c3.png", "x/0002_c1.png"]
    assert found.labels.tolist() == [-1, 2, 2]
    assert found.cameras.tolist() == [9, 3, 1]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(", "is not a regular expression"),
        (r"(\d+)", r"must have a group .* but has none"),
        (r"(?P<camera>\d)", r"has \['camera'\]"),
        (r"(?P<label>\d)(?P<id>\d)", r"has \['id', 'label'\]"),
        (r"(?P<label>[a-z]+)", r"finds the label 'a' in 'a\.png', but needs a whole number"),
        (r"(?P<label>\d+)_", r"finds the label None in 'a\.png'"),
    ],
)
def test_a_pattern_that_does_not_fit_is_an_error_before_the_network_is_loaded(
    pattern: str, message: str, card: str, tmp_path: Path
) -> None:
    folder = tiny.draw(tmp_path / "all", "a.png")
    with pytest.raises(PictureError, match=message):
        mindspore_hub.embed(card, folder, pattern=pattern)


def test_a_pattern_needs_paths(card: str) -> None:
    with pytest.raises(PictureError, match="not every picture is a file"):
        mindspore_hub.embed(card, [tiny.pixels("a")], pattern=r"(?P<label>\d+)")


def test_a_modality_that_the_network_was_not_trained_on_is_refused(
    card: str, network: tiny.Tiny, tmp_path: Path
) -> None:
    folder = tiny.draw(tmp_path / "all", "a.png")
    with pytest.raises(PictureError, match=r"trained on visible and thermal .* is 'infrared'"):
        mindspore_hub.embed(card, folder, modality="infrared")
    found = mindspore_hub.embed(card, folder, modality="thermal", network=network)
    assert found.about["modality"] == "thermal"


@pytest.mark.parametrize("key", ["task", "preprocessing"])
def test_a_card_that_does_not_say_how_is_refused(key: str, tmp_path: Path) -> None:
    folder = tiny.draw(tmp_path / "all", "a.png")
    with pytest.raises(CardError, match=key):
        mindspore_hub.embed(tiny.card(tmp_path, **{key: None}), folder)


@pytest.mark.parametrize("size", [0, -1, "4", 2.5, None, True, np.float32(4)])
def test_a_batch_size_that_is_none_is_refused(size: Any, card: str, tmp_path: Path) -> None:
    folder = tiny.draw(tmp_path / "all", "a.png")
    with pytest.raises(PictureError, match="batch_size must be a whole number of at least 1, but"):
        mindspore_hub.embed(card, folder, batch_size=size)


def test_what_the_network_does_not_take_is_refused_before_it_is_loaded(
    card: str, tmp_path: Path
) -> None:
    folder = tiny.draw(tmp_path / "all", "a.png")
    with pytest.raises(PictureError, match=r"takes nothing beside pictures, but heatmaps was"):
        mindspore_hub.embed(card, folder, heatmaps=folder, skip_bad=True)


# What is left behind


def test_a_file_holds_what_memory_would(card: str, network: tiny.Tiny, tmp_path: Path) -> None:
    folder = tiny.numbered(tmp_path / "all", 5)
    options: dict[str, Any] = {"network": network, "batch_size": 2, "pattern": r"(?P<label>\d+)"}
    held = mindspore_hub.embed(card, folder, **options)
    stored = mindspore_hub.embed(card, folder, output=tmp_path / "f.npz", **options)
    held.save(tmp_path / "held.npz")
    with np.load(tmp_path / "held.npz") as first, np.load(tmp_path / "f.npz") as second:
        assert set(first.files) == set(second.files)
        for name in first.files:
            np.testing.assert_array_equal(first[name], second[name])
    assert np.array_equal(stored.vectors, held.vectors)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["all"]


def test_modes_and_names_are_left_as_they_were(card: str, tmp_path: Path) -> None:
    network = mindspore.nn.SequentialCell(mindspore.nn.Flatten(), mindspore.nn.Dense(72, 2))
    network.set_train(True)
    network[1].set_train(False)
    names = [parameter.name for parameter in network.get_parameters()]
    folder = tiny.numbered(tmp_path / "all", 9)
    for size in (4, 1):
        mindspore_hub.embed(card, folder, network=network, batch_size=size)
        assert (network.training, network[0].training, network[1].training) == (True, True, False)
        assert [parameter.name for parameter in network.get_parameters()] == names


def test_the_mode_comes_back_after_an_error(card: str, tmp_path: Path) -> None:
    def fail(_: object) -> None:
        raise RuntimeError

    network = tiny.Tiny(called=fail).set_train(True)
    folder = tiny.numbered(tmp_path / "all", 3)
    with pytest.raises(RuntimeError):
        mindspore_hub.embed(card, folder, network=network)
    assert network.training


@pytest.fixture
def graph_mode() -> Iterator[None]:
    before = mindspore.get_context("mode")
    mindspore.set_context(mode=mindspore.GRAPH_MODE)
    yield
    assert mindspore.get_context("mode") == mindspore.GRAPH_MODE
    mindspore.set_context(mode=before)


@pytest.mark.usefixtures("graph_mode")
@pytest.mark.parametrize("size", [1, 4])
def test_a_context_in_graph_mode_gives_the_same(
    size: int, card: str, network: tiny.Tiny, tmp_path: Path
) -> None:
    folder = tiny.numbered(tmp_path / "all", 9)
    found = mindspore_hub.embed(card, folder, network=network, batch_size=size)
    assert_close(found.vectors, expected(card, folder, *(f"{n:04}.png" for n in range(9))))


def test_an_embedding_serves_several_sets(card: str, tmp_path: Path) -> None:
    folder = tiny.numbered(tmp_path / "all", 20)
    embedding = Embedding(card, network=tiny.Tiny(), batch_size=2)
    whole = embedding.features(list_samples(folder), known={})
    paths = sorted(folder.iterdir())
    first = embedding.features(list_samples(paths[:17]), known={})
    last = embedding.features(list_samples(paths[17:]), known={})
    assert np.array_equal(np.concatenate([first.vectors, last.vectors]), whole.vectors)


def test_progress_counts_pictures_to_the_end(card: str, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    embedding = Embedding(
        card, network=tiny.Tiny(), batch_size=2, progress=lambda *args: seen.append(args)
    )
    embedding.features(list_samples(tiny.numbered(tmp_path / "all", 5)), known={})
    assert seen == [(2, 5), (4, 5), (5, 5)]


def test_about_says_what_made_the_features(card: str, network: tiny.Tiny, tmp_path: Path) -> None:
    folder = tiny.draw(tmp_path / "all", "a.png")
    found = mindspore_hub.embed(card, folder, network=network, output=tmp_path / "f.npz")
    about = features.load(tmp_path / "f.npz").about
    assert about == json.loads(json.dumps(found.about))
    assert about["network"] == "given"
    assert len(about["sha256"]) == 64
    assert about["retrieval"] == {"outputs": [0], "distance": "dot"}
    assert about["preprocessing"]["size"] == [4, 6]
    assert about["versions"].keys() >= {"python", "mindspore", "numpy", "pillow"}
    network.layer.bias.set_data(network.layer.bias + 1)
    other = mindspore_hub.embed(card, folder, network=network)
    assert other.about["sha256"] != about["sha256"]


def test_a_folder_in_the_way_of_the_output_is_an_error(
    card: str, network: tiny.Tiny, tmp_path: Path
) -> None:
    folder = tiny.draw(tmp_path / "all", "a.png")
    (tmp_path / "out").mkdir()
    with pytest.raises(StoreError, match="out is a folder; give the name of a file"):
        mindspore_hub.embed(card, folder, network=network, output=tmp_path / "out")


class Gives(nn.Cell):
    """A network whose outputs are made of the features of `Tiny`."""

    def __init__(self, outputs: Callable[[Any], Any]) -> None:
        super().__init__()
        self.tiny = tiny.Tiny()
        self.outputs = outputs

    def construct(self, x: Any) -> Any:
        return self.outputs(self.tiny(x))


def as_list(x: Any) -> Any:
    return [x]


def as_two(x: Any) -> Any:
    return [x, -x]


def as_tuple(x: Any) -> Any:
    return (x, -x)


@pytest.mark.parametrize("outputs", [as_list, as_two, as_tuple])
@pytest.mark.parametrize("pictures", [2, 16])
def test_a_list_of_outputs_counts_as_a_tuple(
    outputs: Callable[[Any], Any], pictures: int, card: str, tmp_path: Path
) -> None:
    folder = tiny.numbered(tmp_path / "all", pictures)
    wanted = mindspore_hub.embed(card, folder, network=tiny.Tiny(), batch_size=2).vectors
    found = mindspore_hub.embed(card, folder, network=Gives(outputs), batch_size=2).vectors
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("pictures", [2, 16])
@pytest.mark.parametrize(
    ("wanted", "outputs", "came"),
    [
        ("[0]", lambda x: {"f": x}, "a dict"),
        ("[0]", lambda x: x.reshape(2, 5, 1, 1), r"a tensor \(2, 5, 1, 1\) of float32"),
        ("[0]", lambda x: x.sum(), r"a tensor \(\) of float32"),
        ("[0]", lambda x: x.reshape(1, 10), r"a tensor \(1, 10\) of float32"),
        ("[0]", lambda x: x > 0, r"a tensor \(2, 5\) of bool"),
        ("[0]", lambda _: None, r"nothing \(None\)"),
        ("[0]", lambda _: 3.5, "a float"),
        ("[0]", lambda _: (), r"a tuple of 0 \(\)"),
        ("[0]", lambda x: ((x, x), x), r"a tuple of 2 \(a tuple of 2 \(a tensor"),
        ("[0, 1]", lambda x: x, r"a tensor \(2, 5\) of float32"),
        ("[1]", lambda x: x, r"a tensor \(2, 5\) of float32"),
        ("[0, 2]", lambda x: (x, x), r"a tuple of 2 \(a tensor \(2, 5\) of float32; a tensor"),
        ("[0, 1]", lambda x: [x, None], r"a list of 2 \(.*; nothing \(None\)\)"),
    ],
)
def test_a_network_with_other_outputs_than_the_card_names_is_refused(
    wanted: str, outputs: Callable[[Any], Any], came: str, pictures: int, tmp_path: Path
) -> None:
    card = tiny.card(tmp_path, task=f"{{name: retrieval, outputs: {wanted}, distance: dot}}")
    folder = tiny.numbered(tmp_path / "all", pictures)
    with pytest.raises(FeaturesError, match=f"but the network gave {came}") as caught:
        mindspore_hub.embed(card, folder, network=Gives(outputs), batch_size=2)
    assert f"needs the outputs {wanted[1:-1]} (counted from 0)" in str(caught.value)


def test_an_error_of_the_network_itself_is_left_as_it_is(card: str, tmp_path: Path) -> None:
    def fail(_: Any) -> Any:
        msg = "of the network"
        raise ZeroDivisionError(msg)

    folder = tiny.numbered(tmp_path / "all", 2)
    with pytest.raises(ZeroDivisionError, match="of the network"):
        mindspore_hub.embed(card, folder, network=Gives(fail))
