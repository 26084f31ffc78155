"""Text of others: what terminals and runners would obey is shown by its codes, in every output."""

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from commands import MSHUB, ROOT
from hypothesis import given
from hypothesis import strategies as st

from mindspore_hub._text import one_line, printable, printable_json
from mindspore_hub.hub.hub import Hub

OBEYED = (
    "".join(
        map(
            chr, [*range(9), 0xB, 0xC, *range(0xE, 0x20), *range(0x7F, 0xA0), 0x61C, 0x200E, 0x200F]
        )
    )
    + "\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\udce9\ud800"
)
PIECES = st.lists(
    st.sampled_from(
        [*OBEYED, ":", "::", "#", "##[", "##vso[", " ", "\t", "\n", "\r", "\r\n", "a", "é", "推"]
    )
)
OLD_COMMAND = re.compile(r"##(vso)?\[")
ENCODINGS = ["utf-8:strict", "cp1252", "gbk", "koi8-r", "ascii"]

GOOD = Hub.of().resolve("mvd_visibletoinfrared_regdb").path.read_text(encoding="utf-8")
FORGED = r"x\r\n::error file=x::forged\n \t::add-mask::a\e[31m\x9b\u202E\u2028\x7F"
CARD = (
    re.sub(r"(?m)^used-for: .*", lambda _: f'used-for: "{FORGED} 推理 é"', GOOD)
    .replace("author: ", f'author: "{FORGED}"\n\nuser-id: ', 1)
    .replace("\n## ", "\n  ::stop-commands::x\n\n\u3000::debug::é\x9b\u2067\n\n## ", 1)
)
NAME = os.fsdecode(b"caf\xe9\x1b\n::error::name \xe2\x80\xae")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain é 推理\ttext\n", "plain é 推理\ttext\n"),
        ("\x1b[31m \x07\x7f\x9b", r"\x1b[31m \x07\x7f\x9b"),
        ("\u202e \u2066 \u061c \u2028", r"\u202e \u2066 \u061c \u2028"),
        ("caf\udce9 \ud800", r"caf\udce9 \ud800"),
        ("a\rb\r\nc", "a\\x0db\r\nc"),
        ("::error::x", r"\x3a:error::x"),
        ("a\n \t\u3000::error::x\nb ::c", "a\n \t\u3000\\x3a:error::x\nb ::c"),
        ("a ##[add-mask]b ##vso[x]", r"a \x23#[add-mask]b \x23#vso[x]"),
        ("## [title](x) ##v", "## [title](x) ##v"),
    ],
    ids=[
        *("legible", "controls", "directions", "bytes", "return", "command", "after blanks"),
        *("old command", "title"),
    ],
)
def test_codes_stand_for_what_would_be_obeyed(text: str, expected: str) -> None:
    assert printable(text) == expected


@given(PIECES)
def test_nothing_printable_is_obeyed(pieces: list[str]) -> None:
    text = "".join(pieces)
    for shown in (printable(text), one_line(text)):
        assert not set(shown.replace("\r\n", "\n")) & {*OBEYED, "\r"}
        assert not OLD_COMMAND.search(shown)
    assert not any(line.lstrip().startswith("::") for line in printable(text).split("\n"))
    assert len(one_line(text).splitlines()) <= 1
    assert printable(printable(text)) == printable(text)


@given(PIECES)
def test_json_stays_the_same_value(pieces: list[str]) -> None:
    text = json.dumps(pieces, ensure_ascii=False)
    assert json.loads(printable_json(text)) == pieces
    assert not set(printable_json(text)) & {*OBEYED}
    assert not OLD_COMMAND.search(printable_json(text))


@pytest.fixture
def hub(folder: Path) -> Path:
    """A folder of cards with odd values, lines and names."""
    cards = folder / "assets" / "botany" / "1.9"
    cards.mkdir(parents=True)
    (cards / "card.md").write_text(CARD, encoding="utf-8")
    (cards / f"{NAME}.md").write_text(CARD, encoding="utf-8")
    return folder / "assets"


