"""`mindspore_hub.match`: exact neighbours, marks, re-ranking and faiss."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import reid_reference as reference
from hypothesis import given, settings
from hypothesis import strategies as st

import mindspore_hub
from mindspore_hub.errors import FeaturesError
from mindspore_hub.gallery.features import Features
from mindspore_hub.tasks.retrieval.rerank import KReciprocal

few = settings(max_examples=40, deadline=None)

CARD = "mindspore/1.9/mvd_infraredtovisible_regdb"
DOT = {"outputs": [0], "distance": "dot"}
EUCLIDEAN = {"outputs": [0], "distance": "euclidean"}


def drawn(seed: int, *shape: int, most: int = 2) -> np.ndarray:
    """Small whole numbers: many are equally far, and every distance is exact."""
    random = np.random.default_rng(seed)
    return random.integers(-most, most + 1, shape).astype(np.float32)


def distances_of(query: np.ndarray, gallery: np.ndarray, kind: str) -> np.ndarray:
    if kind == "dot":
        return -query @ gallery.T
    return np.square(query[:, None] - gallery[None]).sum(axis=2)


def unit(seed: int, images: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((images, 8))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@few
@given(
    st.integers(0, 10**6),
    st.integers(1, 300),
    st.integers(1, 12),
    st.sampled_from(["dot", "euclidean"]),
)
def test_neighbours_are_those_of_a_stable_sort(seed: int, items: int, k: int, kind: str) -> None:
    query, gallery = drawn(seed, 5, 3), drawn(seed + 1, items, 3)
    found = mindspore_hub.match(query, gallery, k=k, distance=kind)
    distances = distances_of(query, gallery, kind)
    expected = np.argsort(distances, axis=1, kind="stable")[:, :k]
    assert found.indices.tolist() == expected.tolist()
    assert found.distances.tolist() == np.take_along_axis(distances, expected, 1).tolist()
    assert found.distances.dtype == np.float32


@few
@given(
    st.integers(0, 10**6),
    st.integers(2, 60),
    st.integers(1, 70),
    st.sampled_from(["dot", "euclidean"]),
)
def test_among_themselves_every_other_image_is_found_in_order(
    seed: int, items: int, k: int, kind: str
) -> None:
    vectors = drawn(seed, items, 2)
    found = mindspore_hub.match(vectors, k=k, distance=kind)
    distances = distances_of(vectors, vectors, kind)
    for image, row in enumerate(distances):
        order = [int(other) for other in np.argsort(row, kind="stable") if other != image]
        assert found.indices[image].tolist() == order[:k]
    assert found.gallery is found.query


def test_the_same_array_or_file_is_looked_up_among_itself(tmp_path: Path) -> None:
    vectors = drawn(0, 9, 4)
    expected = mindspore_hub.match(vectors, k=3).indices.tolist()
    Features(vectors).save(tmp_path / "a.npz")
    (tmp_path / "b.npz").symlink_to(tmp_path / "a.npz")
    assert mindspore_hub.match(vectors, vectors, k=3).indices.tolist() == expected
    again = mindspore_hub.match(tmp_path / "a.npz", str(tmp_path / "b.npz"), k=3)
    assert again.indices.tolist() == expected
    others = mindspore_hub.match(vectors, vectors.copy(), k=1, distance="euclidean")
    assert others.distances.tolist() == [[0.0]] * 9


def test_features_with_roles_match_the_queries_of_their_first_trial() -> None:
    features = Features(
        drawn(0, 6, 4),
        paths=list("abcdef"),
        roles=[[1, 2], [2, 1], [0, 1], [2, 1], [1, 1], [2, 1]],
    )
    found = mindspore_hub.match(features, k=3)
    assert found.query.paths is not None
    assert found.query.paths.tolist() == ["a", "e"]
    assert found.gallery.paths is not None
    assert found.gallery.paths.tolist() == ["b", "d", "f"]


@pytest.mark.parametrize("said", [DOT, EUCLIDEAN])
def test_the_distance_is_that_of_the_features_unless_another_is_asked_for(
    said: dict[str, Any],
) -> None:
    query = Features(drawn(0, 3, 4), about={"retrieval": said})
    gallery = drawn(1, 20, 4)
    kind = said["distance"]
    expected = np.argsort(distances_of(query.vectors, gallery, kind), axis=1, kind="stable")
    found = mindspore_hub.match(query, gallery, k=20)
    assert (found.distance, found.indices.tolist()) == (kind, expected.tolist())
    assert mindspore_hub.match(query, gallery, distance="euclidean").distance == "euclidean"
    assert mindspore_hub.match(gallery).distance == "dot"


def test_matches_have_the_label_of_the_query_and_a_negative_one_matches_nothing() -> None:
    query = Features([[1.0, 0], [0, 1], [1, 1]], labels=[7, 8, -1])
    gallery = Features([[3.0, 0], [2, 0], [0, 1]], labels=[8, 7, -1])
    found = mindspore_hub.match(query, gallery, k=2)
    assert found.indices.tolist() == [[0, 1], [2, 0], [0, 1]]
    assert found.correct is not None
    assert found.correct.tolist() == [[False, True], [False, True], [False, False]]
    assert mindspore_hub.match(query, gallery.vectors).correct is None


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [("sha256", "ab" * 32, "cd" * 32), ("retrieval", DOT, EUCLIDEAN)],
)
def test_features_of_two_networks_are_not_compared(name: str, one: Any, other: Any) -> None:
    query = Features(drawn(0, 2, 4), about={"card": CARD, name: one})
    gallery = Features(drawn(1, 3, 4), about={"card": "other/1.9/card", name: other})
    with pytest.raises(FeaturesError, match="not made alike") as caught:
        mindspore_hub.match(query, gallery)
    for part in (name, CARD, "other/1.9/card", "mshub embed"):
        assert part in str(caught.value)
    same = Features(gallery.vectors, about={"card": "a copy", name: one})
    assert mindspore_hub.match(query, same).indices.shape == (2, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"k": 0}, "k must be a whole number of at least 1, but is 0"),
        ({"k": "3"}, "k must be a whole number of at least 1, but is '3'"),
        ({"k": np.float32(2)}, "k must be a whole number of at least 1, but is 2.0"),
        ({"k": True}, "k must be a whole number of at least 1, but is True"),
        ({"rerank": {"original_share": "x"}}, "a share between 0 and 1"),
        ({"rerank": {1: 2}}, "Re-ranking has no option 1"),
        ({"rerank": 5}, "rerank must be True, or a mapping of k1, k2, original_share, but is 5"),
        ({"rerank": np.bool_(1)}, "features of norm 1"),
        ({"gallery": [[1, 2], [3]]}, r"Features must be an array \(N, D\), but are not"),
        ({"distance": "cosine"}, "'cosine' is asked for, but a distance is one of dot, euclidean"),
        ({"rerank": {"k3": 1}}, "Re-ranking has no option k3; it has k1, k2, original_share"),
        ({"rerank": {"k1": 2.5}}, "k1 and k2 must be whole numbers"),
        ({"rerank": {"original_share": 3}}, "a share between 0 and 1"),
        ({"rerank": True, "index": "Flat"}, "uses no index; leave out one"),
        ({"rerank": True}, "features of norm 1, but 3 of 3 have another, the first at index 0"),
        ({"gallery": drawn(0, 3, 5)}, "Queries have 4 values each, but the gallery 5"),
        ({"gallery": "missing.npz"}, "missing.npz cannot be read as features"),
    ],
)
def test_what_does_not_fit_is_refused(arguments: dict[str, Any], message: str) -> None:
    query = np.full((3, 4), 2.0)
    with pytest.raises(FeaturesError, match=message):
        mindspore_hub.match(query, **arguments)


def test_one_image_alone_is_refused() -> None:
    with pytest.raises(FeaturesError, match="give at least 2, or a gallery"):
        mindspore_hub.match(np.ones((1, 4)))


@pytest.mark.parametrize("options", [{}, {"k1": 8, "k2": 3, "original_share": 0.0}])
def test_reranking_orders_by_the_distances_of_kreciprocal(options: dict[str, Any]) -> None:
    query, gallery = unit(0, 7), unit(1, 40)
    found = mindspore_hub.match(query, gallery, k=9, rerank=options or True)
    [(_, distances)] = KReciprocal(query, gallery, **options).blocks()
    expected = np.argsort(distances, axis=1, kind="stable")[:, :9]
    assert found.indices.tolist() == expected.tolist()
    assert found.distances.tolist() == np.take_along_axis(distances, expected, 1).tolist()
    assert found.rerank == {"k1": 20, "k2": 6, "original_share": 0.3} | options


def test_reranking_among_themselves_counts_every_image_once() -> None:
    vectors = unit(2, 40)
    found = mindspore_hub.match(vectors, k=39, rerank={"k1": 8, "k2": 3})
    jaccard, original = reference.jaccard(vectors, None, 8, 3)
    whole = 0.7 * jaccard + 0.3 * original
    expected = np.take_along_axis(whole, found.indices, 1)
    np.testing.assert_allclose(found.distances, expected, atol=1e-6)
    assert (np.diff(found.distances, axis=1) >= 0).all()
    for image, others in enumerate(found.indices.tolist()):
        assert sorted([image, *others]) == list(range(40))


def test_json_says_everything() -> None:
    query = Features(
        [[1.0, 0], [0, 1]], labels=[7, 8], paths=["q/ü.png", "q/b.png"], about={"card": CARD}
    )
    gallery = Features([[0.0, 3], [2, 0]], labels=[8, 8], paths=["g/a.png", "g/b.png"])
    found = json.loads(mindspore_hub.match(query, gallery, k=1).to_json())
    assert found.pop("versions") == {
        "mindspore-hub": mindspore_hub.__version__,
        "numpy": np.__version__,
    }
    one = {"rank": 1, "index": 1, "path": "g/b.png", "distance": -2.0, "correct": False}
    other = {"rank": 1, "index": 0, "path": "g/a.png", "distance": -3.0, "correct": True}
    assert found == {
        "schema": 1,
        "k": 1,
        "distance": "dot",
        "rerank": None,
        "index": None,
        "among_themselves": False,
        "query": {"images": 2, "about": {"card": CARD}},
        "gallery": {"images": 2, "about": {}},
        "matches": [
            {"query": 0, "path": "q/ü.png", "label": 7, "nearest": [one]},
            {"query": 1, "path": "q/b.png", "label": 8, "nearest": [other]},
        ],
    }


@pytest.mark.parametrize("kind", [np.int64, np.uint8])
def test_integers_of_numpy_are_integers(kind: type[np.integer]) -> None:
    rerank = {"k1": 3, "k2": 2, "original_share": 0}
    given = {name: kind(value) for name, value in rerank.items()}
    found = mindspore_hub.match(np.eye(6), k=kind(4), rerank=given)
    assert found.to_json() == mindspore_hub.match(np.eye(6), k=4, rerank=rerank).to_json()


@pytest.mark.parametrize("value", [True, 3.0, "3"])
def test_what_is_no_whole_number_is_refused_for_reranking(value: object) -> None:
    with pytest.raises(FeaturesError, match="k1 and k2 must be whole numbers"):
        mindspore_hub.match(np.eye(6), rerank={"k1": value, "k2": 1})


def test_json_leaves_out_what_nobody_knows() -> None:
    found = json.loads(mindspore_hub.match(np.eye(2), rerank={"k1": 1, "k2": 1}).to_json())
    assert found["rerank"] == {"k1": 1, "k2": 1, "original_share": 0.3}
    assert found["among_themselves"]
    assert set(found["matches"][0]) == {"query", "nearest"}
    assert set(found["matches"][0]["nearest"][0]) == {"rank", "index", "distance"}


class TestFaiss:
    @pytest.fixture(autouse=True)
    def _installed(self) -> None:
        pytest.importorskip("faiss", reason="faiss-cpu is not installed")

    @few
    @given(st.integers(0, 10**6), st.integers(1, 300), st.sampled_from(["dot", "euclidean"]))
    def test_flat_finds_the_same_but_for_ties_at_the_end(
        self, seed: int, items: int, kind: str
    ) -> None:
        query, gallery = drawn(seed, 5, 3), drawn(seed + 1, items, 3)
        ours = mindspore_hub.match(query, gallery, k=9, distance=kind)
        theirs = mindspore_hub.match(query, gallery, k=9, distance=kind, index="Flat")
        assert theirs.distances.tolist() == ours.distances.tolist()
        sure = ours.distances < ours.distances[:, -1:]
        assert theirs.indices[sure].tolist() == ours.indices[sure].tolist()

    def test_flat_among_themselves_leaves_out_the_image_itself(self) -> None:
        vectors = unit(0, 50)
        ours = mindspore_hub.match(vectors, k=5)
        theirs = mindspore_hub.match(vectors, k=5, index="Flat")
        assert theirs.indices.tolist() == ours.indices.tolist()
        np.testing.assert_allclose(theirs.distances, ours.distances, atol=1e-6)

    def test_distances_are_exact_even_if_the_index_guesses(self) -> None:
        query, gallery = unit(0, 6).astype(np.float64), unit(1, 700).astype(np.float64)
        found = mindspore_hub.match(query, gallery, k=4, distance="euclidean", index="SQ4")
        whole = distances_of(query, gallery, "euclidean")
        expected = np.take_along_axis(whole, found.indices, 1)
        np.testing.assert_allclose(found.distances, expected, rtol=1e-6)
        assert (np.diff(found.distances, axis=1) >= 0).all()

    @pytest.mark.parametrize("index", ["IVF16,Flat;nprobe=4", "HNSW16", "PCA4,Flat"])
    def test_an_index_finds_the_same_each_time(self, index: str) -> None:
        query, gallery = unit(0, 20), unit(1, 3000)
        first, again = (mindspore_hub.match(query, gallery, index=index) for _ in range(2))
        assert first.indices.tolist() == again.indices.tolist()
        assert json.loads(first.to_json())["index"] == index
        assert set(json.loads(first.to_json())["versions"]) == {"mindspore-hub", "numpy", "faiss"}

    def test_parameters_of_the_search_are_set(self) -> None:
        query, gallery = unit(0, 20), unit(1, 3000)
        exact = mindspore_hub.match(query, gallery)
        partly = mindspore_hub.match(query, gallery, index="IVF16,Flat;nprobe=2")
        whole = mindspore_hub.match(query, gallery, index="IVF16,Flat;nprobe=16")
        assert whole.indices.tolist() == exact.indices.tolist()
        assert partly.indices.tolist() != exact.indices.tolist()

    @pytest.mark.parametrize(
        ("index", "message"),
        [
            ("Nonsense", "could not parse index string Nonsense. Expected is what"),
            ("IVF4096,Flat", "cannot use the index 'IVF4096,Flat' for 60 features of 8 values"),
            ("IVF4,Flat;probes=2", "could not set parameter probes"),
            ("IVF16,Flat", "'IVF16,Flat' finds fewer than 50 neighbours of 6 of 6 queries"),
        ],
    )
    def test_an_index_that_does_not_fit_is_refused(self, index: str, message: str) -> None:
        with pytest.raises(FeaturesError, match=message):
            mindspore_hub.match(unit(0, 6), unit(1, 60), k=50, index=index)

    def test_another_dimension_is_refused(self) -> None:
        with pytest.raises(FeaturesError, match="Queries have 8 values each, but the gallery 5"):
            mindspore_hub.match(unit(0, 6), drawn(0, 9, 5), index="Flat")


def test_small_distances_between_long_vectors_are_right() -> None:
    generator = np.random.default_rng(0)
    gallery = (300 + generator.standard_normal((500, 64))).astype(np.float32)
    query = (gallery[:20] + 0.001).astype(np.float32)
    found = mindspore_hub.match(query, gallery, k=3, distance="euclidean")
    plain = ((query[:, None].astype(np.float64) - gallery) ** 2).sum(2)
    np.testing.assert_array_equal(found.indices, np.argsort(plain, axis=1, kind="stable")[:, :3])
    nearest = np.take_along_axis(plain, found.indices, 1)
    np.testing.assert_allclose(found.distances, nearest, rtol=1e-5, atol=1e-7)
