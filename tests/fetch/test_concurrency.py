"""Many at once: one transfer where there are locks, and the right file where there are none."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from downloads import BLOB, CONTENT, PATH, SHA256, files
from server import FileServer

from mindspore_hub.fetch import fetch
from mindspore_hub.settings import Settings


def test_ten_threads_at_once_cost_one_download(server: FileServer, settings: Settings) -> None:
    start = threading.Barrier(10)

    def run(_: int) -> Path:
        start.wait()
        return fetch(server.url + PATH, SHA256, settings=settings)

    with ThreadPoolExecutor(10) as pool:
        assert set(pool.map(run, range(10))) == {settings.home / BLOB}
    assert files(settings) == [BLOB]
    assert server.requests == [f"GET {PATH}"]


def test_ten_threads_without_locks_all_get_the_file(server: FileServer, settings: Settings) -> None:
    settings.home.mkdir()
    (settings.home / "locks").write_text("a file where the folder should be")
    start = threading.Barrier(10)

    def run(_: int) -> bytes:
        start.wait()
        return fetch(server.url + PATH, SHA256, settings=settings).read_bytes()

    with ThreadPoolExecutor(10) as pool:
        assert set(pool.map(run, range(10))) == {CONTENT}
    assert files(settings) == [BLOB]
