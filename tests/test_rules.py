"""Every rule against its fixtures: what it finds in a bad card or hub, and not in a good one."""

import re
import shutil
import sys
import warnings
from pathlib import Path

import pytest
from click.testing import CliRunner

from mindspore_hub.cards import rules
from mindspore_hub.cards.check import check_paths
from mindspore_hub.cards.findings import Edit, Finding
from mindspore_hub.cards.paths import card_paths, uid_of
from mindspore_hub.cards.rules import all_rules
from mindspore_hub.cli import mshub
from mindspore_hub.errors import CardError

FIXTURES = Path(__file__).with_name("rules")
RULES = {rule.code: rule for rule in all_rules()}
MODULES = sorted(Path(rules.__file__).parent.rglob("[!_]*.py"))
SECTIONS = ("What", "Why", "Example", "Instead")


def findings(code: str, path: Path) -> list[Finding]:
    """What one rule says about a card or hub."""
    return check_paths([path], selected=[code])[0]


def report(code: str, name: str) -> str:
    """What is to stand in `expected.txt` for `name.md`, or for the hub `name`, in this folder."""
    path = name if Path(name).is_dir() else f"{name}.md"
    arguments = ["card", "check", path, "--select", code, "--output-format", "concise"]
    return CliRunner().invoke(mshub, arguments).stdout


