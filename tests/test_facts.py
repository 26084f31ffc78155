"""What a card says: the grammars of metrics, links and file names, and the card as JSON."""

from pathlib import Path

import pytest

from mindspore_hub.hub.body import Implementation
from mindspore_hub.hub.card import parse_repo_link
from mindspore_hub.hub.document import Document, parse_document
from mindspore_hub.hub.findings import Place
from mindspore_hub.hub.metrics import (
    FileName,
    ToolkitFileName,
    common_name,
    compare,
    numbers_in,
    parse_file_name,
    parse_metric,
    parse_metrics,
    same_value,
)
from mindspore_hub.info import to_json

FILE = "leafnet_s_ascend_v210_oak_trees_research_cv_top1acc88.4_EER1.5%.ckpt"

CARD = f"""# LeafNet

---
model-name: LeafNet
backbone-name: ResNet18
module-type: CV-leaf-search
fine-tunable: True
model-version: 1.0
train-dataset: Oak Trees
evaluation: top1acc88.4 | EER:1.5% | 2.2m | fast
author: Botany lab
update-time: 2024-5-7
repo-link: <https://gitee.com/botany/models/tree/r2.10/research/cv/leafnet>
user-id: botany
used-for: inference / Transfer-Learning
mindspore-version: 2.10
asset:
-
    file-format: ckpt
    asset-link: <https://download.mindspore.cn/models/r2.1/{FILE}>
    asset-sha256: 0123
- asset-link: <https://files.example.org/leafnet.mindir>
license: Apache2.0
summary: "LeafNet: leaves of the same plant"
---

## Introduction

This hub uses the implementation of
LeafNet from the lab at research/cv/leafnet.
"""


def document(text: str) -> Document:
    """A card as it is read."""
    return parse_document(text, Path("botany/2.10/leafnet_oaktrees.md"))


def with_evaluation(text: str) -> Document:
    """The card with other metrics."""
    return document(CARD.replace("top1acc88.4 | EER:1.5% | 2.2m | fast", text))


ABSENT = dict.fromkeys(
    ("asset_size", "network_args", "preprocessing", "task"),
)


def test_what_a_card_says_as_json() -> None:
    found = to_json(document(CARD).card)
    assert {key: value for key, value in found.items() if value not in (None, [])} == {
        "uid": "leafnet_oaktrees",
        "card": "leafnet_oaktrees",
        "path": "botany/2.10/leafnet_oaktrees.md",
        "title": "LeafNet",
        "model_name": "LeafNet",
        "backbone_name": "ResNet18",
        "module_type": "CV-leaf-search",
        "domain": "cv",
        "task": "leaf-search",
        "author": "Botany lab",
        "user_id": "botany",
        "license": "Apache2.0",
        "summary": "LeafNet: leaves of the same plant",
        "model_version": "1.0",
        "mindspore_version": "2.10",
        "fine_tunable": True,
        "used_for": ["inference", "transfer-learning"],
        "update_time": "2024-05-07",
        "train_dataset": "Oak Trees",
        "evaluation": "top1acc88.4 | EER:1.5% | 2.2m | fast",
        "metrics": [
            {"name": "top1acc", "value": "88.4", "unit": None},
            {"name": "EER", "value": "1.5", "unit": "%"},
            {"name": None, "value": "2.2", "unit": "m"},
        ],
        "repo_link": "https://gitee.com/botany/models/tree/r2.10/research/cv/leafnet",
        "repository": {
            "host": "gitee.com",
            "owner": "botany",
            "repo": "models",
            "ref": "r2.10",
            "path": "research/cv/leafnet",
        },
        "default": False,
        "asset": [
            {
                **ABSENT,
                "file_format": "ckpt",
                "asset_link": f"https://download.mindspore.cn/models/r2.1/{FILE}",
                "asset_sha256": "0123",
                "file": {
                    "model": "leafnet_s",
                    "device": "ascend",
                    "version": "210",
                    "dataset": "oak_trees",
                    "kind": "research",
                    "domain": "cv",
                    "metrics": "top1acc88.4_EER1.5%",
                    "extension": "ckpt",
                },
            },
            {
                **ABSENT,
                "file_format": None,
                "asset_link": "https://files.example.org/leafnet.mindir",
                "asset_sha256": None,
                "file": None,
            },
        ],
        "asset_id": 0,
    }