def run(*arguments: object, encoding: str = "utf-8:strict") -> "subprocess.CompletedProcess[str]":
    """Run `mshub` with streams of an encoding, in which all that it prints has to be."""
    done = subprocess.run(
        [*MSHUB, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )
    name = encoding.partition(":")[0]
    decoded = (done.stdout.decode(name), done.stderr.decode(name))
    return subprocess.CompletedProcess(done.args, done.returncode, *decoded)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("style", ["human", "concise", "json", "sarif", "github", "junit"])
def test_reports_obey_no_card_and_fit_every_encoding(hub: Path, style: str, encoding: str) -> None:
    options = ("--format", style, "--select", "ALL")
    done = run("card", "check", hub, *options, encoding=encoding)
    assert done.returncode == 1, done.stderr
    assert "2 cards checked" in done.stderr
    assert not {*done.stdout, *done.stderr} & {*OBEYED}
    ours = r"::(error|warning|notice) file=" if style == "github" else "(?!)"
    lines = [line for line in done.stdout.split("\n") if line.lstrip().startswith("::")]
    assert all(re.match(ours, line) for line in lines)
    if style in {"json", "sarif"}:
        found = json.loads(done.stdout)
        assert "\x1b[31m" in json.dumps(found, ensure_ascii=False) or "\\u001b[31m" in done.stdout
    if style == "junit":
        content = done.stdout.encode(encoding.partition(":")[0])
        assert len(list(ET.fromstring(content).iter("testcase"))) == 2  # noqa: S314 - our own


def test_uris_of_sarif_are_those_of_the_bytes(hub: Path) -> None:
    log = json.loads(run("card", "check", hub, "--format", "sarif").stdout)
    places = [item["locations"][0]["physicalLocation"] for item in log["runs"][0]["results"]]
    uris = {place["artifactLocation"]["uri"].rpartition("/")[2] for place in places}
    assert uris == {"card.md", "caf%E9%1B%0A%3A%3Aerror%3A%3Aname%20%E2%80%AE.md"}


def test_a_baseline_knows_cards_of_any_name(hub: Path) -> None:
    written = run("card", "check", hub, "--write-baseline", hub / "known.json")
    assert written.returncode == 0, written.stderr
    done = run("card", "check", hub, "--baseline", hub / "known.json")
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(
    "words",
    [
        ("info", f"assets/botany/1.9/{NAME}.md"),
        ("info", "assets/botany/1.9/card.md", "--format", "json"),
        ("card", "show", "assets/botany/1.9/card.md"),
        ("card", "check", "assets", "--diff", "--select", "ALL"),
        ("card", "check", "assets", "--statistics"),
    ],
    ids=["info", "info json", "show", "diff", "statistics"],
)
def test_commands_about_a_card_obey_it_in_nothing(
    hub: Path, words: tuple[str, ...], encoding: str
) -> None:
    done = run(*words, encoding=encoding)
    assert done.returncode == int("check" in words), done.stderr
    assert not {*done.stdout, *done.stderr} & {*OBEYED}
    assert not any(line.lstrip().startswith("::") for line in done.stdout.split("\n"))


@pytest.mark.parametrize(
    "words",
    [
        ("info", NAME),
        ("inspect", f"{NAME}.ckpt"),
        ("card", "check", NAME),
        ("card", "rule", NAME),
        ("card", "check", "assets", "--select", NAME),
        ("match", f"{NAME}.npz"),
        (NAME,),
    ],
    ids=["name", "file", "path", "rule", "option", "argument", "command"],
)
def test_error_lines_obey_nothing_that_was_typed(hub: Path, words: tuple[str, ...]) -> None:
    done = run(*words)
    assert done.returncode in {2, 3}
    assert not {*done.stderr} & {*OBEYED}
    assert not any(line.lstrip().startswith("::") for line in done.stderr.split("\n"))
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(
    ("words", "code"), [("card check good.md", 0), ("card check bad.md", 1), ("info nothing", 3)]
)
def test_closed_streams_change_no_exit_code(
    folder: Path, words: str, code: int, closed: str
) -> None:
    Path("good.md").write_text(GOOD, encoding="utf-8")
    Path("bad.md").write_text(CARD, encoding="utf-8")
    command = f'"{sys.executable}" -m mindspore_hub {words} {closed}'
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["sh", "-c", command], env=env, capture_output=True, check=False)
    assert done.returncode == code, done.stderr
    assert b"Traceback" not in done.stderr


def test_a_closed_stdout_is_no_file_that_is_opened_later(folder: Path) -> None:
    Path("bad.md").write_text(CARD, encoding="utf-8")
    command = f'"{sys.executable}" -m mindspore_hub card check bad.md --write-baseline b.json >&-'
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.run(["sh", "-c", command], env=env, check=False).returncode == 0
    assert json.loads(Path("b.json").read_text())["findings"]
    assert stat.S_ISREG(Path("b.json").stat().st_mode)
