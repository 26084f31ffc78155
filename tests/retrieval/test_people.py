"""Evaluations of persons and faces give the numbers of the originals on the cases that were recorded.

The cases lie in `tests/data/reid/people`; those that are larger are tried where the folder that they were
taken from is at hand.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import synthetic

import mindspore_hub
from mindspore_hub.errors import FeaturesError
from mindspore_hub.gallery.features import Features
from mindspore_hub.tasks.retrieval import faces
from mindspore_hub.tasks.retrieval.datasets import protocol

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
        pytest.skip(f"{SHARED} is not at hand; the cases in tests/data/reid/people are tried")
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


def draw_market1501(root: Path) -> None:
    for person in (2, 5, 9):
        for camera in (1, 2, 3):
            part = "query" if camera == 1 else "bounding_box_test"
            synthetic.draw(root / part / f"{person:04}_c{camera}s1_1.jpg", person, camera)
    synthetic.draw(root / "bounding_box_test/0000_c4s1_1.jpg", 0, 4)
    synthetic.draw(root / "bounding_box_test/-1_c4s1_2.jpg", 1, 4)


def draw_msmt17(root: Path) -> None:
    for part, cameras in (("query", (1,)), ("gallery", (2, 3))):
        names = [f"{p:04}/{p:04}_000_{c:02}_1.jpg" for p in (2, 5) for c in cameras]
        for name in names:
            person, camera = int(name[:4]), int(name[14:16])
            synthetic.draw(root / "msmt17/MSMT17_V1/test" / name, person, camera)
        lines = [f"{name} {int(name[:4])}" for name in names]
        synthetic.write(root / f"msmt17/MSMT17_V1/list_{part}.txt", lines)


def draw_pairs(root: Path) -> None:
    rows = ["10"]
    for person in range(10):
        for number in (1, 2):
            path = root / f"lfw/P{person}/P{person}_{number:04}.jpg"
            synthetic.draw(path, person, number, (96, 112))
        rows += [f"P{person}\t1\t2", f"P{person}\t1\tP{(person + 1) % 10}\t2"]
    synthetic.write(root / "lfw/pairs.txt", rows)


def draw_ranks(root: Path) -> None:
    for part, persons in (("jk", (1, 2)), ("zj", (2, 1)), ("dis", (5, 6, 7))):
        folder = "dis_dataset" if part == "dis" else "test_dataset"
        for person in persons:
            path = root / folder / f"{part}/{person}.jpg"
            synthetic.draw(path, person, len(part) + ord(part[0]), (112, 112))
        rows = [f"{part}/{person}.jpg {person}" for person in persons]
        synthetic.write(root / f"lists/{part}_list.txt", rows)


def draw_rates(root: Path) -> None:
    for person in range(4):
        for number in (1, 2, 3):
            synthetic.draw(root / f"P{person}/P{person}_{number:04}.jpg", person, number)


DATA = {
    "osnet_market1501": (draw_market1501, {"rank1": 1, "mAP": 1}, {"queries": 3, "gallery": 7}),
    "pcbrpp_market1501": (draw_market1501, {"rank1": 1, "mAP": 1}, {"queries": 3, "gallery": 7}),
    "osnet_msmt17": (draw_msmt17, {"rank1": 1, "mAP": 1}, {"queries": 2, "gallery": 4}),
    "sphereface_casiawebface": (draw_pairs, {"accuracy": 1, "accuracy_std": 0}, {"pairs": 20}),
    "facerecognition_ms1mv2": (draw_ranks, {"rank1": 1}, {"distractors": 3}),
    "facerecognitionfortracking_lfw": (draw_rates, {"recall@far0.1": 1}, {"images": 12}),
}
"""What draws the data of a card, and what is measured: persons have clear colours."""


@pytest.mark.slow
@pytest.mark.parametrize("name", DATA)
def test_a_data_set_in_its_published_layout_is_measured_by_the_protocol_of_a_card(
    name: str, tmp_path: Path
) -> None:
    from mindspore import Tensor, nn, ops

    class Colours(nn.Cell):
        """Means of 4 x 2 parts of a picture, as the two outputs of PCB or as one."""

        def construct(self, x: Tensor) -> Any:
            count, channels, height, width = x.shape
            parts = x.reshape(count, channels, 4, height // 4, 2, width // 2)
            found = ops.mean(parts, (3, 5)).reshape(count, -1)
            found = found / ops.sqrt(ops.square(found).sum(1, keepdims=True))
            return (found, found) if name.startswith("pcb") else found

    draw, metrics, counts = DATA[name]
    draw(tmp_path)
    report = mindspore_hub.evaluate(f"mindspore/1.10/{name}", tmp_path, network=Colours())
    assert {key: report.metrics[key] for key in metrics} == metrics
    assert {key: report.result.counts[key] for key in counts} == counts
    assert report.claims
    assert all(claim.measured is not None for claim in report.claims)
