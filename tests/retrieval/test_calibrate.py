"""Thresholds: those of known distributions, intervals that hold them, and open-set rates by a plain loop."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sample import ALL

import mindspore_hub
from mindspore_hub import Calibration, Features
from mindspore_hub.errors import FeaturesError
from mindspore_hub.tasks.retrieval.open_set import identification_rates

BETWEEN, WITHIN = 1.0, 0.3
"""Standard deviations of the centres of identities, and of images around them."""

ABOUT = {"card": "m/1/one", "sha256": "a" * 64, "retrieval": {"distance": "euclidean"}}


def drawn(identities: int, images: int = 4, seed: int = 0, **about: Any) -> Features:
    """Normal features in the plane, so that squared distances are exponential."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(identities), images)
    centres = random.normal(scale=BETWEEN, size=(identities, 2))
    vectors = centres[labels] + random.normal(scale=WITHIN, size=(len(labels), 2))
    return Features(vectors.astype(np.float32), labels, about={**ABOUT, **about})


def true_threshold(rate: float) -> float:
    """Distance within which this share of pairs of two identities is."""
    return -4 * (BETWEEN**2 + WITHIN**2) * np.log1p(-rate)


def true_misses(threshold: float) -> float:
    """Share of pairs of one identity beyond a distance."""
    return float(np.exp(-threshold / (4 * WITHIN**2)))


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    repetitions = 200 if ALL else 24
    hits = misses = 0
    for seed in range(repetitions):
        found = mindspore_hub.calibrate(
            drawn(90, seed=seed), false_match_rate=0.01, replicates=300, seed=seed
        )
        low, high = found.threshold_interval
        hits += low <= true_threshold(0.01) <= high
        low, high = found.false_non_match_interval
        misses += low <= true_misses(found.threshold) <= high
    print(f"of {repetitions}: threshold {hits}, false non-match rate {misses}")
    # Of 200 at 95 %, fewer than 176 or 200 themselves would be chance once in thousands.
    assert hits >= (176 if ALL else 19)
    assert misses >= (172 if ALL else 18)


@pytest.mark.parametrize("kind", ["euclidean", "dot"])
def test_the_threshold_is_that_of_all_pairs(kind: Any) -> None:
    features = drawn(100, 3)
    found = mindspore_hub.calibrate(features, false_match_rate=0.02, replicates=20, distance=kind)
    vectors, labels = features.vectors.astype(np.float64), features.known("labels")
    if kind == "dot":
        distances = -vectors @ vectors.T
    else:
        distances = ((vectors[:, None] - vectors) ** 2).sum(axis=2)
    pairs = np.triu(np.ones(distances.shape, bool), 1)
    same = labels[:, None] == labels
    other, mated = distances[pairs & ~same], distances[pairs & same]
    allowed = int(0.02 * len(other))
    assert np.count_nonzero(other <= found.threshold) == allowed
    assert found.false_non_match_rate == np.mean(mated > found.threshold)
    assert found.counts == {
        "identities": 100,
        "images": 300,
        "mated": len(mated),
        "non_mated": len(other),
    }
    assert (sum(found.histograms["mated"]), sum(found.histograms["non_mated"])) == (
        len(mated),
        len(other),
    )
    for threshold, rate, missed in zip(*found.det.values(), strict=True):
        assert np.mean(other <= threshold) == pytest.approx(rate, abs=1e-3)
        assert np.mean(mated > threshold) == pytest.approx(missed, abs=1e-2)


def test_pairs_of_one_camera_and_unknown_images_are_left_out() -> None:
    features = drawn(90, 2)
    labels = np.append(features.known("labels"), [-1, -1])
    cameras = np.append(np.tile([0, 1], 90), [0, 1])
    vectors = np.concatenate([features.vectors, [[0, 0], [9, 9]]])
    known = Features(vectors, labels, cameras)
    found = mindspore_hub.calibrate(known, false_match_rate=0.01, replicates=20)
    assert found.counts == {"identities": 90, "images": 180, "mated": 90, "non_mated": 16020}
    same = Features(vectors, labels, np.zeros(182, np.int64))
    with pytest.raises(FeaturesError, match="0 identities have two images that different cameras"):
        mindspore_hub.calibrate(same, false_match_rate=0.01)


def test_too_few_identities_say_how_many_it_takes() -> None:
    with pytest.raises(
        FeaturesError, match=r"show 77 labelled identities.* takes 78: .* at least 0\.01"
    ):
        mindspore_hub.calibrate(drawn(77), false_match_rate=0.01)
    mindspore_hub.calibrate(drawn(78), false_match_rate=0.01, replicates=5)


@pytest.mark.parametrize("rate", [0, 1, -0.1, 2, float("nan")])
def test_a_rate_is_a_share(rate: float) -> None:
    with pytest.raises(FeaturesError, match="false_match_rate must be a share"):
        mindspore_hub.calibrate(drawn(80), false_match_rate=rate)


