"""What the value of each key may be: for the check, the JSON Schema and the loader alike."""

import functools
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from commands import ROOT
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from properties import cases

from mindspore_hub.authoring import generate
from mindspore_hub.checking.check import check_document, check_paths
from mindspore_hub.checking.json_schema import json_schema
from mindspore_hub.checking.rules import select
from mindspore_hub.errors import CardError
from mindspore_hub.hub.card import read_card
from mindspore_hub.hub.document import parse_document
from mindspore_hub.hub.findings import Finding, Severity
from mindspore_hub.hub.hub import Hub
from mindspore_hub.hub.keys import TOP, Form, key_of

CARD = Hub.of().resolve("MVD")
TEXT = CARD.path.read_text(encoding="utf-8")
VALIDATOR = Draft202012Validator(json_schema())

CONTENT = (
    *("C", "X", "A406", "A410", "E304", "E306", "E307", "E308", "H902", "H905", "H906", "H907"),
    *("H909", "H913", "H914", "V201", "V213", "V214"),
)
"""Rules about what a value means beside others, about words, and about what YAML loses."""

LISTS = (
    *("[1.9]", "[a, b]", "{a: b}", "[]", "[[3], [4]]", "[3, 288, 144]", "[-1]", "[0]", "[[], [1]]"),
)
COMMON = (
    *("", '""', "''", '" "', "~", "null", "word", "two words", "True", "false", '"True"', "1"),
    "1.9",
    *LISTS,
)
VERSIONS = (
    *("2", "0", "1.9.1", "2.10.1", "r1.9", "v2.7", "1.9.", ".9", "-1.9", '"1.10"', '"2"', '"2.0"'),
)
BACKENDS = ("cpu", "GPU/ascend", "gpu|cpu", "tpu", "cpu,,gpu", "cpu gpu", '"/"', "/cpu;")
TEXTS = {
    "accuracy": ("75.6", "+75.6", "7e1", "75.6%", "75.6.1", "-3", "75 76", "75.6±0.1"),
    "asset-link": (
        *("<https://h.org/a/b.ckpt>", "https://h.org/a/b", "https://h.org/a/.ckpt"),
        "https://h.org/b.",
        *("https://h.org/https://h.org/a.ckpt", "<https://h.org/a.ckpt", "http://h.org/a.ckpt"),
        *("https://h.org/a.ckpt", "https:///a.ckpt", "https://h.org/..a..b"),
        '"https://h.org/a b.c"',
    ),
    "asset-sha256": ("0" * 63 + "a", "0" * 63 + "A", "ab" * 31, "ab" * 33),
    "asset-size": (
        *("324", "324 MB", "329MB", "1 GB", "0 MB", "0.5 MB", "3.25 MB", "324 mb", "01 MB"),
    ),
    "author": ("2020", "x" * 300),
    "evaluation": (
        *("good", "acc75.6", "acc75.6 | mAP 3", "acc75.6 |", '"| acc75.6"', "acc75.6 | good"),
        "2.2m",
        *("none", "N/A", "no metric", "acc75.6.1", "IS8.1±0.2", "AUC 0.95 ± 0.01", "acc 75 76"),
        *("acc, mAP3", "mAP@0.5 55.3", "mAP@.5IoU41", "top1acc75.6top5acc92.1", "acc±3", "3.2mos"),
        *("TRP@FAR=0.1%95.6", "acc75.6 (±0.2) | mAP 3 +/- 1 %", "R10@1acc76.7", "acc+/- 3"),
        *('" 1.9cv3"', "acc7 | 1.9cv3", "acc7 | FAR0.1recall3"),
    ),
    "family": ("resnet", "se-resnet", "Resnet", "res net", "../resnet", "_resnet"),
    "file-format": ("ckpt", "CKPT", "pth", "safetensors", "ckpt/onnx"),
    "infer-backend": BACKENDS,
    "input": (
        *("[{shape: [3], dtype: int32}]", "[{shape: [], dtype: bool}]", "[{shape: [3]}]"),
        *("{shape: [3], dtype: int32}", "[{shape: 3, dtype: int32}]"),
        "[{shape: [-3], dtype: int8}]",
        *("[{shape: [3], dtype: float}]", "[{shape: [3], dtype: int32, name: x}]", "[3]"),
    ),
    "mindspore-version": VERSIONS,
    "model-name": ("class", "None", "Net", "lambda", "3dcnn"),
    "model-version": VERSIONS,
    "module-type": (
        *("cv", "CV", "cv-x", "cv - x", "cv-", '" cv"', "vision", "nlp-", "cv/nlp", "cvx", '"- x"'),
    ),
    "network": ("resnet.resnet50", "resnet", "a.b.c", "resnet.50", "_a._b", "a.b-c"),
    "repo-link": (
        *("https://h.org/o/r", "<https://h.org/o/r>", "https://h.org/o/r/"),
        *("https://h.org/o/r/tree/m/p", "https://h.org/o/r/tree", "https://h.org/o/r/wiki/x"),
        *("https://h.org/o", "http://h.org/o/r", "https://h.org/o/r//"),
        *("<https://h.org/o/r/blob/m>", "git@h.org:o/r.git", "<https://h.org/o/r"),
    ),
    "train-backend": BACKENDS,
    "update-time": (
        *("2023-02-17", "2023-2-7", "2023/02/17", "2023.2.17", "2023-02/17", "2022-02-30"),
        "2024-02-29",
        *("2023-02-29", "1900-02-29", "2000-2-29", "2023-13-01", "0000-01-01", "2023-04-31"),
        *("2023-00-10", "20230217", "17-02-2023", "2023-12-32", "2023-1-100"),
    ),
    "used-for": (
        *("inference", "Inference", "/inference", "inference/", "inference|transfer-learning"),
        *('"/"', "inference, extract-feature", "inference;inference"),
        *("inference transfer-learning", "train"),
    ),
}
"""Values that are tried of a key, good and bad, beside those that are tried of each."""

