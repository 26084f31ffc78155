"""Ranks, neighbours and re-ranking are exact, in blocks of any size."""

from typing import Literal

import numpy as np
import pytest
import reid_reference as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from mindspore_hub.gallery import distances
from mindspore_hub.gallery.distances import Distances, top_k
from mindspore_hub.tasks.retrieval.datasets import sop
from mindspore_hub.tasks.retrieval.datasets.sop import closer_counts
from mindspore_hub.tasks.retrieval.ranking import Relevance, match_ranks
from mindspore_hub.tasks.retrieval.rerank import KReciprocal

few = settings(max_examples=40, deadline=None)


@few
@given(st.integers(0, 10**6), st.integers(1, 400), st.sampled_from([1, 7, 300]))
def test_ranks_are_those_of_a_stable_sort(seed: int, items: int, values: int) -> None:
    random = np.random.default_rng(seed)
    distances = random.integers(0, values, (5, items)).astype(np.float32)
    labels, wanted = random.integers(0, 4, items), random.integers(0, 5, 5)
    ranks = match_ranks([(0, distances.copy())], Relevance(wanted, labels))
    removed = np.zeros(distances.shape, bool)
    expected = reference.rank(distances, wanted, labels, removed).matches
    assert ranks.counts.tolist() == [len(matches) for matches in expected]
    assert ranks.values.tolist() == [rank for matches in expected for rank in matches]


@pytest.mark.parametrize("kind", ["dot", "euclidean"])
@pytest.mark.parametrize("bytes_", [1, 20_000, 100_000])
def test_parts_of_the_gallery_do_not_change_neighbours(
    kind: Literal["dot", "euclidean"], bytes_: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(bytes_)
    query = random.integers(-2, 3, (7, 3)).astype(np.float32)
    gallery = random.integers(-2, 3, (400, 3)).astype(np.float32)
    expected = top_k(query, gallery, k=5, kind=kind)
    monkeypatch.setattr(distances, "BLOCK_BYTES", bytes_)
    assert distances.block_columns(4) < 100
    for found, whole in zip(top_k(query, gallery, k=5, kind=kind), expected, strict=True):
        assert found.tolist() == whole.tolist()


@pytest.mark.parametrize("kind", ["dot", "euclidean"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_blocks_do_not_change_distances(
    kind: str, dtype: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distances, "BLOCK_BYTES", 1000)
    monkeypatch.setattr(distances, "_CHUNK_BYTES", 100)
    random = np.random.default_rng(0)
    query = random.integers(-9, 9, (23, 5)).astype(np.float32)
    gallery = random.integers(-9, 9, (31, 5)).astype(np.float32)
    found = np.concatenate(
        [block.copy() for _, block in Distances(query, gallery, kind=kind, dtype=dtype).blocks()]
    )
    products = query @ gallery.T
    expected = -products if kind == "dot" else (gallery**2).sum(axis=1) - 2 * products
    assert found.dtype == dtype
    assert found.tolist() == expected.tolist()


@few
@given(st.integers(0, 10**6), st.integers(1, 9), st.integers(1, 20), st.integers(1, 5))
def test_recall_does_not_depend_on_its_tiles(seed: int, columns: int, rows: int, most: int) -> None:
    random = np.random.default_rng(seed)
    vectors = random.integers(-2, 3, (30, 3)) + 0.5
    labels = random.integers(0, 8, 30)
    whole = closer_counts(vectors, labels, most=most)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sop, "_COLUMNS", columns)
        patch.setattr(sop, "_ROWS", rows)
        patch.setattr(sop, "_SMALL", columns)
        parts = closer_counts(vectors, labels, most=most)
    assert parts.tolist() == whole.tolist()


@pytest.mark.parametrize(("k1", "k2"), [(20, 6), (20, 1), (40, 15)])
@pytest.mark.parametrize("share", [0.0, 0.3])
@pytest.mark.parametrize("size", [500, 10**7])
def test_re_ranking_agrees_with_its_definition(
    k1: int, k2: int, share: float, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distances, "BLOCK_BYTES", size)
    random = np.random.default_rng(k1)
    centers = random.standard_normal((8, 16))
    vectors = centers[random.integers(0, 8, 60)] + 0.5 * random.standard_normal((60, 16))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    query, gallery = vectors[:11], vectors[11:]
    jaccard, original = reference.jaccard(query, gallery, k1, k2)
    found = KReciprocal(query, gallery, k1=k1, k2=k2, original_share=share).blocks()
    blocks = np.concatenate([block for _, block in found])
    np.testing.assert_allclose(blocks, (1 - share) * jaccard + share * original, atol=2e-6)
