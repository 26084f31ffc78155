"""Protocols agree with plain definitions, ties included, and say what they need."""

import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import reid_reference as reference
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mindspore_hub.errors import FeaturesError, UnknownNameError
from mindspore_hub.gallery import distances
from mindspore_hub.gallery.features import Features
from mindspore_hub.tasks.retrieval import datasets
from mindspore_hub.tasks.retrieval.datasets import Evaluation, protocol
from mindspore_hub.tasks.retrieval.datasets.sysu import draw
from mindspore_hub.tasks.retrieval.task import KINDS

SEEDS = st.integers(0, 10**6)
few = settings(max_examples=40, deadline=None)


def drawn(
    seed: int, cameras: tuple[int, ...] = (1, 2, 3), query_cameras=None, norm: int | None = None
) -> list[Features]:
    """Queries and gallery with small whole numbers, so that many distances are equal.

    Labels from -1 on; with a norm, features lie on the axes.
    """
    generator = np.random.default_rng(seed)
    parts = []
    for count, seen in ((7, query_cameras or cameras), (generator.integers(3, 40), cameras)):
        parts.append(
            Features(
                vectors(generator, count, norm),
                generator.integers(-1, 6, count),
                cameras=generator.choice(seen, count),
                paths=np.array([f"{number:03}" for number in range(count)]),
            )
        )
    return parts


def vectors(generator: np.random.Generator, count: int, norm: int | None) -> np.ndarray:
    if norm is None:
        return generator.integers(-2, 3, (count, 3)).astype(np.float32)
    axes = np.concatenate([np.eye(3), -np.eye(3)])
    return (norm * axes[generator.integers(0, 6, count)]).astype(np.float32)


def same_label_and_camera(query: Features, gallery: Features) -> np.ndarray:
    return (query.labels[:, None] == gallery.labels) & (query.cameras[:, None] == gallery.cameras)


def agree(
    evaluation: Evaluation, query: Features, gallery: Features, scores: reference.Scores, cmc: list
) -> None:
    if not scores.found:
        with pytest.raises(FeaturesError, match="No query has a match that counts"):
            evaluation.evaluate(query, gallery)
        return
    result = evaluation.evaluate(query, gallery)
    np.testing.assert_allclose(result.cmc, cmc, atol=1e-12)
    assert result.metrics["mAP"] == pytest.approx(scores.mean_average_precision())
    assert result.metrics["mINP"] == pytest.approx(scores.mean_inverse_negative_penalty())
    without = len(scores.matches) - len(scores.found)
    assert result.counts["queries_without_match"] == without


@few
@given(SEEDS)
def test_veri_agrees_with_its_definition(seed: int) -> None:
    query, gallery = drawn(seed)
    distances = (gallery.vectors**2).sum(axis=1) - 2 * query.vectors @ gallery.vectors.T
    removed = same_label_and_camera(query, gallery)
    scores = reference.rank(distances, query.labels, gallery.labels, removed)
    cmc = scores.cmc(min(10, len(gallery)))
    agree(protocol("veri", length=10), query, gallery, scores, cmc)


@few
@given(SEEDS)
def test_regdb_agrees_with_its_definition(seed: int) -> None:
    query, gallery = drawn(seed)
    distances = -query.vectors @ gallery.vectors.T
    removed = np.zeros(distances.shape, bool)
    scores = reference.rank(distances, query.labels, gallery.labels, removed)
    agree(protocol("regdb"), query, gallery, scores, scores.cmc(min(20, len(gallery))))


@few
@given(SEEDS)
def test_sysu_agrees_with_its_definition(seed: int) -> None:
    query, gallery = drawn(seed, query_cameras=(3, 6))
    distances = -query.vectors @ gallery.vectors.T
    removed = (query.cameras[:, None] == 3) & (gallery.cameras == 2)
    scores = reference.rank(distances, query.labels, gallery.labels, removed)
    cmc = scores.identity_cmc(min(20, len(gallery)))
    agree(protocol("sysu", seeds=()), query, gallery, scores, cmc)


