"""From a data set of classes in its published layout to accuracies beside the claims."""

import csv
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import checkpoints
import classes
import numpy as np
import pytest
from click.testing import CliRunner
from mindspore import Tensor, nn
from server import FileServer

import mindspore_hub
from mindspore_hub.commands.main import mshub
from mindspore_hub.errors import CardError, DatasetError, FeaturesError, PictureError
from mindspore_hub.networks.classes import import_network
from mindspore_hub.tasks.classification.accuracy import wilson
from mindspore_hub.tasks.classification.datasets import dataset
from mindspore_hub.tasks.classification.labels import labels_of

pytestmark = pytest.mark.slow

CARD = """\
# lenet_{labels}

---

model-name: lenet
network: lenet.lenet5
dataset: {labels}
evaluation: {evaluation}

asset:

-
    file-format: ckpt
    asset-link: <{link}>
    asset-sha256: {sha256}
    network: lenet.lenet5
    network-args: {{num_classes: {scores}, in_channels: {channels}}}
    preprocessing: {{library: mindspore, size: [32, 32], interpolation: bilinear, order: {order}, \
mean: {mean}, std: {std}, layout: CHW}}
    task: {task}

---
"""

ALL = classes.SYNSETS

SETS = {
    "imagenet1k": (1001, 3, "top1acc76.5 | top5acc93"),
    "cifar10": (10, 3, "acc0.824"),
    "cifar100": (100, 3, "top1acc69.73 | top1acc89.35"),
    "mnist": (10, 1, "acc98.05"),
}
"""Scores of the network, channels of its pictures, and what its card claims."""


def draw(name: str, root: Path) -> Path:
    """A data set with 40 pictures."""
    labels = [number * 7 % min(SETS[name][0], 100) for number in range(40)]
    if name == "imagenet1k":
        return classes.folders(root, [ALL[number * 25] for number in range(20)], each=2)
    if name == "mnist":
        return classes.mnist(root, labels, packed=True)
    superclass = b"" if name == "cifar10" else b"\0"
    content = classes.cifar_records(labels, classes.pixels(40, 32, 32, 3), superclass)
    path = root / {"cifar10": "test_batch.bin", "cifar100": "test.bin"}[name]
    root.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return root


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FileServer]:
    """A server of checkpoints."""
    with FileServer(tmp_path_factory.mktemp("served")) as made:
        yield made


@pytest.fixture(scope="module")
def card(server: FileServer, tmp_path_factory: pytest.TempPathFactory):
    """Write a card of a network for a data set, and its checkpoint of random weights."""
    folder = tmp_path_factory.mktemp("cards")

    def write(name: str, *, task: str = "") -> str:
        scores, channels, evaluation = SETS[name]
        file = f"{name}.ckpt"
        if not (server.folder / file).exists():
            net = import_network(checkpoints.ROOT, "lenet", "lenet5")(scores, channels)
            random = np.random.default_rng(scores)
            shapes = {key: value.shape for key, value in net.parameters_dict().items()}
            held = {
                key: random.normal(0, 0.2, shape).astype(np.float32)
                for key, shape in shapes.items()
            }
            checkpoints.save(server.folder / file, held)
        unused = ", unused: 1" if scores == 1001 else ""
        facts = {
            "labels": name,
            "evaluation": evaluation,
            "link": f"{server.url}/{file}",
            "sha256": checkpoints.digest(server.folder / file),
            "scores": scores,
            "channels": channels,
            "order": "RGB" if channels == 3 else "GREY",
            "mean": [0.5] * channels,
            "std": [0.25] * channels,
            "task": task or f"{{name: classification, labels: {name}{unused}}}",
        }
        path = folder / f"lenet_{name}.md"
        path.write_text(CARD.format(**facts), encoding="utf-8")
        return str(path)

    return write


