"""The `mshub` command as users start it: what it prints where, and what it exits with."""

import hashlib
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import checkpoints
import click
import disks
import pytest
import rule_cases
from click.testing import CliRunner
from commands import CARD, MSHUB, ROOT, on_terminal, run, start

import mindspore_hub
from mindspore_hub import errors
from mindspore_hub.checking.rules import known_rules
from mindspore_hub.commands.main import mshub
from mindspore_hub.files.store import Store
from mindspore_hub.hub.hub import Hub
from mindspore_hub.hub.values import release_order
from mindspore_hub.info import CellInfo
from mindspore_hub.networks.framework import _interrupt_deferred
from mindspore_hub.version import __version__

CARDS = Hub.of().cards
RELEASES = ", ".join(sorted({card.version for card in CARDS}, key=release_order))
BASE_CARD = f"tests/rules/_base/{rule_cases.CARD}"
GROUPS = [
    (name,)
    for name in mshub.list_commands(click.Context(mshub))
    if isinstance(mshub.get_command(click.Context(mshub), name), click.Group)
]
LOAD_OPTIONS = ("--no-pretrained", "--format", "json")

HEADLESS = """
import os, sys

FORBIDDEN = ("socket.", "time.sleep", "urllib.Request")

def watch(event, args):
    mindspore = event == "import" and args[0].partition(".")[0] == "mindspore"
    if mindspore or event.startswith(FORBIDDEN):
        os.write(2, f"forbidden: {event} {args}\\n".encode())
        os._exit(99)

sys.addaudithook(watch)
"""


