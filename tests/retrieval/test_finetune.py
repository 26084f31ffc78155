"""Fine-tuning: losses as NumPy computes them, what learns, what is kept, and how a run goes on."""

import functools
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mindspore
import numpy as np
import people
import pytest
import sample
from mindspore import nn

import mindspore_hub
from mindspore_hub.errors import CardError, CheckpointError, SettingsError
from mindspore_hub.hub.hub import Hub
from mindspore_hub.networks.classes import network_class
from mindspore_hub.networks.own import note_path
from mindspore_hub.networks.weights import facts_of
from mindspore_hub.tasks.retrieval.training.data import Part
from mindspore_hub.tasks.retrieval.training.losses import batch_hard, identity_loss
from mindspore_hub.tasks.retrieval.training.options import Options
from mindspore_hub.tasks.retrieval.training.report import read_log
from mindspore_hub.tasks.retrieval.training.run import score
from mindspore_hub.tasks.retrieval.training.step import Trainer, rates
from mindspore_hub.tensors.write import write_arrays

pytestmark = pytest.mark.slow

FAST: dict[str, Any] = {
    "identities": 8,
    "pictures": 4,
    "learning_rate": 2e-3,
    "crop": 2,
    "erase": 0.2,
    "batch_size": 96,
}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Hub:
    return Hub.of(people.hub(tmp_path_factory.mktemp("hub")), trust=True).complete()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return people.draw(tmp_path_factory.mktemp("people"), 24, 8)


@pytest.fixture
def finetune(hub: Hub, pictures: Path, tmp_path: Path) -> Callable[..., Any]:
    """Fine-tunes the small network from random weights; writes to the folder of the test."""

    def run(output: str = "own.ckpt", **options: Any) -> Any:
        given = {"pretrained": False, "pattern": people.PATTERN, "hub": hub, **FAST, **options}
        return mindspore_hub.finetune("Walker", pictures, tmp_path / output, **given)

    return run


def tensors(path: Path) -> dict[str, np.ndarray]:
    return {name: item.asnumpy() for name, item in mindspore.load_checkpoint(str(path)).items()}


def assert_same(first: Path, second: Path) -> None:
    one, other = tensors(first), tensors(second)
    assert one.keys() == other.keys()
    assert not [name for name in one if not np.array_equal(one[name], other[name])]


def drawn(*shape: int) -> np.ndarray:
    return np.random.default_rng(7).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
def test_the_identity_loss_is_that_of_numpy(smoothing: float) -> None:
    logits, labels = 3 * drawn(6, 5), np.array([0, 4, 2, 2, 1, 3], np.int32)
    wide = logits.astype(np.float64)
    logs = wide - np.log(np.exp(wide).sum(1, keepdims=True))
    wanted = np.full((6, 5), smoothing / 5)
    wanted[np.arange(6), labels] += 1 - smoothing
    expected = -(wanted * logs).sum(1).mean()
    found = identity_loss(mindspore.Tensor(logits), mindspore.Tensor(labels), smoothing=smoothing)
    np.testing.assert_allclose(found.asnumpy(), expected, rtol=0, atol=1e-5)


def hardest(features: np.ndarray, labels: np.ndarray, margin: float) -> float:
    wide = features.astype(np.float64)
    far = np.linalg.norm(wide[:, None] - wide[None], axis=2)
    losses = [
        max(0.0, row[labels == label].max() - row[labels != label].min() + margin)
        for row, label in zip(far, labels, strict=True)
    ]
    return float(np.mean(losses))


@pytest.mark.parametrize("margin", [0.0, 0.3, 5.0])
def test_the_triplet_loss_is_that_of_the_hardest_pairs(margin: float) -> None:
    features, labels = drawn(8, 16), np.array([0, 0, 1, 1, 2, 2, 3, 3], np.int32)
    inputs = mindspore.Tensor(features), mindspore.Tensor(labels)
    found = batch_hard(*inputs, margin=margin).asnumpy()
    np.testing.assert_allclose(found, hardest(features, labels, margin), rtol=0, atol=1e-5)