@few
@given(SEEDS)
def test_sysu_averages_its_trials(seed: int) -> None:
    query, gallery = drawn(seed, cameras=(1, 2, 4), query_cameras=(3, 6))
    same = (query.labels[:, None] == gallery.labels) & (gallery.labels >= 0)
    assume((same & ~((query.cameras[:, None] == 3) & (gallery.cameras == 2))).any())
    whole = protocol("sysu", seeds=(0, 1, 2)).evaluate(query, gallery)
    single = []
    for number in range(3):
        chosen = draw(gallery.labels, gallery.cameras, gallery.paths, search="all", seed=number)
        single.append(protocol("sysu", seeds=()).evaluate(query, gallery.take(chosen)))
    for name in ("mAP", "mINP"):
        expected = np.mean([result.metrics[name] for result in single])
        assert whole.metrics[name] == pytest.approx(expected)
    np.testing.assert_allclose(whole.cmc, np.mean([result.cmc for result in single], axis=0))


def test_a_gallery_is_drawn_as_the_original_draws_it() -> None:
    images = {(5, 1): 3, (5, 2): 7, (5, 4): 2, (12, 2): 4, (12, 5): 9, (200, 1): 1}
    rows = [
        (*key, f"{key}/{number:04}.jpg") for key, count in images.items() for number in range(count)
    ]
    random.Random(1).shuffle(rows)
    labels, cameras, paths = map(np.array, zip(*rows, strict=True))
    generator = random.Random(7)
    expected = []
    for label in (5, 12, 200):
        for camera in (1, 2, 4, 5):
            found = sorted(path for a, b, path in rows if (a, b) == (label, camera))
            if found:
                expected.append(generator.choice(found))
    assert paths[draw(labels, cameras, paths, search="all", seed=7)].tolist() == expected
    indoor = draw(labels, cameras, paths, search="indoor", seed=7)
    assert set(cameras[indoor].tolist()) == {1, 2}


def test_shuffled_cameras_deal_the_same_cameras_to_other_images() -> None:
    query, gallery = drawn(3, query_cameras=(3, 6))
    aligned, *shuffled = (
        protocol("sysu", seeds=(), shuffled_cameras=seed).evaluate(query, gallery).metrics["mAP"]
        for seed in (None, 0, 0, 1, 2, 3)
    )
    assert shuffled[0] == shuffled[1]
    assert any(value != aligned for value in shuffled)


@few
@given(SEEDS, st.sampled_from(["failures", "skipped"]))
def test_vehiclenet_without_re_ranking_agrees_with_its_definition(
    seed: int, unmatched: str
) -> None:
    query, gallery = drawn(seed, norm=1)
    distances = -query.vectors @ gallery.vectors.T
    removed = same_label_and_camera(query, gallery)
    scores = reference.rank(distances, query.labels, gallery.labels, removed)
    assume(scores.found)
    areas = [
        reference.average(
            ((hits / rank if rank else 1) + (hits + 1) / (rank + 1)) / 2
            for hits, rank in enumerate(ranks)
        )
        for ranks in scores.found
    ]
    queries = len(query) if unmatched == "failures" else len(areas)
    result = protocol("vehiclenet", k1=0, unmatched=unmatched).evaluate(query, gallery)
    assert result.metrics["mAP"] == pytest.approx(sum(areas) / max(queries, 1))
    firsts = [ranks[0] == 0 for ranks in scores.found]
    assert result.metrics["rank1"] == pytest.approx(sum(firsts) / max(queries, 1))


@pytest.mark.parametrize("unknown", [-1, -7])
def test_unlabelled_images_are_ranked_as_published_or_left_out(unknown: int) -> None:
    query = Features([[1.0, 0.0]], [4], cameras=[1])
    gallery = Features([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]], [unknown, 4, 5], cameras=[2, 2, 2])
    kept = protocol("vehiclenet", k1=0).evaluate(query, gallery)
    removed = protocol("vehiclenet", k1=0, unlabelled="removed").evaluate(query, gallery)
    assert (kept.metrics["rank1"], removed.metrics["rank1"]) == (0, 1)


ALONE = (("regdb", {}), ("sysu", {"seeds": ()}), ("veri", {}), ("vehiclenet", {"k1": 0}))
"""Protocols of queries and gallery, with options that suit few images."""

IN_GALLERY = pytest.mark.parametrize(("name", "options"), [*ALONE, ("sysu", {"seeds": (0, 1)})])


@IN_GALLERY
@pytest.mark.parametrize("unknown", [(-1, -1), (-2, -2), (-1, -2)])
def test_a_negative_label_equals_no_other(
    name: str, options: dict, unknown: tuple[int, int]
) -> None:
    one, other = unknown
    query = Features(np.eye(2), [one, 5], cameras=[6, 6])
    images = [[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]]
    gallery = Features(images, [one, other, 5], cameras=[1, 2, 4], paths=["a", "b", "c"])
    result = protocol(name, **options).evaluate(query, gallery)
    assert result.counts["queries_without_match"] == 1
    assert result.counts["gallery"] == 3, "each unknown image may be of somebody else"
    found = result.metrics["mINP"] * (2 if name == "vehiclenet" else 1)
    assert found == 0.5, "the unknown image before the right one is wrong"


