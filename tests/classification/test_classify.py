"""Pictures to classes, against plain NumPy after the network; and networks without their head."""

import csv
import json
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import digits
import mindspore
import numpy as np
import pytest
from mindspore import Tensor, nn

import mindspore_hub
from mindspore_hub.errors import (
    CardError,
    CheckpointError,
    DatasetError,
    FeaturesError,
    PictureError,
)
from mindspore_hub.tasks.classification.classifier import Classifier, most_probable
from mindspore_hub.tasks.classification.labels import labels_of
from mindspore_hub.tasks.classification.task import LABEL_SETS
from mindspore_hub.tasks.pictures.samples import list_samples

Array = np.ndarray[Any, Any]

THOUSAND = "{name: classification, labels: imagenet1k, unused: 1}"


class Scores(nn.Cell):
    """Gives every picture scores that are its first pixel times these, and counts its calls."""

    def __init__(self, scores: Array) -> None:
        super().__init__()
        self.scores = mindspore.Parameter(Tensor(np.float32(scores)), name="scores")
        self.calls = 0

    def construct(self, x: Tensor) -> Tensor:
        self.calls += 1
        return x.reshape(x.shape[0], -1)[:, :1] * self.scores


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return digits.draw(tmp_path / "all", 5)


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Makes a card of LeNet-5 whose file is at hand."""
    monkeypatch.setenv("MSHUB_MIRRORS", str(tmp_path))
    monkeypatch.setenv("MSHUB_HOME", str(tmp_path / "store"))
    return lambda **changes: digits.published(tmp_path, changes.get("held"))


def softmax(scores: Array) -> Array:
    powers = np.exp(np.float64(scores) - np.float64(scores).max(axis=1, keepdims=True))
    made: Array = powers / powers.sum(axis=1, keepdims=True)
    return made


def test_classes_equal_plain_numpy_after_the_network(
    published: Callable[..., str], folder: Path
) -> None:
    card = published()
    found = mindspore_hub.classify(card, folder, k=3, batch_size=2)
    network = mindspore_hub.load(card)
    scores = network(Tensor(mindspore_hub.transforms(card)(sorted(folder.iterdir())))).asnumpy()
    shares = softmax(scores)
    order = np.lexsort((np.tile(np.arange(10), (5, 1)), -scores))[:, :3]
    assert np.array_equal(found.classes, order)
    expected = np.take_along_axis(shares, order, axis=1)
    np.testing.assert_allclose(found.probabilities, expected, rtol=1e-5)
    assert found.paths == [f"{number:04}.png" for number in range(5)]
    assert found.about["card"] == card or found.about["network"] == "published"
    guess = found.guesses(0)[0]
    assert (guess.label, guess.id, guess.number) == (str(guess.number), "", order[0, 0])


def test_every_class_is_given_where_there_are_fewer_than_k(tmp_path: Path, folder: Path) -> None:
    network = Scores(np.arange(10))
    found = mindspore_hub.classify(digits.card(tmp_path), folder, k=99, network=network)
    assert found.classes.shape == (5, 10)
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, rtol=1e-6)


def test_of_equal_scores_the_lower_class_comes_first() -> None:
    classes, shares = most_probable(np.float32([[1, 3, 3, -2, 3], [0, 0, 0, 0, 0]]), 4)
    assert classes.tolist() == [[1, 2, 4, 0], [0, 1, 2, 3]]
    assert shares[1].tolist() == [0.2] * 4
    assert shares[0, 0] == shares[0, 1] == shares[0, 2]


def test_large_scores_and_logarithms_of_probabilities_give_probabilities() -> None:
    scores = np.float32([[1e4, 1e4 - 1, -1e4], [300, 299, -80]])
    shares = most_probable(scores, 3)[1]
    assert np.isfinite(shares).all()
    np.testing.assert_allclose(shares[:, 0], 1 / (1 + np.exp(-1)), rtol=1e-6)
    logarithms = np.float32(np.log(shares[1:] + 1e-300))
    np.testing.assert_allclose(most_probable(logarithms, 3)[1], shares[1:], atol=1e-6)


def test_the_score_that_belongs_to_no_class_is_dropped(tmp_path: Path) -> None:
    scores = np.zeros(1001)
    scores[[7, 999, 1000]] = 1, 2, 50
    card = digits.card(tmp_path, task=THOUSAND)
    found = mindspore_hub.classify(card, white(), k=1000, network=Scores(scores))
    assert found.classes[0, :4].tolist() == [999, 7, 0, 1]
    assert 1000 not in found.classes
    np.testing.assert_allclose(found.probabilities.sum(), 1, rtol=1e-5)
    best = found.guesses(0)[0]
    assert (best.id, best.label) == ("n15075141", "toilet tissue, toilet paper, bathroom tissue")


def white() -> Array:
    return np.full((1, 28, 28, 3), 255, np.uint8)


def test_labels_are_in_the_order_of_scores() -> None:
    for name, count in LABEL_SETS.items():
        labels = labels_of(name)
        assert len(labels) == len(labels.names) == count
        assert all(text and text == text.strip() for text in labels.names)
    thousand = labels_of("imagenet1k")
    assert list(thousand.ids) == sorted(set(thousand.ids))
    assert all(re.fullmatch(r"n\d{8}", synset) for synset in thousand.ids)
    assert (thousand.names[0], thousand.ids[0]) == ("tench, Tinca tinca", "n01440764")
    assert thousand.names[207] == "golden retriever"
    assert [number for number, text in enumerate(thousand.names) if text == "crane"] == [134, 517]
    assert list(labels_of("cifar100").names) == sorted(labels_of("cifar100").names)
    assert labels_of("cifar10").names[3] == "cat"


@pytest.mark.parametrize(
    ("task", "scores", "message"),
    [
        (THOUSAND, 1000, r"gives 1000 scores, but there are 1000 labels and 1 unused"),
        (digits.TASK, 11, r"gives 11 scores, but there are 10 labels\. A network with classes"),
    ],
)
def test_labels_that_do_not_fit_are_refused(
    task: str, scores: int, message: str, tmp_path: Path
) -> None:
    card = digits.card(tmp_path, task=task)
    with pytest.raises(FeaturesError, match=message):
        mindspore_hub.classify(card, white(), network=Scores(np.arange(scores)))


def test_classes_of_ones_own_have_names_or_numbers(tmp_path: Path) -> None:
    network = Scores(np.arange(3))
    card = digits.card(tmp_path, task=THOUSAND)
    found = mindspore_hub.classify(card, white(), labels=["ant", "bee", "cat"], network=network)
    assert [guess.label for guess in found.guesses(0)] == ["cat", "bee", "ant"]
    card = digits.card(tmp_path, task="{name: classification}")
    found = mindspore_hub.classify(card, white(), network=network)
    assert [guess.label for guess in found.guesses(0)] == ["2", "1", "0"]


def test_the_output_that_the_card_names_has_the_scores(tmp_path: Path) -> None:
    class Two(Scores):
        def construct(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return x, super().construct(x)

    card = digits.card(tmp_path, task="{name: classification, labels: mnist, output: 1}")
    found = mindspore_hub.classify(card, white(), k=1, network=Two(np.arange(10)))
    assert found.classes.tolist() == [[9]]
    with pytest.raises(FeaturesError, match=r"needs the outputs 1 \(counted from 0\)"):
        mindspore_hub.classify(card, white(), network=Scores(np.arange(10)))


def test_scores_that_are_not_numbers_are_refused(tmp_path: Path, folder: Path) -> None:
    network = Scores(np.array([np.nan, *range(9)]))
    with pytest.raises(FeaturesError, match=r"A score of 0000\.png is infinite or not a number"):
        mindspore_hub.classify(digits.card(tmp_path), folder, network=network)


@pytest.mark.parametrize("k", [0, -1, 1.5, True, "5"])
def test_a_count_of_classes_that_means_nothing_is_refused(k: Any, tmp_path: Path) -> None:
    with pytest.raises(FeaturesError, match="k must be a whole number of at least 1"):
        mindspore_hub.classify(digits.card(tmp_path), white(), k)


def test_a_card_of_another_task_is_refused() -> None:
    with pytest.raises(CardError, match=r"says no `task: \{name: classification, \.\.\.\}`"):
        mindspore_hub.classify("MVD", white())


def test_bad_pictures_fail_or_are_left_out(
    tmp_path: Path, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "0002.png").write_bytes(b"no picture")
    card, network = digits.card(tmp_path), Scores(np.arange(10))
    with pytest.raises(PictureError, match=r"0002\.png cannot be read"):
        mindspore_hub.classify(card, folder, network=network)
    output = tmp_path / "made.json"
    found = mindspore_hub.classify(card, folder, network=network, skip_bad=True, output=output)
    assert found.paths == ["0000.png", "0001.png", "0003.png", "0004.png"]
    assert list(found.about["skipped"]) == ["0002.png"]
    assert "skipped 0002.png" in caplog.text
    assert json.loads(output.read_text())["about"]["skipped"] == found.about["skipped"]


# Files


def test_csv_and_json_hold_what_is_given(tmp_path: Path, folder: Path) -> None:
    card, network = digits.card(tmp_path, task=THOUSAND), Scores(np.arange(1001) / 100)
    name = folder / "with, comma\n.png"
    (folder / "0004.png").rename(name)
    found = mindspore_hub.classify(card, folder, 2, network=network, output=tmp_path / "a.csv")
    found.save(tmp_path / "a.json")
    with (tmp_path / "a.csv").open(newline="") as file:
        header, *lines = csv.reader(file)
    assert header == ["picture", "rank", "class", "id", "label", "probability"]
    stored = json.loads((tmp_path / "a.json").read_text())
    assert stored == json.loads(json.dumps(found.to_json()))
    flat = [
        [item["picture"], str(entry["rank"]), str(entry["class"]), entry["id"], entry["label"]]
        for item in stored["pictures"]
        for entry in item["classes"]
    ]
    assert [line[:5] for line in lines] == flat
    assert {line[0] for line in lines} >= {"0000.png", name.name}
    shares = [float(line[5]) for line in lines]
    np.testing.assert_allclose(shares, found.probabilities.ravel(), rtol=1e-5)
    with pytest.raises(FeaturesError, match=r"a\.txt must end in \.csv or \.json"):
        found.save(tmp_path / "a.txt")


class Stopped(Exception):
    """What ends a run."""


def test_a_stopped_run_is_taken_up_and_gives_the_same_file(tmp_path: Path, folder: Path) -> None:
    card, output = digits.card(tmp_path), tmp_path / "made.csv"
    whole = mindspore_hub.classify(
        card, folder, 2, batch_size=2, network=Scores(np.arange(10)), output=tmp_path / "whole.csv"
    )

    def stop(done: int, _total: int | None) -> None:
        if done == 4:
            raise Stopped

    def run(*, k: int = 2, **options: Any) -> int:
        network = Scores(np.arange(10))
        classifier = Classifier(card, network=network, batch_size=2, **options)
        classifier.write(list_samples(folder), output, k=k)
        return network.calls

    with pytest.raises(Stopped):
        run(progress=stop)
    assert (tmp_path / "made.csv.partial").is_dir()
    assert not output.exists()
    assert run() == 1
    assert output.read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert not (tmp_path / "made.csv.partial").exists()
    with pytest.raises(Stopped):
        run(progress=stop)
    assert run(k=3) == 3  # other columns, so that nothing of the first run is of use
    assert len(output.read_text().splitlines()) == 1 + 3 * len(whole)


def test_a_page_shows_pictures_with_their_classes(
    tmp_path: Path, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "0001.png").rename(folder / "0001<b>.png")
    card, network = digits.card(tmp_path, task=THOUSAND), Scores(np.arange(1001) / 100)
    found = mindspore_hub.classify(card, folder, 2, network=network)
    (folder / "0003.png").write_bytes(b"no picture")
    found.save_sheet(tmp_path / "page.html", pictures=4)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.count("<img ") == 3
    assert page.count('<ol class="classes">') == 4
    assert page.count(found.guesses(0)[0].label) >= 1
    assert "<b>" not in page
    assert "&lt;b&gt;.png" in page
    assert "Pictures: 4 of 5, evenly spread" in page
    assert "the 2 most probable of 1,000 classes" in page
    assert "://" not in page
    assert "1 picture cannot be read" in caplog.text
    with pytest.raises(FeaturesError, match=r"page\.png must end in \.html"):
        found.save_sheet(tmp_path / "page.png")
    with pytest.raises(DatasetError, match=r"None of the pictures is below .* with `images=`\.$"):
        found.save_sheet(tmp_path / "other.html", images=tmp_path)
    assert not (tmp_path / "other.html").exists()


def test_a_page_needs_files(tmp_path: Path) -> None:
    found = mindspore_hub.classify(digits.card(tmp_path), white(), network=Scores(np.arange(10)))
    with pytest.raises(FeaturesError, match="these have no paths; classify files"):
        found.save_sheet(tmp_path / "page.html")


# Without the head


def test_a_network_is_loaded_without_its_head(
    published: Callable[..., str], folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    card = published()
    caplog.set_level(logging.INFO, "mindspore_hub")
    network = mindspore_hub.load(card, num_classes=0)
    [said] = [entry for entry in caplog.messages if "head" in entry]
    assert said == (
        "num_classes=0: the network ends before its head, so these parameters of the checkpoint are "
        "not loaded: fc3.weight, fc3.bias"
    )
    pictures = Tensor(mindspore_hub.transforms(card)(sorted(folder.iterdir())))
    features = network(pictures).asnumpy()
    assert features.shape == (5, 84)
    whole = mindspore_hub.load(card)
    held = digits.tensors()
    scores = features @ held["fc3.weight"].T + held["fc3.bias"]
    np.testing.assert_allclose(whole(pictures).asnumpy(), scores, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda held: held.pop("fc3.bias"),
            r"1 missing in the file:\n    fc3\.bias float32 \(10,\)",
        ),
        (lambda held: held.update({"fc3.gain": held["fc3.bias"]}), r"unexpected .*\n    fc3\.gain"),
        (
            lambda held: held.update({"fc3.bias": held["fc2.bias"]}),
            r"fc3\.bias: expected \(10,\), the",
        ),
        (
            lambda held: held.update({"fc4.bias": held.pop("fc3.bias")}),
            r"fc3\.bias .*near fc4\.bias",
        ),
        (lambda held: held.pop("fc2.bias"), r"1 missing in the file:\n    fc2\.bias"),
    ],
)
def test_a_head_that_is_not_loaded_has_to_be_whole(
    change: digits.Change, message: str, published: Callable[..., str]
) -> None:
    held = digits.tensors()
    change(held)
    with pytest.raises(CheckpointError, match=message):
        mindspore_hub.load(published(held=held), num_classes=0)


def test_a_classifier_embeds_by_what_its_head_is_given(
    published: Callable[..., str], folder: Path, tmp_path: Path
) -> None:
    card = published()
    found = mindspore_hub.embed(card, folder)
    network = mindspore_hub.load(card, num_classes=0)
    rows = network(Tensor(mindspore_hub.transforms(card)(sorted(folder.iterdir())))).asnumpy()
    expected = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    np.testing.assert_allclose(found.vectors, expected, rtol=1e-4, atol=1e-5)
    feature = {"outputs": [0], "distance": "dot", "normalised": True}
    assert found.about["retrieval"] == feature
    nearest = mindspore_hub.match(found, k=2)
    cosines = expected @ expected.T - 2 * np.eye(5)
    assert np.array_equal(nearest.indices, np.argsort(-cosines, axis=1, kind="stable")[:, :2])
    given = mindspore_hub.embed(card, folder, network=network)
    np.testing.assert_allclose(given.vectors, found.vectors, rtol=1e-5, atol=1e-6)
