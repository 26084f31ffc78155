"""Search of published files: what people type, filters, order, and how the commands print it."""

import fcntl
import json
import os
import pty
import struct
import subprocess
import termios
from pathlib import Path

import pytest
import sample
from click.testing import CliRunner
from commands import MSHUB, ROOT, run
from test_index import LEAVES, SHORT, A, B, entry, write_hub

import mindspore_hub
from mindspore_hub.commands import _output
from mindspore_hub.commands.main import mshub
from mindspore_hub.errors import CardError
from mindspore_hub.hub import hub as hubs
from mindspore_hub.hub.hub import Hub
from mindspore_hub.hub.index import INDEX, Index
from mindspore_hub.hub.search import PublishedFile, search

HUB = Hub.of()

QUERIES = [
    line.split("\t")
    for line in (Path(__file__).parent / "data" / "queries.tsv").read_text("utf-8").splitlines()
    if not line.startswith("#")
]


def names(files: list[PublishedFile]) -> list[str]:
    return [file.name for file in files]


@pytest.mark.parametrize(("words", "first"), QUERIES, ids=[words for words, _ in QUERIES])
def test_what_a_person_types_finds_the_file_that_is_meant(words: str, first: str) -> None:
    assert HUB.resolve(search(words, hub=HUB)[0].name) == HUB.resolve(first)


def test_there_are_two_hundred_queries_all_different() -> None:
    assert len({words for words, _ in QUERIES}) >= 200


def test_every_card_is_found_by_its_name() -> None:
    step = 1 if sample.ALL else 20
    for name, entries in [*HUB.index.by_name.items()][::step]:
        found = search(name, hub=HUB)
        digests = {file.sha256 or file.entry.uid for file in found}
        assert {item.sha256 or item.uid for item in entries} <= digests, name


def test_every_file_is_called_by_a_name_that_means_it() -> None:
    for file in search(hub=HUB):
        card = HUB.resolve(file.name)
        if file.card:
            assert card is file.card
        else:
            assert HUB.index.by_uid[card.uid.lower()] in file.entries


def test_each_file_is_found_once_with_all_its_cards() -> None:
    files = search(hub=HUB)
    assert len(files) == len({file.sha256 or file.entry.uid for file in files})
    assert sum(len(file.entries) for file in files) == len(HUB.index.entries)


def test_files_and_cards_of_the_hub_are_searched_where_no_index_has_them(tmp_path: Path) -> None:
    hub = write_hub(tmp_path, LEAVES, own_oak="d" * 64)
    (file,) = search("oak", hub=hub)
    assert (file.use, file.entry.uid) == ("loads", "botany/1.9/own_oak")
    (tmp_path / "assets" / INDEX).unlink()
    assert [file.entry.uid for file in search(hub=tmp_path)] == ["botany/1.9/own_oak"]


def test_a_clone_of_other_cards_is_a_hub_without_networks(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubs, "_MANY", 2)
    caplog.set_level("INFO")
    assets = write_hub(tmp_path / "mshub_res", [], moss=A, oak=B, fern=SHORT).root / "assets"
    (assets / INDEX).unlink()
    (assets.parent / "models" / "own.py").unlink()
    (assets / "botany" / "1.9" / "own_broken.md").write_text("# Nothing\n", encoding="utf-8")
    clone = Hub.of(assets.parent)
    for card in clone.cards:
        assert clone.resolve(card.uid) is clone.resolve(card.name) is card
    files = {file.entry.name: file for file in search(hub=clone)}
    assert {name: (file.use, file.command) for name, file in files.items()} == {
        "moss": ("weights", "mshub download Own@moss"),
        "oak": ("weights", "mshub download Own@oak"),
        "fern": ("weights", "mshub download Own@fern --pin"),
    }
    assert search(loadable=True, hub=clone) == []
    with pytest.raises(CardError):
        clone.resolve("own@broken")
    assert [text.partition(", since")[0] for text in caplog.messages if "Reading" in text] == [
        f"Reading all 4 cards of {clone.root}"
    ]


