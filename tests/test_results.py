"""What a check keeps: a second run says what a first one would, whatever has changed in between."""

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import commands
import pytest
import rule_cases
from click.testing import CliRunner
from commands import ROOT
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mindspore_hub.checking import check, kept
from mindspore_hub.checking.rules import all_rules
from mindspore_hub.commands.main import mshub
from mindspore_hub.errors import HubError
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.hub import Hub

pytestmark = pytest.mark.usefixtures("folder")

PACKAGE = ROOT / "mindspore_hub"
HUB_RULES = [rule.code for rule in all_rules() if rule.check_hub]
GOOD = Hub.of().resolve("mvd_visibletoinfrared_regdb").path.read_text(encoding="utf-8")
RELEASE = "model-version: 1.9"
SHA256 = next(line for line in GOOD.splitlines() if "asset-sha256" in line)

REPORTS = [
    *(
        ("--output-format", style)
        for style in ("text", "concise", "json", "sarif", "github", "junit")
    ),
    ("--statistics",),
    ("--statistics", "--output-format", "json"),
]

Outcome = tuple[int, str, str]


def run(*arguments: str) -> Outcome:
    """Exit code and what is printed."""
    done = CliRunner().invoke(mshub, ["card", "check", *arguments])
    if isinstance(done.exception, HubError):
        return done.exception.exit_code, done.stdout, str(done.exception)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


def process(*arguments: str, **env: str) -> Outcome:
    """The same by a program of its own."""
    done = commands.run("card", "check", *arguments, cwd=Path.cwd(), **env)
    return done.returncode, done.stdout, done.stderr


def write(name: str, text: str) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="")
    return path


def write_bad(name: str) -> Path:
    return write(name, GOOD.replace(RELEASE, "model-version: 1.90"))


def shelved() -> list[Path]:
    return sorted(Path(os.environ["MSHUB_HOME"], "checks").iterdir())


@pytest.mark.parametrize("report", REPORTS, ids=" ".join)
def test_every_report_of_known_findings_is_that_of_a_check(report: tuple[str, ...]) -> None:
    for path in rule_cases.FOLDER.glob("*.yaml"):
        rule_cases.first(path.stem).write(Path("hubs", path.stem))
    arguments = ("hubs", "--select", "ALL", *report)
    afresh = run(*arguments, "--no-cache")
    assert afresh[0] == 1
    assert not Path(os.environ["MSHUB_HOME"]).exists()
    assert run(*arguments) == afresh
    assert len(shelved()) == 1
    assert run(*arguments) == afresh


@pytest.mark.parametrize("kind", ["wrong", "right"])
@pytest.mark.parametrize("code", HUB_RULES)
def test_known_findings_of_hubs_are_those_of_a_check(code: str, kind: str) -> None:
    hub = rule_cases.first(code, kind).write(Path("hub"))
    arguments = (str(hub), "--select", "ALL")
    afresh = run(*arguments, "--no-cache")
    assert [run(*arguments), run(*arguments)] == [afresh, afresh]


@pytest.mark.parametrize(
    "options",
    [
        ("--select", "V"),
        ("--ignore", "V201"),
        ("--extend-select", "ALL"),
        ("--severity", "error"),
        ("--output-format", "sarif"),
    ],
    ids=" ".join,
)
def test_each_choice_of_rules_has_findings_of_its_own(options: tuple[str, ...]) -> None:
    write(
        "cards/card.md", GOOD.replace(RELEASE, "model-version: 1.90").replace("# M", "# The M", 1)
    )
    usual = run("cards")
    chosen = run("cards", *options, "--no-cache")
    assert chosen != usual
    assert run("cards", *options) == run("cards", *options) == chosen
    assert run("cards") == usual


IMPORTED = """
import sys
from mindspore_hub.commands.main import main

try:
    main()
finally:
    print("rules" if "mindspore_hub.checking.rules" in sys.modules else "none", file=sys.stderr)
"""