def test_fields_of_an_asset_have_names_that_jq_takes_without_quotes() -> None:
    fields = "preprocessing: {library: opencv, short-side: bicubic, size: [8, 4], maps: segments}"
    text = document(CARD.replace("asset-sha256: 0123", f"asset-sha256: 0123\n    {fields}"))
    (asset, _) = to_json(text.card)["asset"]
    expected = {"library": "opencv", "short_side": "bicubic", "size": [8, 4], "maps": "segments"}
    assert asset["preprocessing"] == expected


def test_an_empty_text_says_nothing_under_the_same_names() -> None:
    found = to_json(document("").card)
    assert list(found) == list(to_json(document(CARD).card))
    told = {key for key, value in found.items() if value not in (None, [], False)}
    assert told == {"uid", "card", "path"}


@pytest.mark.parametrize(
    ("text", "name", "value", "unit", "colon"),
    [
        ("top1acc88.4", "top1acc", "88.4", None, False),
        ("acc1.72e-05", "acc", "1.72e-05", None, False),
        ("reward-3", "reward", "-3", None, False),
        ("EER: 1.5%", "EER", "1.5", "%", True),
        ("TRP@FAR=0.1%95.6", "TRP@FAR=0.1%", "95.6", None, False),
        ("mAP@.5IoU41", "mAP@.5IoU", "41", None, False),
        ("ab1ee5", "ab1ee", "5", None, False),
        ("a1e5", "a", "1e5", None, False),
        ("3.2mos", None, "3.2", "mos", False),
        ("a1m5", "a1m", "5", None, False),
        ("61", None, "61", None, False),
    ],
)
def test_metric_is_the_shortest_name_before_a_number(
    text: str, name: str | None, value: str, unit: str | None, colon: bool
) -> None:
    metric = parse_metric(text)
    assert metric
    assert (metric.name, metric.value, metric.unit, metric.colon) == (name, value, unit, colon)


@pytest.mark.parametrize(
    ("text", "name", "value", "unit"),
    [
        ("IS8.1±0.2", "IS", "8.1", None),
        ("AUC 0.95 ± 0.01", "AUC", "0.95", None),
        ("acc95.1±0.3%", "acc", "95.1", "%"),
        ("acc95.1% ± .3%", "acc", "95.1", "%"),
        ("acc 95.1 (±0.3)", "acc", "95.1", None),
        ("acc: 95.1 +/- 0.3", "acc", "95.1", None),
        ("acc95.1(+/-0.3%)", "acc", "95.1", None),
        ("acc95.1+-1e-1", "acc", "95.1", None),
        ("loss1.72e-05±1e-06", "loss", "1.72e-05", None),
        ("error2.2m±0.1m", "error", "2.2", "m"),
    ],
)
def test_how_far_a_figure_may_be_off_is_taken_off(
    text: str, name: str, value: str, unit: str | None
) -> None:
    metric = parse_metric(text)
    assert metric
    assert (metric.name, metric.value, metric.unit, metric.text) == (name, value, unit, text)


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("8.1±0.2", ["8.1"]),
        ("8.1 (+-.2) / 95.1% +/- 0.3%", ["8.1", "95.1"]),
        (r"$8.1 \pm 0.2$, 9&plusmn;1", ["8.1", "9"]),
        ("1.72e-05 ± 1e-06", ["1.72e-05"]),
        ("-3.2, \u22123.2, 3-5", ["-3.2", "-3.2", "3", "5"]),
        ("**.5** of v2.0.1", [".5", "2.0", "1"]),
        ("none", []),
    ],
)
def test_figures_of_a_text_come_without_how_far_they_may_be_off(
    text: str, figures: list[str]
) -> None:
    assert numbers_in(text) == figures