def scores_of(card: str, name: str, root: Path) -> tuple[np.ndarray, np.ndarray]:
    """Scores of all pictures and their labels, by the plain network."""
    pictures = dataset(name, root).pictures()
    prepare, network = mindspore_hub.transforms(card), mindspore_hub.load(card)
    network.set_train(False)
    inputs = np.stack([prepare(sample.picture) for sample in pictures.samples.samples])
    return network(Tensor(inputs)).asnumpy(), pictures.labels


class Fixed(nn.Cell):
    """Gives these scores, row after row, whatever the pictures are; stops before some batch."""

    def __init__(self, scores: np.ndarray, stop: int | None = None) -> None:
        super().__init__()
        self.rows, self.begin, self.stop = scores, 0, stop

    def construct(self, x: Tensor) -> Tensor:
        if self.stop is not None and self.begin >= self.stop:
            raise KeyboardInterrupt
        numbers = np.minimum(np.arange(self.begin, self.begin + len(x)), len(self.rows) - 1)
        self.begin += len(x)
        return Tensor(self.rows[numbers])


def places(scores: np.ndarray, labels: np.ndarray) -> list[int]:
    """Place of each label in a stable sort of its scores."""
    orders = [sorted(range(len(row)), key=lambda c, row=row: -row[c]) for row in scores.tolist()]
    return [order.index(label) for order, label in zip(orders, labels, strict=True)]


@pytest.mark.parametrize("name", SETS)
def test_a_classifier_is_measured_end_to_end(name: str, card, tmp_path: Path) -> None:
    path, root = card(name), draw(name, tmp_path / "data")
    report, saved = tmp_path / "r.json", tmp_path / "p.csv"
    words = ["eval", path, "--data", str(root), f"--report={report}", f"--save-predictions={saved}"]
    done = CliRunner().invoke(mshub, [*words, "--batch-size=16"])
    assert done.exit_code == 0, done.output
    found = json.loads(report.read_text())
    scores, labels = scores_of(path, name, root)
    used = scores[:, : len(labels_of(name))]
    expected = places(used, labels)
    for metric, k in (("top1", 1), ("top5", 5)):
        hits = sum(place < k for place in expected)
        assert found["metrics"][metric] == hits / 40
        assert found["intervals"][metric] == pytest.approx(wilson(hits, 40))
    assert [one["pictures"] for one in found["classes"]] == np.unique(labels, return_counts=True)[
        1
    ].tolist()
    rows = list(csv.DictReader(saved.read_text().splitlines()))
    assert [int(row["rank"]) - 1 for row in rows] == expected
    assert [int(row["predicted"]) for row in rows] == used.argmax(1).tolist()
    assert [row["label"] for row in rows] == [labels_of(name).names[n] for n in labels]
    assert found["counts"]["pictures"] == 40
    assert found["weights"] == "published"
    assert {"protocol", "data", "sha256", "preprocessing"} <= found["about"].keys()
    assert f"protocol {name}: 40 pictures" in done.stdout
    assert "40 pictures were measured; the published test set has" in done.stderr


def test_claims_stand_beside_what_was_measured(card, tmp_path: Path) -> None:
    root = draw("cifar10", tmp_path)
    found = mindspore_hub.evaluate(card("cifar10"), root)
    (claim,) = found.claims
    assert (claim.published, claim.metric, claim.claimed) == ("acc0.824", "top1", 82.4)
    assert claim.difference == pytest.approx(100 * found.metrics["top1"] - 82.4)
    assert found.unclaimed == ""
    few = mindspore_hub.evaluate(card("cifar10"), root, limit=3)
    assert [claim.published for claim in few.claims] == ["acc0.824"], "a sample of all classes"


def test_a_name_that_is_claimed_twice_is_compared_once(card, tmp_path: Path) -> None:
    labels = list(range(100))
    content = classes.cifar_records(labels, classes.pixels(100, 32, 32, 3), b"\0")
    (tmp_path / "test.bin").write_bytes(content)
    found = mindspore_hub.evaluate(card("cifar100"), tmp_path, batch_size=50)
    assert [claim.published for claim in found.claims] == ["top1acc69.73"]