@pytest.fixture
def leaves(tmp_path: Path) -> Hub:
    others = [
        entry("botany/1.9/oaknet_wood", "e" * 64)._replace(metrics=[("mIoU", "0.7")]),
        entry("botany/1.9/elmnet_wood", "f" * 64)._replace(metrics=[("miou", "75.5")]),
        entry("botany/1.9/ashnet_wood", "0" * 64)._replace(metrics=[("loss", "3"), ("mIoU", "x")]),
        entry("botany/1.9/yewnet_wood", "1" * 64, task="segmentation")._replace(
            metrics=[("loss", "2")]
        ),
    ]
    return write_hub(tmp_path, [*LEAVES, *others], own_fern=A)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"dataset": "FERN"}, ["Own@fern", "leafnet_fern@2.5.0"]),
        ({"dataset": "er"}, []),
        ({"model": "leaf"}, ["Own@fern", "leafnet_moss", "leafnet_fern@2.5.0"]),
        ({"task": "Segmentation"}, ["yewnet_wood"]),
        ({"release": "r1.10"}, ["Own@fern", "leafnet_moss"]),
        ({"release": "1.1"}, []),
        ({"metric": "MIOU"}, ["elmnet_wood", "oaknet_wood", "ashnet_wood"]),
        ({"metric": "loss"}, ["yewnet_wood", "ashnet_wood"]),
        ({"loadable": True}, ["Own@fern"]),
        ({"loadable": True, "release": "2.5"}, []),
    ],
)
def test_filters_leave_files_of_which_a_card_says_it(
    filters: dict[str, str | bool], found: list[str], leaves: Hub
) -> None:
    assert names(search(hub=leaves, **filters)) == found


def test_words_may_come_one_by_one_and_all_must_be_there(leaves: Hub) -> None:
    assert names(search(["leafnet", "MOSS"], hub=leaves)) == ["leafnet_moss"]
    assert search(["leafnet moss", "wood"], hub=leaves) == []


def test_a_misspelt_word_is_taken_for_the_nearest_one_and_that_is_said(
    leaves: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    assert names(search("leafnt mos", hub=leaves)) == ["leafnet_moss"]
    assert caplog.messages == ["No card has 'leafnt'; taking it for 'leafnet'."]
    assert search("zzzz", hub=leaves) == []


def test_what_can_be_done_is_said_with_the_command_for_it(leaves: Hub) -> None:
    files = {file.entry.uid: file for file in search(hub=leaves)}
    said = {uid: (file.use, file.command) for uid, file in files.items() if "leaf" in uid}
    said["treenet"] = files["botany/2.5/treenet"].use, files["botany/2.5/treenet"].command
    assert said == {
        "botany/1.10/leafnet_fern": ("loads", f"mshub load {leaves.cards[0].short_name}"),
        "botany/1.10/leafnet_moss": ("weights", "mshub download leafnet_moss"),
        "botany/2.5/leafnet_fern": ("weights", "mshub download leafnet_fern@2.5.0 --pin"),
        "treenet": ("reference", ""),
    }


def test_a_file_as_json_has_every_release_and_link() -> None:
    entries = tuple(Index(LEAVES).sharing(LEAVES[0]))
    file = PublishedFile(entries[0], entries, entries, None, False, Index(LEAVES))
    assert json.loads(json.dumps(file.to_dict())) == {
        "name": "leafnet_fern",
        "uid": "botany/1.10/leafnet_fern",
        "model": "leafnet",
        "dataset": "fern",
        "domain": None,
        "task": None,
        "license": None,
        "metrics": [],
        "sha256": A,
        "use": "weights",
        "command": "mshub download leafnet_fern",
        "repository": {"name": None, "ref": None, "path": None},
        "releases": [
            {
                "release": release,
                "uid": f"botany/{release}/leafnet_fern",
                "link": f"https://download.mindspore.cn/models/botany/{release}/leafnet_fern.ckpt",
                "metrics": [],
            }
            for release in ("1.10", "1.9")
        ],
    }


def test_search_is_public() -> None:
    files = mindspore_hub.search("resnet50", dataset="imagenet", release="1.9")
    assert isinstance(files[0], mindspore_hub.PublishedFile)
    assert (files[0].name, files[0].releases[0]) == ("resnet50", "1.10")


def test_the_command_prints_a_table_and_json(leaves: Hub) -> None:
    done = run("search", "leafnet", MSHUB_HUB=str(leaves.root))
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].split("  ")[0] == "Name"
    assert [line.split()[0] for line in lines[2:]] == [
        *(leaves.cards[0].short_name, "leafnet_moss", "leafnet_fern@2.5.0")
    ]
    done = run(
        "search", "--release", "1.10", "moss", "--format", "json", MSHUB_HUB=str(leaves.root)
    )
    (file,) = json.loads(done.stdout)
    assert (file["name"], file["sha256"]) == ("leafnet_moss", B)


