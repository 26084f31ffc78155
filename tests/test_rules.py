"""Every rule against its cases, which `rule_cases` explains, and what rules have in common."""

import re
import shutil
import warnings
from pathlib import Path

import pytest
import rule_cases
from rule_cases import BASE, CARD, Case

from mindspore_hub.checking import rules
from mindspore_hub.checking.check import check_paths
from mindspore_hub.checking.rules import all_rules
from mindspore_hub.errors import CardError
from mindspore_hub.hub.findings import Edit, Finding
from mindspore_hub.hub.paths import card_paths, uid_of

RULES = {rule.code: rule for rule in all_rules()}
MODULES = sorted(Path(rules.__file__).parent.rglob("[!_]*.py"))
SECTIONS = ("What", "Why", "Example", "Instead")
WRONG = rule_cases.cases("wrong")
RIGHT = rule_cases.cases("right")
MENDED = [case for case in WRONG if RULES[case.code].fixable]
GOOD = rule_cases.base_texts()[CARD]


def findings(code: str, path: Path) -> list[Finding]:
    """What one rule says about a card or hub."""
    return check_paths([path], selected=[code])[0]


@pytest.fixture
def hub(case: Case, tmp_path: Path) -> Path:
    """The hub of a case."""
    root = case.write(tmp_path / "hub")
    written = {path.relative_to(root).as_posix() for path in root.rglob("*.*") if path.is_file()}
    if not case.texts.keys() <= written:
        pytest.skip("this file system ignores the case of names")
    return root


def test_every_rule_has_cases_and_all_cases_have_a_rule() -> None:
    assert sorted(path.stem for path in rule_cases.FOLDER.glob("*.*")) == sorted(RULES)


@pytest.mark.parametrize("code", RULES)
def test_a_rule_has_several_wrong_and_right_cases_and_a_fix_if_it_mends(code: str) -> None:
    wrong, right = ([case for case in cases if case.code == code] for cases in (WRONG, RIGHT))
    assert min(len(wrong), len(right)) >= 3
    assert len({case.id for case in (*wrong, *right)}) == len(wrong) + len(right)
    assert any("fixed" in case.given for case in wrong) == RULES[code].fixable


def test_nothing_is_wrong_with_the_base_but_that_nobody_else_knows_its_data_set() -> None:
    found = check_paths([BASE], selected=["ALL"], ignored=["V215"])[0]
    assert [(item.code, item.message) for item in found] == [("V213", "unknown data set Herbarium")]


@pytest.mark.parametrize("case", WRONG, ids=lambda case: case.id)
def test_rule_finds_what_is_wrong(case: Case, hub: Path) -> None:
    expected = case.given["found"].replace("{python}", rule_cases.PYTHON)
    assert rule_cases.found(case, hub) == expected
    mended = any(finding.fixable for finding in rule_cases.findings(case, hub))
    assert mended <= RULES[case.code].fixable


@pytest.mark.parametrize("case", MENDED, ids=lambda case: case.id)
def test_rule_mends_what_it_can(case: Case, hub: Path) -> None:
    assert rule_cases.fixed(case, hub) == case.given.get("fixed", "")


@pytest.mark.parametrize("case", MENDED, ids=lambda case: case.id)
def test_edits_of_a_finding_stand_where_they_say(case: Case, hub: Path) -> None:
    for finding in rule_cases.findings(case, hub):
        lines = re.split(r"\r\n|\r|\n", finding.path.read_bytes().decode("utf-8", "replace"))
        for edit in finding.edits:
            if isinstance(edit, Edit):
                line = lines[edit.place.line - 1].removeprefix("\ufeff")
                assert line[edit.place.column - 1 :].startswith(edit.old)


@pytest.mark.parametrize("case", RIGHT, ids=lambda case: case.id)
def test_rule_finds_nothing_in_what_is_right(case: Case, hub: Path) -> None:
    assert rule_cases.found(case, hub) == ""


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.code)
def test_rule_documents_itself(rule) -> None:
    summary, *paragraphs = rule.explanation.strip().split("\n\n")
    assert summary.endswith(".")
    assert "\n" not in summary
    assert tuple(text.partition(":")[0] for text in paragraphs) == SECTIONS
    assert all(text.partition(":")[2].strip() for text in paragraphs)


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.code)
def test_rule_has_a_code_a_name_and_one_check(rule) -> None:
    assert re.fullmatch(r"[A-Z]\d{3}", rule.code)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.name)
    assert (rule.check_card is None) != (rule.check_hub is None)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_the_file_of_a_rule_says_its_code_its_name_and_its_group(path: Path) -> None:
    code, _, name = path.stem.partition("_")
    rule = RULES[code.upper()]
    check = rule.check_card or rule.check_hub
    assert check
    assert Path(check.__code__.co_filename) == path
    assert rule.name == name.replace("_", "-")
    group = path.parent.name if path.parent.name != "rules" else "default"
    assert rule.group.value == group


@pytest.mark.parametrize("code", [rule.code for rule in RULES.values() if rule.hub_only])
def test_a_rule_about_hubs_is_not_asked_about_cards_elsewhere(code: str, tmp_path: Path) -> None:
    hub = rule_cases.first(code).write(tmp_path)
    assert findings(code, hub)
    shutil.rmtree(hub / "models")
    assert findings(code, hub) == []


def test_only_a_rule_about_hubs_can_ask_for_the_hub_root() -> None:
    with pytest.raises(ValueError, match="HUB_ONLY"):
        _ = rules.HubCards().root