@IN_GALLERY
def test_numbers_of_unknown_images_change_no_metric(name: str, options: dict) -> None:
    query, gallery = drawn(11, cameras=(1, 2, 4), query_cameras=(3, 6), norm=1)
    assert {-1} < {*query.labels.tolist()} & {*gallery.labels.tolist()}
    found = []
    for query_number, gallery_number in ((-1, -1), (-1, -2), (-9, -1)):
        renamed = [
            replace(part, labels=np.where(part.labels == -1, number, part.labels))
            for part, number in ((query, query_number), (gallery, gallery_number))
        ]
        found.append(protocol(name, **options).evaluate(*renamed))
    assert found[0] == found[1] == found[2]


def test_recall_finds_no_image_of_a_negative_label() -> None:
    vectors = np.repeat(np.eye(3), 2, axis=0)
    result = protocol("sop", at=(1,)).evaluate(Features(vectors, [-1, -1, 4, 4, -3, 4]))
    assert result.metrics["recall@1"] == 2 / 6, "an unknown image is nearest to the last one"
    assert result.counts["queries_without_match"] == 3


def test_unknown_images_change_no_draw_of_the_others() -> None:
    labels, cameras = np.repeat([3, 8], 20), np.tile([1, 2], 20)
    paths = np.array([f"{number:03}" for number in range(40)])
    alone = draw(labels, cameras, paths, search="all", seed=3).tolist()
    more = draw(
        np.append(labels, [-1, -1, -5]),
        np.append(cameras, [1, 1, 6]),
        np.append(paths, ["0", "x", "y"]),
        search="all",
        seed=3,
    ).tolist()
    assert (more[: len(alone)], sorted(more[len(alone) :])) == (alone, [40, 41])


@pytest.mark.parametrize(
    ("labels", "why"),
    [
        (([91, 92], [1, 2, 3]), "no label in common. Labels of the queries are 91, 92, those"),
        (([-1, -1], [-1, -1, 2]), "no label in common"),
        (([1, -2], [2, 3, -2]), "no label in common"),
        ((range(100, 120), [1, 2, 3]), r"100, 101, 102, 103, 104, \.\.\., those of the gallery"),
    ],
)
@pytest.mark.parametrize(("name", "options"), ALONE)
def test_without_a_label_in_common_nothing_is_measured(
    name: str, options: dict, labels: tuple, why: str
) -> None:
    parts = [
        Features(np.eye(len(part), 20), list(part), cameras=[camera] * len(part))
        for part, camera in zip(labels, (6, 1), strict=True)
    ]
    with pytest.raises(FeaturesError, match=f"No query has a match that counts.*{why}"):
        protocol(name, **options).evaluate(*parts)


@pytest.mark.parametrize("unmatched", ["failures", "skipped"])
@pytest.mark.parametrize(
    ("name", "options", "cameras"),
    [
        ("veri", {}, (7, 7)),
        ("vehiclenet", {"k1": 0}, (1, 1)),
        ("vehiclenet", {"k1": 2, "k2": 1}, (1, 1)),
        ("sysu", {"seeds": ()}, (3, 2)),
        ("sysu", {"seeds": (0, 1)}, (3, 2)),
    ],
)
def test_where_cameras_remove_all_matches_nothing_is_measured(
    name: str, options: dict, cameras: tuple[int, int], unmatched: str
) -> None:
    more = {"unmatched": unmatched} if name == "vehiclenet" else {}
    query, gallery = (
        Features(np.eye(3), [1, 2, -1], cameras=[camera] * 3, paths=["a", "b", "c"])
        for camera in cameras
    )
    with pytest.raises(FeaturesError, match=r"No query .*because of their camera, since .*remov"):
        protocol(name, **options, **more).evaluate(query, gallery)
    elsewhere = replace(gallery, cameras=[*cameras[1:], 1 if name == "sysu" else 9, cameras[1]])
    assert protocol(name, **options, **more).evaluate(query, elsewhere).metrics["mAP"] > 0