@pytest.fixture(scope="module")
def calibration() -> Calibration:
    return mindspore_hub.calibrate(drawn(90), false_match_rate=0.01, replicates=50)


def test_a_file_is_read_as_it_was_written(calibration: Calibration, tmp_path: Path) -> None:
    calibration.save(tmp_path / "c.json")
    assert Calibration.read(tmp_path / "c.json") == calibration
    assert json.loads((tmp_path / "c.json").read_text())["schema"] == 1


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 2}', '{"schema": 1}', "\xff"])
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(FeaturesError, match=r"c\.json"):
        Calibration.read(tmp_path / "c.json")


def test_match_says_where_there_is_none(calibration: Calibration, tmp_path: Path) -> None:
    gallery = drawn(90)
    near = gallery.vectors[:1] + 1e-3
    query = Features(np.concatenate([near, [[50, 50]]]), about=ABOUT)
    found = mindspore_hub.match(query, gallery, k=3, calibration=calibration)
    assert [found.is_match(0), found.is_match(1)] == [True, False]
    assert [item.match for item in found.nearest(1)] == [False] * 3
    facts = json.loads(found.to_json())
    assert [row["match"] for row in facts["matches"]] == [True, False]
    assert facts["calibration"]["threshold"] == calibration.threshold
    calibration.save(tmp_path / "c.json")
    again = mindspore_hub.match(query, gallery, k=3, calibration=tmp_path / "c.json")
    assert again.to_json() == found.to_json()
    with pytest.raises(FeaturesError, match="is for the distance euclidean, but dot ranks"):
        mindspore_hub.match(query, gallery, distance="dot", calibration=calibration)
    other = Features(query.vectors, about={**ABOUT, "sha256": "b" * 64})
    with pytest.raises(FeaturesError, match="the queries and the calibration were not made alike"):
        mindspore_hub.match(other, other, k=1, calibration=calibration)


def test_a_plot_is_drawn(calibration: Calibration, tmp_path: Path) -> None:
    calibration.save_plot(tmp_path / "c.svg")
    assert "False match rate" in (tmp_path / "c.svg").read_text()
    with pytest.raises(FeaturesError, match=r"must end in one of"):
        calibration.save_plot(tmp_path / "c.txt")


@pytest.mark.parametrize("among", [False, True])
@pytest.mark.parametrize("cameras", [False, True])
@pytest.mark.parametrize("kind", ["dot", "euclidean"])
def test_open_set_rates_are_those_of_a_plain_loop(among: bool, cameras: bool, kind: Any) -> None:
    random = np.random.default_rng(3)
    everything = drawn(40, 4, seed=5)
    labels = everything.known("labels").copy()
    labels[::17] = -1
    seen = random.integers(0, 3, len(labels)) if cameras else None
    items = Features(everything.vectors, labels, seen)
    query = items if among else items.take(np.arange(0, 160, 3))
    gallery = None if among else items.take(np.flatnonzero(np.arange(160) % 3))
    rates = (0.05, 0.1, 0.37)
    found = identification_rates(query, gallery, rates=rates, kind=kind)
    for rate in rates:
        assert found[f"dir@far{rate:g}"] == looped(query, gallery, rate, kind)


def looped(query: Features, gallery: Features | None, rate: float, kind: str) -> float:
    """The highest DIR among thresholds whose FAR is at most the rate."""
    items = query if gallery is None else gallery
    cameras = items.cameras
    alarms, genuine = [], []
    for q in range(len(query)):
        own, others = [], []
        for g in range(len(items)):
            if gallery is None and q == g:
                continue
            a, b = query.vectors[q].astype(np.float64), items.vectors[g].astype(np.float64)
            distance = float(-a @ b) if kind == "dot" else float(((a - b) ** 2).sum())
            same = query.known("labels")[q] == items.known("labels")[g] >= 0
            if same and cameras is not None and cameras[g] == query.known("cameras")[q]:
                continue
            (own if same else others).append(distance)
        alarms.append(min(others))
        if own:
            genuine.append((min(own), min(others)))
    best = 0.0
    for threshold in sorted(alarms + [one for one, _ in genuine]):
        if sum(alarm <= threshold for alarm in alarms) / len(alarms) <= rate:
            hits = sum(one <= threshold and one < other for one, other in genuine)
            best = max(best, hits / len(genuine))
    return best


def test_open_set_asks_for_enough_queries() -> None:
    with pytest.raises(
        FeaturesError, match=r"takes 1000 queries, but there are 40; ask for 0\.025"
    ):
        identification_rates(drawn(10), None, rates=[0.001], kind="dot")
    with pytest.raises(FeaturesError, match="is a share between 0 and 1"):
        identification_rates(drawn(10), None, rates=[1.5], kind="dot")


def test_eval_reports_open_set_rates() -> None:
    features = drawn(30)
    report = mindspore_hub.evaluate(features=features, protocol="sop", open_set=[0.1, 0.2])
    expected = identification_rates(features, None, rates=[0.1, 0.2], kind="euclidean")
    assert {name: report.metrics[name] for name in expected} == expected