def test_only_the_hardest_pair_has_a_gradient() -> None:
    features = drawn(5, 2)
    labels = mindspore.Tensor(np.array([0, 0, 0, 1, 1], np.int32))

    def first(values: mindspore.Tensor) -> mindspore.Tensor:
        return batch_hard(values, labels, margin=1.0)

    gradient = mindspore.grad(first)(mindspore.Tensor(features)).asnumpy()
    assert np.isfinite(gradient).all()
    step = 1e-4
    for row in range(5):
        moved = features.copy()
        moved[row, 0] += step
        before, after = (hardest(of, labels.asnumpy(), 1.0) for of in (features, moved))
        np.testing.assert_allclose(gradient[row, 0], (after - before) / step, atol=2e-3)


def test_equal_features_have_a_finite_gradient() -> None:
    labels = mindspore.Tensor(np.array([0, 0, 1, 1], np.int32))

    def loss(values: mindspore.Tensor) -> mindspore.Tensor:
        return batch_hard(values, labels, margin=0.3)

    gradient = mindspore.grad(loss)(mindspore.Tensor(np.ones((4, 3), np.float32)))
    assert np.isfinite(gradient.asnumpy()).all()


def test_the_learning_rate_rises_and_falls() -> None:
    options = Options(steps=40, frozen_steps=10, learning_rate=0.1)
    assert rates(options, frozen=True) == [0.1] * 10
    found = rates(options, frozen=False)
    assert len(found) == 30
    assert found[:3] == pytest.approx([0.1 / 3, 0.2 / 3, 0.1])
    assert sorted(found[3:], reverse=True) == found[3:]
    assert 0 < found[-1] < 0.002