def test_the_command_shows_a_page_and_says_how_many_there_are() -> None:
    done = run("search", "imagenet")
    assert len(done.stdout.splitlines()) == 32
    assert done.stderr.startswith("The first 30 of ")
    assert len(run("search", "imagenet", "--limit", "0").stdout.splitlines()) > 150
    assert len(json.loads(run("search", "imagenet", "--format", "json").stdout)) > 150
    assert len(json.loads(run("search", "--limit", "2", "--format", "json").stdout)) == 2
    nothing = run("search", "zzzzzzzz")
    assert (nothing.returncode, nothing.stdout) == (0, "")
    assert nothing.stderr.startswith("No published file fits.")


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_the_table_fits_the_terminal(columns: int) -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    command = [*MSHUB, "search", "resnet50", "imagenet"]
    env = {**os.environ, "TERM": "xterm"}
    nowhere = subprocess.DEVNULL  # another terminal has another width
    with subprocess.Popen(
        command, stdin=nowhere, stdout=theirs, stderr=nowhere, cwd=ROOT, env=env
    ) as process:
        os.close(theirs)
        text = b""
        while data := _read(ours):
            text += data
        assert process.wait() == 0
    os.close(ours)
    lines = text.decode().replace("\x1b[1m", "").replace("\x1b[0m", "").splitlines()
    assert max(map(len, lines)) <= columns
    assert any("resnet50_imagenet2012" in line for line in lines)


def _read(stream: int) -> bytes:
    try:
        return os.read(stream, 65536)
    except OSError:  # nobody writes to it any more
        return b""


def test_list_all_lists_every_file_of_a_release_or_all(leaves: Hub) -> None:
    done = run("list", "--all", "1.10", MSHUB_HUB=str(leaves.root))
    assert [line.split()[0] for line in done.stdout.splitlines()[2:]] == [
        *("leafnet_moss", leaves.cards[0].short_name)
    ]
    assert len(run("list", "--all").stdout.splitlines()) == len(search(hub=HUB)) + 2


def test_info_of_a_card_of_the_index_shows_releases_use_and_command(leaves: Hub) -> None:
    done = run("info", "leafnet_fern@2.5.0", MSHUB_HUB=str(leaves.root))
    assert done.returncode == 0
    assert "weights only: there is no network for it here" in done.stdout
    assert "mshub download leafnet_fern@2.5.0 --pin" in done.stdout
    assert f"asset-sha256: {SHORT}" in done.stdout
    said = json.loads(run("info", "treenet", "--format", "json", MSHUB_HUB=str(leaves.root)).stdout)
    assert (said["use"], said["command"], said["path"]) == ("reference", None, None)


def test_a_network_that_is_not_here_ends_load_with_the_ways_that_work(leaves: Hub) -> None:
    done = CliRunner().invoke(mshub, ["--hub", str(leaves.root), "load", "leafnet_moss"])
    assert isinstance(done.exception, CardError)
    assert done.exception.exit_code == 1
    assert 'mindspore_hub.load_weights("botany/1.10/leafnet_moss")' in str(done.exception)


def test_index_build_writes_a_file_and_compares_it(folder: Path) -> None:
    assert run("index", "build", ROOT, cwd=folder).stdout == "index.jsonl.xz\n"
    same = run("index", "build", ROOT, "-o", "index.jsonl.xz", "--check", cwd=folder)
    assert (same.returncode, same.stdout) == (0, "")
    (folder / "index.jsonl.xz").write_bytes(b"damaged")
    stale = run("index", "build", ROOT, "--check", cwd=folder)
    assert stale.returncode == 1
    assert stale.stdout.startswith("index.jsonl.xz is damaged: ")
    assert (folder / "index.jsonl.xz").read_bytes() == b"damaged"


@pytest.mark.parametrize(
    "command",
    ["search resnet50", "search --dataset market1501", "list", "info resnet50", "info MVD", "env"],
)
def test_a_plain_table_is_the_one_that_a_terminal_would_get(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = command.split()
    plain = CliRunner().invoke(mshub, arguments).stdout
    monkeypatch.setattr(_output, "_aligned", lambda rows: None)
    assert CliRunner().invoke(mshub, arguments).stdout == plain