def enter_fixture(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Go where the fixture of a rule is; return the report expected of the bad one.

    Files that only some file systems can hold side by side are not in the repository; `copies.txt`
    says which of `bad` to copy, and to what name. `{python}` in a report is the Python that runs.
    """
    folder = FIXTURES / code
    if (folder / "copies.txt").is_file():
        folder = Path(shutil.copytree(folder, tmp_path / code))
        for line in (folder / "copies.txt").read_text(encoding="utf-8").splitlines():
            source, target = (folder / "bad" / name for name in line.split())
            if target.exists():
                pytest.skip("this file system ignores the case of names")
            shutil.copyfile(source, target)
    monkeypatch.chdir(folder)
    text = (folder / "expected.txt").read_text(encoding="utf-8")
    return text.replace("{python}", f"{sys.version_info.major}.{sys.version_info.minor}")


def test_every_rule_has_fixtures_and_all_fixtures_have_a_rule() -> None:
    assert sorted(path.name for path in FIXTURES.iterdir()) == sorted(RULES)


@pytest.mark.parametrize("code", RULES)
def test_rule_reports_the_bad_fixture_as_expected(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = enter_fixture(code, tmp_path, monkeypatch)
    assert expected, "a fixture without an expected finding tests nothing"
    assert report(code, "bad") == expected


@pytest.mark.parametrize("code", RULES)
def test_rule_is_silent_on_the_good_fixture(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter_fixture(code, tmp_path, monkeypatch)
    assert report(code, "good") == ""


@pytest.mark.parametrize("code", RULES)
def test_edits_of_a_finding_stand_where_they_say(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter_fixture(code, tmp_path, monkeypatch)
    bad = Path("bad") if Path("bad").is_dir() else Path("bad.md")
    for finding in findings(code, bad):
        lines = re.split(r"\r\n|\r|\n", finding.path.read_bytes().decode("utf-8", "replace"))
        for edit in finding.edits:
            if isinstance(edit, Edit):
                line = lines[edit.place.line - 1].removeprefix("\ufeff")
                assert line[edit.place.column - 1 :].startswith(edit.old)


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
    assert (check.__globals__["CODE"], check.__globals__["NAME"]) == (rule.code, rule.name)
    assert rule.name == name.replace("_", "-")
    group = path.parent.name if path.parent.name != "rules" else "default"
    assert rule.group.value == group


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
    text = (FIXTURES / "F010" / "bad.md").read_text(encoding="utf-8")
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


def test_findings_come_in_the_order_of_paths_and_lines() -> None:
    found, _ = check_paths([FIXTURES / "V201" / "bad.md", FIXTURES / "A402" / "bad.md"])
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
    good = (FIXTURES / "B606" / "good.md").read_text(encoding="utf-8")
    card = tmp_path / "card.md"
    card.write_text(f"{good}\n```python\n{code}\n```\n", encoding="utf-8")
    (found,) = findings("B606", card)
    assert "\n" not in found.message


def test_doubtful_code_is_no_finding_and_raises_no_warning(tmp_path: Path) -> None:
    good = (FIXTURES / "B606" / "good.md").read_text(encoding="utf-8")
    card = tmp_path / "card.md"
    card.write_text(good + "\n```python\npattern = '\\d'\n```\n", encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert findings("B606", card) == []


def test_a_card_outside_of_assets_may_load_any_uid(tmp_path: Path) -> None:
    card = tmp_path / "draft.md"
    card.write_bytes((FIXTURES / "F010" / "good.md").read_bytes())
    assert 'load("botany/2.1/leafnet_herbarium")' in card.read_text(encoding="utf-8")
    assert findings("C513", card) == []


def test_any_folder_beside_networks_is_part_of_a_uid(tmp_path: Path) -> None:
    (tmp_path / "assets" / "models").mkdir(parents=True)
    assert uid_of(tmp_path / "assets/assets/team/cards/leafnet.md") == "team/cards/leafnet"


@pytest.mark.parametrize("given", ["assets/repo", "assets/repo/cards", "assets"])
def test_a_card_below_any_other_folder_called_assets_has_no_uid(given: str, tmp_path: Path) -> None:
    text = (FIXTURES / "F010" / "good.md").read_text(encoding="utf-8")
    path = tmp_path / "assets" / "repo" / "cards" / "leafnet_herbarium.md"
    path.parent.mkdir(parents=True)
    path.write_text(text.replace("botany/2.1/", "botany/2.0/"), encoding="utf-8")
    assert findings("C502", tmp_path / given) == []
    assert findings("C513", tmp_path / given) == []


def test_a_folder_of_several_hubs_has_the_uids_of_each(tmp_path: Path) -> None:
    for name in ("one", "two"):
        shutil.copytree(FIXTURES / "C513" / "good", tmp_path / name)
    assert findings("C513", tmp_path) == []
    assert findings("C502", tmp_path) == []


OWN = 'import mindspore_hub\n\nnet = mindspore_hub.load("botany/2.1/leafnet_herbarium")\n'


@pytest.mark.parametrize(
    ("code", "wrong"),
    [
        ('import tensorflow_hub as hub\nnet = hub.load("botany/2.0/leafnet_herbarium")', False),
        ('import paddlehub as mshub\nnet = mshub.load("botany/2.0/leafnet_herbarium")', False),
        ('from torch.hub import load\nnet = load("botany/2.0/leafnet_herbarium")', False),
        ('net = hub.load("botany/2.0/leafnet_herbarium")', False),
        (
            (
                "import mindspore_hub\nimport other as mindspore_hub\n"
                'mindspore_hub.load("botany/2.0/leafnet_herbarium")'
            ),
            False,
        ),
        ('import numpy, mindspore_hub as hub\nhub.load("botany/2.0/leafnet_herbarium")', True),
        ('from mindspore_hub import load as get\nget(name="botany/2.0/leafnet_herbarium")', True),
        (
            (
                "from mindspore_hub import (\n    list,\n    load,  # us\n)\n"
                'uid = "botany/2.0/leafnet_herbarium"\nnet = load(uid)'
            ),
            True,
        ),
        ('>>> import mindspore_hub\n>>> mindspore_hub.load("botany/2.0/leafnet_herbarium")', True),
    ],
)
def test_only_calls_of_this_package_load_a_card(code: str, wrong: bool, tmp_path: Path) -> None:
    good = (FIXTURES / "F010" / "good.md").read_text(encoding="utf-8")
    card = tmp_path / "assets/botany/2.1/leafnet_herbarium.md"
    card.parent.mkdir(parents=True)
    card.write_text(good.replace(OWN, f"{code}\n"), encoding="utf-8")
    assert code in card.read_text(encoding="utf-8")
    assert bool(findings("C513", card)) is wrong
    assert all(item.fixable for item in findings("C513", card))


@pytest.mark.parametrize(
    "other", ["botany/2.0/leafnet_herbarium", "botany/2.1/leafnet_meadow", "garden/1.0/fernnet_x"]
)
def test_a_card_that_loads_itself_may_load_others(other: str, tmp_path: Path) -> None:
    hub = tmp_path / "hub"
    shutil.copytree(FIXTURES / "H912" / "good", hub)
    card = hub / "assets/botany/2.1/leafnet_herbarium.md"
    text = card.read_text(encoding="utf-8")
    call = f'other = mindspore_hub.load("{other}")\n'
    card.write_text(text.replace(OWN, OWN + call), encoding="utf-8")
    assert findings("C513", hub) == []
    found = findings("H912", hub)
    assert [item.message for item in found] == [
        f"the body names {other}, this card is botany/2.1/leafnet_herbarium"
    ] * (other != "botany/2.1/leafnet_meadow")
    assert not any(item.fixable for item in found)


@pytest.mark.parametrize("source", [b"class LeafNet(\n", b"\xff\xfe", b"\0"])
def test_a_network_that_is_no_python_is_a_finding(source: bytes, tmp_path: Path) -> None:
    hub = tmp_path / "hub"
    shutil.copytree(FIXTURES / "H902" / "good", hub)
    assert findings("H902", hub) == []
    (hub / "models" / "leafnet.py").write_bytes(source)
    (found,) = findings("H902", hub)
    assert found.message == "models/leafnet.py defines no class LeafNet"


def test_an_anchor_may_have_the_prefix_that_hosts_give_it(tmp_path: Path) -> None:
    good = (FIXTURES / "B610" / "good.md").read_text(encoding="utf-8")
    card = tmp_path / "card.md"
    links = "[a](#user-content-top) <i id='user-content-x'></i>[b](#user-content-x)"
    links += " [c](#user-content-absent)"
    card.write_text(f"{good}\n{links}\n", encoding="utf-8")
    assert [item.message for item in findings("B610", card)] == [
        "no heading has the anchor #user-content-absent"
    ]


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (">>> net = load()\n>>> net(x)\nTensor", "pycon or ipython"),
        ("x = 1\n>>> x", "pycon or ipython"),
        ("In [1]: %x", "pycon or ipython"),
        ("%matplotlib inline\nimport x", "ipython or pycon"),
        ("%%time\nx()", "ipython or pycon"),
        ("!pip install mindspore", "ipython or pycon"),
        ("load?", "ipython or pycon"),
        ("print 'x'", "correct the code"),
        ("x = 'a' >>> b", "correct the code"),
        ("x = f(", "correct the code"),
    ],
)
def test_code_that_is_no_python_says_which_python_judged_and_what_to_do(
    code: str, advice: str, tmp_path: Path
) -> None:
    good = (FIXTURES / "B606" / "good.md").read_text(encoding="utf-8")
    card = tmp_path / "card.md"
    card.write_text(f"{good}\n```python\n{code}\n```\n", encoding="utf-8")
    (found,) = findings("B606", card)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert found.message.startswith(f"not Python {version}: ")
    assert advice in found.help


@pytest.mark.parametrize("language", ["pycon", "ipython"])
def test_a_session_may_be_called_one(language: str, tmp_path: Path) -> None:
    good = (FIXTURES / "B606" / "good.md").read_text(encoding="utf-8")
    card = tmp_path / "card.md"
    card.write_text(f"{good}\n```{language}\n>>> %x\n```\n", encoding="utf-8")
    assert findings("B606", card) == []