RULES = select(["DEFAULT"], CONTENT)
SINGLE = sorted(TOP - {"asset"})
IN_ASSET = ("file-format", "asset-link", "asset-sha256", "asset-size")


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """A YAML reader that leaves dates as text."""


Loader.yaml_implicit_resolvers = {
    first: [item for item in items if item[0] != "tag:yaml.org,2002:timestamp"]
    for first, items in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def with_value(key: str, written: str) -> str:
    """The card with this behind a key, at the top level or in its asset."""
    line = rf"(?m)^( *){key}:.*$"
    if re.search(line, TEXT):
        return re.sub(line, lambda match: f"{match[1]}{key}: {written}", TEXT, count=1)
    return TEXT.replace("\nlicense: ", f"\n{key}: {written}\n\nlicense: ", 1)


@functools.lru_cache(1)
def facts_of(text: str) -> Any:
    """Front matter as a YAML reader has it."""
    return yaml.load(text.split("\n---\n")[1], Loader=Loader)  # noqa: S506 - a safe loader


def value_of(text: str, key: str) -> Any:
    facts = facts_of(text)
    return facts["asset"][0][key] if key in IN_ASSET else facts[key]


def refused_by_schema(text: str, key: str) -> bool:
    path = ["asset", 0, key] if key in IN_ASSET else [key]
    errors = list(VALIDATOR.iter_errors(facts_of(text)))
    return any(list(error.absolute_path)[: len(path)] == path for error in errors)


def findings_at(text: str, key: str) -> list[Finding]:
    """Errors and warnings that stand at a key."""
    document = parse_document(text, CARD.path, CARD.uid)
    (line,) = (n for n, at in enumerate(text.split("\n"), 1) if re.match(rf" *{key}:", at))
    return [
        item
        for item in check_document(document, RULES, ROOT)
        if item.severity is not Severity.INFO
        and (item.line == line or (item.code == "A402" and item.message.endswith(f" {key}")))
    ]


def agree(key: str, written: str) -> None:
    """The schema refuses a value exactly where the check does."""
    text = with_value(key, written)
    found = findings_at(text, key)
    assert refused_by_schema(text, key) == bool(found), (key, written, found)


def reads_as_written(key: str, written: str) -> bool:
    """Whether a YAML reader loses nothing: it takes `yes` for a boolean and 2.0 for 2."""
    value = value_of(with_value(key, written), key)
    if isinstance(value, bool):
        return written.lower() in {"true", "false"}
    if isinstance(value, int | float):
        return str(value) == written and not (isinstance(value, float) and value.is_integer())
    return True


@pytest.mark.parametrize("key", [*SINGLE, *IN_ASSET])
def test_the_schema_refuses_what_the_check_refuses(key: str) -> None:
    for written in (*COMMON, *TEXTS.get(key, ())):
        if key == "evaluation" and written == "false":
            continue  # YAML reads it as it reads `no`
        try:
            facts_of(with_value(key, written))
        except yaml.YAMLError:
            continue
        if reads_as_written(key, written):
            agree(key, written)


@settings(max_examples=cases(300), deadline=None)
@given(
    key=st.sampled_from([*SINGLE, *IN_ASSET]),
    parts=st.lists(
        st.sampled_from(["cv", "1.9", "inference", "/", "|", " ", "-", "acc", "7", "."]), max_size=6
    ),
)
@example(key="used-for", parts=["inference", "|", "inference"])
@example(key="evaluation", parts=[" ", "1.9", "cv", "1.9"])
def test_the_schema_refuses_what_the_check_refuses_of_any_text(key: str, parts: list[str]) -> None:
    written = json.dumps("".join(parts))
    assume(key != "evaluation" or "".join(parts).strip())
    agree(key, written)


def findings_of(text: str, tmp_path: Path) -> list[tuple[int, str, str, str]]:
    """Errors of a single card outside of any hub: line, code, message and help."""
    path = tmp_path / "card.md"
    path.write_text(text, encoding="utf-8")
    found = check_paths([path], selected=["H9", "V2"])[0]
    return [(item.line, item.code, item.message, item.help) for item in found]


def line_of(text: str, key: str) -> int:
    return next(
        n for n, line in enumerate(text.split("\n"), 1) if line.lstrip().startswith(f"{key}:")
    )


@pytest.mark.parametrize(
    "written", ["[a]", "[]", "{a: b}", "[[a], b]", "\n  - a\n  - b", "\n  a: b"]
)
@pytest.mark.parametrize(
    "key", [key for key in [*SINGLE, *IN_ASSET] if key_of(key).form is Form.VALUE]
)
def test_a_list_or_mapping_is_an_error_at_every_key_of_one_value(
    key: str, written: str, tmp_path: Path
) -> None:
    indented = written.replace("\n", "\n    ") if key in IN_ASSET else written
    text = with_value(key, indented)
    found = [item for item in findings_of(text, tmp_path) if item[1] == "H920"]
    kind = "mapping" if "a: b" in written else "list"
    message = f"{key} is a {kind}, not one value"
    assert found == [(line_of(text, key), "H920", message, f"write one value: `{key}: <value>`")]


@pytest.mark.parametrize(
    ("asset", "message"),
    [
        ("asset:\n    file-format: ckpt", "a mapping, not a list: put a dash before its first key"),
        ("asset: {file-format: ckpt}", "a mapping, not a list: put a dash before its first key"),
        ("asset: https://h.org/a.ckpt", "a text, not a list: put a dash before its first line"),
        ("asset: 'none'", "a text, not a list: put a dash before its first line"),
    ],
)
def test_an_asset_that_is_no_list_is_refused_wherever_it_is_read(
    asset: str, message: str, tmp_path: Path
) -> None:
    text = re.sub(r"(?ms)^asset:.*?(?=^license)", f"{asset}\n\n", TEXT)
    found = findings_of(text, tmp_path)
    assert [(line, code, said) for line, code, said, _ in found] == [
        (line_of(text, "asset"), "H920", f"asset is {message}")
    ]
    shutil.copytree(ROOT / "models", tmp_path / "models")
    (tmp_path / "mindspore_hub_conf").mkdir()
    (tmp_path / "assets/me/1.9").mkdir(parents=True)
    (tmp_path / "card.md").rename(tmp_path / "assets/me/1.9/mvd_regdb.md")
    with pytest.raises(CardError, match=re.escape(message)):
        read_card(tmp_path / "assets/me/1.9/mvd_regdb.md", "me/1.9/mvd_regdb")
    with pytest.raises(CardError, match=re.escape(message)):
        generate.write(tmp_path)
    assert list((tmp_path / "mindspore_hub_conf").iterdir()) == []


def test_what_is_no_file_in_the_list_of_assets_is_an_error_there(tmp_path: Path) -> None:
    text = TEXT.replace("\nlicense: ", "\n-\n    - a\n- b.ckpt\n\nlicense: ", 1)
    found = [
        (line, message) for line, code, message, _ in findings_of(text, tmp_path) if code == "H920"
    ]
    line = line_of(text, "license")
    assert found == [
        (line - 3, "an item of asset is a list, not a mapping of its keys"),
        (line - 2, "an item of asset is a text, not a mapping of its keys"),
    ]


@pytest.mark.parametrize("asset", ["asset:", "asset: []", "asset: ~", ""])
def test_a_card_without_asset_has_no_wrong_one(asset: str, tmp_path: Path) -> None:
    text = re.sub(r"(?ms)^asset:.*?(?=^license)", f"{asset}\n\n", TEXT)
    assert [code for _, code, _, _ in findings_of(text, tmp_path)] == []


@pytest.mark.parametrize(
    ("written", "counts"),
    [
        *((word, True) for word in ("'True'", '"true"', "yes", "On", "1", "[True]", "default")),
        *((word, False) for word in ("'False'", "no", "off", "0", "", "~")),
    ],
)
def test_a_default_that_is_no_boolean_is_an_error_there_and_counts_as_it_is_meant(
    written: str, counts: bool, tmp_path: Path
) -> None:
    text = with_value("default", written)
    ((line, code, _, help_),) = findings_of(text, tmp_path)
    assert (line, code) == (line_of(text, "default"), "V203")
    assert help_.startswith("write `default: True`")
    document = parse_document(text, CARD.path, CARD.uid)
    missing = list(check_document(document, select(["H901"]), ROOT))
    assert bool(missing) != counts


@pytest.mark.parametrize("written", ["True", "true", "TRUE", "False", "!!bool 'true'"])
def test_a_boolean_is_a_default(written: str, tmp_path: Path) -> None:
    assert findings_of(with_value("default", written), tmp_path) == []
