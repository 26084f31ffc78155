"""Evaluations of persons and faces give the numbers of the originals on the cases that were recorded.

The cases lie in `tests/data/reid/people`; those that are larger are tried where the folder that they were
taken from is at hand.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mindspore_hub.errors import FeaturesError
from mindspore_hub.tasks.retrieval import faces
from mindspore_hub.tasks.retrieval.datasets import protocol
from mindspore_hub.tasks.retrieval.features import Features

Arrays = dict[str, Any]

OWN = Path(__file__).parents[1] / "data" / "reid" / "people"
SHARED = Path(__file__).parents[3] / "shared" / "families" / "embedding" / "eval"
EXPECTED = json.loads((OWN / "expected.json").read_text())
PARTS = {
    "distance": "dot",
    "precisions": "trapezoids",
    "unmatched": "failures",
    "unlabelled": "removed",
}
"""Options of PCB."""


def close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def persons(arrays: Arrays) -> tuple[Features, Features]:
    query, gallery = (
        Features(
            arrays[f"{part}f"], labels=arrays[f"{part}_pids"], cameras=arrays[f"{part}_camids"]
        )
        for part in "qg"
    )
    return query, gallery


def osnet(arrays: Arrays, expected: Arrays) -> None:
    options: Arrays = {"distance": expected["metric"]}
    if len(expected["cmc"]) < 50:
        options["shots"] = "one"
    result = protocol("dukemtmcreid", **options).evaluate(*persons(arrays))
    close([*result.cmc, result.metrics["mAP"]], [*expected["cmc"], expected["mAP"]])
    without = expected["queries"] - expected["queries_with_a_match"]
    assert result.counts["queries_without_match"] == without
    if "float32_product" in expected and "shots" not in options:
        clean = protocol("market1501", product="single").evaluate(*persons(arrays))
        close(clean.metrics["rank1"], expected["float32_product"]["Rank-1"])
        close(clean.metrics["mAP"], expected["float32_product"]["mAP"])
        assert clean.metrics["mAP"] != result.metrics["mAP"]


def pcb(arrays: Arrays, expected: Arrays) -> None:
    result = protocol("market1501", **PARTS).evaluate(*persons(arrays))
    close(result.cmc[:20], expected["cmc_first20"])
    close(result.metrics["mAP"], expected["mAP"])


def arcface_pairs(arrays: Arrays, expected: Arrays) -> None:
    labels = np.arange(len(arrays["issame"])) * 2
    for end, vectors in (("", arrays["emb"]), ("_flip", arrays["emb"] + arrays["emb_flip"])):
        first = Features(vectors[::2], labels=labels)
        second = Features(vectors[1::2], labels=labels + ~arrays["issame"])
        result = protocol("facepairs", distance="euclidean").evaluate(first, second)
        expected_pair = [expected[f"accuracy{end}"], expected[f"std{end}"]]
        close([result.metrics["accuracy"], result.metrics["accuracy_std"]], expected_pair)
    found = faces.verify(vectors[::2], vectors[1::2], arrays["issame"], distance="euclidean")
    close(found.accuracies, expected["accuracy_per_fold_flip"])


def arcface_ijb(arrays: Arrays, expected: Arrays) -> None:
    vectors = arrays["feat"] + arrays["feat_flip"]
    kinds = (arrays["template"], arrays["media"])
    names, templates = faces.template_features(vectors, arrays["score"], *kinds)
    pairs = [templates[np.searchsorted(names, arrays[p])] for p in ("p1", "p2")]
    rates = {float(rate): share for rate, share in expected["tpr_at_fpr"].items()}
    scores = (pairs[0] * pairs[1]).sum(1)
    found = faces.true_positive_rates(scores, arrays["label"] == 1, list(rates))
    close([*found.values()], [*rates.values()])


def sphereface(arrays: Arrays, expected: Arrays) -> None:
    found = faces.verify_similarities(arrays["cosine"], arrays["issame"] == 1)
    close([*found.accuracies, *found.thresholds], expected["per_fold"] + expected["thresholds"])
    close(np.std(found.accuracies), expected["std"])


def facerecognition(arrays: Arrays, expected: Arrays) -> None:
    query = Features(arrays["jk"], labels=arrays["jk_id"])
    others = np.full(len(arrays["dis"]), -1)
    gallery = Features(
        np.concatenate([arrays["zj"], arrays["dis"]]),
        labels=np.concatenate([arrays["zj_id"], others]),
    )
    metrics = protocol("faceranks").evaluate(query, gallery).metrics
    close(
        [metrics["rank1"], metrics["rank1_zj2jk"], metrics["rank1_jk2zj"]],
        [expected["avg"], expected["zj2jk"], expected["jk2zj"]],
    )


def frt(arrays: Arrays, expected: Arrays) -> None:
    rates = {float(rate): share for rate, share in expected["tar"].items()}
    found = faces.rates_of_all_pairs(arrays["feat"], arrays["id"], list(rates))
    close([share for share, _ in found.values()], [*rates.values()])
    close([threshold for _, threshold in found.values()], [*expected["threshold"].values()])
    features = Features(arrays["feat"], labels=arrays["id"])
    measured = protocol("facerates").evaluate(features).metrics
    close(measured["recall@far0.1"], rates[0.1])
    alone = protocol("facerates", own="left out").evaluate(features).metrics
    assert alone["recall@far0.1"] < measured["recall@far0.1"]


def deepsort(arrays: Arrays, expected: Arrays) -> None:
    tracks, query = arrays["dense_tracks"], arrays["dense_query"]
    plain = faces.track_costs(tracks, arrays["track"], query)
    close(plain, expected["cost_without_the_batch_axis_division"])
    tracks, query = (part / np.linalg.norm(part, axis=0) for part in (tracks, query))
    close(faces.track_costs(tracks, arrays["track"], query), expected["cost"])


RUNS = [osnet, pcb, arcface_pairs, arcface_ijb, sphereface, facerecognition, frt, deepsort]


@pytest.mark.parametrize("name", EXPECTED)
def test_a_recorded_case_gives_the_numbers_of_the_original(name: str) -> None:
    paths = [folder / f"{name}.npz" for folder in (OWN, SHARED)]
    there = [path for path in paths if path.is_file()]
    if not there:
        pytest.skip(f"{SHARED} is not at hand")
    [run] = [run for run in RUNS if name.startswith(run.__name__)]
    with np.load(there[0]) as arrays:
        run({key: arrays[key] for key in arrays.files}, EXPECTED[name])


def test_the_first_of_equal_thresholds_counts_for_distances_and_the_last_for_cosines() -> None:
    apart = np.array([[1, 0], [0.8, 0.6]], np.float32)
    same = np.tile([True, False], 10)
    first = np.tile(apart[:1], (20, 1))
    second = np.where(same[:, None], apart[0], apart[1]).astype(np.float32)
    found = faces.verify(first, second, same, distance="euclidean")
    assert found.accuracies == (1,) * 10
    close(found.thresholds, [0.01] * 10)
    cosine = faces.verify(first, second, same, distance="cosine")
    close(cosine.thresholds, [0.995] * 10)


@pytest.mark.parametrize("same", [[True] * 12, [False] * 12, [True, False]])
def test_pairs_of_one_kind_measure_nothing(same: list[bool]) -> None:
    vectors = np.ones((len(same), 2), np.float32)
    with pytest.raises(FeaturesError, match="Pairs must be at least 10, of one person and of two"):
        faces.verify(vectors, vectors, np.array(same), distance="cosine")


def test_products_beyond_float16_are_refused() -> None:
    features = Features(np.full((4, 8), 300.0), labels=[1, 1, 2, 2], cameras=[1, 2, 1, 2])
    with pytest.raises(FeaturesError, match=r"too large for float16.*product: single"):
        protocol("market1501").evaluate(features, features)


def test_faces_without_distractors_are_refused() -> None:
    features = Features(np.eye(4), labels=[1, 2, 3, 4])
    with pytest.raises(FeaturesError, match="has no distractors"):
        protocol("faceranks").evaluate(features, features)


def test_pairs_that_lost_an_image_are_refused() -> None:
    first, second = (Features(np.eye(4)[:n], labels=range(n)) for n in (4, 3))
    with pytest.raises(FeaturesError, match="4 first and 3 second images"):
        protocol("facepairs").evaluate(first, second)
