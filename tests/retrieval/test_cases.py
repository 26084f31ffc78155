"""The evaluations give the numbers of the originals on the cases that were recorded with them.

The cases lie in `tests/data/reid`. Where the folder they were taken from is at hand, its cases are
tried as well.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mindspore_hub.gallery.features import Features
from mindspore_hub.tasks.retrieval.datasets import protocol
from mindspore_hub.tasks.retrieval.metrics import Result
from mindspore_hub.tasks.retrieval.rerank import KReciprocal

OWN = Path(__file__).parents[1] / "data" / "reid"
SHARED = Path(__file__).parents[3] / "shared" / "models" / "eval"
EXPECTED = json.loads((OWN / "expected.json").read_text(encoding="utf-8"))

Arrays = dict[str, np.ndarray]


def read(path: Path) -> Arrays:
    with np.load(path) as arrays:
        return {name: arrays[name] for name in arrays.files}


def pair(arrays: Arrays, **names: str) -> tuple[Features, Features]:
    """Queries and gallery; `labels="pids"` finds q_pids and g_pids."""
    query, gallery = (
        Features(arrays[part], **{name: arrays[f"{part[0]}_{end}"] for name, end in names.items()})
        for part in ("query", "gallery")
    )
    return query, gallery


def check(result: Result, expected: dict[str, Any]) -> None:
    assert result.metrics["mAP"] == pytest.approx(expected["mAP"], abs=1e-6)
    np.testing.assert_allclose(result.cmc, expected["cmc"], rtol=0, atol=1e-6)


def sysu(arrays: Arrays, expected: Any, folder: Path) -> None:
    features = pair(arrays, labels="pids", cameras="camids")
    for network in ("MVD", "DDAG"):
        check(protocol("sysu", seeds=()).evaluate(*features), expected[network])


def regdb(arrays: Arrays, expected: Any, folder: Path) -> None:
    for network in ("MVD", "DDAG"):
        check(protocol("regdb").evaluate(*pair(arrays, labels="pids")), expected[network])


def vehiclenet(arrays: Arrays, expected: Any, folder: Path) -> None:
    result = protocol("vehiclenet").evaluate(*pair(arrays, labels="label", cameras="cam"))
    for name in ("rank1", "rank5", "rank10", "mAP"):
        assert result.metrics[name] == pytest.approx(expected[name], abs=1e-6)
    without = expected["queries_without_match_counted_in_denominator"]
    assert result.counts["queries_without_match"] == without
    blocks = KReciprocal(
        arrays["query"], arrays["gallery"], k1=100, k2=15, original_share=0
    ).blocks()
    first = next(blocks)[1][0, :5]
    np.testing.assert_allclose(first, expected["rerank_first_query_first5"], rtol=0, atol=1e-7)


def pamtri(arrays: Arrays, expected: Any, folder: Path) -> None:
    query, gallery = pair(
        arrays,
        labels="vids",
        cameras="camids",
        colors="color",
        types="type",
        color_scores="color_logits",
        type_scores="type_logits",
    )
    trained = {
        "colors": tuple(int(color) for color in expected["vcolor2label"]),
        "types": tuple(int(kind) for kind in expected["vtype2label"]),
    }
    result = protocol("veri", **trained).evaluate(query, gallery)
    check(result, expected)
    accuracies = [result.metrics["color_accuracy"], result.metrics["type_accuracy"]]
    assert accuracies == pytest.approx(
        [expected["color_acc"], expected["type_acc_original"]], abs=1e-6
    )
    clean = protocol("veri", type_map="types", **trained).evaluate(query, gallery)
    assert clean.metrics["type_accuracy"] == pytest.approx(
        expected["type_acc_if_type_map_were_used"], abs=1e-6
    )


def metric_learn(arrays: Arrays, expected: Any, folder: Path) -> None:
    result = protocol("sop").evaluate(Features(arrays["features"], arrays["labels"]))
    assert result.metrics == pytest.approx(expected, abs=1e-6)


CHECKS: list[Callable[[Arrays, Any, Path], None]] = [sysu, regdb, vehiclenet, pamtri, metric_learn]


@pytest.mark.parametrize("folder", [OWN, SHARED], ids=["own", "shared"])
@pytest.mark.parametrize("name", EXPECTED)
def test_a_recorded_case_gives_the_numbers_of_the_original(name: str, folder: Path) -> None:
    if not folder.is_dir():
        pytest.skip(f"{folder} is not at hand; the copies in tests/data/reid are tried")
    [run] = [run for run in CHECKS if name.startswith(run.__name__)]
    run(read(folder / f"{name}.npz"), EXPECTED[name], folder)
