"""`mshub cache ...` and `mshub verify` as users start them."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from commands import CARD, MSHUB, ROOT, run
from faults import halted, truncated
from server import FileServer, good, read_only

from mindspore_hub.commands.cache_verify import cache
from mindspore_hub.errors import StoreError
from mindspore_hub.files.records import note_use
from mindspore_hub.files.store import Store
from mindspore_hub.hub.hub import Hub

pytestmark = pytest.mark.slow

SIZE = 300_000
MISSING = "MVD is not in the store"


def result(*arguments: str) -> Any:
    """What a command prints as JSON."""
    done = run(*arguments, "--format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def rows(text: str) -> list[list[str]]:
    """Cells of a printed table, the header left out, and what stands below it."""
    lines = [line for line in text.splitlines() if line and not line.startswith("─")]
    return [re.split(r" {2,}", line.strip()) for line in lines[1:]]


@pytest.fixture
def store() -> Store:
    return Store(Path(os.environ["MSHUB_HOME"]))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FileServer]:
    (tmp_path / "served").mkdir()
    with FileServer(tmp_path / "served") as running:
        yield running


def publish(server: FileServer, name: str, content: str = "") -> tuple[str, str]:
    """A card for a file that is served; its path, and the digest of the file."""
    data = (content or name).encode() * (SIZE // len(content or name))
    sha256 = hashlib.sha256(data).hexdigest()
    (server.folder / f"{name}.ckpt").write_bytes(data)
    card = server.folder.parent / f"{name}.md"
    link = f"{server.url}/{name}.ckpt"
    card.write_text(CARD.format(link=link, sha256=sha256), encoding="utf-8")
    return str(card), sha256


def download(card: str) -> Path:
    done = run("download", card)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


def leave_partial(server: FileServer, name: str) -> str:
    card, sha256 = publish(server, name)
    server.on(f"/{name}.ckpt", truncated())
    assert run("download", card).returncode == 5
    server.on(f"/{name}.ckpt", good)
    return sha256


def damage(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(b"damaged")


def put(store: Store, sha256: str, content: bytes = b"anything") -> Path:
    """Something in the place of a file, whatever it is."""
    path = store.blob(sha256)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def date(path: Path) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(path.stat().st_mtime))


# ls and dir


def test_dir_prints_the_folder(tmp_path: Path) -> None:
    done = run("cache", "dir", MSHUB_HOME=str(tmp_path / "elsewhere"))
    assert (done.returncode, done.stdout) == (0, f"{tmp_path / 'elsewhere'}\n")


def test_ls_of_an_empty_store_says_so(store: Store) -> None:
    assert run("cache", "ls").stdout == f"0 files, 0 bytes in {store.home}\n"
    assert result("cache", "ls") == {
        "home": str(store.home),
        "entries": [],
        "size": 0,
        "foreign": 0,
    }
    assert not store.home.exists()


def test_ls_lists_files_partials_and_what_others_left(server: FileServer, store: Store) -> None:
    card, _ = publish(server, "a")
    blob = download(card)
    sha256 = leave_partial(server, "b")
    (store.home / "theirs.ckpt").write_bytes(b"x" * 1000)
    done = run("cache", "ls")
    assert (done.returncode, done.stderr) == (0, "")
    today = date(blob)
    assert rows(done.stdout) == [
        ["a", "300.0 kB", today, "not verified"],
        [sha256[:12], "300.0 kB", today, "unfinished, 300.0 kB of 300.0 kB"],
        [f"2 files, 600.0 kB in {store.home}"],
        ["Other programs' files there, which are left alone: 1.0 kB"],
    ]


def test_ls_as_json_holds_every_fact(server: FileServer, store: Store) -> None:
    card, whole = publish(server, "a")
    blob = download(card)
    os.utime(store.home / "refs" / "a.json", (1_000_000_000, 1_000_000_000))
    unfinished = leave_partial(server, "b")
    listing = result("cache", "ls")
    assert (listing["home"], listing["size"], listing["foreign"]) == (
        str(store.home),
        2 * SIZE - 1,
        0,
    )
    file, partial = listing["entries"]
    assert file == {
        "uids": ["a"],
        "sha256": whole,
        "path": str(blob),
        "size": SIZE,
        "total": None,
        "used": "2001-09-09T01:46:40+00:00",
        "state": "not verified",
    }
    assert (partial["sha256"], partial["uids"]) == (unfinished, [])
    assert (partial["state"], partial["size"], partial["total"]) == ("unfinished", SIZE - 1, SIZE)


# rm


def test_rm_by_any_name_removes_the_file_and_says_what_went(
    server: FileServer, store: Store
) -> None:
    card, sha256 = publish(server, "a")
    for name in (card, "a", sha256, sha256[:8]):
        blob = download(card)
        done = run("cache", "rm", name)
        assert (done.returncode, done.stderr) == (0, "")
        assert rows(done.stdout) == [
            ["a", "300.0 kB", rows(done.stdout)[0][2], "not verified"],
            ["Freed 300.0 kB of 1 file"],
        ]
        assert not blob.exists()
        assert not list((store.home / "refs").rglob("*.json"))


def test_rm_dry_run_removes_nothing(server: FileServer) -> None:
    card, sha256 = publish(server, "a")
    blob = download(card)
    done = run("cache", "rm", "a", "--dry-run")
    assert rows(done.stdout)[1:] == [["Would free 300.0 kB of 1 file"]]
    facts = result("cache", "rm", "a", "--dry-run")
    assert [found["sha256"] for found in facts["removed"]] == [sha256]
    assert (facts["freed"], facts["dry_run"]) == (SIZE, True)
    assert blob.exists()


def test_rm_of_a_shared_file_says_whose_else_it_was(server: FileServer) -> None:
    first, second = publish(server, "a", "same")[0], publish(server, "b", "same")[0]
    assert download(first) == download(second)
    facts = result("cache", "rm", "b")
    assert [found["uids"] for found in facts["removed"]] == [["a", "b"]]
    assert result("cache", "ls")["entries"] == []


def test_rm_of_what_is_not_in_the_store_is_no_error() -> None:
    done = run("cache", "rm", "MVD")
    assert (done.returncode, done.stderr) == (0, f"{MISSING}.\n")
    assert done.stdout == "Freed 0 bytes of 0 files\n"


def test_rm_of_an_unknown_name_removes_nothing(server: FileServer) -> None:
    blob = download(publish(server, "a")[0])
    done = run("cache", "rm", "a", "MVDD")
    assert (done.returncode, done.stdout) == (3, "")
    assert "Did you mean MVD?" in done.stderr
    assert blob.exists()


def test_rm_of_what_is_being_downloaded_is_refused(server: FileServer) -> None:
    card, sha256 = publish(server, "a")
    begun, rest = threading.Event(), threading.Event()

    server.on("/a.ckpt", halted(begun, rest, 50_000))
    command = [*MSHUB, "download", card]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as job:
        assert begun.wait(60)
        refused = run("cache", "rm", sha256)
        pruned = run("cache", "prune")
        rest.set()
        job.communicate()
    assert (refused.returncode, refused.stdout) == (9, "Freed 0 bytes of 0 files\n")
    assert "Left alone, because a download may be writing there: " in refused.stderr
    assert (pruned.returncode, pruned.stdout) == (0, "Freed 0 bytes of 0 files\n")
    assert "Another process is busy with " in pruned.stderr
    assert job.returncode == 0


def test_rm_says_what_went_although_not_all_could() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        store = Store(Path(folder) / "home")
        stuck, free = put(store, "a" * 64), put(store, "b" * 64)
        free.parent.chmod(0o777)
        arguments = ["rm", "a" * 64, "b" * 64, "--format", "json"]
        env = {"MSHUB_HOME": str(store.home)}
        # First imports what the other user may not read.
        rehearsal = CliRunner().invoke(cache, [*arguments, "--dry-run"], env=env)
        assert len(json.loads(rehearsal.stdout)["removed"]) == 2
        with read_only(stuck.parent):
            done = CliRunner().invoke(cache, arguments, env=env)
        assert isinstance(done.exception, StoreError)
        assert f"Cannot remove {stuck} in the store" in str(done.exception)
        assert [found["path"] for found in json.loads(done.stdout)["removed"]] == [str(free)]
        assert (stuck.exists(), free.exists()) == (True, False)


# prune


def test_prune_removes_what_is_not_needed_only(server: FileServer, store: Store) -> None:
    wanted = download(publish(server, "a")[0])
    unfinished = leave_partial(server, "b")
    unwanted = put(store, "e" * 64)
    os.utime(unwanted, (0, 0))
    assert run("cache", "prune", "--dry-run").stdout.endswith("Would free 300.0 kB of 2 files\n")
    assert unwanted.exists()
    facts = result("cache", "prune")
    assert {found["sha256"] for found in facts["removed"]} == {unfinished, "e" * 64}
    assert (facts["freed"], facts["dry_run"]) == (SIZE - 1 + len(b"anything"), False)
    assert [found["path"] for found in result("cache", "ls")["entries"]] == [str(wanted)]


def test_prune_by_age_keeps_what_was_used_and_files_of_default_cards(store: Store) -> None:
    cards = [card for card in Hub.of().cards if card.asset]
    default = next(card for card in cards if card.is_default)
    other, fresh = [card for card in cards if not card.is_default and card.asset != default.asset][
        :2
    ]
    for card in (default, other, fresh):
        assert card.asset
        os.utime(put(store, card.asset.sha256), (0, 0))
    assert fresh.asset
    note_use(store.home / "refs", fresh.uid, fresh.asset.sha256, fresh.asset.link)
    command = ("cache", "prune", "--older-than", "30d")
    gone = [result(*command, *more)["removed"] for more in ((), ("--keep-default",), ())]
    assert result("cache", "prune")["removed"] == []
    assert [len(removed) for removed in gone] == [2, 0, 0]


@pytest.mark.parametrize("age", ["30", "d", "-1d", "1.5d", "3 days", "9999999d", "٣d"])
def test_an_age_that_means_nothing_is_a_usage_error(age: str) -> None:
    done = run("cache", "prune", f"--older-than={age}")
    assert (done.returncode, done.stdout) == (2, "")
    assert "is not a time span; write 12h, 30d or 2w." in done.stderr


def test_a_store_that_cannot_be_listed_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for command in ("cache ls", "cache prune", "cache rm MVD", "verify"):
        done = run(*command.split(), MSHUB_HOME=str(tmp_path / "file"))
        assert (done.returncode, done.stdout) == (9, "")
        assert "mshub: error: Cannot list" in done.stderr


# verify


def test_verify_tells_whole_from_damaged(server: FileServer) -> None:
    cards = {name: publish(server, name)[0] for name in "ab"}
    whole, damaged = download(cards["a"]), download(cards["b"])
    done = run("verify", *cards.values())
    assert (done.returncode, done.stderr) == (0, "")
    damage(damaged)
    done = run("verify", *cards.values())
    assert done.returncode == 4
    assert f"{damaged} in the store is damaged" in done.stderr
    assert rows(done.stdout) == [
        ["a", "300.0 kB", "verified"],
        ["b", "7 bytes", "damaged"],
        ["Verified 1 of 2 stored files"],
    ]
    assert (whole.exists(), damaged.exists()) == (True, False)
    again = run("verify", *cards.values())
    assert again.returncode == 6
    assert f"`mshub download {cards['b']}` brings it" in again.stderr


def test_verify_of_a_damaged_and_a_missing_file_reports_both(server: FileServer) -> None:
    card, sha256 = publish(server, "a")
    damage(download(card))
    done = run("verify", "MVD", card, "--format", "json")
    assert done.returncode == 4
    assert MISSING in done.stderr
    assert [(found["sha256"], found["state"]) for found in json.loads(done.stdout)] == [
        (sha256, "damaged")
    ]


def test_verify_finds_files_in_extra_caches(server: FileServer, tmp_path: Path) -> None:
    card, _ = publish(server, "a")
    path = download(card)
    env = {"MSHUB_EXTRA_CACHES": os.environ["MSHUB_HOME"], "MSHUB_HOME": str(tmp_path / "own")}
    assert run("verify", card, **env).returncode == 0
    damage(path)
    done = run("verify", card, **env)
    assert done.returncode == 4
    assert "this store is only read" in done.stderr
    assert path.exists()


def test_verify_without_names_checks_everything_stored(server: FileServer, store: Store) -> None:
    done = run("verify")
    assert (done.returncode, done.stdout, done.stderr) == (0, "Verified 0 of 0 stored files\n", "")
    asset = Hub.of().resolve("MVD").asset
    assert asset
    whole = download(publish(server, "a")[0])
    damaged = [put(store, asset.sha256), put(store, "e" * 64)]
    done = run("verify", "--format", "json")
    assert done.returncode == 4
    assert {found["path"]: found["state"] for found in json.loads(done.stdout)} == {
        str(whole): "verified",
        **{str(path): "damaged" for path in damaged},
    }
    assert not any(path.exists() for path in damaged)
    assert run("verify").stdout.endswith("Verified 1 of 1 stored file\n")
    assert result("cache", "prune")["freed"] == 2 * len(b"anything")


def test_verify_without_names_checks_files_of_cards_in_extra_caches(
    store: Store, tmp_path: Path
) -> None:
    asset = Hub.of().resolve("MVD").asset
    assert asset
    put(store, asset.sha256)
    done = run("verify", MSHUB_EXTRA_CACHES=str(store.home), MSHUB_HOME=str(tmp_path / "own"))
    assert done.returncode == 4
    assert "this store is only read" in done.stderr


# Progress for programs


def progress_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def test_download_as_json_reports_progress_in_lines_on_stderr(server: FileServer) -> None:
    card, sha256 = publish(server, "a")
    done = run("download", card, "--format", "json", MSHUB_NO_PROGRESS="")
    assert json.loads(done.stdout)["sha256"] == sha256
    seen = progress_of(done.stderr)
    assert seen[-1] == {"file": "a.ckpt", "done": SIZE, "total": SIZE}
    assert [facts["done"] for facts in seen] == sorted({facts["done"] for facts in seen})
    cached = run("download", card, "--format", "json", MSHUB_NO_PROGRESS="")
    assert (cached.returncode, cached.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "env"),
    [
        (["download", "{card}"], {"MSHUB_NO_PROGRESS": ""}),
        (["download", "{card}", "--format", "json"], {"MSHUB_NO_PROGRESS": "1"}),
        (["-q", "download", "{card}", "--format", "json"], {"MSHUB_NO_PROGRESS": ""}),
    ],
    ids=["for people", "switched off", "quiet"],
)
def test_otherwise_no_lines_are_written(
    arguments: list[str], env: dict[str, str], server: FileServer
) -> None:
    card, _ = publish(server, "a")
    done = run(*(word.format(card=card) for word in arguments), **env)
    assert done.returncode == 0
    assert progress_of(done.stderr) == []


def test_a_failed_download_says_how_far_it_came(server: FileServer) -> None:
    card, _ = publish(server, "a")
    server.on("/a.ckpt", truncated())
    done = run("download", card, "--format", "json", MSHUB_NO_PROGRESS="")
    assert (done.returncode, done.stdout) == (5, "")
    assert progress_of(done.stderr)[-1]["done"] == SIZE - 1


def test_verify_as_json_reports_progress(server: FileServer) -> None:
    card, _ = publish(server, "a")
    download(card)
    done = run("verify", card, "--format", "json", MSHUB_NO_PROGRESS="")
    assert progress_of(done.stderr)[-1] == {"file": "Verifying", "done": SIZE, "total": SIZE}