def test_an_unchanged_folder_is_checked_by_no_rule() -> None:
    card = write_bad("cards/card.md")

    def imported() -> str:
        done = subprocess.run(
            [sys.executable, "-c", IMPORTED, "card", "check", "cards"],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert "V201" in done.stdout
        return done.stderr.splitlines()[-1]

    assert [imported(), imported()] == ["rules", "none"]
    card.write_text(card.read_text(encoding="utf-8") + "\nMore.\n", encoding="utf-8")
    assert [imported(), imported()] == ["rules", "none"]


def test_only_cards_that_changed_are_checked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    checked = []
    real = check.check_document

    def spy(document: Document, rules: list[check.Rule]) -> Iterator[check.Finding]:
        checked.append(document.path.name)
        return real(document, rules)

    monkeypatch.setattr(check, "check_document", spy)
    for name in "abc":
        write_bad(f"cards/{name}.md")
    run("cards")
    assert checked == ["a.md", "b.md", "c.md"]
    write("cards/b.md", GOOD)
    write("cards/d.md", GOOD)
    Path("cards/a.md").unlink()
    del checked[:]
    again = run("cards")
    assert checked == ["b.md", "d.md"]
    assert again == run("cards", "--no-cache")


def test_a_change_counts_that_no_time_and_no_size_shows() -> None:
    card = write_bad("cards/card.md")
    before = card.stat()
    assert "V201 1.90" in run("cards")[1]
    card.write_text(card.read_text(encoding="utf-8").replace("1.90", "1.70"), encoding="utf-8")
    os.utime(card, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (card.stat().st_size, card.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert "V201 1.70" in run("cards")[1]


@pytest.mark.parametrize("name", [None, "new.md"])
def test_what_changes_during_a_check_is_not_taken_for_what_was_checked(
    name: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in ("assets", "models", "mindspore_hub_conf"):
        shutil.copytree(ROOT / part, part)
    card = next(Path("assets").rglob("*.md"))
    real = check.check_together

    def late(tree: check.Tree, rules: list[check.Rule]) -> Iterator[check.Finding]:
        target = card.with_name(name) if name else card
        target.write_bytes(card.read_bytes() + b"\n")
        return real(tree, rules)

    monkeypatch.setattr(check, "check_together", late)
    run(".")
    assert not Path(os.environ["MSHUB_HOME"]).exists()


def test_a_single_card_is_not_kept() -> None:
    card = write_bad("card.md")
    assert run(str(card)) == run(str(card), "--no-cache")
    assert not Path(os.environ["MSHUB_HOME"]).exists()


def test_mended_cards_are_checked_again() -> None:
    write_bad("cards/card.md")
    assert "V201" in run("cards")[1]
    assert "V201" not in run("cards", "--fix")[1]
    assert run("cards") == run("cards", "--no-cache")
    assert "V201" not in run("cards")[1]


def flip(data: bytes) -> bytes:
    """A file in which one letter of a message is another."""
    assert b"reads as" in data
    return data.replace(b"reads as", b"reads is")


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda _: b"\xff\x00" * 100,
        lambda _: (
            b"0" * 64 + b"\n" + b'{"digests": {}, "looks": {}, "findings": {}, "sources": []}'
        ),
        lambda data: data[: len(data) // 2],
        lambda data: data.partition(b"\n")[2],
        lambda data: data + b" ",
        flip,
    ],
    ids=["empty", "binary", "foreign", "half", "headless", "longer", "flipped"],
)
def test_a_damaged_file_is_as_good_as_none(damage: Callable[[bytes], bytes]) -> None:
    write_bad("cards/card.md")
    usual = run("cards")
    (file,) = shelved()
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    assert file.read_bytes() != whole
    assert run("cards") == usual
    assert file.read_bytes() == whole


@pytest.mark.parametrize("name", ["", "checks", "file"])
def test_a_store_that_cannot_be_used_changes_nothing(name: str) -> None:
    write_bad("cards/card.md")
    usual = run("cards", "--no-cache")
    home = Path(os.environ["MSHUB_HOME"])
    if name == "file":
        run("cards")
        (file,) = shelved()
        file.unlink()
        file.mkdir()
    else:
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("in the way")
    assert process("cards") == usual


@pytest.mark.parametrize("variable", ["MSHUB_HOME", "MSHUB_TIMEOUT"])
def test_wrong_settings_are_for_those_to_report_who_need_them(variable: str) -> None:
    write_bad("cards/card.md")
    value = {"MSHUB_HOME": "~nobody-of-that-name/x", "MSHUB_TIMEOUT": "soon"}[variable]
    assert process("cards", **{variable: value}) == run("cards", "--no-cache")


def test_the_oldest_files_go_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "abc":
        write_bad(f"{name}/card.md")
    run("a")
    (first,) = shelved()
    os.utime(first, (0, 0))
    monkeypatch.setattr(kept, "MAX_BYTES", 2 * first.stat().st_size + 100)
    run("b")
    assert first in shelved()
    run("c")
    assert first not in shelved()
    assert len(shelved()) == 2
    monkeypatch.setattr(kept, "MAX_BYTES", 10)
    write_bad("d/card.md")
    run("d")
    assert len(shelved()) == 2


@pytest.mark.parametrize(
    "name",
    [
        "thesis.pdf",
        "notes.json",
        "a" * 64,
        f"{'a' * 63}.json",
        f"{'A' * 64}.json",
        f"{'a' * 64}.json.bak",
        f"x{'a' * 64}.json",
    ],
)
def test_files_of_other_programs_neither_count_nor_go(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = write(str(Path(os.environ["MSHUB_HOME"], "checks", name)), "x" * 100_000)
    os.utime(foreign, (1, 1))
    monkeypatch.setattr(kept, "MAX_BYTES", 90_000)
    write_bad("a/card.md")
    run("a")
    assert len(shelved()) == 2
    assert foreign.stat().st_size == 100_000


def test_what_is_no_regular_file_does_not_go(monkeypatch: pytest.MonkeyPatch) -> None:
    checks = Path(os.environ["MSHUB_HOME"], "checks")
    (checks / f"{'a' * 64}.json").mkdir(parents=True)
    target = write("target", "x" * 100_000)
    link = checks / f"{'b' * 64}.json"
    link.symlink_to(target.absolute())
    monkeypatch.setattr(kept, "MAX_BYTES", 90_000)
    write_bad("a/card.md")
    run("a")
    assert len(shelved()) == 3
    assert link.is_symlink()


def test_processes_at_the_same_time_agree() -> None:
    for number in range(20):
        write_bad(f"cards/{number}.md")
    with ThreadPoolExecutor(4) as pool:
        outcomes = set(pool.map(lambda _: process("cards"), range(4)))
    assert outcomes == {run("cards", "--no-cache")}
    assert [path.suffix for path in shelved()] == [".json"]


@pytest.mark.parametrize("name", ["rules/v201_version_loses_digits.py", "vocabulary/domains.txt"])
def test_findings_of_other_code_do_not_count(name: str) -> None:
    package = shutil.copytree(
        PACKAGE, "copy/mindspore_hub", ignore=shutil.ignore_patterns("__pycache__", "_hub")
    )
    write("cards/card.md", GOOD.replace(RELEASE, "model-version: 1.90"))

    def outcome() -> str:
        return process("cards", PYTHONPATH=str(Path("copy").absolute()))[1]

    before = outcome()
    assert outcome() == before
    file = Path(package, "cards", name)
    text = file.read_text(encoding="utf-8").replace(" reads as ", " becomes ")
    file.write_text(text.replace("cv\n", ""), encoding="utf-8")
    after = outcome()
    assert after != before
    assert after == process("cards", "--no-cache", PYTHONPATH=str(Path("copy").absolute()))[1]


_TOUCHING = frozenset(
    [
        "exists",
        "is_file",
        "is_dir",
        "is_symlink",
        "read_bytes",
        "read_text",
        "open",
        "stat",
        "lstat",
        "iterdir",
        "glob",
        "rglob",
        "walk",
        "scandir",
        "listdir",
        "resolve",
        "getcwd",
        "cwd",
        "environ",
        "getenv",
        "today",
        "now",
        "time",
    ]
)


@pytest.mark.parametrize(
    "path", sorted((PACKAGE / "cards/rules").rglob("[!_]*.py")), ids=lambda p: p.stem
)
def test_rules_look_at_files_through_what_notes_it(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Attribute) and node.attr in _TOUCHING:
            assert isinstance(node.value, ast.Name)
            assert node.value.id == "beside", f"line {node.lineno} asks past beside"
        assert not (isinstance(node, ast.Name) and node.id == "open")


CARDS = {
    "good": GOOD,
    "bad": GOOD.replace(RELEASE, "model-version: 1.90"),
    "ignored": GOOD.replace(RELEASE, f"{RELEASE}0  # <!-- mshub: ignore V201 -->"),
    "linked": f"{GOOD}\n![curve](images/loss.png) and [all](/README.md)\n",
    "other file": GOOD.replace(SHA256, "  asset-sha256: " + "0" * 64),
    "default": GOOD.replace(RELEASE, f"{RELEASE}\ndefault: True"),
    "other model": GOOD.replace("model-name: MVD", "model-name: LeafNet"),
    "translated": GOOD.replace(RELEASE, "模型版本: 1.8"),
    "not utf-8": GOOD + "\udcff",
    "empty": "",
}
NETWORK = (ROOT / "models" / "mvd.py").read_text(encoding="utf-8")
TEXTS = {
    "models/mvd.py": [NETWORK, NETWORK.replace("num_class", "classes"), "class MVD(\n"],
    "models/leafnet.py": ["class LeafNet:\n    pass\n"],
    "mindspore_hub_conf/MVD/mindspore_hub_conf.py": ["", "# mine\n"],
    "assets/me/1.9/images/loss.png": [""],
    "README.md": ["x", "\udcff"],
    "pyproject.toml": [
        '[tool.mshub]\nselect = ["V", "H"]\n',
        '[tool.mshub]\nignore = ["V201"]\n',
        '[tool.mshub.per-card-ignores]\n"*_cn.md" = ["X", "K"]\n',
        '[tool.mshub]\nselect = ["NONE"]\n',
    ],
}
OPTIONS = [(), ("--select", "ALL"), ("--ignore", "H,V2"), ("--output-format", "json"), ("--fix",)]

cards = st.tuples(
    st.sampled_from([f"assets/me/1.9/{name}.md" for name in ("mvd", "mvd_cn", "one", ".x")]),
    st.sampled_from([*CARDS.values()]),
)
files = st.sampled_from([(name, text) for name, texts in TEXTS.items() for text in texts])
removals = st.tuples(st.sampled_from([*TEXTS, "assets/me/1.9/mvd.md", "assets/me/1.9/one.md"]))
flips = st.tuples(
    st.sampled_from(["mvd", "mvd_cn", "one"]), st.integers(0, 3000), st.integers(0, 255)
)
folders = st.tuples(
    st.sampled_from(["assets/me/1.9/one.md", "models/leafnet.py", "README.md"]), st.none()
)


def apply(change: tuple[object, ...]) -> None:
    """Make a change to the files below the current folder."""
    match change:
        case (str(name), int(position), int(byte)):
            path = Path(f"assets/me/1.9/{name}.md")
            if path.is_file() and path.stat().st_size > position:
                data = bytearray(path.read_bytes())
                data[position] = byte
                path.write_bytes(data)
        case (str(name), text):
            path = Path(name)
            remove(path)
            path.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                path.mkdir()
            else:
                path.write_bytes(str(text).encode("utf-8", "surrogateescape"))
        case (str(name),):
            remove(Path(name))


def remove(path: Path) -> None:
    if path.is_dir():
        path.rmdir()
    path.unlink(missing_ok=True)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.lists(
        st.tuples(cards | files | removals | flips | folders, st.sampled_from(OPTIONS)), max_size=8
    )
)
@example(
    [(("assets/me/1.9/mvd.md", CARDS["linked"]), ()), (("assets/me/1.9/images/loss.png", ""), ())]
)
@example([(("models/mvd.py", "class MVD(\n"), ()), (("models/mvd.py",), ())])
@example(
    [
        (("assets/me/1.9/mvd_cn.md", CARDS["translated"]), ("--select", "ALL")),
        (("assets/me/1.9/mvd.md",), ("--select", "ALL")),
    ]
)
@example([(("assets/me/1.9/one.md", CARDS["other file"]), ()), (("assets/me/1.9/one.md",), ())])
@example([(("assets/me/1.9/one.md", None), ()), (("assets/me/1.9/one.md",), ())])
def test_whatever_changes_the_second_run_says_what_a_first_one_would(
    folder: Path, changes: list[tuple[tuple[object, ...], tuple[str, ...]]]
) -> None:
    shutil.rmtree(folder)
    folder.mkdir()
    os.chdir(folder)
    write("assets/me/1.9/mvd.md", CARDS["default"])
    write("assets/me/1.9/zuletzt.md", GOOD)
    write("models/mvd.py", NETWORK)
    run(".")
    for change, options in changes:
        apply(change)
        again = run(".", *options)
        if "--fix" not in options:
            assert again == run(".", *options, "--no-cache")
        assert run(".") == run(".", "--no-cache")
