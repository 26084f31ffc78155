"""What works: a verified file over real sockets, and what the user sees of it."""

from __future__ import annotations

import hashlib
import logging
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from downloads import BLOB, CONTENT, PATH, SHA256, fetch, files, no_sockets
from faults import gzipped, trailing, without_length
from server import Answer, FileServer, good, status

from mindspore_hub.errors import NetworkError
from mindspore_hub.files.store import Store
from mindspore_hub.settings import Settings


def test_fetch_brings_a_file_over_https(https: FileServer, settings: Settings) -> None:
    blob = fetch(https.url + PATH, SHA256, settings=settings)
    assert blob == settings.home / BLOB
    assert blob.read_bytes() == CONTENT
    assert files(settings) == [BLOB]
    assert https.requests == [f"GET {PATH}"]


def test_second_fetch_opens_no_socket_and_logs_nothing(
    server: FileServer, settings: Settings, events: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "mindspore_hub")
    link = server.url + PATH
    blob = fetch(link, SHA256, settings=settings)
    assert caplog.messages == [f"Downloading mvd.ckpt (300,000 bytes) from {link}"]
    caplog.clear()
    with no_sockets(events):
        assert fetch(link, SHA256, settings=settings) == blob
    assert caplog.messages == []


def test_forced_fetch_downloads_afresh(server: FileServer, settings: Settings) -> None:
    for _ in range(2):
        fetch(server.url + PATH, SHA256, settings=settings, force=True)
    assert server.requests == [f"GET {PATH}"] * 2


def test_forced_fetch_that_fails_keeps_what_is_there(
    server: FileServer, settings: Settings
) -> None:
    blob = fetch(server.url + PATH, SHA256, settings=settings)
    server.on(PATH, status(404))
    with pytest.raises(NetworkError):
        fetch(server.url + PATH, SHA256, settings=settings, force=True)
    assert blob.read_bytes() == CONTENT


@pytest.mark.parametrize("answer", [without_length, trailing()], ids=["no length", "trailing"])
def test_fetch_accepts_a_whole_file_with(
    server: FileServer, settings: Settings, answer: Answer
) -> None:
    server.on(PATH, answer)
    assert fetch(server.url + PATH, SHA256, settings=settings).read_bytes() == CONTENT


def test_fetch_asks_for_plain_bytes(server: FileServer, settings: Settings) -> None:
    def obliging(handler: Any, body: bytes) -> None:
        answer = gzipped if "gzip" in handler.headers.get("Accept-Encoding", "gzip") else good
        answer(handler, body)

    server.on(PATH, obliging)
    assert fetch(server.url + PATH, SHA256, settings=settings).read_bytes() == CONTENT


def test_cached_file_is_had_while_somebody_downloads_it_again(
    server: FileServer, settings: Settings
) -> None:
    blob = fetch(server.url + PATH, SHA256, settings=settings)
    with Store(settings.home).lock(SHA256):
        assert fetch(server.url + PATH, SHA256, settings=settings) == blob


def test_empty_file_is_a_file(server: FileServer, folder: Path, settings: Settings) -> None:
    (folder / "empty.ckpt").touch()
    sha256 = hashlib.sha256(b"").hexdigest()
    assert fetch(f"{server.url}/empty.ckpt", sha256, settings=settings).read_bytes() == b""


def test_progress_runs_from_nothing_to_the_total(server: FileServer, settings: Settings) -> None:
    seen: list[tuple[int, int | None]] = []
    fetch(server.url + PATH, SHA256, settings=settings, progress=lambda *now: seen.append(now))
    assert seen[0] == (0, len(CONTENT))
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert seen == sorted(seen)


def test_progress_without_a_length_has_no_total(server: FileServer, settings: Settings) -> None:
    server.on(PATH, without_length)
    seen: list[tuple[int, int | None]] = []
    fetch(server.url + PATH, SHA256, settings=settings, progress=lambda *now: seen.append(now))
    assert seen[-1] == (len(CONTENT), None)


SCRIPT = """
import sys
from pathlib import Path
from mindspore_hub.files.download import obtain
from mindspore_hub.settings import Settings
before = sorted({"urllib3", "rich", "filelock", "mindspore"} & set(sys.modules))
assert not before, before
link, sha256, home, shown = sys.argv[1:]
obtain(link, sha256, settings=Settings(home=Path(home), progress=shown == "shown")).verify()
"""


def run_script(server: FileServer, home: Path, shown: str, **streams: Any) -> Any:
    command = [sys.executable, "-c", SCRIPT, server.url + PATH, SHA256, str(home), shown]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, **streams)


def test_fetch_is_silent_where_nobody_watches(server: FileServer, tmp_path: Path) -> None:
    done = run_script(server, tmp_path, "shown", stderr=subprocess.PIPE)
    assert (done.stdout, done.stderr) == (b"", b"")


@pytest.mark.parametrize(("shown", "drawn"), [("shown", True), ("hidden", False)])
def test_fetch_draws_a_bar_on_a_terminal(
    server: FileServer, tmp_path: Path, shown: str, *, drawn: bool
) -> None:
    terminal, end = pty.openpty()
    try:
        done = run_script(server, tmp_path, shown, stderr=end, env=os.environ | {"TERM": "xterm"})
        os.write(end, b"\n.")  # so that there is always something to read
        output = os.read(terminal, 100_000)
    finally:
        os.close(terminal)
        os.close(end)
    assert done.stdout == b""
    assert (b"mvd.ckpt" in output) is drawn
