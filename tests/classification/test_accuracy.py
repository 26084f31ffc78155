"""Accuracy, how sure it is, and what is printed of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mindspore_hub.tasks.classification.accuracy import Accuracy, measure, ranks_of, wilson
from mindspore_hub.tasks.report import Claim, Report

NAMES = ["ant, emmet", "bee", "cat", "dog", "elk", "fox"]


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (29, 29, 0.8830, 1),
    ],
)
def test_intervals_are_those_of_newcombe(hits: int, count: int, low: float, high: float) -> None:
    """Statistics in Medicine 17 (1998), 857-872, table I, method 3; the last one by symmetry."""
    assert wilson(hits, count) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 50_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_its_share_and_is_symmetric(case: tuple[int, int]) -> None:
    hits, count = case
    low, high = wilson(hits, count)
    assert 0 <= low <= hits / count <= high <= 1
    assert low < high
    assert wilson(count - hits, count) == pytest.approx((1 - high, 1 - low), abs=1e-12)


@given(st.lists(st.lists(st.sampled_from([0.0, 1.0, 2.0]), min_size=4, max_size=4), min_size=1))
def test_ranks_are_those_of_a_stable_sort(scores: list[list[float]]) -> None:
    for label in range(4):
        found = ranks_of(np.array(scores, np.float32), np.full(len(scores), label))
        expected = [sorted(range(4), key=lambda c, row=row: -row[c]).index(label) for row in scores]
        assert found.tolist() == expected


def measured(count: int = 1) -> Accuracy:
    labels = np.array([0, 0, 0, 0, 1, 2, 2] * count)
    predicted = np.array([0, 2, 2, 1, 1, 5, 0] * count)
    ranks = np.array([0, 1, 4, 5, 0, 1, 2] * count)
    metrics, intervals, classes = measure(ranks, predicted, labels, NAMES)
    counts = {"pictures": len(labels), "classes": len(classes)}
    return Accuracy("animals", {"seed": 0}, metrics, counts, intervals, classes, 7)


def test_each_class_has_its_own_numbers() -> None:
    found = measured()
    assert found.metrics == {"top1": 2 / 7, "top5": 6 / 7}
    assert found.intervals == {"top1": wilson(2, 7), "top5": wilson(6, 7)}
    ant, bee, cat = found.classes
    assert (ant.number, ant.name, ant.pictures) == (0, "ant, emmet", 4)
    assert (ant.metrics, ant.intervals["top5"]) == ({"top1": 0.25, "top5": 0.75}, wilson(3, 4))
    assert ant.mistaken == ("cat", 2)
    assert (bee.metrics["top1"], bee.mistaken) == (1, None)
    assert cat.mistaken == ("ant, emmet", 1), "of several, the class with the lower number"


def test_of_few_classes_there_is_no_top_5() -> None:
    ranks = np.array([0, 1])
    metrics, intervals, _ = measure(ranks, np.array([0, 1]), np.array([0, 0]), NAMES[:2])
    assert set(metrics) == set(intervals) == {"top1"}


def test_a_prediction_of_a_score_without_a_class_is_named_so() -> None:
    found = measure(np.array([1]), np.array([6]), np.array([0]), NAMES)
    assert found[2][0].mistaken == ("no class", 1)


def test_tables_have_intervals_claims_and_classes() -> None:
    claims = (Claim("top1acc28", "top1", 28, 100 * 2 / 7),)
    metrics, by_class = Report("a/1.0/b", measured(), claims, None, {}, {}).tables()
    assert metrics.header[2] == "95 % interval"
    low, high = wilson(2, 7)
    interval = f"{100 * low:.2f} to {100 * high:.2f}"
    assert metrics.rows[0] == ("top1", "28.57", interval, "28", "+0.57")
    assert metrics.rows[1][:2] == ("top5", "85.71")
    low, high = wilson(1, 4)
    interval = f"{100 * low:.2f} to {100 * high:.2f}"
    assert by_class.rows[0] == ("0 ant", "4", "25.00", interval, "cat (2)")
    assert by_class.rows[1][-1] == ""


def test_of_many_classes_the_worst_are_printed() -> None:
    labels = np.repeat(np.arange(40), 2)
    ranks = np.where(labels < 30, 0, 1)
    metrics, intervals, classes = measure(ranks, labels, labels, [str(n) for n in range(40)])
    found = Accuracy("many", {}, metrics, {"pictures": 80}, intervals, classes, 80)
    (table,) = found.tables()
    assert [row[0] for row in table.rows] == [f"{n} {n}" for n in range(30, 40)]
    assert table.title == "The 10 classes with the lowest accuracy; --report has all 40:"
    assert found.notes() == []


def test_a_part_of_a_data_set_says_so() -> None:
    (note,) = measured(2).notes()
    assert note == "14 pictures were measured; the published test set has 7."