@pytest.mark.parametrize(
    "text",
    [
        *("acc75.6.1", "acc 75. 6", "acc75.6 71.2", "acc75.6/71.2", "acc 75 76", "acc75.6-76.1"),
        *("top1acc75.6top5acc92.1", "acc75.6%71.2", "75.6 acc 71.2", "acc75.6 ± 0.2 ± 0.1"),
        *("±0.2", "acc±0.2", "acc+/-0.2", "acc 75.6 (0.3)", "FID 3.2 IS 8.1"),
    ],
)
def test_two_figures_are_no_metric(text: str) -> None:
    assert parse_metric(text) is None


@pytest.mark.parametrize(
    "name",
    ["rank1acc", "R10@1acc", "mAP@.5IoU", "mAP@0.5IoU", "TPR@FPR=0.01%", "0.5macc", "FAR0.1recall"],
)
@pytest.mark.parametrize("spread", ["", "±0.2", " (±0.2)"])
def test_numbers_that_belong_to_a_name_are_no_figures(name: str, spread: str) -> None:
    metric = parse_metric(f"{name}71.5{spread}")
    assert metric
    assert (metric.name, metric.value) == (name, "71.5")


@pytest.mark.parametrize(
    "name", ["top5", "rank-1", "mAP@0.5", "mAP@0.5:0.95", "mAP50-95", "F1", "R@1"]
)
@pytest.mark.parametrize("mark", [" ", ": "])
def test_a_threshold_at_the_end_of_a_name_needs_a_mark_behind_it(name: str, mark: str) -> None:
    metric = parse_metric(f"{name}{mark}71.5")
    assert metric
    assert (metric.name, metric.value) == (name, "71.5")


@pytest.mark.parametrize("text", ["", "good", "top1acc", "acc88, mAP41", "acc88;", "a" * 300 + "1"])
def test_what_is_no_metric(text: str) -> None:
    assert parse_metric(text) is None


def test_places_of_metrics_and_of_what_is_none() -> None:
    card = with_evaluation("acc1 |  good |mAP2").card
    line = 10
    assert [metric.place for metric in card.metrics] == [Place(line, 13), Place(line, 27)]
    assert card.bad_segments == [("good", Place(line, 21))]
    quoted = with_evaluation("'acc1 | mAP2'").card
    assert [metric.place.column for metric in quoted.metrics] == [14, 21]


@pytest.mark.parametrize("text", ["no", "None", "N/A"])
def test_placeholder_for_metrics(text: str) -> None:
    card = with_evaluation(text).card
    assert card.placeholder == text
    assert card.metrics == []


def test_evaluation_that_is_no_text_has_a_place() -> None:
    card = with_evaluation("[acc1, mAP2]").card
    assert card.metrics == []
    assert card.bad_segments == [("a list or mapping", Place(10, 13))]