def run_code(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a piece of Python with the arguments of the command."""
    return start(sys.executable, "-c", code, *arguments)


def run_module(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a module as a program."""
    return start(sys.executable, "-m", name, *arguments)


def rows(text: str) -> list[list[str]]:
    """Cells of a printed table."""
    return [re.split(r" {2,}", line) for line in text.splitlines()]


def commands(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The words of every command, groups included."""
    found = [path]
    context = click.Context(group)
    for name in group.list_commands(context):
        command, inner = group.get_command(context, name), (*path, name)
        found += commands(command, inner) if isinstance(command, click.Group) else [inner]
    return found


def usage(words: tuple[str, ...]) -> str:
    """The line that shows the arguments of a command."""
    return CliRunner().invoke(mshub, [*words, "--help"]).output.partition("\n\n")[0]


def write_card(folder: Path, link: str, data: bytes = b"weights") -> Path:
    """A card outside of the hub, for a file that holds these bytes."""
    card = folder / "card.md"
    sha256 = hashlib.sha256(data).hexdigest()
    card.write_text(CARD.format(link=link, sha256=sha256), encoding="utf-8")
    return card


def write_mirror(folder: Path, data: bytes = b"weights") -> str:
    (folder / "mirror").mkdir()
    (folder / "mirror" / "x.ckpt").write_bytes(data)
    return str(folder / "mirror")


@pytest.mark.parametrize("words", commands(mshub), ids=" ".join)
def test_every_command_explains_itself(words: tuple[str, ...]) -> None:
    done = run(*words, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: {' '.join(['mshub', *words])} [OPTIONS]")
    assert "Show this message and exit." in done.stdout


def test_the_version_is_that_of_the_package() -> None:
    done = run("--version")
    assert (done.returncode, done.stdout) == (0, f"mshub, version {__version__}\n")


def test_the_installed_script_is_the_same_command() -> None:
    script = Path(sys.executable).with_name("mshub")
    done = start(script, "--version")
    assert (done.returncode, done.stdout) == (0, f"mshub, version {__version__}\n")


def test_list_prints_a_table() -> None:
    done = run("list", "1.3")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "Name                                      Published metric              Download   Uid\n"
        f"{'─' * 122}\n"
        "mindspore/1.3/pnasnet_imagenet2012        top1acc74.51 | top5acc91.97   90 MB      "
        "mindspore/1.3/pnasnet_imagenet2012\n"
        "mindspore/1.3/proxylessnas_imagenet2012   top1acc74.66 | top5acc92.08   49 MB      "
        "mindspore/1.3/proxylessnas_imagenet2012\n"
    )


@pytest.mark.parametrize("version", [None, "master", "1.8", "r1.8"])
def test_list_shows_every_card_of_a_release(version: str | None) -> None:
    done = run("list", *([version] if version else []))
    wanted = None if version in {None, "master"} else "1.8"
    cards = [card for card in CARDS if wanted in {None, card.version}]
    listed = [(cells[0], cells[-1]) for cells in rows(done.stdout)[2:]]
    assert listed == [(card.short_name, card.uid) for card in cards]


def test_list_as_json_holds_all_facts() -> None:
    done = run("list", "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == [CellInfo.of(card).to_dict() for card in CARDS]


def test_info_prints_a_table_of_what_the_card_says() -> None:
    done = run("info", "vehiclenet")
    assert (done.returncode, done.stderr) == (0, "")
    cells = rows(done.stdout)
    assert cells[0] == ["Fact", "Value"]
    assert ["uid", "mindspore/1.8/vehiclenet_vehiclenetdataset"] in cells
    assert ["input_shape", "[3, 384, 384]"] in cells
    assert ["network_args", "class_num: 575"] in cells
    assert "None" not in done.stdout


def test_info_as_json_holds_all_facts_of_any_name(tmp_path: Path) -> None:
    card = write_card(tmp_path, "https://files.example.org/x.ckpt")
    for name in ("MVD@sysumm01-all", str(card)):
        done = run("info", name, "--format", "json")
        assert (done.returncode, done.stderr) == (0, "")
        expected = CellInfo.of(Hub.of().resolve(name)).to_dict()
        assert json.loads(done.stdout) == expected


def test_env_prints_versions_and_settings_without_credentials() -> None:
    settings = {
        "MSHUB_MIRRORS": "https://me:secret@mirror.example.org/models,/mnt/models",
        "HTTPS_PROXY": "http://me:secret@proxy.example.org",
        "MSHUB_OFFLINE": "1",
        "UNRELATED": "unseen",
    }
    done = run("env", "--format", "json", **settings)
    assert (done.returncode, done.stderr) == (0, "")
    facts = json.loads(done.stdout)
    assert facts["mindspore-hub"] == __version__
    assert (facts["cards"], facts["hub root"]) == (len(CARDS), str(ROOT))
    assert facts["store"] == os.environ["MSHUB_HOME"]
    assert (
        facts["variables"].items()
        >= {
            "HTTPS_PROXY": "(set)",
            "MSHUB_MIRRORS": "https://***@mirror.example.org/models,/mnt/models",
            "MSHUB_OFFLINE": "1",
        }.items()
    )
    human = run("env", **settings)
    assert human.returncode == 0
    assert "secret" not in done.stdout + human.stdout
    assert "unseen" not in done.stdout + human.stdout
    assert ["mindspore-hub", __version__] in rows(human.stdout)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"MSHUB_TIMEOUT": "x"},
            "error: MSHUB_TIMEOUT must be a number from 0.001 to 86400, but is 'x'",
        ),
        ({"MSHUB_HOME": "~nobody-of-that-name/x"}, "error: MSHUB_HOME must be "),
    ],
)
def test_env_reports_a_setting_that_means_nothing(settings: dict[str, str], message: str) -> None:
    done = run("env", "--format", "json", **settings)
    assert (done.returncode, done.stderr) == (0, "")
    facts = json.loads(done.stdout)
    assert facts["store"].startswith(message)
    assert facts["cards"] == len(CARDS)
    assert facts["variables"].items() >= settings.items()
    assert run("env", **settings).returncode == 0


def test_env_hides_credentials_in_a_setting_that_means_nothing() -> None:
    done = run("env", MSHUB_MIRRORS="ftp://me:secret@mirror.example.org")
    assert done.returncode == 0
    assert "MSHUB_MIRRORS must name folders" in done.stdout
    assert "ftp://***@mirror.example.org" in done.stdout
    assert "secret" not in done.stdout + done.stderr


def test_env_reports_a_card_that_cannot_be_read(tmp_path: Path) -> None:
    for name in ("assets", "mindspore_hub"):
        shutil.copytree(ROOT / name, tmp_path / name)
    card = next(tmp_path.glob("assets/**/mvd_infraredtovisible_regdb.md"))
    card.write_bytes(b"\xff")
    done = run("env", "--format", "json", cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stderr.count("\n")) == (0, 1)
    assert f"{card} cannot be read and is left out" in done.stderr
    facts = json.loads(done.stdout)
    assert facts["hub root"] == str(tmp_path)
    assert facts["cards"] == len(CARDS) - 1
    assert facts["store"] == os.environ["MSHUB_HOME"]


def test_card_check_of_what_is_no_card_says_so(tmp_path: Path) -> None:
    (tmp_path / "card.md").mkdir()
    (tmp_path / "other.md").write_text("# Title\n", encoding="utf-8")
    done = run("card", "check", ".", "--select", "H", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout == (
        "card.md:1:1: H900 card.md cannot be read: Is a directory.\n"
        "    help: make it a readable text file, and no link that leads elsewhere\n"
    )
    assert done.stderr == "2 cards checked, 1 finding\n"


def test_card_rule_lists_all_rules() -> None:
    done = run("card", "rule")
    assert (done.returncode, done.stderr) == (0, "")
    assert rows(done.stdout)[0] == ["Code", "Name", "Severity", "Group", "Fixable"]
    listed = [
        [rule.code, rule.name, rule.severity.value, rule.group.value] for rule in known_rules()
    ]
    assert [row[:4] for row in rows(done.stdout)[2:]] == listed
    fixable = {row[0]: row[4] for row in rows(done.stdout)[2:]}
    assert (fixable["V201"], fixable["A401"]) == ("yes", "no")


def test_card_rule_explains_a_rule_in_any_case() -> None:
    done = run("card", "rule", "f010")
    assert (done.returncode, done.stderr) == (0, "")
    assert (
        done.stdout
        == """\
F010 missing-title (error)

The first line that is not blank is not a title.

What: A card begins with `# Title`.

Why: Readers of cards skip the title line; without it they take the front matter for the title.

Example: a card that begins with `---`.

Instead: `# MVD`, an empty line, then `---`.
"""
    )


def test_generate_checks_prints_a_diff_writes_and_is_then_content(tmp_path: Path) -> None:
    for name in ("assets", "mindspore_hub_conf"):
        shutil.copytree(ROOT / name, tmp_path / name)
    path = Path("mindspore_hub_conf/MVD/mindspore_hub_conf.py")
    entry_point = tmp_path / path
    entry_point.write_text("edited by hand\n", encoding="utf-8")
    stale = run("generate", "--check", cwd=tmp_path)
    assert stale.returncode == 1
    assert stale.stdout.startswith(f"--- {path} (present)\n+++ {path} (generated)\n")
    assert "\n-edited by hand\n" in stale.stdout
    assert stale.stderr == "Generated files are stale; run `mshub generate`.\n"
    assert entry_point.read_text(encoding="utf-8") == "edited by hand\n"
    written = run("generate", "--hub", str(tmp_path), cwd=Path("/"))
    assert (written.returncode, written.stdout, written.stderr) == (0, f"{entry_point}\n", "")
    assert entry_point.read_bytes() == (ROOT / path).read_bytes()
    clean = run("generate", "--check", cwd=tmp_path)
    assert (clean.returncode, clean.stdout, clean.stderr) == (0, "", "")


def test_generate_outside_of_a_hub_is_a_usage_error(tmp_path: Path) -> None:
    for words in (["generate"], ["generate", "--check"]):
        done = run(*words, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        needed = f"{tmp_path} has no folder of cards, assets; give the hub root with --hub."
        assert done.stderr.endswith(f"Error: {needed}\n")


def test_load_runs_the_network_on_one_sample() -> None:
    done = run("load", "metric_learn", *LOAD_OPTIONS)
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts == {
        "network": "metric_learn",
        "parameters": 34183168,
        "tensors": 267,
        "size": 136732672,
        "inputs": [{"shape": [1, 3, 224, 224], "dtype": "float32"}],
        "outputs": [{"shape": [1, 2048], "dtype": "float32"}],
    }
    human = run("load", "metric_learn", "--no-pretrained")
    assert human.returncode == 0, human.stderr
    assert rows(human.stdout)[2:] == [
        ["network", "metric_learn"],
        ["parameters", "34,183,168"],
        ["tensors", "267"],
        ["size", "136.7 MB"],
        ["inputs", "(1, 3, 224, 224) float32"],
        ["outputs", "(1, 2048) float32"],
    ]


def test_download_prints_the_path_of_the_verified_file(tmp_path: Path) -> None:
    card = write_card(tmp_path, "https://localhost:1/x.ckpt")
    mirror = write_mirror(tmp_path)
    done = run("download", str(card), MSHUB_MIRRORS=mirror)
    assert done.returncode == 0, done.stderr
    path = Path(done.stdout.removesuffix("\n"))
    assert path.read_bytes() == b"weights"
    assert path.is_relative_to(os.environ["MSHUB_HOME"])
    again = run("download", str(card), "--format", "json", MSHUB_OFFLINE="1")
    assert (again.returncode, again.stderr) == (0, "")
    assert json.loads(again.stdout) == {
        "uid": "card",
        "path": str(path),
        "sha256": hashlib.sha256(b"weights").hexdigest(),
    }


def test_quiet_prints_results_only_before_and_after_the_command(tmp_path: Path) -> None:
    card = write_card(tmp_path, "https://localhost:1/x.ckpt")
    mirror = write_mirror(tmp_path)
    words = ("download", str(card), "--force-reload")
    loud = run(*words, MSHUB_MIRRORS=mirror)
    assert "Downloading x.ckpt" in loud.stderr
    for quiet in (("-q", *words), (*words, "-q"), (*words, "--quiet")):
        done = run(*quiet, MSHUB_MIRRORS=mirror)
        assert (done.returncode, done.stdout, done.stderr) == (0, loud.stdout, "")


@pytest.mark.parametrize(
    "words",
    [words for words in commands(mshub) if words and words not in GROUPS],
    ids=" ".join,
)
def test_every_command_can_be_quiet(words: tuple[str, ...]) -> None:
    assert "  -q, --quiet " in CliRunner().invoke(mshub, [*words, "--help"]).output


@pytest.mark.parametrize("group", [(), *GROUPS], ids=" ".join)
@pytest.mark.parametrize("columns", ["60", "80"])
def test_the_list_of_commands_has_whole_sentences(group: tuple[str, ...], columns: str) -> None:
    done = run(*group, "--help", COLUMNS=columns)
    assert done.returncode == 0
    listed = done.stdout.partition("\nCommands:\n")[2]
    assert len(listed.splitlines()) >= 1
    assert [line for line in listed.splitlines() if line.endswith("...")] == []
    assert done.stderr == ""


@pytest.mark.parametrize(
    "words",
    [words for words in commands(mshub) if "NAME" in usage(words)],
    ids=" ".join,
)
def test_help_says_what_a_name_may_be(words: tuple[str, ...]) -> None:
    said = " ".join(CliRunner().invoke(mshub, [*words, "--help"]).output.split())
    assert "NAME is a" in said or "NAME are" in said


def test_help_tells_exit_codes_and_where_settings_are_described() -> None:
    said = " ".join(run("--help").stdout.split())
    codes = {error.exit_code for error in vars(errors).values() if isinstance(error, type)}
    assert "Exit codes: 0 ok, 1 findings" in said
    assert all(f" {code} " in said for code in codes)
    of_code_3 = [e for e in vars(errors).values() if getattr(e, "exit_code", None) == 3]
    assert {error.__name__ for error in of_code_3} == {"UnknownNameError", "AmbiguousNameError"}
    assert "MSHUB_HOME" in said


def test_every_error_is_exported() -> None:
    kinds = {e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, Exception)}
    assert {error.__name__ for error in kinds} <= set(mindspore_hub.__all__)
    assert all(getattr(mindspore_hub, error.__name__) is error for error in kinds)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "Usage: mshub [OPTIONS] COMMAND [ARGS]..."),
        (["nope"], 2, "No such command 'nope'"),
        (["info"], 2, "Missing argument 'NAME'"),
        (["list", "--format", "xml"], 2, "'xml' is not one of 'human', 'json'"),
        (["card", "check", "absent.md"], 2, "Path 'absent.md' does not exist"),
        (["card", "check", "models"], 1, "models holds no cards; give the hub root"),
        (["info", "MVDD"], 3, "Did you mean MVD?"),
        (["load", "MVDD"], 3, "Did you mean MVD?"),
        (["download", "MVD@regdb"], 3, "MVD@regdb-visibletoinfrared"),
        (["info", "DDAG@nope"], 3, "Variants of DDAG:"),
        (["info", "https://www.baidu.com"], 3, "not the address of a model card"),
        (["info", "absent.md"], 3, "There is no card 'absent.md'"),
        (["load", "~nobody-by-this-name/x.md"], 3, "There is no card '~nobody"),
        (["list", "9.9"], 3, f"choose one of {RELEASES}."),
        (["card", "rule", "X999"], 3, "There is no rule X999; `mshub card rule` lists all rules."),
        (["info", "README.md"], 1, "model-name is missing"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_errors_have_an_exit_code_and_a_message_on_stderr(
    arguments: list[str], code: int, message: str
) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("link", "settings", "code"),
    [
        ("https://localhost:1/x.ckpt", {"MSHUB_HOME": "{folder}/damaged"}, 4),
        ("https://localhost:1/x.ckpt", {}, 5),
        ("https://localhost:1/x.ckpt", {"MSHUB_OFFLINE": "1"}, 6),
        ("http://files.example.org/x.ckpt", {}, 7),
        ("https://localhost:1/x.ckpt", {"MSHUB_HOME": "{folder}/card.md"}, 9),
    ],
    ids=["integrity", "network", "offline", "trust", "store"],
)
def test_a_failed_download_has_an_exit_code_of_its_own(
    link: str, settings: dict[str, str], code: int, tmp_path: Path
) -> None:
    card = write_card(tmp_path, link)
    blob = Store(tmp_path / "damaged").blob(hashlib.sha256(b"weights").hexdigest())
    blob.parent.mkdir(parents=True)
    blob.write_bytes(b"another file")
    env = {name: value.format(folder=tmp_path) for name, value in settings.items()}
    done = run("download", str(card), **env)
    assert (done.returncode, done.stdout) == (code, "")
    assert "\nmshub: error: " in f"\n{done.stderr}"
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("way", ["--hub", "MSHUB_HUB"])
def test_names_mean_cards_of_the_hub_that_is_named(way: str, tmp_path: Path) -> None:
    card = write_card(tmp_path, "https://localhost:1/x.ckpt")
    text = card.read_text(encoding="utf-8").replace("metric_learn", "OtherNet")
    path = tmp_path / "hub" / "assets" / "botany" / "1.0" / "othernet_herbarium.md"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    options = ["--hub", tmp_path / "hub"] if way == "--hub" else []
    env = {} if options else {"MSHUB_HUB": str(tmp_path / "hub")}
    env["MSHUB_MIRRORS"] = write_mirror(tmp_path)
    found = json.loads(run(*options, "list", "--format", "json", **env).stdout)
    assert [item["model_name"] for item in found] == ["OtherNet"]
    assert "botany/1.0/othernet_herbarium" in run(*options, "info", "OtherNet", **env).stdout
    done = run(*options, "download", "OtherNet", **env)
    assert Path(done.stdout.removesuffix("\n")).read_bytes() == b"weights"
    assert run(*options, "load", "MVD", **env).returncode == 3


@pytest.mark.parametrize("words", [("list",), ("info", "MVD"), ("cache", "ls"), ("verify", "MVD")])
def test_a_folder_without_assets_is_refused_as_a_hub(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    for arguments in (("--hub", tmp_path, *words), (*words, "--hub", tmp_path)):
        done = run(*arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == (
            f"mshub: error: {tmp_path} is not a hub root: it has no folder assets. Give the folder "
            "that holds assets, models and mindspore_hub_conf.\n"
        )


@pytest.mark.parametrize("command", ["load", "embed", "eval", "bench", "bundle", "inspect"])
def test_trust_without_another_hub_is_refused(command: str, tmp_path: Path) -> None:
    more = {"embed": [tmp_path, "-o", "x.npz"], "bundle": [tmp_path / "new"]}
    done = run(command, "MVD", *more.get(command, []), "--trust")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith(
        "Error: --trust is for networks of another hub: add --hub DIR, set MSHUB_HUB, or give the "
        "path of a card there instead of MVD.\n"
    )


def test_every_option_has_one_meaning() -> None:
    """But for what differs by what a command is about; facts of a card are options as well."""
    own = {"output", "network", "model", "checkpoint", "features", "protocol"}
    meanings: dict[str, set[str]] = {}
    for _, command in commands_below(mshub):
        for option in command.params:
            if isinstance(option, click.Option) and option.name not in own:
                meanings.setdefault(option.opts[0], set()).add(str(option.help))
    # Of a hub to write to; of a bundle, and of a package; files or tensors; what is searched; lines
    # of a table, or pictures; neighbours, or classes; of a written network, and of training; curves;
    # of pictures to come, or moved ones.
    known = {"--hub": 2, "--trust": 3, "--all": 2, "--task": 2, "--limit": 2, "-k": 2, "--sheet": 2}
    known |= {"--batch-size": 3, "--plot": 3, "--root": 2}
    several = {name: texts for name, texts in meanings.items() if len(texts) > known.get(name, 1)}
    assert several == {}


def commands_below(group: click.Group) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield name, command
        if isinstance(command, click.Group):
            yield from commands_below(command)


def test_download_gives_the_path_of_the_verified_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = write_card(tmp_path, "https://localhost:1/x.ckpt")
    monkeypatch.setenv("MSHUB_MIRRORS", write_mirror(tmp_path))
    monkeypatch.setenv("MSHUB_OFFLINE", "1")
    path = mindspore_hub.download(str(card))
    assert path.read_bytes() == b"weights"
    monkeypatch.delenv("MSHUB_MIRRORS")
    assert mindspore_hub.download(str(card)) == path
    with pytest.raises(errors.OfflineError):
        mindspore_hub.download(str(card), force_reload=True)


def test_a_card_without_a_checkpoint_cannot_be_downloaded(tmp_path: Path) -> None:
    card = write_card(tmp_path, "https://localhost:1/x.ckpt")
    text = card.read_text(encoding="utf-8")
    card.write_text(text.replace("format: ckpt", "format: mindir"), encoding="utf-8")
    done = run("download", str(card))
    assert (done.returncode, done.stdout) == (1, "")
    assert "declares no checkpoint" in done.stderr


def test_load_without_mindspore_says_how_to_install_it() -> None:
    hidden = "import sys; sys.modules['mindspore'] = None; from mindspore_hub.commands.main import main; "
    done = run_code(f"{hidden} main()", "load", "MVD", "--no-pretrained")
    assert (done.returncode, done.stdout) == (8, "")
    assert done.stderr.startswith("mshub: error: MindSpore cannot be imported")
    assert "pip install 'mindspore>=2.7' 'numpy<2'" in done.stderr


def test_load_with_a_broken_mindspore_says_what_is_broken(tmp_path: Path) -> None:
    (tmp_path / "mindspore").mkdir()
    broken = 'raise ImportError("libgomp.so.1: cannot open shared object file")\n'
    (tmp_path / "mindspore" / "__init__.py").write_text(broken)
    done = run("load", "MVD", "--no-pretrained", PYTHONPATH=f"{tmp_path}:{ROOT}")
    assert (done.returncode, done.stdout) == (8, "")
    assert done.stderr.startswith(
        "mshub: error: MindSpore cannot be imported (libgomp.so.1: cannot open shared object file)."
    )


def test_ctrl_c_ends_a_download_with_130(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        card = write_card(tmp_path, f"https://127.0.0.1:{silent.getsockname()[1]}/x.ckpt")
        command = [*MSHUB, "download", str(card)]
        with subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            connection, _ = silent.accept()
            process.send_signal(signal.SIGINT)
            output, errors = process.communicate()
            connection.close()
    assert (process.returncode, output) == (130, "")
    assert errors.splitlines()[-1] == "mshub: interrupted"
    assert "Traceback" not in errors


def test_ctrl_c_while_mindspore_is_imported_ends_with_130() -> None:
    # Raised inside the extension's initialisation: an operator in C, after which no signal is
    # looked for before the extension itself runs Python code.
    interrupting = """
import _thread, sys

class Interrupt:
    __neg__ = _thread.interrupt_main

interrupt = Interrupt()

def watch(event, args):
    if event == "import" and args[0] == "mindspore._c_expression" and args[1]:
        -interrupt

sys.addaudithook(watch)
from mindspore_hub.commands.main import main; main()
"""
    done = run_code(interrupting, "load", "metric_learn", "--no-pretrained")
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr.splitlines()[-1] == "mshub: interrupted"
    assert "cannot be imported" not in done.stderr


def test_ctrl_c_after_an_operator_leaves_blocks_and_does_not_end_the_interpreter(
    tmp_path: Path,
) -> None:
    interrupting = """
import atexit, os, signal, tempfile, time
from mindspore_hub.commands import load_download as module

describe = module.describe

def interrupted(network, inputs):
    with tempfile.TemporaryDirectory():
        describe(network, inputs)
        os.kill(os.getpid(), signal.SIGINT)
        while True:
            time.sleep(0.01)

module.describe = interrupted
atexit.register(print, "the interpreter ended")
from mindspore_hub.commands.main import main; main()
"""
    words = ("load", "lenet", "--no-pretrained")
    done = start(sys.executable, "-c", interrupting, *words, TMPDIR=str(tmp_path))
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr.endswith("mshub: interrupted\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("presses", [0, 1, 2])
def test_a_first_ctrl_c_waits_for_the_import_and_a_second_one_does_not(presses: int) -> None:
    said = []
    pressed = pytest.raises(KeyboardInterrupt) if presses else nullcontext()
    with pressed, _interrupt_deferred():
        for press in range(presses):
            signal.raise_signal(signal.SIGINT)
            said.append(press)
        said.append("end")
    assert said == [["end"], [0, "end"], [0]][presses]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_an_error_without_traceback() -> None:
    command = [*MSHUB, "list"]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=env
        )
    assert done.returncode == 9
    assert done.stderr == (
        "mshub: error: stdout cannot be written: No space left on device. "
        "Make room there, or choose another place.\n"
    )


def test_a_terminal_gets_whole_names_and_no_colour_under_no_color() -> None:
    styled = on_terminal("list").stdout
    plain = on_terminal("list", NO_COLOR="1").stdout
    assert "\x1b[" in styled, "the terminal was not recognised"
    assert re.search(r"\x1b\[[\d;]*(?:3|4|9|10)\d", plain) is None
    lines = re.sub(r"\x1b\[[\d;]*m", "", styled).splitlines()
    assert max(map(len, lines)) <= 80
    names = {line.split()[0] for line in lines if line.strip()}
    assert names >= {card.short_name for card in CARDS}


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_list_breaks_nothing_that_loads_over_lines(columns: int) -> None:
    shown = re.sub(r"\x1b\[[\d;]*m", "", on_terminal("list", COLUMNS=str(columns)).stdout)
    lines = shown.splitlines()
    assert max(map(len, lines)) <= columns
    uids = {card.uid for card in CARDS if card.uid in shown}
    names = {card.uid for card in CARDS if card.short_name == card.uid}
    assert uids == ({card.uid for card in CARDS} if columns == 200 else names)
    assert shown.count("mindspore/") == len(names) or columns == 200, "a uid is folded"
    assert all(any(line.startswith(card.short_name) for line in lines) for card in CARDS)


@pytest.mark.parametrize("words", [["list"], ["list", "--format", "json"], ["--help"]])
def test_a_pipe_that_nobody_reads_ends_the_command_as_other_tools(words: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [*MSHUB, *words], cwd=ROOT, stdout=write, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, "")


def test_no_escape_sequences_reach_a_pipe() -> None:
    for words in (["list"], ["info", "MVD"], ["card", "rule"], ["env"]):
        done = run(*words, TERM="xterm-256color", COLUMNS="40")
        assert done.returncode == 0
        assert "\x1b" not in done.stdout
        assert all(line == line.rstrip() for line in done.stdout.splitlines())


@pytest.mark.parametrize(
    "words",
    [
        None,
        ["card", "check"],
        ["card", "check", BASE_CARD, "--ignore", "V213"],
        ["card", "rule", "F010"],
        ["list"],
        ["info", "MVD"],
        ["env"],
        ["generate", "--check"],
        ["cache", "ls"],
        ["cache", "rm", "MVD"],
        ["cache", "prune"],
        ["verify"],
    ],
    ids=lambda words: " ".join(words) if words else "import",
)
def test_cards_need_neither_mindspore_nor_the_network(words: list[str] | None) -> None:
    command = (
        "from mindspore_hub.commands.main import main; main()" if words else "import mindspore_hub"
    )
    done = run_code(HEADLESS + command, *(words or []))
    assert done.returncode == 0, done.stderr
    if words is None:
        assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.parametrize(
    "code",
    [
        "import mindspore",
        "import socket; socket.create_connection(('127.0.0.1', 1))",
        "import socket; socket.getaddrinfo('localhost', 1)",
        "import mindspore_hub; mindspore_hub.load('MVD', pretrained=False)",
    ],
)
def test_the_watch_over_mindspore_and_the_network_works(code: str) -> None:
    done = run_code(HEADLESS + code)
    assert done.returncode == 99
    assert done.stderr.startswith("forbidden: ")


@pytest.mark.parametrize(
    ("module", "arguments", "words"),
    [
        ("tools.md_validator", [], ["card", "check"]),
        (
            "tools.md_validator",
            [BASE_CARD],
            ["card", "check", BASE_CARD],
        ),
        ("tools.generate_hub_conf", ["--check"], ["generate", "--check"]),
        ("tools.load_markdown", ["MVD", "--format", "json"], ["info", "MVD", "--format", "json"]),
        ("tools.load_markdown", ["MVDD"], ["info", "MVDD"]),
        ("tools.md_validator", ["--check_path", "assets"], ["card", "check", "assets"]),
        (
            "tools.md_validator",
            ["--check_path=tests/rules/_base", "--severity", "error"],
            ["card", "check", "tests/rules/_base", "--severity", "error"],
        ),
    ],
)
def test_a_tool_of_the_repository_is_a_command(
    module: str, arguments: list[str], words: list[str]
) -> None:
    tool = run_module(module, *arguments)
    command = run(*words)
    assert (tool.returncode, tool.stdout, tool.stderr) == (
        command.returncode,
        command.stdout,
        command.stderr,
    )


@pytest.mark.parametrize("name", ["md_validator", "generate_hub_conf", "load_markdown"])
def test_a_tool_of_the_repository_explains_itself(name: str) -> None:
    done = run_module(f"tools.{name}", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: python -m tools.{name} [OPTIONS]")


def test_get_sha256_prints_what_a_card_needs(tmp_path: Path) -> None:
    files = [tmp_path / "a.ckpt", tmp_path / "b.ckpt"]
    for path in files:
        path.write_bytes(path.name.encode())
    done = run_module("tools.get_sha256", *files)
    assert (done.returncode, done.stderr) == (0, "")
    digests = [hashlib.sha256(path.name.encode()).hexdigest() for path in files]
    assert done.stdout == "".join(
        f"{digest}  {path}\n" for digest, path in zip(digests, files, strict=True)
    )
    assert run_module("tools.get_sha256", tmp_path / "absent").returncode == 2
    named = [word for file in files for word in ("--file", file)]
    assert run_module("tools.get_sha256", *named).stdout == done.stdout
    assert run_module("tools.get_sha256", "--file", tmp_path / "absent").returncode == 2
    assert run_module("tools.get_sha256").returncode == 2
    assert run_module("tools.md_validator", "--check_path").returncode == 2


@pytest.mark.parametrize("kind", ["a named pipe", "a device", "a folder"])
def test_get_sha256_waits_for_nothing_but_files(kind: str, tmp_path: Path) -> None:
    path = odd_file(kind, tmp_path)
    done = run_module("tools.get_sha256", path)
    assert (done.returncode, done.stdout) == (2, "")
    assert str(path) in done.stderr


def odd_file(kind: str, folder: Path) -> Path:
    """What is not a regular file."""
    path = folder / "odd"
    if kind == "a named pipe":
        os.mkfifo(path)
    elif kind == "a socket":
        os.mknod(path, stat.S_IFSOCK | 0o600)
    elif kind == "a device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    return path


@pytest.mark.parametrize("kind", ["a named pipe", "a socket", "a device"])
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("match", "{}"), 2),
        (("match", "{}", "{}", "--format=json"), 2),
        (("eval", "--features", "{}"), 2),
        (("embed", "MVD", "{}", "-o", "made.npz"), 1),
        (("embed", "MultiTaskNet", "pictures", "--keypoints", "{}", "-o", "made.npz"), 1),
        (("inspect", "{}"), 2),
        (("diff", "{}", "{}"), 2),
        (("convert", "{}", "--to", "ckpt", "-o", "made.ckpt"), 2),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_what_is_not_a_regular_file_is_refused_by_name_at_once(
    kind: str, arguments: tuple[str, ...], code: int, tmp_path: Path
) -> None:
    path = odd_file(kind, tmp_path)
    (tmp_path / "pictures").mkdir()
    shutil.copy(next((ROOT / "mindspore_hub/samples").glob("*.png")), tmp_path / "pictures")
    done = run(*(argument.format(path) for argument in arguments), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (code, "")
    assert str(path) in done.stderr
    assert "regular file" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("made*"))


def test_demo_matches_the_samples_and_says_that_stand_in_weights_are_random(
    tmp_path: Path,
) -> None:
    hub = checkpoints.copy_hub(tmp_path / "hub")
    (hub / "models" / "mvd.py").write_text(checkpoints.MVD, encoding="utf-8")
    done = run("demo", cwd=hub, PYTHONPATH=str(hub), MSHUB_OFFLINE="1")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    count = len(Hub.of(hub).cards)
    assert lines[:2] == [f"{count} cards checked, 0 findings", "entry points up to date"]
    assert "weights below are RANDOM" in lines[2]
    assert lines[3] == "MVD loaded: 620,750 parameters"
    samples = {path.stem for path in (ROOT / "mindspore_hub/samples").glob("*-infrared.png")}
    assert {line.partition(":")[0] for line in lines[4:]} == samples
    assert all(re.search(r": nearest is [a-z-]+-visible \(similarity ", line) for line in lines[4:])


def test_demo_without_space_for_its_stand_in_names_the_folder_and_the_way_out(
    tmp_path: Path,
) -> None:
    with disks.small_disk(tmp_path / "disk", "600m") as disk:
        done = run("demo", MSHUB_OFFLINE="1", TMPDIR=str(disk))
        left = list(disk.iterdir())
    assert done.returncode == 9
    assert f"The stand-in takes 647.7 MB in {disk}, where " in done.stderr
    assert done.stderr.endswith("set TMPDIR to a folder with more space.\n")
    assert left == []