def test_scores_are_those_of_the_evaluation() -> None:
    vectors = drawn(12, 6)
    part = Part([], [n // 4 for n in range(12)], [n % 2 for n in range(12)])
    labels, cameras = np.array(part.labels), np.array(part.cameras)
    made = mindspore_hub.Features(
        np.tile(vectors, (2, 1)),
        labels=np.tile(labels, 2),
        cameras=np.tile(cameras, 2),
        roles=np.repeat([[1], [2]], 12, axis=0),
    )
    options = {"distance": "dot"}
    report = mindspore_hub.evaluate(features=made, protocol="market1501", options=options)
    found = score(vectors, part, distance="dot")
    for name in ("rank1", "mAP"):
        assert found[name] == pytest.approx(report.result.metrics[name], abs=1e-9)


def test_held_out_identities_are_found_better_than_before(
    finetune: Callable[..., Any], hub: Hub, pictures: Path, tmp_path: Path
) -> None:
    found = finetune(steps=24, evaluate_every=12, plot=tmp_path / "curves.png")
    assert found.metrics["mAP"] > found.before["mAP"] + 0.1
    note = json.loads(note_path(found.path).read_text())
    assert note == found.note
    train, held_out = note["train"]["identities"], note["held_out"]["identities"]
    assert not set(train) & set(held_out)
    assert sorted(train + held_out) == list(range(24))
    assert (note["card"], note["model"]) == ("botany/1.0/walker_people", "Walker")
    assert note["options"]["steps"] == 24
    lines = read_log(f"{found.path}.jsonl")
    assert [line["step"] for line in lines if "loss" in line] == list(range(1, 25))
    measured = {line["step"]: line["mAP"] for line in lines if "mAP" in line}
    assert sorted(measured) == [0, 12, 24]
    assert measured[found.step] == max(measured.values()) == found.metrics["mAP"]
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "store") == [
        "curves.png",
        "own.ckpt",
        "own.ckpt.json",
        "own.ckpt.jsonl",
        "own.last.ckpt",
    ]
    # What load and embed make of the file is what was measured.
    network = mindspore_hub.load("Walker", hub=hub, checkpoint=found.path)
    assert network.classifier.weight.shape == (len(train), 64)
    made = mindspore_hub.embed(
        "Walker", pictures, pattern=people.PATTERN, hub=hub, checkpoint=found.path
    )
    rows = [n for n, label in enumerate(made.labels) if label in held_out]
    part = Part([], [int(made.labels[n]) for n in rows], [int(made.cameras[n]) for n in rows])
    again = score(made.vectors[rows], part, distance="dot")
    assert again["mAP"] == pytest.approx(found.metrics["mAP"], abs=1e-6)
    assert made.about["sha256"] == note["sha256"]


class Killed(BaseException):
    """As if the process had ended at this moment."""


WAYS: list[dict[str, Any]] = [
    {"frozen_steps": 5},
    {},
    {"frozen_steps": 5, "accumulate": 2, "optimizer": "sgd"},
]


@pytest.mark.parametrize("options", WAYS if sample.ALL else WAYS[:1])
def test_a_run_that_was_killed_gives_the_same_weights(
    options: dict[str, Any], finetune: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"steps": 10, "evaluate_every": 4, "snapshot_every": 3, **options}
    whole = finetune("whole.ckpt", **options)
    step = Trainer.__call__
    for last in (2, 7, 9):

        def die(self: Trainer, number: int, batches: Any, last: int = last) -> Any:
            if number == last:
                raise Killed
            return step(self, number, batches)

        with monkeypatch.context() as patch:
            patch.setattr(Trainer, "__call__", die)
            with pytest.raises(Killed):
                finetune("killed.ckpt", **options)
    killed = finetune("killed.ckpt", **options)
    assert_same(whole.path, killed.path)
    assert_same(whole.last, killed.last)
    assert (whole.step, whole.metrics) == (killed.step, killed.metrics)
    logs = [read_log(f"{made.path}.jsonl") for made in (whole, killed)]
    for line in [line for log in logs for line in log]:
        line.pop("pictures_per_second", None)
    assert logs[0] == logs[1]


def test_another_run_is_not_mixed_with_one_that_was_killed(
    finetune: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "__call__", lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            finetune(steps=2)
    with pytest.raises(OSError, match="0 steps of another run, with other options"):
        finetune(steps=2, seed=5)
    assert finetune(steps=1, seed=5, force=True).path.is_file()


def walker(hub: Hub) -> nn.Cell:
    card = hub.resolve("Walker")
    return network_class(card, hub)(num_class=5)


def batches() -> Any:
    random = np.random.default_rng(3)
    while True:
        images = random.normal(size=(8, 3, 32, 16)).astype(np.float32)
        yield np.arange(8, dtype=np.int32) // 2, (images,)


@pytest.mark.parametrize("graph", [False, True])
def test_a_frozen_trunk_does_not_change_a_bit(graph: bool, hub: Hub) -> None:
    network = walker(hub)
    head = facts_of(type(network)).head
    options = Options(steps=4, frozen_steps=2, learning_rate=0.01, graph=graph)
    trainer = Trainer(network, head=head, unit=True, options=options)
    given = batches()

    def values() -> dict[str, np.ndarray]:
        return {name: item.asnumpy().copy() for name, item in trainer.parameters.items()}

    states = [values()]
    for step in range(4):
        trainer(step, given)
        states.append(values())
    changed = [
        {name for name in before if not np.array_equal(before[name], after[name])}
        for before, after in itertools.pairwise(states)
    ]
    assert changed[0] == changed[1] == {"classifier.weight", "classifier.bias"}
    # A bias before a batch normalisation has no gradient but that of rounding.
    assert set(states[0]) - changed[2] <= {"dense.bias", "bn3.beta"}


def test_accumulated_gradients_are_those_of_one_large_batch(hub: Hub) -> None:
    """Without normalisation over the batch and without triplets, which look at a batch as a whole."""
    labels, (images,) = next(batches())
    halves = [(labels[part], (images[part],)) for part in (slice(0, 8, 2), slice(1, 8, 2))]
    found = []
    for parts in ([(labels, (images,))], halves):
        network = walker(hub)
        for name, item in network.parameters_and_names():
            item.set_data(mindspore.Tensor(0.1 * drawn(*item.shape)))
            if name.endswith(("moving_variance", "gamma")):
                item.set_data(mindspore.Tensor(np.ones(item.shape, np.float32)))
        options = Options(
            steps=2, triplet_weight=0.0, accumulate=len(parts), frozen_steps=1, learning_rate=0.01
        )
        network.dropout.p = 0.0
        trainer = Trainer(network, head=("classifier.*",), unit=True, options=options)
        trainer(0, iter(parts))
        found.append(network.classifier.weight.asnumpy())
    np.testing.assert_allclose(found[0], found[1], rtol=1e-4, atol=1e-5)


def test_training_stops_without_progress(finetune: Callable[..., Any]) -> None:
    found = finetune(steps=500, evaluate_every=1, patience=2, learning_rate=1e-9)
    assert found.note["steps"] < 500


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_snapshot(
    finetune: Callable[..., Any], tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match="give a smaller learning_rate"):
        finetune(steps=30, learning_rate=1e30, optimizer="sgd", snapshot_every=1)
    assert (tmp_path / "own.ckpt.partial" / "state.json").is_file()


def test_mixed_precision_is_refused_on_a_cpu(finetune: Callable[..., Any]) -> None:
    with pytest.raises(SettingsError, match="for Ascend and GPU, but this device is CPU"):
        finetune(mixed=True)


def test_a_network_that_does_not_say_its_outputs_is_refused() -> None:
    with pytest.raises(CardError, match="does not say what its outputs in training mode are"):
        Trainer(nn.Dense(2, 2), head=(), unit=True, options=Options())


def test_a_checkpoint_of_ones_own_is_the_one_of_its_note(
    finetune: Callable[..., Any], hub: Hub
) -> None:
    made = finetune(steps=1)
    load = functools.partial(mindspore_hub.load, "Walker", hub=hub)
    classes = len(made.note["train"]["identities"])
    assert load(checkpoint=made.path).classifier.weight.shape == (classes, 64)
    assert load(checkpoint=made.path, num_class=3).classifier.weight.shape == (3, 64)
    with pytest.raises(ValueError, match="leave out force_reload= and pretrained=False"):
        load(checkpoint=made.path, pretrained=False)
    with pytest.raises(CheckpointError, match=r"whose network is Walker, but .* has MVD"):
        mindspore_hub.load("MVD", checkpoint=made.path)
    made.path.write_bytes(made.path.read_bytes()[:-4] + b"\0\0\0\1")
    with pytest.raises(CheckpointError, match=r"is not the file that .*own\.ckpt\.json describes"):
        load(checkpoint=made.path)
    note_path(made.path).unlink()
    load(checkpoint=made.path)


FIVE = {
    "MVD": ((4, 3, 64, 32),),
    "DDAG": ((4, 3, 288, 144),),
    "VehicleNet": ((4, 3, 64, 64),),
    "metric_learn": ((4, 3, 64, 64),),
    "MultiTaskNet": ((4, 39, 256, 256), (4, 108)),
}


@pytest.mark.parametrize("graph", [False, True])
@pytest.mark.skipif(not sample.ALL, reason="a step takes seconds; MSHUB_TEST_ALL=1 does some")
@pytest.mark.parametrize("name", FIVE)
def test_three_steps_and_a_file_that_loads_strictly(name: str, graph: bool, tmp_path: Path) -> None:
    network = mindspore_hub.load(name, pretrained=False, num_class=6)
    random = np.random.default_rng(0)
    inputs = tuple(random.normal(size=shape).astype(np.float32) for shape in FIVE[name])
    batch = np.array([0, 0, 4, 4], np.int32), inputs
    options = Options(steps=3, learning_rate=1e-4, graph=graph)
    trainer = Trainer(network, head=facts_of(type(network)).head, unit=True, options=options)
    before = {key: item.asnumpy().copy() for key, item in trainer.parameters.items()}
    losses = [trainer(step, iter([batch]))[0] for step in range(3)]
    assert np.isfinite(losses).all()
    after = {key: item.asnumpy() for key, item in trainer.parameters.items()}
    changed = {key for key in before if not np.array_equal(before[key], after[key])}
    assert len(changed) > 0.8 * len(before)
    path = tmp_path / "own.ckpt"
    write_arrays(path, after)
    loaded = mindspore_hub.load(name, checkpoint=path)
    assert {key: item.shape for key, item in loaded.parameters_and_names()} == {
        key: value.shape for key, value in after.items()
    }
