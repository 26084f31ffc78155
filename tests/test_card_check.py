"""`mshub card` as users start it: every output, which findings it shows, and what it exits with."""

import datetime
import json
import os
import re
import stat
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import checkpoints
import commands
import jsonschema
import pytest
import rule_cases
import server
import yaml
from click.testing import CliRunner, Result
from commands import ROOT, on_terminal
from jsonschema import Draft202012Validator

import mindspore_hub
from mindspore_hub.checking import check, report, review
from mindspore_hub.checking.rules import HubCards
from mindspore_hub.commands.main import mshub
from mindspore_hub.errors import CardError, InternalError
from mindspore_hub.hub import paths
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Finding, Place, Problem, Severity
from mindspore_hub.hub.hub import Hub

pytestmark = pytest.mark.usefixtures("folder")

CARDS = Hub.of().cards
GOOD = Hub.of().resolve("mvd_visibletoinfrared_regdb").path.read_text(encoding="utf-8")
SARIF = json.loads(Path(__file__).with_name("data").joinpath("sarif/used.schema.json").read_text())
RELEASE = "model-version: 1.9"
STYLES = ("human", "concise", "json", "sarif", "github", "junit")
SETTINGS = ("user.name=x", "user.email=x@example.org", "core.hooksPath=/dev/null")


def write(name: str, *replacements: tuple[str, str]) -> Path:
    """A card of this hub with other words in it."""
    text = GOOD
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new, 1)
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="")
    return path


def write_bad(name: str = "card.md") -> Path:
    """A card with an error that can be mended and an info that cannot."""
    return write(name, (RELEASE, "model-version: 1.90"), ("# MVD", "# The MVD"))