@pytest.mark.parametrize("labels", [[1, 2, 3], [-1, -1, -1], [5, -5, -5]])
def test_recall_needs_a_class_of_two_images(labels: list[int]) -> None:
    with pytest.raises(FeaturesError, match=r"No query .*no image has the label of another"):
        protocol("sop").evaluate(Features(np.eye(3), labels))


@pytest.mark.parametrize("options", [{"k1": 0}, {"k1": 3, "k2": 1}])
@pytest.mark.parametrize(
    ("norms", "message"),
    [
        (([1, 1], [1, 2, 1, 1]), "norm 1, but 1 of 4 have another, the first at index 1 of the ga"),
        (([5, 5], [5, 5, 5, 5]), "norm 1, but 2 of 2 have another, the first at index 0 of the qu"),
        (([1, 0], [1, 1, 1, 1]), "1 of 2 have another, the first at index 1 of the queries with 0"),
        (([1, 1.01], [1, 1, 1, 1]), "1 of 2 have another"),
    ],
)
def test_vehiclenet_takes_features_of_norm_1_only(
    options: dict, norms: tuple[list, list], message: str
) -> None:
    query, gallery = (
        Features(np.eye(4)[: len(part)] * np.array(part)[:, None], range(len(part)), cameras=seen)
        for part, seen in zip(norms, ([1, 1], [2, 2, 2, 2]), strict=True)
    )
    with pytest.raises(FeaturesError, match=message):
        protocol("vehiclenet", **options).evaluate(query, gallery)
    query, gallery = (
        replace(part, vectors=np.eye(4, dtype=np.float32)[: len(part)]) for part in (query, gallery)
    )
    assert protocol("vehiclenet", **options).evaluate(query, gallery).metrics["rank1"] == 1


@few
@given(SEEDS, st.booleans())
def test_recall_agrees_with_its_definition(seed: int, repeated: bool) -> None:
    generator = np.random.default_rng(seed)
    vectors = generator.standard_normal((50, 4)).astype(np.float32)
    if repeated:
        vectors[generator.integers(0, 50, 20)] = vectors[generator.integers(0, 50, 20)]
    labels = generator.integers(0, 15, 50)
    exact = vectors.astype(np.float64)
    exact /= np.sqrt(np.einsum("ij,ij->i", exact, exact))[:, None]
    hits = {1: 0, 3: 0}
    for number in range(50):
        others = [other for other in range(50) if other != number]
        order = sorted(others, key=lambda other: -exact[other] @ exact[number])
        for k in hits:
            hits[k] += any(labels[other] == labels[number] for other in order[:k])
    result = protocol("sop", at=(1, 3)).evaluate(Features(vectors, labels))
    assert result.metrics == {f"recall@{k}": count / 50 for k, count in hits.items()}


def test_recall_orders_equal_images_by_index() -> None:
    vectors = np.array([[0.6, 0.8], [0.6, 0.8], [0.6, 0.8], [1.2, 1.6]])
    found = protocol("sop", at=(1,)).evaluate(Features(vectors, [0, 1, 0, 1]))
    # 0 -> 1 (of another class), 1 -> 0 (another), 2 -> 0 (same), 3 -> 0 (another).
    assert found.metrics["recall@1"] == 0.25


@pytest.mark.parametrize(
    ("name", "options"),
    [("veri", {}), ("regdb", {}), ("sysu", {"seeds": (0, 1)}), ("vehiclenet", {"k1": 5, "k2": 2})],
)
def test_the_size_of_blocks_changes_no_number(
    name: str, options: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    query, gallery = drawn(5, cameras=(1, 2, 3, 6), norm=1)
    whole = protocol(name, **options).evaluate(query, gallery)
    monkeypatch.setattr(distances, "BLOCK_BYTES", 1000)
    assert protocol(name, **options).evaluate(query, gallery) == whole


def test_every_protocol_is_found_by_the_name_of_its_module() -> None:
    assert {"regdb", "sop", "sysu", "vehiclenet", "veri"} < {*datasets.names()}
    for name in datasets.names():
        assert protocol(name).evaluate


def test_an_unknown_protocol_is_refused_with_a_near_name() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'vehiclenet'"):
        protocol("vehicelnet")


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("sysu", {"mode": "all"}, "has no option 'mode'; it has search"),
        ("sysu", {"search": "outdoor"}, "search must be one of 'all', 'indoor'"),
        ("veri", {"type_map": "both"}, "type_map must be one of"),
        ("vehiclenet", {"unlabelled": "junk"}, "unlabelled must be one of"),
        ("vehiclenet", {"unmatched": "no"}, "unmatched must be one of"),
        ("sop", {"at": (0,)}, "at must hold numbers of neighbours"),
        ("sysu", {"shuffled_cameras": 2**32}, "shuffled_cameras must be below 4294967296"),
        ("sysu", {"shuffled_cameras": 2.5}, "shuffled_cameras must be a whole number or None"),
        ("sysu", {"seeds": ["a"]}, "seeds must be of the kind of"),
        ("regdb", {"length": "5"}, "length must be of the kind of 20, as usual, but is '5'"),
        ("regdb", {"length": np.float32(5)}, "length must be of the kind of 20"),
        ("vehiclenet", {"k1": None}, "k1 must be of the kind of 100"),
        ("vehiclenet", {"original_share": "x"}, "original_share must be of the kind of"),
        ("veri", {"colors": [1, 2.5]}, "colors must be of the kind of"),
        ("veri", {"colors": np.array("red")}, "colors must be of the kind of"),
    ],
)
def test_an_option_that_means_nothing_is_refused(name: str, options: dict, message: str) -> None:
    with pytest.raises(FeaturesError, match=message):
        protocol(name, **options)