def test_metrics_of_a_file_name_may_have_an_underscore() -> None:
    texts = [(metric.name, metric.value) for metric in parse_metrics("leaf_level98_acc1.5_x")]
    assert texts == [("leaflevel", "98"), ("acc", "1.5")]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        (
            "leafnet_gpu_v1100_oak_official_nlp.mindir",
            FileName("leafnet", "gpu", "1100", "oak", "official", "nlp", None, "mindir"),
        ),
        (
            "leafnet-s-0a1b2c3d4-910v2.ckpt",
            ToolkitFileName("leafnet-s", "0a1b2c3d4", "910v2", "ckpt"),
        ),
        ("leafnet-s-0a1b2c3-910v2.ckpt", None),
        ("leafnet.ckpt", None),
        ("leafnet_ascend_v210_oak_private_cv.ckpt", None),
        ("l" * 300 + "_gpu_v1100_oak_official_nlp.mindir", None),
    ],
)
def test_file_names(name: str, found: FileName | ToolkitFileName | None) -> None:
    assert parse_file_name(name) == found


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("https://gitee.com/botany/models", ("gitee.com", "botany", "models", None, None)),
        ("https://gitee.com/botany/models/tree/r2/", ("gitee.com", "botany", "models", "r2", None)),
        (
            "https://github.com/botany/m/blob/v1/a/b.md",
            ("github.com", "botany", "m", "v1", "a/b.md"),
        ),
    ],
)
def test_repo_links(url: str, parts: tuple[str | None, ...]) -> None:
    link = parse_repo_link(url)
    assert link
    assert link == (url, *parts)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "git@gitee.com:botany/models",
        "http://gitee.com/botany/models",
        "https://gitee.com/botany",
        "https://gitee.com/botany/models/issues/3",
        "https://gitee.com/botany/models/tree",
        "https://gitee.com/botany//models",
        "https://gitee.com/botany/models/tree/r2 or r3",
    ],
)
def test_what_is_no_repo_link(url: str) -> None:
    assert parse_repo_link(url) is None


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("79.5", "79.54", True),
        ("79.54", "79.5", True),
        ("79", "79.40", True),
        ("79.6", "79.54", False),
        ("88.0", "88", True),
        ("1.7e-05", "1.72e-05", True),
        ("1.8e-05", "1.72e-05", False),
        ("1e999", "1e999", True),
        ("1e999", "2", False),
        ("1e-9999999", "2", False),
    ],
)
def test_values_are_the_same_when_one_is_the_other_rounded(
    first: str, second: str, same: bool
) -> None:
    assert same_value(first, second) is same


@pytest.mark.parametrize(
    ("first", "second"),
    [("top1acc", "acc"), ("MAP", "mAP"), ("BLUE", "BLEU"), ("cfp-fp", "cfpfp")],
)
def test_spellings_of_a_metric_have_a_name_in_common(first: str, second: str) -> None:
    assert common_name(first) == common_name(second)


@pytest.mark.parametrize(
    ("stated", "published", "values", "names"),
    [
        ("top1acc88_mAP41", "acc88.2_map41", [], []),
        ("acc88", "acc86_mAP41", ["acc88"], []),
        ("rank1acc88", "acc88", [], ["rank1acc88"]),
        ("acc88_acc97", "acc88", [], []),
        ("acc88_loss3", "acc88", [], []),
        ("acc88", "batch64", [], []),
        ("2.2m", "3.4m", [], []),
    ],
)
def test_comparison_of_a_card_with_its_file(
    stated: str, published: str, values: list[str], names: list[str]
) -> None:
    found = compare(parse_metrics(stated), parse_metrics(published))
    assert [metric.text for metric, _ in found.values] == values
    assert [metric.text for metric, _ in found.names] == names


@pytest.mark.parametrize(
    ("name", "expected"),
    [("top1acc", True), ("mAP", True), ("AP50", True), ("miou", True), ("IDs", False), ("", False)],
)
def test_percentages_are_known_by_their_names(name: str, expected: bool) -> None:
    metric = parse_metric(f"{name} 3")
    assert metric
    assert metric.is_percentage is expected


def test_an_asset_begins_at_its_dash() -> None:
    text = document(CARD)
    lone, inline = text.card.assets
    assert text.begin_of(lone.node) == Place(18, 1)
    assert text.begin_of(inline.node) == Place(22, 1)


def test_implementation_is_what_the_introduction_says() -> None:
    expected = Implementation("LeafNet", "research/cv/leafnet", Place(29))
    assert document(CARD).body.implementation == expected
    elsewhere = document(CARD.replace(" at research/cv/leafnet", ""))
    assert elsewhere.body.implementation == expected._replace(path=None)
    assert document(CARD.replace("implementation", "code")).body.implementation is None


@pytest.mark.parametrize("text", [" " * 20_000, "1" * 20_000, "a:" * 10_000, "_acc_" * 4_000])
def test_long_values_take_no_time(text: str) -> None:
    card = with_evaluation(text).card
    assert len(card.metrics) + len(card.bad_segments) <= 1
    assert parse_file_name(text) is None
    assert parse_repo_link(text) is None
    assert document(CARD.replace("LeafNet from", text)).body.implementation is None