def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run `mshub card` as a program."""
    return commands.run("card", *arguments, cwd=Path.cwd(), **env)


def invoke(*arguments: str) -> Result:
    """Run `mshub card` in this process."""
    return CliRunner().invoke(mshub, ["card", *arguments])


def found(*arguments: str) -> list[tuple[str, str, int | None]]:
    """Path, code and line of what a check finds."""
    done = invoke("check", "--format", "json", *arguments)
    return [(item["path"], item["code"], item["line"]) for item in json.loads(done.stdout)]


def codes(*arguments: str) -> list[str]:
    return [code for _, code, _ in found(*arguments)]


def git(*arguments: str) -> None:
    options = [word for setting in SETTINGS for word in ("-c", setting)]
    subprocess.run(["git", *options, *arguments], check=True, capture_output=True)


def line_of(text: str) -> int:
    return GOOD[: GOOD.index(text)].count("\n") + 1


def test_text_shows_the_source_with_a_caret_and_what_to_do() -> None:
    write_bad()
    line = line_of(RELEASE)
    done = run("check", "card.md", "--select", "V201,C501")
    assert done.returncode == 1
    assert done.stdout == (
        "card.md:1:1: C501 the title is The MVD, model-name MVD\n"
        "    | # The MVD\n"
        "    | ^\n"
        "    help: say one name in both places, unless the title is meant\n"
        f"card.md:{line}:16: V201 1.90 reads as 1.9\n"
        "    | model-version: 1.90\n"
        "    |                ^\n"
        '    help: write `model-version: "1.90"`\n'
    )
    assert done.stderr == "1 card checked, 2 findings, 1 fixable with --fix\n"


def test_concise_is_text_without_the_source() -> None:
    write_bad()
    done = run("check", "card.md", "--select", "V201,C501", "--format", "concise")
    assert done.returncode == 1
    assert done.stdout == (
        "card.md:1:1: C501 the title is The MVD, model-name MVD\n"
        "    help: say one name in both places, unless the title is meant\n"
        f"card.md:{line_of(RELEASE)}:16: V201 1.90 reads as 1.9\n"
        '    help: write `model-version: "1.90"`\n'
    )


def test_a_clean_card_prints_nothing_and_exits_with_0() -> None:
    write("card.md")
    done = run("check", "card.md")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "1 card checked, 0 findings\n"


@pytest.mark.parametrize("variable", ["MSHUB_HOME", "MSHUB_TIMEOUT"])
def test_a_check_needs_no_settings_and_no_store(variable: str) -> None:
    write_bad("cards/card.md")
    usual = run("check", "cards")
    value = {"MSHUB_HOME": "~nobody-of-that-name/x", "MSHUB_TIMEOUT": "soon"}[variable]
    odd = run("check", "cards", **{variable: value})
    assert (odd.returncode, odd.stdout, odd.stderr) == (1, usual.stdout, usual.stderr)
    assert not Path(os.environ["MSHUB_HOME"]).exists()


def test_every_report_takes_the_findings_of_every_rule() -> None:
    codes = {path.stem for path in rule_cases.FOLDER.glob("*.yaml")}
    for code in codes:
        rule_cases.first(code).write(Path("hubs", code))
    for style in STYLES:
        done = invoke("check", "hubs", "--select", "ALL", "--format", style)
        assert done.exit_code == 1
        assert codes - {code for code in codes if code in done.stdout} <= {"H905"}, style


def test_json_has_paths_below_the_folder_given() -> None:
    write_bad("cards/some/card.md")
    done = run("check", "cards", "--format", "json", "--select", "V201")
    assert done.returncode == 1
    assert json.loads(done.stdout) == [
        {
            "path": "some/card.md",
            "line": line_of(RELEASE),
            "column": 16,
            "code": "V201",
            "severity": "error",
            "message": "1.90 reads as 1.9",
            "help": 'write `model-version: "1.90"`',
            "fixable": True,
        }
    ]
    assert json.loads(run("check", "cards", "--format", "json", "--select", "F").stdout) == []


def test_json_has_no_line_for_a_finding_of_the_whole_card() -> None:
    write("dots/card.1.md")
    assert found("dots", "--select", "C512") == [("card.1.md", "C512", None)]


def test_sarif_fits_the_standard_and_keeps_its_fingerprints_when_lines_move() -> None:
    card = write_bad("some folder/card.md")
    options = ("check", ".", "--format", "sarif", "--select", "V201,C501,F002")
    log = json.loads(invoke(*options).stdout)
    jsonschema.validate(log, SARIF, format_checker=Draft202012Validator.FORMAT_CHECKER)
    results = log["runs"][0]["results"]
    rules = log["runs"][0]["tool"]["driver"]["rules"]
    assert [rules[item["ruleIndex"]]["id"] for item in results] == ["C501", "V201"]
    location = results[1]["locations"][0]["physicalLocation"]
    assert unquote(location["artifactLocation"]["uri"]) == "some folder/card.md"
    assert location["region"] == {"startLine": line_of(RELEASE), "startColumn": 16}
    card.write_text(card.read_text().replace("# The MVD\n", "# The MVD\n\n\n"), encoding="utf-8")
    moved = json.loads(invoke(*options).stdout)["runs"][0]["results"]
    assert moved[1]["locations"] != results[1]["locations"]
    prints = [[item["partialFingerprints"] for item in log] for log in (results, moved)]
    assert prints[0] == prints[1]
    assert prints[0][0] != prints[0][1]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "marked"])
def test_fixes_in_sarif_are_those_of_the_command(end: str, mark: str) -> None:
    card = write_bad()
    text = mark + card.read_text().replace("evaluation: ", "evaluation: -\n\nx: ").replace(
        "\n", end
    )
    card.write_text(text, encoding="utf-8", newline="")
    select = ("--select", "V201,F015")
    log = json.loads(invoke("check", "card.md", "--format", "sarif", *select).stdout)
    jsonschema.validate(log, SARIF, format_checker=Draft202012Validator.FORMAT_CHECKER)
    fixes = [fix for item in log["runs"][0]["results"] for fix in item.get("fixes", [])]
    assert fixes
    lines = text.removeprefix("\ufeff").split(end)
    for fix in reversed(fixes):
        ((change,),) = ([item["replacements"] for item in fix["artifactChanges"]],)
        for item in change:
            replace_region(lines, item["deletedRegion"], item["insertedContent"]["text"], end)
    assert invoke("check", "card.md", "--fix", *select).exit_code == 0
    assert card.read_bytes().decode() == mark + end.join(lines)


def replace_region(lines: list[str], region: dict[str, int], text: str, end: str) -> None:
    first, last = region["startLine"] - 1, region["endLine"] - 1
    before = lines[first][: region["startColumn"] - 1]
    after = lines[last][region["endColumn"] - 1 :]
    lines[first : last + 1] = (before + text + after).split(end)


def test_sarif_offers_whole_file_fixes_as_bytes() -> None:
    Path("card.md").write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    options = ("--format", "sarif", "--select", "F002")
    log = json.loads(invoke("check", "card.md", *options).stdout)
    jsonschema.validate(log, SARIF)
    (result,) = log["runs"][0]["results"]
    (replacement,) = result["fixes"][0]["artifactChanges"][0]["replacements"]
    size = len(GOOD.encode()) + 3
    assert replacement["deletedRegion"] == {"byteOffset": 0, "byteLength": size}
    assert replacement["insertedContent"] == {"text": GOOD}


def test_github_annotations_are_escaped() -> None:
    write("a,b:50%/card.md", (RELEASE, "model-version: 1.90"), ("# MVD", "# The MVD"))
    done = run("check", "a,b:50%", "--format", "github", "--select", "V201,C501,C512")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0].startswith("::notice file=a%2Cb%3A50%25/card.md,line=1,col=")
    assert lines[1] == (
        f"::error file=a%2Cb%3A50%25/card.md,line={line_of(RELEASE)},col=16,"
        'title=V201 version-loses-digits::1.90 reads as 1.9%0Ahelp: write `model-version: "1.90"`'
    )
    assert len(lines) == 2


@pytest.mark.parametrize("top", ["GITHUB_WORKSPACE", ".git", "worktree", "neither"])
def test_services_are_told_paths_in_the_repository(
    folder: Path, monkeypatch: pytest.MonkeyPatch, top: str
) -> None:
    write_bad("repository/assets/1.9/card.md")
    whole = folder / "repository" / "assets"
    if top == "GITHUB_WORKSPACE":
        monkeypatch.setenv(top, str(whole.parent))
    if top == ".git":
        (whole.parent / ".git").mkdir()
    elif top == "worktree":
        (whole.parent / ".git").write_text("gitdir: elsewhere\n")
    monkeypatch.chdir(whole)
    for path in (".", "../assets", "1.9", "../assets/1.9/card.md", str(whole)):
        options = ("check", path, "--select", "V201", "--format")
        (named,) = re.findall("^::error file=(.*?),", invoke(*options, "github").stdout)
        (result,) = json.loads(invoke(*options, "sarif").stdout)["runs"][0]["results"]
        place = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for told in (named, place):
            if top != "neither":
                assert told == "assets/1.9/card.md"
            elif not path.startswith(".."):
                assert told == "1.9/card.md"


def test_junit_has_one_test_case_per_card() -> None:
    write("cards/bad & <odd>.md", (RELEASE, "model-version: 1.90"))
    write("cards/good.md")
    write("cards/info.md", ("# MVD", "# \x1bThe MVD"))
    options = ("--format", "junit", "--select", "V201,C501")
    suites = ET.fromstring(invoke("check", "cards", *options).stdout)  # noqa: S314 - our own
    (suite,) = suites
    assert suite.attrib == {
        "name": "mshub card check",
        "tests": "3",
        "failures": "1",
        "errors": "0",
    }
    inner = {case.get("name"): [item.tag for item in case] for case in suite}
    assert inner == {"bad & <odd>.md": ["failure"], "good.md": [], "info.md": ["system-out"]}
    (failure,) = suite.iter("failure")
    assert failure.get("message") == "1 finding"
    assert failure.text == (
        f'{line_of(RELEASE)}:16: V201 1.90 reads as 1.9\nhelp: write `model-version: "1.90"`'
    )


def test_statistics_count_per_rule() -> None:
    for name in ("a.md", "b.md"):
        write_bad(f"cards/{name}")
    write("cards/c.md", ("# MVD", "# The MVD"))
    options = ("check", "cards", "--select", "V201,C501", "--statistics")
    assert run(*options).stdout == "3  C501  [ ] title-differs\n2  V201  [*] version-loses-digits\n"
    assert json.loads(invoke(*options, "--format", "json").stdout) == [
        {"code": "C501", "name": "title-differs", "count": 3, "fixable": False},
        {"code": "V201", "name": "version-loses-digits", "count": 2, "fixable": True},
    ]


def test_colour_is_for_terminals_that_want_it() -> None:
    write_bad()
    options = ("check", "card.md", "--select", "V201")
    plain = run(*options).stdout
    assert "\x1b" not in plain

    def terminal(color: str) -> str:
        given = {"streams": ("stdout",), "cwd": Path.cwd(), "NO_COLOR": color}
        return on_terminal("card", *options, **given).stdout.replace("\r\n", "\n")

    assert terminal("1") == plain
    assert "\x1b[31m\x1b[1mV201\x1b[0m" in terminal("")


def finding(**values: object) -> Finding:
    usual = Finding(Path("card.md"), 1, 1, "V201", Severity.ERROR, "message", "help")
    return usual._replace(**values)


def shown(line: str, column: int) -> list[str]:
    checked = report.Checked([], [], [finding(column=column, source=line)])
    return report.as_human(checked).splitlines()[1:-1]


@pytest.mark.parametrize(
    ("line", "column", "expected"),
    [
        ("title", 3, ["    | title", "    |   ^"]),
        ("\ttitle", 2, ["    |  title", "    |  ^"]),
        ("数据集: x", 6, ["    | 数据集: x", "    |         ^"]),
        ("e\u0301t: x", 5, ["    | e\u0301t: x", "    |    ^"]),
        ("a\x1b[31mb", 7, [r"    | a\x1b[31mb", "    |          ^"]),
        ("::x", 3, ["    | ::x", "    |   ^"]),
        ("", 1, []),
        ("x", 9, ["    | x", "    |  ^"]),
        ("x" * 300, 201, [f"    | …{'x' * 100}…", f"    |{' ' * 52}^"]),
        ("x" * 300, 300, [f"    | …{'x' * 51}", f"    |{' ' * 52}^"]),
    ],
    ids=[
        *("plain", "tab", "wide", "combining", "escape", "command", "empty", "beyond", "long"),
        "end",
    ],
)
def test_the_caret_stands_under_the_place(line: str, column: int, expected: list[str]) -> None:
    assert shown(line, column) == expected


def test_select_replaces_the_default_rules_and_ignore_takes_away() -> None:
    write_bad()
    assert {"V201", "C501"} <= set(codes("card.md"))
    assert codes("card.md", "--select", "V201") == ["V201"]
    assert codes("card.md", "--select", "v2,c5", "--ignore", "C") == ["V201"]
    assert codes("card.md", "--select", "V201", "--select", "C501") == ["C501", "V201"]
    assert "C501" not in codes("card.md", "--ignore", "C501")
    Path("card.md").write_bytes(GOOD.rstrip("\n").encode())
    assert codes("card.md") == []
    assert codes("card.md", "--extend-select", "F005") == ["F005"]
    assert "F005" not in codes("card.md", "--select", "EXTENDED", "--ignore", "F")
    assert "F005" in codes("card.md", "--select", "ALL")


def test_severity_is_the_lowest_that_is_shown_and_fails() -> None:
    write_bad()
    select = ("--select", "V201,C501")
    assert codes("card.md", "--severity", "info", *select) == ["C501", "V201"]
    assert codes("card.md", "--severity", "warning", *select) == ["V201"]
    assert invoke("check", "card.md", "--severity", "error", "--select", "C501").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--select", "V201,Q9"], "there is no rule Q9; `mshub card rule` lists all rules."),
        (["--ignore", "V21O"], "there is no rule V21O (did you mean "),
        (["--format", "xml"], "'xml' is not one of"),
        (["--severity", "fatal"], "'fatal' is not one of"),
        (["--statistics", "--format", "sarif"], "--statistics are printed as human or json"),
        (["--diff", "--fix"], "--diff prints a diff"),
        (["--diff", "--write-baseline", "known.json"], "--diff prints a diff"),
        (["--diff", "--online"], "--diff prints a diff"),
        (["--write-baseline", "b.json", "--statistics"], "--write-baseline writes every finding"),
        (
            ["--write-baseline", "b.json", "--format", "json"],
            "--write-baseline writes every",
        ),
        (["--write-baseline", "b.json", "--baseline", "a.json"], "--write-baseline writes every"),
        (["--ignore", "EXTENDED,V2O7"], "there is no rule V2O7"),
        (["--baseline", "absent.json"], "The baseline absent.json cannot be read"),
        (["--baseline", "card.md"], "card.md is not a baseline of this version"),
        (["--changed"], "--changed needs a git repository around"),
        (["--nope"], "No such option"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_exits_with_2(arguments: list[str], message: str) -> None:
    write("card.md")
    done = run("check", "card.md", *arguments, GIT_CEILING_DIRECTORIES=str(Path.cwd()))
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_rule_that_crashes_is_an_internal_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(document: Document, hub: HubCards) -> Iterator[Problem]:
        yield Problem(Place(), f"{document.name} is", "none")
        {}["evaluation"]

    rule_cases.add_rule(monkeypatch, "z999_crash", Severity.ERROR, crash)
    write("card.md")
    result = invoke("check", "card.md")
    error = result.exception
    assert isinstance(error, InternalError)
    assert error.exit_code == 70
    assert str(error) == (
        "the rule Z999 crash crashed on card.md (KeyError: 'evaluation'). This is a defect of the "
        "rule, not of the card: please report it with the card and the output of `mshub env`. "
        "`--ignore Z999` checks the rest."
    )
    assert invoke("check", "card.md", "--ignore", "Z999").exit_code == 0


def test_any_other_crash_is_an_internal_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(review, "find_cards", lambda path: {}[path])
    write("card.md")
    error = invoke("check", "card.md").exception
    assert isinstance(error, InternalError)
    assert "please report it" in str(error)


def test_every_spelling_of_a_path_is_one_path(monkeypatch: pytest.MonkeyPatch) -> None:
    write_bad("hub/assets/card.md")
    write_bad("hub/drafts/draft.md")
    Path("linked").symlink_to("hub")
    whole = str(Path("hub").absolute())
    done = run("check", "hub", whole, "linked", "hub/assets", "hub/assets/../assets/card.md")
    assert done.stderr.startswith("1 card checked, ")
    done = run("check", "hub", "hub/drafts", "hub/drafts/draft.md")
    assert done.stderr.startswith("2 cards checked, ")
    monkeypatch.chdir("hub/assets")
    assert run("check", "card.md", "../assets/card.md").stderr.startswith("1 card checked, ")


def table(text: str) -> None:
    Path("pyproject.toml").write_text(f"[tool.mshub]\n{text}\n", encoding="utf-8")


MARK = "machine example login ci password hidden"


@pytest.mark.parametrize("part", [".", "assets", "assets/mindspore", "assets/mindspore/1.9"])
@pytest.mark.parametrize("hub", [True, False], ids=["hub", "folder"])
def test_a_link_that_leads_out_is_not_read(part: str, *, hub: bool) -> None:
    Path("outside.md").write_text(MARK, encoding="utf-8")
    write("hub/assets/mindspore/1.9/card.md")
    if hub:
        Path("hub/models").mkdir()
    Path("hub/assets/mindspore/1.9/out.md").symlink_to(Path("outside.md").absolute())
    done = run("check", f"hub/{part}", "--select", "F")
    assert done.returncode == 1
    assert MARK not in done.stdout + done.stderr
    (line,) = [line for line in done.stdout.splitlines() if "H900" in line]
    assert "out.md leads out of hub" in line.replace(f"{Path.cwd()}/", "")
    assert "2 cards checked, 1 finding" in done.stderr


@pytest.mark.parametrize("style", STYLES)
def test_no_output_has_a_line_of_what_a_link_leads_to(style: str) -> None:
    write("cards/card.md")
    Path("cards/out.md").symlink_to("/proc/self/environ")
    options = ("--select", "F", "--format", style)
    for more in ((), ("--fix",)):
        done = run("check", "cards", *options, *more, MARK=MARK)
        assert MARK not in done.stdout + done.stderr
        assert "leads out of" in done.stdout


def test_links_inside_are_read_and_those_outside_are_not_mended() -> None:
    write_bad("hub/parts/inside.md")
    outside = write_bad("outside.md")
    Path("hub/assets").mkdir()
    Path("hub/models").mkdir()
    Path("hub/assets/inside.md").symlink_to("../parts/inside.md")
    Path("hub/assets/out.md").symlink_to(outside.absolute())
    before = outside.read_bytes()
    assert found("hub", "--select", "V201", "--fix") == [("assets/out.md", "H900", 1)]
    assert outside.read_bytes() == before
    assert b"1.90" not in Path("hub/parts/inside.md").read_bytes().replace(b'"1.90"', b"")


def test_a_link_that_is_named_is_read_and_mended() -> None:
    outside = write_bad("outside.md")
    Path("hub/assets").mkdir(parents=True)
    Path("hub/assets/out.md").symlink_to(outside.absolute())
    Path("linked").symlink_to("hub/assets")
    Path("elsewhere").mkdir()
    write_bad("elsewhere/card.md")
    Path("hub/more").symlink_to(Path("elsewhere").absolute())
    assert codes("hub/assets/out.md", "--select", "V201") == ["V201"]
    assert codes("hub/more", "--select", "V201") == ["V201"]
    assert codes("linked", "--select", "V201") == ["H900"]
    assert invoke("check", "hub/assets/out.md", "--select", "V201", "--fix").exit_code == 0
    assert b'"1.90"' in outside.read_bytes()
    assert Path("hub/assets/out.md").is_symlink()


def test_an_assets_folder_that_leads_out_is_refused() -> None:
    write("elsewhere/card.md")
    Path("hub").mkdir()
    Path("hub/assets").symlink_to(Path("elsewhere").absolute())
    done = run("check", "hub")
    assert (done.returncode, done.stdout) == (1, "")
    assert "hub/assets leads out of hub through a link. Give hub/assets itself" in done.stderr
    assert codes("hub/assets", "--select", "V201") == []


@pytest.mark.parametrize("name", ["x.MD", "x.Md", "x.mD"])
def test_a_card_may_end_in_md_of_any_case(name: str) -> None:
    write_bad(f"assets/mindspore/1.9/{name}")
    write_bad("assets/mindspore/1.9/x.md")
    options = ("assets", "--select", "V201,C502")
    assert found(*options) == [
        (f"mindspore/1.9/{file}", "V201", line_of(RELEASE)) for file in sorted((name, "x.md"))
    ]


@pytest.mark.parametrize("suffix", ["markdown", "mkd", "mdown", "MARKDOWN", "mdx"])
def test_markdown_of_other_names_is_said_to_be_left_out(suffix: str) -> None:
    write("assets/card.md")
    write_bad(f"assets/x.{suffix}")
    write_bad("assets/x.txt")
    done = run("check", "assets", "--select", "V201")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == (
        f"left out: assets/x.{suffix}: the name of a card ends in .md.\n"
        "1 card checked, 0 findings\n"
    )


def test_linked_folders_are_followed_inside_and_said_outside() -> None:
    write("hub/assets/card.md")
    Path("hub/models").mkdir()
    write_bad("hub/more/deep/linked.md")
    write_bad("elsewhere/other.md")
    for name, target in (("in", "../more"), ("again", "../more"), ("circle", "..")):
        Path("hub/assets", name).symlink_to(target)
    Path("hub/assets/out").symlink_to(Path("elsewhere").absolute())
    Path("hub/assets/loop").symlink_to("loop")
    done = run("check", "hub", "--select", "V201", "--format", "concise")
    assert [line.split(":")[0].rpartition("/")[2] for line in done.stdout.splitlines()[::2]] == [
        "linked.md"
    ]
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("left out: ")]
    assert line.replace(f"{Path.cwd()}/", "") == (
        "left out: hub/assets/out: leads out of hub through a link."
    )
    assert "2 cards checked" in done.stderr


def test_the_table_of_the_project_chooses_rules() -> None:
    write_bad("cards/some/card.md")
    table('select = ["C501", "V2"]\nignore = ["V202"]')
    assert codes("cards") == ["C501", "V201"]
    assert codes("cards", "--ignore", "C501") == ["V201"]
    assert codes("cards", "--select", "F") == []
    table('select = ["V201"]\nignore = ["C501"]\nseverity = "error"')
    assert codes("cards", "--extend-select", "C501", "--severity", "info") == ["C501", "V201"]
    assert codes("cards", "--extend-select", "C501") == ["V201"]
    table('select = ["V201"]\n[tool.mshub.per-card-ignores]\n"cards/some/*" = ["V2"]')
    assert codes("cards") == []
    table('select = ["V201"]\nper-card-ignores = {"card.md" = ["V201"]}')
    assert codes("cards") == []
    table('select = ["V201"]\nper-card-ignores = {"some/*" = ["V201"]}')
    assert codes("cards") == ["V201"]


@pytest.mark.parametrize(
    "text",
    [
        "tool = {mshub = {select = ['V201']}}",
        'tool = { "mshub" = { select = ["V201"] } }',
        "tool.mshub.select = ['V201']",
        "\ufeff[tool.mshub]\nselect = ['V201']",
        "['tool'.\"mshub\"]\nselect = ['V201']",
    ],
)
def test_the_table_may_be_written_in_any_form_of_toml(text: str) -> None:
    write_bad("card.md")
    Path("pyproject.toml").write_text(text, encoding="utf-8")
    assert codes("card.md") == ["V201"]


@pytest.mark.parametrize(
    "pattern",
    ["./cards/*", "cards", "./cards/some/", "cards//some/*", "cards/../cards/some/card.md", "*.md"],
)
def test_patterns_are_paths_however_they_are_spelt(
    pattern: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_bad("cards/some/card.md")
    table(f"select = ['V201']\n[tool.mshub.per-card-ignores]\n'{pattern}' = ['V2']")
    assert codes("cards") == []
    Path("notes").mkdir()
    monkeypatch.chdir("notes")
    assert codes("../cards") == []


def test_the_table_is_that_of_the_nearest_project_that_has_one() -> None:
    write_bad("project/cards/card.md")
    table('select = ["C501"]')
    Path("project/pyproject.toml").write_text("[project]\nname = 'mshub'\n", encoding="utf-8")
    assert codes("project/cards") == ["C501"]
    Path("project/pyproject.toml").write_text("[tool]\nmshub = {select = ['V201']}", "utf-8")
    assert codes("project/cards/card.md") == ["V201"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("selct = []", "unknown key 'selct' (did you mean select?); known are select, "),
        ("select = 'V201'", "select must be a list of codes, but is 'V201'."),
        ("ignore = ['Q9']", "[tool.mshub]: there is no rule Q9"),
        (
            "per-card-ignores = {'*' = ['ALL', 'V2O7']}",
            "per-card-ignores '*': there is no rule V2O7",
        ),
        ("severity = 'fatal'", "severity must be one of error, warning, info, but is 'fatal'."),
        ("severity = 1", "severity must be a string, but is 1."),
        ("per-card-ignores = []", "per-card-ignores must be a table, but is []."),
        ("select = [", "is not TOML: "),
        ("baseline = 'absent.json'", "absent.json cannot be read"),
    ],
)
def test_a_wrong_table_exits_with_2(text: str, message: str) -> None:
    write("card.md")
    table(text)
    done = run("check", "card.md")
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr


def test_comments_ignore_findings_of_a_line() -> None:
    bad = "\n```python\na = (\n```\n"
    path = Path("card.md")
    path.write_text(GOOD + bad, encoding="utf-8")
    lines = len(GOOD.splitlines())
    ((_, _, line),) = found("card.md", "--select", "B606")
    assert line is not None
    assert line > lines
    for comment in ("<!-- mshub: ignore B606 -->", "<!--mshub:ignore v201, b6-->"):
        cells = (GOOD + bad).splitlines()
        cells.insert(line - 1, comment)
        path.write_text("\n".join(cells) + "\n", encoding="utf-8")
        assert codes("card.md", "--select", "B606") == []
    path.write_text(GOOD + "\n<!-- mshub: ignore B607 -->\n" + bad, encoding="utf-8")
    assert codes("card.md", "--select", "B606") == ["B606"]


def test_a_comment_behind_a_value_ignores_that_line_only() -> None:
    comment = " # <!-- mshub: ignore V201 -->"
    both = (
        (RELEASE, f"model-version: 1.90{comment}"),
        ("mindspore-version: 1.9", "mindspore-version: 1.90"),
    )
    write("card.md", *both)
    ((_, _, line),) = found("card.md", "--select", "V201")
    assert line == line_of("mindspore-version: 1.9")
    write("card.md", (RELEASE, f"{comment.strip()}\nmodel-version: 1.90"))
    assert codes("card.md", "--select", "V201") == []


def test_a_comment_ignores_findings_of_the_whole_card() -> None:
    write("card.1.md", (RELEASE, "model-version: 1.90"))
    assert codes("card.1.md", "--select", "C512,V201") == ["C512", "V201"]
    text = Path("card.1.md").read_text(encoding="utf-8")
    Path("card.1.md").write_text(f"{text}<!-- mshub: ignore-file C512 -->\n", encoding="utf-8")
    assert codes("card.1.md", "--select", "C512,V201") == ["V201"]


@pytest.mark.parametrize(
    ("comment", "left"),
    [
        ("ignore-file C512 a name that users know", ["V201"]),
        ("ignore-file V2 because C512 is for later", ["C512"]),
        ("ignore-file C512 v2 of the model", ["V201"]),
        ("ignore-file C512 V201", []),
        ("ignore-file c512,v2", []),
        ("ignore-file ALL", []),
        ("ignore-file DEFAULT all of them", []),
        ("ignore-file EXTENDED", ["C512", "V201"]),
        ("ignore-file V209, C512 - the name is the one of the paper", ["V201"]),
    ],
)
def test_codes_of_a_comment_end_where_its_reason_begins(comment: str, left: list[str]) -> None:
    text = write("card.1.md", (RELEASE, "model-version: 1.90")).read_text(encoding="utf-8")
    Path("card.1.md").write_text(f"{text}<!-- mshub: {comment} -->\n", encoding="utf-8")
    assert codes("card.1.md", "--select", "C512,V201,H930") == left


@pytest.mark.parametrize(
    ("ignored", "left"),
    [
        ("ALL", []),
        ("DEFAULT", ["F005"]),
        ("EXTENDED", ["C512", "V201"]),
        ("EXTENDED,V2", ["C512"]),
    ],
)
def test_groups_mean_the_same_wherever_codes_are_ignored(ignored: str, left: list[str]) -> None:
    text = write("card.1.md", (RELEASE, "model-version: 1.90")).read_text(encoding="utf-8")
    Path("card.1.md").write_text(text.rstrip("\n"), encoding="utf-8")
    options = ("card.1.md", "--select", "C512,V201,F005")
    assert codes(*options) == ["C512", "V201", "F005"]
    assert codes(*options, "--ignore", ignored) == left
    quoted = ", ".join(f"'{code}'" for code in ignored.split(","))
    table(f"[tool.mshub.per-card-ignores]\n'*.md' = [{quoted}]")
    assert codes(*options) == left
    table(f"select = ['C512', 'V201', 'F005']\nignore = [{quoted}]")
    assert codes("card.1.md") == left


def test_only_what_a_baseline_does_not_know_fails() -> None:
    card = write_bad("cards/card.md")
    options = ("cards", "--select", "V201,C501")
    done = run("check", *options, "--write-baseline", "known.json")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "known.json: 2 findings from now on known\n"
    again = run("check", *options, "--baseline", "known.json")
    assert (again.returncode, again.stdout) == (0, "")
    assert again.stderr == "1 card checked, 0 findings, 2 more in the baseline\n"
    text = card.read_text(encoding="utf-8")
    card.write_text(text.replace("# The MVD\n", "# The MVD\n\n\n"), encoding="utf-8")
    assert codes(*options, "--baseline", "known.json") == []
    table('baseline = "known.json"')
    assert codes(*options) == []
    version = "mindspore-version: 1.9"
    card.write_text(text.replace(version, f"{version}0"), encoding="utf-8")
    assert codes(*options) == ["V201"]
    card.write_text(text.replace("1.90", "1.80"), encoding="utf-8")
    assert codes(*options) == ["V201"]


def test_a_baseline_knows_as_many_as_it_has_seen() -> None:
    block = "\n```python\na = (\n```\n"
    Path("card.md").write_text(GOOD + block, encoding="utf-8")
    options = ("card.md", "--select", "B606")
    assert invoke("check", *options, "--write-baseline", "known.json").exit_code == 0
    Path("card.md").write_text(GOOD + block * 2, encoding="utf-8")
    assert codes(*options, "--baseline", "known.json") == ["B606"]


SECOND = """    asset-sha256: 6540c831b95f05f516ba7a5f13ee4bc2e92a603a1ec0b37e7ba9b37771cd7423
-
    file-format: ckpt
    asset-link: <https://download.mindspore.cn/models/r1.9/other.ckpt>
    asset-sha256: 0540c831b95f05f516ba7a5f13ee4bc2e92a603a1ec0b37e7ba9b37771cd7423