def test_what_a_protocol_lacks_is_named() -> None:
    plain = Features(np.eye(3), [0, 1, 0])
    with pytest.raises(FeaturesError, match="lack 'cameras'"):
        protocol("veri").evaluate(plain, plain)
    with pytest.raises(FeaturesError, match="in a gallery, but the features have no roles"):
        protocol("regdb").evaluate(plain)
    with pytest.raises(FeaturesError, match="give no gallery, and features without roles"):
        protocol("sop").evaluate(plain, plain)
    with pytest.raises(FeaturesError, match="at least 101 images"):
        protocol("vehiclenet").evaluate(*drawn(0, norm=1))
    with pytest.raises(FeaturesError, match="Queries have 3 values each, but the gallery 2"):
        protocol("regdb").evaluate(plain, Features(np.eye(2), [0, 1]))
    with pytest.raises(FeaturesError, match="index 1 is 0 and has no direction"):
        protocol("sop").evaluate(Features([[1.0, 0.0], [0.0, 0.0]], [0, 0]))
    infrared = Features(np.eye(2), [0, 1], cameras=[3, 6], paths=["a", "b"])
    with pytest.raises(FeaturesError, match=r"No gallery item is of the cameras \(1, 2\)"):
        protocol("sysu", search="indoor").evaluate(infrared, infrared)


def test_trials_of_regdb_are_averaged() -> None:
    trials = [tuple(drawn(seed)) for seed in range(10)]
    single = [protocol("regdb").evaluate(*trial) for trial in trials]
    mean = protocol("regdb").evaluate_trials(trials)
    assert mean.counts["trials"] == 10
    assert mean.metrics["mAP"] == pytest.approx(np.mean([one.metrics["mAP"] for one in single]))
    with pytest.raises(FeaturesError, match="No trial was given"):
        protocol("regdb").evaluate_trials([])


def test_a_report_is_json_with_its_schema() -> None:
    query, gallery = drawn(1)
    report = json.loads(protocol("regdb").evaluate(query, gallery).to_json())
    assert sorted(report) == ["cmc", "counts", "metrics", "options", "protocol", "schema"]
    assert report["protocol"] == "regdb"
    assert report["options"] == {"length": 20}


def test_cards_may_name_exactly_the_protocols_that_there_are() -> None:
    assert sorted(KINDS) == datasets.names()


@pytest.mark.parametrize(
    ("name", "option", "word"),
    [
        (name, option, word)
        for name, kind in KINDS.items()
        for option, words in kind.options.items()
        for word in words
    ],
)
def test_an_option_that_cards_may_state_is_one_of_the_data_set_or_the_protocol(
    name: str, option: str, word: str
) -> None:
    if option in datasets.dataset_options(name):
        assert getattr(datasets.dataset(name, Path(), **{option: word}), option) == word
    else:
        assert getattr(protocol(name, **{option: word}), option) == word


@pytest.mark.parametrize("values", [np.array([0, 3]), range(0, 6, 3), [np.int8(0), 3], (0, 3)])
def test_several_numbers_of_an_option_may_be_an_array(values: object) -> None:
    assert protocol("sysu", seeds=values) == protocol("sysu", seeds=(0, 3))
    assert protocol("veri", colors=values) == protocol("veri", colors=(0, 3))