def test_a_limit_draws_a_sample_that_a_larger_one_has(card, tmp_path: Path) -> None:
    root, path = draw("mnist", tmp_path / "data"), card("mnist")
    network = mindspore_hub.load(path)

    def drawn(limit: int | None, **options: int) -> list[str]:
        file = tmp_path / f"{limit}{options}.csv"
        found = mindspore_hub.evaluate(
            path, root, limit=limit, options=options, output=file, network=network
        )
        assert found.result.options["limit"] == limit
        lines = file.read_text().splitlines()[1:]
        assert found.result.counts["pictures"] == len(lines)
        return [line.split(",", 1)[1] for line in lines]

    few, more, every = drawn(5), drawn(9), drawn(None)
    assert (len(few), len(more), len(every)) == (5, 9, 40)
    assert not Counter(few) - Counter(more)
    assert drawn(5) == few
    assert drawn(5, seed=1) != few
    assert len(drawn(None, drop_last=16)) == 32
    assert drawn(41) == every


def test_scores_without_a_class_may_be_ranked(card, tmp_path: Path) -> None:
    root, path = draw("imagenet1k", tmp_path), card("imagenet1k")
    scores, labels = scores_of(path, "imagenet1k", root)
    scores[:, 1000] += 1e4
    options = {"unused": "ranked"}
    dropped = mindspore_hub.evaluate(path, root, network=Fixed(scores))
    ranked = mindspore_hub.evaluate(path, root, network=Fixed(scores), options=options)
    expected = places(scores[:, :1000], labels)
    assert dropped.metrics["top5"] == sum(place < 5 for place in expected) / 40
    assert ranked.metrics["top1"] == 0
    assert ranked.metrics["top5"] == sum(place < 4 for place in expected) / 40
    assert (
        dropped.unclaimed == "Claims are of all 1,000 classes, but only 20 of them have pictures."
    )
    assert {one.mistaken for one in ranked.result.classes} == {("no class", 2)}
    assert dropped.weights is None


@pytest.mark.parametrize("name", ["cifar10", "imagenet1k"])
def test_a_measurement_that_was_stopped_goes_on(name: str, card, tmp_path: Path) -> None:
    root, path, output = draw(name, tmp_path / "data"), card(name), tmp_path / "p.csv"
    scores, labels = scores_of(path, name, root)
    call = {"batch_size": 8, "output": output}
    with pytest.raises(KeyboardInterrupt):
        mindspore_hub.evaluate(path, root, network=Fixed(scores, stop=24), **call)
    assert not output.exists()
    rest = Fixed(scores[24:])
    found = mindspore_hub.evaluate(path, root, network=rest, **call)
    assert rest.begin == 16
    expected = places(scores[:, : len(labels_of(name))], labels)
    assert found.metrics["top5"] == sum(place < 5 for place in expected) / 40


def test_a_picture_that_cannot_be_read_is_left_out_on_request(card, tmp_path: Path) -> None:
    root, path = draw("imagenet1k", tmp_path), card("imagenet1k")
    bad = root / "val" / ALL[0] / "1.png"
    bad.write_bytes(b"no picture")
    with pytest.raises(PictureError, match=r"1\.png"):
        mindspore_hub.evaluate(path, root)
    found = mindspore_hub.evaluate(path, root, skip_bad=True)
    assert found.result.counts["pictures"] == 39
    assert found.result.classes[0].pictures == 1
    assert list(found.about["skipped"]) == [f"{ALL[0]}/1.png"]


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"trials": 2}, FeaturesError, "trials must be 1, but is 2"),
        ({"limit": 0}, FeaturesError, "limit must be a whole number of at least 1"),
        (
            {"protocol": "cifar10"},
            FeaturesError,
            "tells the classes of mnist apart, not those of c",
        ),
        (
            {"options": {"part": "train"}},
            FeaturesError,
            "has no option 'part'; it has seed, drop_l",
        ),
        ({"options": {"seed": -1}}, FeaturesError, "seed must be from 0 to 4294967295, but is -1"),
        (
            {"options": {"unused": "kept"}},
            FeaturesError,
            "unused must be one of 'dropped', 'ranked'",
        ),
        ({"options": {"drop_last": 64}}, FeaturesError, "drop_last=64 leaves no picture of 40"),
        ({"output": "x.npz"}, FeaturesError, "x.npz must end in .csv"),
        (
            {"network": Fixed(np.ones((40, 9), np.float32))},
            FeaturesError,
            "9 scores, but there are",
        ),
        ({"network": Fixed(np.full((40, 10), np.nan, np.float32))}, FeaturesError, "not a number"),
    ],
)
def test_a_wrong_call_says_what_is_right(
    changes: dict, error: type[Exception], message: str, card, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message.replace(".", r"\.")):
        mindspore_hub.evaluate(card("mnist"), draw("mnist", tmp_path), **changes)