"""


@pytest.mark.parametrize(
    ("known", "new"),
    [
        (("user-id: MindSpore\n", ""), ("license: Apache2.0\n", "")),
        (("    asset-sha256: 65", "    x: 65"), ("    asset-sha256: 05", "    x: 05")),
        (
            (
                "    file-format: ckpt\n    asset-link: <https://download.mindspore.cn/models/r1.9/o",
                "    asset-link: <https://download.mindspore.cn/models/r1.9/o",
            ),
            ("    file-format: ckpt\n", ""),
        ),
    ],
    ids=["keys", "digests", "formats"],
)
def test_a_baseline_knows_what_is_wrong_at_a_place_that_others_share(
    known: tuple[str, str], new: tuple[str, str]
) -> None:
    digest = SECOND.partition("\n")[0] + "\n"
    options = ("card.md", "--select", "K101,A402")
    write("card.md", (digest, SECOND), known)
    assert invoke("check", *options, "--write-baseline", "known.json").exit_code == 0
    assert codes(*options, "--baseline", "known.json") == []
    write("card.md", ("# MVD\n", "# MVD\n\n\n"), (digest, SECOND), known)
    assert codes(*options, "--baseline", "known.json") == []
    write("card.md", (digest, SECOND), new)
    assert len(codes(*options, "--baseline", "known.json")) == 1


@pytest.mark.parametrize("absolute", [True, False])
def test_changed_gives_the_same_answer_inside_a_hook(
    absolute: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        write_bad(f"assets/{name}.md")
    git("init", "-q")
    git("add", "-A")
    git("commit", "-q", "-m", "first")
    git("worktree", "add", "-q", "other", "-b", "other")
    monkeypatch.chdir("other")
    with Path("assets/one.md").open("a", encoding="utf-8") as card:
        card.write("\n")
    directory = Path("../.git/worktrees/other")
    monkeypatch.setenv("GIT_DIR", str(directory.absolute() if absolute else directory))
    monkeypatch.setenv("GIT_INDEX_FILE", str(directory / "index"))
    monkeypatch.setenv("GIT_PREFIX", "")
    monkeypatch.setenv("GIT_WORK_TREE", ".")
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(tmp_path / "quarantine"))
    options = ("assets", "--changed", "--select", "V201")
    assert [path for path, *_ in found(*options)] == ["one.md"]
    before = Path("assets/two.md").read_bytes()
    assert invoke("check", *options, "--fix").exit_code == 0
    assert Path("assets/two.md").read_bytes() == before


def test_changed_reports_cards_that_differ_from_a_commit() -> None:
    for name in ("old", "edited", "added", "committed"):
        write_bad(f"cards/{name}.md")
    Path("cards/added.md").unlink()
    Path("cards/committed.md").unlink()
    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-q", "-m", "first")
    options = ("--select", "V201")
    assert found("cards", "--changed", *options) == []
    write("cards/edited.md", (RELEASE, "model-version: 1.80"))
    write_bad("cards/added.md")
    assert [path for path, *_ in found("cards", "--changed", *options)] == ["added.md", "edited.md"]
    write_bad("cards/committed.md")
    git("switch", "-q", "-c", "work")
    git("add", "cards/committed.md")
    git("commit", "-q", "-m", "second")
    names = [path for path, *_ in found("cards", "--changed=main", *options)]
    assert names == ["added.md", "committed.md", "edited.md"]
    assert [path for path, *_ in found("--changed", "cards", *options)] == ["added.md", "edited.md"]
    git("branch", "-q", "--set-upstream-to=main")
    assert len(found("cards", "--changed", *options)) == 3
    done = run("check", "cards", "--changed", *options)
    assert done.stderr == "4 cards checked, 3 of them changed, 3 findings, 3 fixable with --fix\n"
    done = run("check", "cards", "--changed=nope", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--changed: 'nope' is not a commit of the repository" in done.stderr


def test_changed_reads_all_cards_for_rules_across_cards() -> None:
    for name in ("one", "two"):
        write(f"cards/mindspore/1.9/{name}.md")
    git("init", "-q")
    git("add", "cards/mindspore/1.9/one.md")
    git("commit", "-q", "-m", "first")
    assert {path for path, *_ in found("cards", "--changed", "--select", "X702")} == {
        "mindspore/1.9/two.md"
    }


def copy_of_the_hub() -> Path:
    return checkpoints.copy_hub(Path("hub")) / "assets/mindspore/1.9"


def test_a_part_of_a_hub_is_checked_as_the_whole_is() -> None:
    release = copy_of_the_hub()
    card = release / "mvd_visibletoinfrared_regdb.md"
    text = card.read_text(encoding="utf-8")
    assert found("hub") == []
    for old, new, code in (
        ("num_class: 206", "num_klass: 206", "H902"),
        ("num_class: 206", "num_class: -1", "H903"),
        ("input-shape: [3", "input-shape: [0", "H904"),
        ("## Usage", "## Use", "H906"),
        ("summary: MVD", "summary: a:b MVD", "H907"),
        ("asset-size: 324 MB", "asset-size: 324", "H908"),
        ("interpolation: lanczos", "interpolation: cubic", "H909"),
        ("outputs: [0, 1, 2, 3]", "outputs: [9]", "H910"),
        ("name: regdb", "name: nowhere", "H910"),
        ("## Usage", "`mshub eval mindspore/0.1/no_card`\n\n## Usage", "H912"),
        ("rank1acc71 |", "rank1acc12.3 |", "H913"),
        ("## Usage", "TODO\n\n## Usage", "H914"),
        ("    asset-size: 324 MB\n", "", "H915"),
        ("## Limits", "## Odds", "H916"),
        ("author: ", "default: True\n\nauthor: ", "H901"),
    ):
        assert old in text
        card.write_text(text.replace(old, new), encoding="utf-8")
        wanted = [key[1:] for key in found("hub", "--select", code) if key[0].endswith(card.name)]
        assert wanted
        for part in (card, release, release.parent):
            keys = found(str(part), "--select", code)
            assert [key[1:] for key in keys if key[0].endswith(card.name)] == wanted


def test_a_part_of_a_hub_is_compared_with_the_whole_and_reported_alone() -> None:
    release = copy_of_the_hub()
    (copy := release.parent / "1.8" / "copy_regdb.md").write_bytes(
        (release.parent / "1.8" / "ddag_infraredtovisible_regdb.md").read_bytes()
    )
    assert codes(str(copy), "--select", "X702,H901") == ["X702"]
    assert {path for path, *_ in found(str(copy), "--select", "X702")} == {str(copy)}
    assert codes(str(release), "--select", "X702,H901") == []
    other = copy.with_name("ddag_infraredtovisible_regdb.md")
    assert set(codes(str(other), "--select", "X702,H901")) == {"X702", "H901"}
    copy.unlink()
    assert codes(str(other), "--select", "X702") == []
    assert codes(str(release.parent / "1.8"), "--select", "X702") == []


@pytest.mark.parametrize(
    "unit",
    [
        "\n",
        " \t\n",
        "\f",
        "\v\n",
        "---\n",
        "[",
        "`",
        "<!-- mshub: ignore V2 ",
        "import a\n",
        "load(",
    ],
)
@pytest.mark.parametrize("in_code", [True, False])
def test_a_large_card_of_one_thing_comes_to_an_end(unit: str, *, in_code: bool) -> None:
    # Where a step takes time with the square of these, this test does not end in minutes.
    much = unit * (100_000 // len(unit))
    block = f"\n```python\nimport mindspore_hub\n{much}\n```\n" if in_code else f"\n{much}\n"
    Path("card.md").write_text(GOOD + block, encoding="utf-8")
    done = invoke("check", "card.md", "--select", "ALL", "--format", "concise")
    assert done.exit_code in {0, 1}
    assert "H900" not in done.stdout


def test_a_hub_is_read_once_for_all_cards_that_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    release = copy_of_the_hub()
    read = []
    real = paths.read_bytes
    monkeypatch.setattr(paths, "read_bytes", lambda path: read.append(path) or real(path))
    names = sorted(str(path) for path in release.iterdir())
    assert found(*names) == []
    assert len(read) == len(set(read)) == len([*release.parent.rglob("*.md")])


def test_cards_that_are_let_go_are_compared_as_others_are(monkeypatch: pytest.MonkeyPatch) -> None:
    release = copy_of_the_hub()
    for path in [*release.iterdir(), *release.with_name("1.8").iterdir()]:
        text = path.read_text(encoding="utf-8")
        text = text.replace("acc7", "acc3").replace("## Usage", "## Use")
        release.with_name("2.0").mkdir(exist_ok=True)
        release.with_name("2.0").joinpath(path.name).write_text(text, encoding="utf-8")
    options = ("hub", "--select", "ALL")
    whole = invoke("check", *options)
    monkeypatch.setattr(check, "_WHOLE", 1)
    few = invoke("check", *options)
    assert few.stdout == whole.stdout
    assert {"X703", "H901", "H912"} <= set(codes(*options))


def test_a_card_that_changes_after_it_was_let_go_is_no_crash(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("one", "two"):
        write(f"cards/{name}.md")
    real = check._of_hub

    def change(*given: Any) -> Iterator[Finding]:
        write("cards/two.md", ("# MVD", "# Another"))
        return real(*given)

    monkeypatch.setattr(check, "_WHOLE", 0)
    monkeypatch.setattr(check, "_of_hub", change)
    done = invoke("check", "cards")
    assert done.exit_code == 1
    assert isinstance(done.exception, CardError)
    assert "cards/two.md has changed while it was checked" in str(done.exception)


def test_a_check_holds_few_cards_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "_WHOLE", 20)

    def peak(count: int) -> int:
        folder = Path(f"cards{count}")
        for number in range(count):
            write(f"{folder}/mindspore/1.{number}/card.md", (RELEASE, f"model-version: 1.{number}"))
        tracemalloc.start()
        check.check_paths([folder])
        bytes_at_most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return bytes_at_most

    few = peak(60)
    assert (peak(160) - few) / 100 < 8_000


def test_a_part_of_a_hub_is_compared_with_the_rest_as_it_is_now() -> None:
    release = copy_of_the_hub()
    options = (str(release), "--select", "H901")
    assert codes(*options) == []
    other = next(path for path in release.iterdir() if "default: True" in path.read_text("utf-8"))
    assert other.parent == release
    moved = release.parent / "1.8" / other.name
    moved.write_bytes(other.read_bytes())
    assert codes(*options) == ["H901"]
    moved.unlink()
    assert codes(*options) == []


def test_a_card_of_a_hub_is_mended_with_the_whole_in_mind() -> None:
    release = copy_of_the_hub()
    card = release / "mvd_visibletoinfrared_regdb.md"
    text = card.read_text(encoding="utf-8")
    wrong = text.replace("interpolation: lanczos", "interpolation: Lanczos")
    card.write_text(wrong, encoding="utf-8")
    assert invoke("check", str(card), "--fix").exit_code == 0
    assert card.read_text(encoding="utf-8") == text


def test_changed_works_before_the_first_commit() -> None:
    write_bad("card.md")
    git("init", "-q")
    git("add", "-A")
    assert codes("card.md", "--changed", "--select", "V201") == ["V201"]


CHECK = """
import sys
import click  # which imports subprocess itself on Python 3.10
given = set(sys.modules)
from mindspore_hub.commands.main import main

