"""The files of words that cards may use, and what rules ask about them."""

from pathlib import Path

import pytest

from mindspore_hub.hub import keys, vocabulary
from mindspore_hub.hub.values import is_iso_date, iso_date
from mindspore_hub.hub.vocabulary import (
    accepted_dataset,
    by_plain,
    is_accepted_dataset,
    is_known_dataset,
    is_recognised_dataset,
    listed,
    plain,
    proposal,
    words,
)

FILES = sorted(Path(vocabulary.__file__).parent.glob("*.txt"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_vocabulary_is_sorted_and_says_what_it_is(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").split("\n")
    assert lines.pop() == "", "the last line has no newline"
    comments = [line for line in lines if line.startswith("#")]
    entries = [line for line in lines if not line.startswith("#")]
    assert lines == [*comments, *entries]
    assert comments
    assert entries == sorted(set(entries))
    assert all(entry and entry == entry.strip() and entry.isprintable() for entry in entries)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_vocabulary_is_read_without_its_comments(path: Path) -> None:
    assert listed(path.stem)
    assert words(path.stem) == set(listed(path.stem))
    assert not any(word.startswith("#") for word in words(path.stem))


def test_names_are_compared_without_case_and_punctuation() -> None:
    assert plain("SYSU-MM01") == plain("sysu_mm 01.") == "sysumm01"
    assert by_plain("datasets")["sysumm01"] == ("SYSU-MM01", "sysumm01")


def test_a_key_stands_once_at_the_top_level_and_once_in_an_asset_at_most() -> None:
    entries = [(key.name, key.in_asset) for key in keys.KEYS]
    assert len(entries) == len(set(entries))


@pytest.mark.parametrize("key", keys.KEYS, ids=lambda key: key.name)
def test_a_key_has_one_sentence_of_help_and_names_others_that_there_are(key: keys.Key) -> None:
    assert key.help.endswith(".") or key.need is keys.Need.LEGACY
    assert not key.same_as or keys.are_known((key.same_as,))
    assert not key.words or listed(key.words)
    assert not key.default or keys.fits(key.name, key.default)


def test_chinese_keys_translate_known_ones() -> None:
    assert keys.CHINESE["模型名称"] == "model-name"
    assert keys.CHINESE["资源SHA256"] == keys.CHINESE["资源SHA256校验码"] == "asset-sha256"
    assert keys.are_known(keys.CHINESE.values(), keys.TOP | keys.ASSET)


def test_tasks_are_of_known_domains() -> None:
    for task in words("tasks"):
        domain, dash, name = task.partition("-")
        assert domain in words("domains")
        assert dash
        assert name
        assert "-" not in name


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("asset_sha256", "asset-sha256"),
        ("assets", "asset"),
        ("allow_cache_ckpt", "allow-cache-ckpt"),
        ("Model-Name", "model-name"),
        ("modelname", "model-name"),
        ("license", "license"),
        ("writer", None),
        ("s", None),
        ("", None),
    ],
)
def test_another_spelling_of_a_key_is_known_for_what_it_means(key: str, meant: str | None) -> None:
    assert keys.meant_key(key) == meant


def test_a_key_with_a_slip_has_a_nearest_one() -> None:
    assert keys.nearest_key("auhtor") == "author"
    assert keys.nearest_key("Asset-Lnik", keys.ASSET) == "asset-link"
    assert keys.nearest_key("herbarium") is None


@pytest.mark.parametrize(
    ("text", "accepted", "recognised", "spelling"),
    [
        ("cifar10", True, True, "cifar10"),
        ("Set5_cifar10", True, True, "Set5_cifar10"),
        ("CIFAR-10", False, True, "cifar10"),
        ("ICDAR2013 | SCUT-FORU", False, True, "ICDAR2013_SCUT-FORU"),
        ("imageNet2012", False, True, "imagenet2012"),
        ("yelp_p", False, True, None),
        ("cifar11", False, False, None),
        ("cifar10_herbarium", False, False, None),
        ("cifar10_", False, True, "cifar10"),
        ("___", False, False, None),
        ("", False, False, None),
    ],
)
def test_data_sets_are_accepted_recognised_or_unknown(
    text: str, accepted: bool, recognised: bool, spelling: str | None
) -> None:
    assert is_accepted_dataset(text) is accepted
    assert is_recognised_dataset(text) is recognised
    if recognised:
        assert accepted_dataset(text) == spelling
        assert spelling is None or is_accepted_dataset(spelling)


@pytest.mark.parametrize("name", [name for name in listed("datasets") if "_" not in name])
def test_every_listed_data_set_is_accepted_as_it_is(name: str) -> None:
    assert is_accepted_dataset(name)
    assert is_recognised_dataset(name)
    assert accepted_dataset(name) == name


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2024-05-17", "2024-05-17"),
        ("2024-5-7", "2024-05-07"),
        (" 2024/5/17 ", "2024-05-17"),
        ("2024.05.17", "2024-05-17"),
        ("2024-5/17", None),
        ("2022-02-30", None),
        ("0000-01-01", None),
        ("17-05-2024", None),
        ("2024-05", None),
        ("\u0662\u0660\u0662\u0664-05-17", None),
        ("", None),
    ],
)
def test_a_date_is_a_day_of_the_calendar_with_the_year_first(text: str, date: str | None) -> None:
    assert iso_date(text) == (date or "")
    assert is_iso_date(text) == (text == date) or date is None


@pytest.mark.parametrize(
    ("text", "known", "proposed"),
    [
        ("auhtor", "author", "author"),
        ("Market-1501", "market1501", "market1501"),
        ("MNIST", "mnist", "mnist"),
        ("imagnet", "imagenet", "imagenet"),
        ("cifer100", "cifar100", "cifar100"),
        ("R_2.D 2", "r2d2", "r2d2"),
        ("WebVid", "vid", None),
        ("NYUDv3", "nyu", None),
        ("MVTec AD2", "mvtecadwood", None),
        ("mnlist", "list", None),
        ("voc1", "voc2", None),
        ("coco", "caco", None),
        ("webvision", "webvi", None),
        ("regdbabc", "regdb", None),
        ("librispeech", "libritts", None),
    ],
)
def test_a_proposal_is_another_spelling_or_two_edits_away(
    text: str, known: str, proposed: str | None
) -> None:
    assert proposal(text, ["something else", known]) == proposed


def test_the_nearest_of_several_is_proposed() -> None:
    assert proposal("imagenat", ["imagemat2", "imagenet"]) == "imagenet"
    assert proposal("imagenat", []) is None


@pytest.mark.parametrize("name", listed("datasets-published"))
def test_data_sets_of_published_cards_are_known_in_any_spelling(name: str) -> None:
    assert is_known_dataset(name)
    assert is_known_dataset(name.upper().replace(" ", ""))