def test_no_rule_compiles_an_expression_before_it_needs_it() -> None:
    checks = [rule.check_card or rule.check_hub for rule in RULES.values()]
    compiled = [
        (check.__module__, name)
        for check in checks
        for name, value in check.__globals__.items()
        if isinstance(value, re.Pattern)
    ]
    assert compiled == []


def test_codes_and_names_of_rules_are_unique() -> None:
    rules = all_rules()
    assert len({rule.code for rule in rules}) == len(rules)
    assert len({rule.name for rule in rules}) == len(rules)


def test_check_of_a_part_of_the_assets_knows_the_whole_uids(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = root / "assets" / "mindspore" / "1.9"
    count = len(list(release.glob("*.md")))
    assert check_paths([release]) == ([], count)
    monkeypatch.chdir(release)
    assert check_paths([Path()]) == ([], count)


def test_check_inside_the_assets_folder_finds_the_networks_beside_it(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root / "assets")
    assert check_paths([Path()]) == ([], len(card_paths(root / "assets")))


def test_check_outside_of_assets_checks_cards_of_the_same_name(tmp_path: Path) -> None:
    text = GOOD.replace("# LeafNet\n", "LeafNet\n")
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "card.md").write_text(text, encoding="utf-8")
    found = findings("F010", tmp_path)
    assert [item.path.parent.name for item in found] == ["first", "second"]


@pytest.mark.parametrize("name", ["empty", "absent"])
def test_check_refuses_a_folder_without_cards(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(CardError, match="give the hub root"):
        check_paths([tmp_path / name])


def test_findings_come_in_the_order_of_paths_and_lines(tmp_path: Path) -> None:
    (tmp_path / "b.md").write_text(GOOD.replace(": 2.1", ": 2.10"), encoding="utf-8")
    (tmp_path / "a.md").write_text(re.sub("asset-.*", "", GOOD), encoding="utf-8")
    found, _ = check_paths([tmp_path / "b.md", tmp_path / "a.md"])
    places = [(item.path, item.line, item.column) for item in found]
    assert len(places) >= 4
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("path", "uid"),
    [
        ("/hub/assets/botany/2.1/leafnet_herbarium.md", "botany/2.1/leafnet_herbarium"),
        ("/assets/hub/assets/botany/2.1/leafnet.md", "botany/2.1/leafnet"),
        ("/hub/assets/botany/2.1/albert_squadv1.1.md", "botany/2.1/albert_squadv1.1"),
        ("/drafts/leafnet_herbarium.md", "leafnet_herbarium"),
        ("/hub/../assets/botany/2.1/leafnet.md", "botany/2.1/leafnet"),
        ("/hub/assets/botany/2.1/leafnet.MD", "botany/2.1/leafnet"),
        ("/assets/repo/cards/leafnet.md", "leafnet"),
        ("/assets/repo/leafnet.md", "leafnet"),
        ("/assets/a/b/2.1/leafnet.md", "leafnet"),
        ("/assets/botany/2.1/drafts/leafnet.md", "leafnet"),
    ],
)
def test_uid_is_what_follows_the_last_assets_folder(path: str, uid: str) -> None:
    assert uid_of(Path(path)) == uid


@pytest.mark.parametrize(
    "code", ["a = '\0'", "a = " + "(" * 300 + ")" * 300, "a = " + "-" * 100_000 + "1"]
)
def test_code_that_the_python_parser_gives_up_on_is_a_finding(code: str, tmp_path: Path) -> None:
    card = tmp_path / "card.md"
    card.write_text(f"{GOOD}\n```python\n{code}\n```\n", encoding="utf-8")
    (found,) = findings("B606", card)
    assert "\n" not in found.message


def test_doubtful_code_is_no_finding_and_raises_no_warning(tmp_path: Path) -> None:
    card = tmp_path / "card.md"
    card.write_text(GOOD + "\n```python\npattern = '\\d'\n```\n", encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert findings("B606", card) == []


def test_a_card_outside_of_assets_may_load_any_uid(tmp_path: Path) -> None:
    card = tmp_path / "draft.md"
    card.write_text(GOOD, encoding="utf-8")
    assert 'load("botany/2.1/leafnet_herbarium")' in card.read_text(encoding="utf-8")
    assert findings("C513", card) == []


def test_any_folder_beside_networks_is_part_of_a_uid(tmp_path: Path) -> None:
    (tmp_path / "assets" / "models").mkdir(parents=True)
    assert uid_of(tmp_path / "assets/assets/team/cards/leafnet.md") == "team/cards/leafnet"


@pytest.mark.parametrize("given", ["assets/repo", "assets/repo/cards", "assets"])
def test_a_card_below_any_other_folder_called_assets_has_no_uid(given: str, tmp_path: Path) -> None:
    path = tmp_path / "assets" / "repo" / "cards" / "leafnet_herbarium.md"
    path.parent.mkdir(parents=True)
    path.write_text(GOOD.replace("botany/2.1/", "botany/2.0/"), encoding="utf-8")
    assert findings("C502", tmp_path / given) == []
    assert findings("C513", tmp_path / given) == []


def test_a_folder_of_several_hubs_has_the_uids_of_each(tmp_path: Path) -> None:
    for name in ("one", "two"):
        shutil.copytree(BASE, tmp_path / name)
    assert findings("C513", tmp_path) == []
    assert findings("C502", tmp_path) == []