def test_a_card_without_labels_needs_a_protocol(card, tmp_path: Path) -> None:
    path, root = card("mnist", task="{name: classification}"), draw("mnist", tmp_path)
    with pytest.raises(CardError, match="does not name the labels of its classes; say which"):
        mindspore_hub.evaluate(path, root)
    found = mindspore_hub.evaluate(path, root, protocol="mnist")
    assert (found.claims, found.result.counts["pictures"]) == ((), 40)
    assert found.unclaimed == "lenet_mnist does not say that its metrics are those of mnist."
    classes.folders(tmp_path, ALL[:2])
    with pytest.raises(FeaturesError, match="tells 10 classes apart, but imagenet1k has 1000"):
        mindspore_hub.evaluate(path, root, protocol="imagenet1k", options={"seed": 1})


def test_the_code_of_the_page_runs(card, tmp_path: Path) -> None:
    """With a card of random weights, and digits that were drawn, in place of the published ones."""
    page = (checkpoints.ROOT / "docs" / "classification.md").read_text(encoding="utf-8")
    code = page.split("\n## Measure on ImageNet\n")[1].split("```python\n")[1].split("```")[0]
    places = {'"lenet"': repr(card("mnist")), '"/data/mnist"': repr(str(draw("mnist", tmp_path)))}
    for published, drawn in places.items():
        assert published in code
        code = code.replace(published, drawn)
    names: dict = {}
    exec(code, names)  # noqa: S102 - code of this repository
    assert names["worst"].metrics["top1"] <= names["report"].metrics["top1"]


def test_the_data_are_asked_for_before_the_network(card, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="t10k-images-idx3-ubyte is missing"):
        mindspore_hub.evaluate(card("mnist"), tmp_path, network=Fixed(np.zeros((1, 10)), stop=0))


def test_a_task_that_nobody_measures_says_so(tmp_path: Path) -> None:
    with pytest.raises(FeaturesError, match="limit is for classification"):
        mindspore_hub.evaluate("MVD", tmp_path, limit=5)
    with pytest.raises(FeaturesError, match=r"p\.csv would hold features"):
        mindspore_hub.evaluate("MVD", tmp_path, output=tmp_path / "p.csv")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--save-features=x.npz", "--save-predictions=p.csv"], 2, "or --save-predictions for cl"),
        (["--limit=0"], 2, "Invalid value for '--limit'"),
        (["--within=5", "--plot=cmc.png"], 1, "points from a claim, more than 5"),
    ],
)
def test_the_command_says_what_is_wrong(
    words: list[str], code: int, message: str, card, tmp_path: Path
) -> None:
    call = ["eval", card("cifar10"), "--data", str(draw("cifar10", tmp_path)), *words]
    done = CliRunner().invoke(mshub, call)
    assert done.exit_code == code
    assert message in done.stderr
    if "--within=5" in words:
        assert "cifar10 has no CMC curve; cmc.png was not written." in done.stderr