try:
    main()
finally:
    heavy = "rich pydantic jinja2 numpy mindspore urllib3 yaml markdown_it tomllib subprocess xml"
    other = "logging decimal difflib html tempfile hashlib mindspore_hub.files.download mindspore_hub.hub.hub"
    unread = "mindspore_hub.checking.rules.extended. mindspore_hub.checking.rules.off."
    print(
        [name for name in (heavy + " " + other).split() if name in sys.modules.keys() - given],
        [name for name in sys.modules if name.startswith(tuple(unread.split()))],
        file=sys.stderr,
    )
"""


def imported_by(*arguments: str) -> str:
    """What of the above a command has imported."""
    done = subprocess.run(
        [sys.executable, "-c", CHECK, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return done.stderr.splitlines()[-1]


def test_a_check_of_one_card_imports_nothing_that_it_does_not_need() -> None:
    write("card.md")
    assert imported_by("card", "check", "card.md") == "[] []"
    in_assets = write("assets/mindspore/1.9/mvd_visibletoinfrared_regdb.md")
    assert imported_by("card", "check", str(in_assets)) == "[] []"


def test_a_check_imports_what_it_needs() -> None:
    write("card.md")
    text = Path("card.md").read_text(encoding="utf-8")
    Path("card.md").write_text(text.replace("model-name:", "model-name: >\n ", 1), encoding="utf-8")
    found = imported_by("card", "check", "card.md", "--extend-select", "K105")
    assert "'yaml'" in found
    assert found.endswith(" ['mindspore_hub.checking.rules.extended.k105_no_metrics']")


def test_new_writes_a_card_that_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    path = Path("assets/botany/1.10/leafnet_herbarium.md")
    done = run("new", str(path), "--model", "LeafNet")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{path}\n", "")
    text = path.read_text(encoding="utf-8")
    assert 'load("botany/1.10/leafnet_herbarium")' in text
    assert 'mindspore-version: "1.10"' in text
    assert "update-time: 2023-11-14" in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    checked = invoke("check", str(path), "--severity", "warning")
    assert (checked.exit_code, checked.stdout) == (0, "")
    again = run("new", str(path), "--model", "Other")
    assert (again.returncode, again.stdout) == (1, "")
    assert "is there already and was not touched" in again.stderr
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("value", ["²", "today", "1e9", "9" * 17, "9" * 40])
def test_new_refuses_a_date_that_is_none(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", value)
    done = run("new", "x.md", "--model", "LeafNet")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"mshub: error: SOURCE_DATE_EPOCH must be seconds since 1970, but is {value!r}; correct it "
        "or unset it.\n"
    )
    assert not Path("x.md").exists()


def test_new_says_todo_where_something_is_left_to_say() -> None:
    Path("models").mkdir()
    path = "assets/botany/2.7/leafnet_cifar10.md"
    assert invoke("new", path, "--model", "LeafNet").exit_code == 0
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    left = [number for number, line in enumerate(lines, 1) if "TODO" in line]
    assert lines[left[0] - 1] == "author: TODO"
    assert found(".", "--select", "H914") == [(path, "H914", number) for number in left]


NEW = {
    "author": "Botany lab",
    "train-dataset": "cifar10",
    "evaluation": "acc91.5 | mAP60",
    "repo-link": "https://gitee.com/botany/nets/tree/r2.7/research/cv/LeafNet",
    "input-shape": "[3, 32, 32]",
    "output-shape": "[[10], [8]]",
    "asset-link": "https://download.mindspore.cn/models/r2.7/"
    "leafnet_ascend_v270_cifar10_research_cv_acc91.5_mAP60.ckpt",
    "asset-sha256": "3f5b8c0d9e1a47b26c8f0e5d7a9b1c3e4f6d8a0b2c4e6f8091a3b5c7d9e0f214",
    "asset-size": "1 MB",
    "network-args": "{num_class: 10}",
    "preprocessing": "{library: pillow, size: [32, 32], interpolation: bilinear, order: RGB, "
    "mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], layout: CHW, modality: visible}",
    "task": "{name: retrieval, outputs: [1], distance: dot}",
    "citation": "A. Author. *Leaves*. 2025.",
}


def test_new_with_all_facts_leaves_nothing_to_say() -> None:
    Path("models").mkdir()
    Path("models", "leafnet.py").write_text(
        "class LeafNet:\n    def __init__(self, num_class: int = 10) -> None: ...\n",
        encoding="utf-8",
    )
    options = [f"--{key}={value}" for key, value in NEW.items()]
    path = "assets/botany/2.7/leafnet_cifar10.md"
    assert invoke("new", path, "--model", "LeafNet", *options).exit_code == 0
    assert CliRunner().invoke(mshub, ["generate", "--hub", "."]).exit_code == 0
    done = invoke("check", ".", "--extend-select", "EXTENDED")
    assert (done.exit_code, done.stdout) == (0, "")
    text = Path(path).read_text(encoding="utf-8")
    assert "print(output.shape)  # (2, 10), (2, 8)" in text
    assert "Published: acc91.5, mAP60 on cifar10, as stated by Botany lab." in text


def test_new_takes_all_facts() -> None:
    facts = {
        "backbone-name": "ResNet: 50",
        "module-type": "cv-classification",
        "evaluation": "top1acc75.6 | top5acc92.1",
        "train-dataset": "imagenet2012",
        "repo-link": "https://gitee.com/botany/leafnet/tree/r1.9/research/cv/leafnet",
        "asset-link": "https://download.mindspore.cn/models/r1.9/leafnet.ckpt",
        "asset-sha256": "0" * 63 + "a",
        "summary": "yes",
    }
    options = [item for key, value in facts.items() for item in (f"--{key}", value)]
    refused = run("new", "x/1.9/leafnet.md", "--model", "LeafNet", *options)
    if refused.returncode:  # upstream takes no colon in most values
        assert "would not pass the check and was not written" in refused.stderr
        assert not Path("x").exists()
        facts["backbone-name"] = "ResNet 50"
        options = [item for key, value in facts.items() for item in (f"--{key}", value)]
        assert run("new", "x/1.9/leafnet.md", "--model", "LeafNet", *options).returncode == 0
    shown = json.loads(run("show", "x/1.9/leafnet.md").stdout)
    assert shown["backbone_name"] == facts["backbone-name"]
    assert shown["asset"][0]["asset_sha256"] == facts["asset-sha256"]
    assert shown["summary"] == "yes"
    assert [item["value"] for item in shown["metrics"]] == ["75.6", "92.1"]


def test_new_writes_nothing_that_would_not_pass() -> None:
    done = run("new", "card.md", "--model", "LeafNet", "--update-time", "2022-02-30")
    assert (done.returncode, done.stdout) == (1, "")
    assert "card.md would not pass the check and was not written:\nV209 " in done.stderr
    assert list(Path().iterdir()) == []
    done = run("new", "card.txt", "--model", "LeafNet")
    assert (done.returncode, done.stdout) == (1, "")
    assert "let it end in .md" in done.stderr


def test_the_first_card_of_a_model_in_a_hub_is_its_default() -> None:
    Path("models").mkdir()
    first = invoke("new", "assets/botany/1.9/leafnet_herbarium.md", "--model", "LeafNet")
    second = invoke("new", "assets/botany/1.9/leafnet_garden.md", "--model", "LeafNet")
    assert (first.exit_code, second.exit_code) == (0, 0)
    text = {path.stem: path.read_text(encoding="utf-8") for path in Path("assets").rglob("*.md")}
    assert "\ndefault: True\n" in text["leafnet_herbarium"]
    assert "default:" not in text["leafnet_garden"]
    assert codes(".", "--select", "H901") == []


def test_show_prints_the_facts_of_a_name_or_a_path() -> None:
    write_bad()
    by_name, by_path = run("show", "MVD@regdb-visibletoinfrared"), run("show", "card.md")
    assert (by_name.returncode, by_name.stderr) == (0, "")
    assert json.loads(by_name.stdout) == mindspore_hub.info("MVD@regdb-visibletoinfrared").to_dict()
    assert json.loads(by_path.stdout)["model_version"] == "1.90"
    assert run("show", "absent.md").returncode == 3


def as_yaml(path: Path) -> object:
    front = path.read_text(encoding="utf-8").split("---\n")[1]
    facts = yaml.safe_load(front)
    facts["update-time"] = facts["update-time"].isoformat()
    return facts


def test_the_schema_is_one_and_every_card_of_the_hub_fits_it() -> None:
    done = run("schema")
    assert (done.returncode, done.stderr) == (0, "")
    schema = json.loads(done.stdout)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    validator = Draft202012Validator(schema)
    for card in CARDS:
        facts = as_yaml(card.path)
        assert list(validator.iter_errors(facts)) == []
        broken = {**facts, "asset": [{**facts["asset"][0], "asset-sha256": "x"}], "nope": 1}
        del broken["license"]
        assert len(list(validator.iter_errors(broken))) == 3


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[server.FileServer]:
    """A file server that also answers requests for heads."""
    monkeypatch.setattr(server.Handler, "do_HEAD", server.Handler.do_GET, raising=False)
    (tmp_path / "files").mkdir()
    with server.FileServer(tmp_path / "files") as started:
        yield started


def write_links(*links: str) -> None:
    lines = "\n\n".join(f"A [link]({link})." for link in links)
    head = GOOD.partition("## Introduction")[0]
    lines_of_head = [line for line in head.splitlines() if "-link:" not in line]
    Path("card.md").write_text("\n".join(lines_of_head) + f"\n\n{lines}\n", encoding="utf-8")


def online(*options: str) -> list[tuple[str, str, str]]:
    select = ("--online", "--select", "H950", "--format", "json", *options)
    done = invoke("check", "card.md", *select)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    items = json.loads(done.stdout)
    return [(item["code"], item["severity"], item["message"]) for item in items]


def test_links_are_asked_for_on_demand_only(files: server.FileServer) -> None:
    files.on("/gone", server.status(404))
    write_links(f"{files.url}/gone")
    assert codes("card.md", "--select", "ALL", "--severity", "warning").count("H950") == 0
    assert files.requests == []
    message = f"{files.url}/gone leads nowhere (status 404)"
    assert online() == [("H950", "warning", message)]
    assert files.requests == ["HEAD /gone", "GET /gone"]
    assert online("--ignore", "H950") == []


def test_answers_are_kept_for_a_while(files: server.FileServer) -> None:
    files.on("/gone", server.status(410))
    files.on("/busy", server.status(503))
    files.on("/here", server.status(200))
    write_links(*(f"{files.url}/{name}#part" for name in ("gone", "here", "here", "busy")))
    before = online()
    assert [severity for _, severity, _ in before] == ["warning", "info"]
    assert sorted(files.requests) == [
        "GET /busy",
        "GET /gone",
        "HEAD /busy",
        "HEAD /gone",
        "HEAD /here",
    ]
    files.requests.clear()
    assert online() == before
    assert sorted(files.requests) == ["GET /busy", "HEAD /busy"]
    store = Path(os.environ["MSHUB_HOME"]) / "links.json"
    known = json.loads(store.read_text(encoding="utf-8"))
    for entry in known["links"].values():
        entry["checked"] -= 2 * 24 * 60 * 60
    store.write_text(json.dumps(known), encoding="utf-8")
    files.requests.clear()
    assert online() == before
    assert len(files.requests) == 5
    store.write_text("{", encoding="utf-8")
    assert online() == before


def test_answers_are_kept_without_what_may_be_secret(files: server.FileServer) -> None:
    files.on("/gone", server.status(410))
    addresses = [f"{files.url}/gone?token=SECRET{number}" for number in range(2)]
    write_links(*addresses, addresses[0].replace("//", "//me:SECRET@"))
    before = online()
    assert [message for _, _, message in before] == [
        *[f"{files.url}/gone?*** leads nowhere (status 410)"] * 2,
        f"{files.url.replace('//', '//***@')}/gone leads nowhere (status 410)",
    ]
    files.requests.clear()
    assert online() == before
    assert files.requests == []
    kept = (Path(os.environ["MSHUB_HOME"]) / "links.json").read_text(encoding="utf-8")
    assert len(json.loads(kept)["links"]) == 3
    assert "SECRET" not in kept


def test_a_server_that_refuses_heads_is_asked_for_the_whole(files: server.FileServer) -> None:
    files.on("/page", server.status(405), server.good)
    (files.folder / "page").write_bytes(b"page")
    write_links(f"{files.url}/page")
    assert online() == []
    assert files.requests == ["HEAD /page", "GET /page"]


def test_a_passing_failure_is_tried_again(
    files: server.FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MSHUB_RETRIES", "1")
    files.on("/page", server.status(503), server.status(503), server.status(200))
    write_links(f"{files.url}/page")
    assert online() == []


def test_a_redirect_is_followed_and_silence_is_no_verdict(files: server.FileServer) -> None:
    files.on("/old", server.redirect(f"{files.url}/new"))
    files.on("/new", server.status(200))
    write_links(f"{files.url}/old", "https://127.0.0.1:1/silent")
    ((code, severity, message),) = online()
    assert (code, severity) == ("H950", "info")
    assert message.startswith("https://127.0.0.1:1/silent could not be checked: ")


def test_certificates_are_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server.Handler, "do_HEAD", server.Handler.do_GET, raising=False)
    (tmp_path / "files").mkdir()
    with server.FileServer(tmp_path / "files", tls=True) as files:
        files.on("/page", server.status(200))
        write_links(f"{files.url}/page")
        ((_, severity, message),) = online()
        assert severity == "info"
        assert "certificate" in message.lower()
        monkeypatch.setenv("SSL_CERT_FILE", str(files.ca_file))
        assert online() == []


@pytest.mark.parametrize(
    "address",
    [
        "http://[your-host]/api",
        "http://[::1",
        "http://::1]/x",
        "http://[1.2.3.4]/x",
        "http://host:99999/x",
        "http://host:0/x",
        "http://host:port/x",
        "http://your host/x",
        "http://your%20host/x",
        "http://{host}/x",
        "http://$HOST:8080/",
        "http:///x",
        "http://a..b/x",
        f"http://{'a' * 64}.example.org/",
        "https://",
    ],
)
def test_what_is_no_address_is_said_to_be_none(files: server.FileServer, address: str) -> None:
    files.on("/gone", server.status(404))
    write_links(f"<{address}>", f"{files.url}/gone")
    assert online() == [
        ("H950", "info", f"{address} could not be checked: no address"),
        ("H950", "warning", f"{files.url}/gone leads nowhere (status 404)"),
    ]


@pytest.mark.parametrize("target", ["http://[your-host]/", "http://host:99999/", "//a..b/"])
def test_redirect_to_no_address_is_said_without_advice_about_a_proxy(
    files: server.FileServer, target: str
) -> None:
    files.on("/old", server.redirect(target))
    write_links(f"{files.url}/old")
    ((code, severity, message),) = online()
    assert (code, severity) == ("H950", "info")
    assert "could not be checked: redirects to" in message
    assert "PROXY" not in message


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ('<a href="{0}/q?a=1&amp;b=2">x</a>', "/q?a=1&b=2"),
        ("<a href='{0}/q?a=1&#38;b=2'>x</a>", "/q?a=1&b=2"),
        ('<a href="{0}/q?a=1&#x26;b=2">x</a>', "/q?a=1&b=2"),
        ('<a href="{0}/q?a=1&copy=2">x</a>', "/q?a=1&copy=2"),
        ('<img src="{0}/q?a=%22&nosuch;">', "/q?a=%22&nosuch;"),
        ("<p><a href={0}/q?a=1&amp;b=2>x</a></p>", "/q?a=1&b=2"),
        ('<p>\n<a href="{0}/q?a=1&AMP;b=2">x</a></p>', "/q?a=1&b=2"),
        ("[x]({0}/q?a=1&amp;b=2)", "/q?a=1&b=2"),
        ("<{0}/q?a=1&amp;b=2>", "/q?a=1&b=2"),
        ("bare {0}/q?a=1&b=2, and more", "/q?a=1&b=2"),
        ("bare ({0}/q_1_(2)).", "/q_1_(2)"),
        ("**{0}/q**", "/q"),
        ("见{0}/q。好", "/q"),
        ("| a | b |\n| - | - |\n| 1 | {0}/q |", "/q"),
        ("- item {0}/q\\_1", "/q_1"),
        ("> {0}/q!", "/q"),
    ],
)
def test_addresses_are_asked_for_as_a_reader_would(
    files: server.FileServer, written: str, asked: str
) -> None:
    files.on("/gone", server.status(404))
    write_links(f"{files.url}/gone")
    card = Path("card.md")
    card.write_text(card.read_text() + "\n" + written.format(files.url) + "\n", encoding="utf-8")
    online()
    assert set(files.requests) - {"HEAD /gone", "GET /gone"} == {f"HEAD {asked}", f"GET {asked}"}


@pytest.mark.parametrize(
    "written", ["`{0}/q`", "```\n{0}/q\n```", "<!-- {0}/q -->", "x{0}/q", "![p](x.png '{0}/q')"]
)
def test_addresses_that_are_no_links_are_not_asked_for(
    files: server.FileServer, written: str
) -> None:
    write_links()
    card = Path("card.md")
    card.write_text(card.read_text() + "\n" + written.format(files.url) + "\n", encoding="utf-8")
    assert online() == []
    assert files.requests == []


def test_place_of_a_bare_address_is_where_it_begins(files: server.FileServer) -> None:
    write_links(f"x) and {files.url}/a?b=1&amp;c=2")
    text = Path("card.md").read_text(encoding="utf-8").replace("A [link](x) and", "See")
    Path("card.md").write_text(text, encoding="utf-8")
    done = invoke("check", "card.md", "--online", "--select", "H950", "--format", "json")
    assert [item["column"] for item in json.loads(done.stdout)] == [5]


@pytest.mark.parametrize(
    "content",
    [
        '{"links": ["https://example.org"]}',
        '{"links": {}, "owner": "x"}',
        "[1]",
        "1\n2\n",
        '{"x": {}}',
    ],
)
def test_links_of_another_program_in_the_store_stay(files: server.FileServer, content: str) -> None:
    store = Path(os.environ["MSHUB_HOME"], "links.json")
    store.parent.mkdir()
    store.write_text(content, encoding="utf-8")
    files.on("/here", server.status(200))
    write_links(f"{files.url}/here")
    assert online() == []
    assert store.read_text(encoding="utf-8") == content


@pytest.mark.parametrize("content", [b"", b"\0\0\0"])
def test_answers_are_kept_again_after_a_power_cut(files: server.FileServer, content: bytes) -> None:
    store = Path(os.environ["MSHUB_HOME"], "links.json")
    store.parent.mkdir()
    store.write_bytes(content)
    files.on("/here", server.status(200))
    write_links(f"{files.url}/here")
    assert online() == online() == []
    assert files.requests == ["HEAD /here"]


def test_offline_forbids_asking_for_links() -> None:
    write("card.md")
    done = run("check", "card.md", "--online", MSHUB_OFFLINE="1")
    assert (done.returncode, done.stdout) == (6, "")
    assert "--online needs the network" in done.stderr


def test_scalars_of_links_keep_their_place(files: server.FileServer) -> None:
    files.on("/gone", server.status(404))
    link = f"<{files.url}/gone>"
    repo = next(line for line in GOOD.splitlines() if line.startswith("repo-link:"))
    write("card.md", (repo, f"repo-link: {link}"))
    text = Path("card.md").read_text(encoding="utf-8").partition("## Introduction")[0]
    asset = next(line for line in text.splitlines() if "asset-link:" in line)
    Path("card.md").write_text(text.replace(asset, f"    asset-link: {link}"), encoding="utf-8")
    lines = [line for _, _, line in found("card.md", "--online", "--select", "H950")]
    assert lines == [line_of(repo), line_of(asset)]


@pytest.mark.parametrize("mark", ["```", "~~~", "````", "  ```"])
@pytest.mark.parametrize("language", ["python", "", "shell"])
def test_a_code_block_that_is_not_closed_is_one_finding_where_it_opens(
    mark: str, language: str
) -> None:
    path = write("card.md", ("## License", f"{mark}{language}\nx = 1\n\n## License"))
    line = path.read_text(encoding="utf-8").split("\n").index("x = 1")
    assert found("card.md", "--extend-select", "EXTENDED", "--ignore", "C511") == [
        ("card.md", "H922", line)
    ]
    (item,) = json.loads(invoke("check", "card.md", "--format", "json").stdout)
    assert item["message"] == f"the code block of line {line} is not closed"


@pytest.mark.parametrize("mark", ["```python", "   ```", "  ```text", "```txt"])
def test_a_code_block_inside_which_another_begins_is_not_closed(mark: str) -> None:
    path = write(
        "card.md", ("## License", f"{mark}\nx = 1\n\n## License\n\n```python\ny = 2\n```\n")
    )
    line = path.read_text(encoding="utf-8").split("\n").index("x = 1")
    assert found("card.md", "--extend-select", "EXTENDED", "--ignore", "C511") == [
        ("card.md", "H922", line)
    ]


@pytest.mark.parametrize(
    "body",
    [
        "```markdown\n```python\n```",
        "````\n```python\nx\n```\n````",
        "~~~\n```python\n~~~",
        "```\nx\n```",
    ],
)
def test_a_fence_that_is_shown_in_a_code_block_closes_nothing(body: str) -> None:
    write("card.md", ("## License", f"{body}\n\n## License"))
    assert found("card.md", "--extend-select", "EXTENDED", "--ignore", "C511") == []


@pytest.mark.parametrize(
    "value",
    [
        *("0123", "true", "1e3", "0x1F", "0o17", "1_000", "12", "1.5", "null", "~", "yes", "No"),
        *("y", "2024-05-17", ".5", "-3", "+1", "[a]", "{a: b}", "a #b", "#1", "- a", "'x'", "*a"),
        *("&a", "!x", ".inf", ".nan", "<<", "=", "0b1", "1.", "@x", "%x", "`x`", "|", "> x", "? x"),
        *("on", "Team 7"),
        *("Zürich", "a\\b", 'say "x"', "0" * 20, "True story", "a\x85b", "a\u2028b", "a\ufeffb"),
    ],
)
@pytest.mark.parametrize("key", ["author", "user-id", "summary"])
def test_new_writes_a_text_that_every_reader_takes_for_that_text(key: str, value: str) -> None:
    path = Path("assets/botany/2.7/leafnet_cifar10.md")
    done = invoke("new", str(path), "--model", "LeafNet", f"--{key}={value}")
    assert (done.exit_code, done.output) == (0, f"{path}\n")
    assert yaml.safe_load(path.read_text(encoding="utf-8").split("---\n")[1])[key] == value
    assert json.loads(invoke("show", str(path)).stdout)[key.replace("-", "_")] == value


@pytest.mark.parametrize(
    ("key", "value", "read"),
    [
        ("fine-tunable", "False", False),
        ("update-time", "2024-05-17", datetime.date(2024, 5, 17)),
        ("model-version", "1.9", 1.9),
        ("model-version", "1.10", "1.10"),
        ("model-version", "2.0", "2.0"),
        ("mindspore-version", "2.3.1", "2.3.1"),
        ("input-shape", "3,32,32", [3, 32, 32]),
        ("input-shape", " 3, 32, 32 ", [3, 32, 32]),
        ("input-shape", "[3,32,32]", [3, 32, 32]),
        ("input-shape", "[[3,32,32], [108]]", [[3, 32, 32], [108]]),
        ("input-shape", "[3, 4], [5]", [[3, 4], [5]]),
        ("output-shape", "10", [10]),
    ],
)
def test_new_writes_what_is_no_text_as_what_it_is(key: str, value: str, read: object) -> None:
    folder = "2.3.1" if key == "mindspore-version" else "2.7"
    path = Path(f"assets/botany/{folder}/leafnet_cifar10.md")
    done = invoke("new", str(path), "--model", "LeafNet", f"--{key}={value}")
    assert (done.exit_code, done.output) == (0, f"{path}\n")
    assert yaml.safe_load(path.read_text(encoding="utf-8").split("---\n")[1])[key] == read


@pytest.mark.parametrize(
    "shape", ["3 x 32 x 32", "3,-1", "[3, 32", "3,,32", "[[3], 4]", "0", "a", "[]", "3.5", "{a: 1}"]
)
def test_new_refuses_a_shape_that_is_none(shape: str) -> None:
    done = invoke("new", "card.md", "--model", "LeafNet", f"--input-shape={shape}")
    assert (done.exit_code, done.stdout) == (1, "")
    assert f"input-shape is {shape!r}, which is not a shape; write `[3, 288, 144]`" in str(
        done.exception
    )
    assert not Path("card.md").exists()


@pytest.mark.parametrize(
    "name", ["class", "None", "lambda", "3dcnn", "se-net", "a b", "", "a.b", "\ufb01net"]
)
def test_new_refuses_a_name_that_no_class_can_have(name: str) -> None:
    done = invoke("new", "card.md", f"--model={name}")
    assert (done.exit_code, done.stdout) == (1, "")
    assert f"No class can have the model-name {name!r}; give a name" in str(done.exception)
    assert not Path("card.md").exists()


@pytest.mark.parametrize(
    ("stated", "cell", "agree"),
    [
        ("top1acc88.4", "88.4±0.2", True),
        ("top1acc0.2", "88.4 ± 0.2", False),
        ("top1acc88.4±0.3", "88.4 (+/-.3)", True),
        ("top1acc1.72e-05", "1.72E-5", True),
        ("top1acc0.2", r"$88.4 \pm 0.2$", False),
    ],
)
def test_a_row_states_its_figures_and_not_how_far_they_may_be_off(
    stated: str, cell: str, agree: bool
) -> None:
    text = rule_cases.first("C518").texts[rule_cases.CARD]
    text = text.replace("evaluation: top1acc88.4", f"evaluation: {stated}").replace("86.70", cell)
    Path("card.md").write_text(text, encoding="utf-8")
    assert codes("card.md", "--select", "C518") == ([] if agree else ["C518"])
