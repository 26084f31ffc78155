"""What an earlier download left: taken up where it is of use, and never trusted."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path

import pytest
from downloads import BLOB, CONTENT, PATH, SHA256, fetch, files
from faults import dropped, flipped, halted, mislabelled, truncated, versioned, without_ranges
from server import Answer, FileServer, good, status

from mindspore_hub.errors import IntegrityError, NetworkError
from mindspore_hub.files.store import Store
from mindspore_hub.settings import Settings

HALF = len(CONTENT) // 2


def leave(settings: Settings, content: bytes, **version: object) -> Path:
    """Leave an unfinished download in the store."""
    part = settings.home / "partial" / f"{SHA256}.{os.urandom(8).hex()}.part"
    part.parent.mkdir(parents=True, exist_ok=True)
    part.write_bytes(content)
    if version:
        part.with_suffix(".json").write_text(json.dumps(version))
    return part


def break_off(server: FileServer, settings: Settings, answer: Answer) -> None:
    """Let a download fail half way, and the next one find a good server."""
    server.on(PATH, answer)
    with pytest.raises(NetworkError):
        fetch(server.url + PATH, SHA256, settings=settings)
    server.on(PATH, good)


def begun(size: int) -> Answer:
    """Send these bytes from the first on, whatever is asked for, and close in good order."""
    return lambda handler, file: handler.send(
        iter([file.read_bytes()[:size]]), {"Content-Length": str(file.stat().st_size)}
    )


def written(settings: Settings) -> Path:
    """The unfinished download, once some of it is on the disk."""
    while not (found := [part for part in settings.home.glob("partial/*.part") if size(part)]):
        pass
    return found[0]


def size(path: Path) -> int:
    return path.stat().st_size


def starts(server: FileServer) -> list[int]:
    return [exchange.start for exchange in server.exchanges]


def test_next_fetch_asks_for_the_rest_of_the_same_version(
    server: FileServer, settings: Settings
) -> None:
    break_off(server, settings, truncated(HALF))
    assert fetch(server.url + PATH, SHA256, settings=settings).read_bytes() == CONTENT
    assert starts(server) == [0, HALF]
    assert "if-range" in server.exchanges[-1].headers
    assert server.sent == len(CONTENT)
    assert files(settings) == [BLOB]


def test_interrupted_fetch_keeps_what_came(server: FileServer, settings: Settings) -> None:
    def interrupt(done: int, _total: int | None) -> None:
        if done >= HALF:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(server.url + PATH, SHA256, settings=settings, progress=interrupt)
    fetch(server.url + PATH, SHA256, settings=settings)
    assert starts(server)[-1] >= HALF


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (versioned('"a"'), versioned('"b"')),
        (versioned(modified=formatdate(0)), versioned(modified=formatdate(1))),
        (versioned(), without_ranges),
    ],
    ids=["ETag", "date", "no ranges"],
)
def test_another_version_is_fetched_from_0(
    server: FileServer, settings: Settings, first: Answer, second: Answer
) -> None:
    server.on(PATH, first, second)

    def interrupt(done: int, _total: int | None) -> None:
        if done >= HALF:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(server.url + PATH, SHA256, settings=settings, progress=interrupt)
    assert fetch(server.url + PATH, SHA256, settings=settings).read_bytes() == CONTENT
    assert [exchange.status for exchange in server.exchanges] == [200, 200]


def test_weak_etag_does_not_vouch_for_bytes(server: FileServer, settings: Settings) -> None:
    leave(settings, CONTENT[:HALF], url=server.url + PATH, validator="", total=len(CONTENT))
    server.on(PATH, versioned('W/"x"'))
    fetch(server.url + PATH, SHA256, settings=settings)
    assert starts(server) == [HALF]
    assert "if-range" not in server.exchanges[0].headers


def test_partial_of_another_source_is_completed_without_its_etag(
    server: FileServer, https: FileServer, settings: Settings
) -> None:
    break_off(server, settings, truncated(HALF))
    fetch(https.url + PATH, SHA256, settings=settings)
    assert starts(https) == [HALF]
    assert "if-range" not in https.exchanges[0].headers


@pytest.mark.parametrize("kept", [b"x" * HALF, b"x" * len(CONTENT), b"x" * 400_000])
@pytest.mark.parametrize("total", [None, HALF, len(CONTENT), 400_000])
def test_partial_with_wrong_bytes_costs_a_download_and_no_more(
    server: FileServer, settings: Settings, kept: bytes, total: int | None
) -> None:
    leave(settings, kept, url=server.url + PATH, validator="", total=total)
    assert fetch(server.url + PATH, SHA256, settings=settings).read_bytes() == CONTENT
    assert files(settings) == [BLOB]


@pytest.mark.parametrize("facts", ["", "{", "[]", '{"url": 1, "more": 2}', '{"total": "x"}'])
def test_partial_whose_facts_mean_nothing_is_taken_up(
    server: FileServer, settings: Settings, facts: str
) -> None:
    part = leave(settings, CONTENT[:HALF])
    part.with_suffix(".json").write_text(facts)
    assert fetch(server.url + PATH, SHA256, settings=settings).read_bytes() == CONTENT
    assert starts(server)[-1] in {0, HALF}
    assert files(settings) == [BLOB]


def test_progress_of_a_rest_has_the_total_of_the_whole(
    server: FileServer, settings: Settings
) -> None:
    leave(settings, CONTENT[:HALF])
    seen: list[tuple[int, int | None]] = []
    fetch(server.url + PATH, SHA256, settings=settings, progress=lambda *now: seen.append(now))
    assert seen[0] == (HALF, len(CONTENT))
    assert seen[-1] == (len(CONTENT), len(CONTENT))


def test_whole_partial_needs_no_server(server: FileServer, settings: Settings) -> None:
    leave(settings, CONTENT, url=server.url + PATH, validator="", total=len(CONTENT)).chmod(0o444)
    assert fetch(server.url + PATH, SHA256, settings=settings).read_bytes() == CONTENT
    assert server.requests == []


def test_whole_partial_of_unknown_size_is_checked_with_416(
    server: FileServer, settings: Settings
) -> None:
    leave(settings, CONTENT)
    assert fetch(server.url + PATH, SHA256, settings=settings).read_bytes() == CONTENT
    assert [exchange.status for exchange in server.exchanges] == [416]


@pytest.mark.parametrize(
    "answer",
    [
        mislabelled("bytes 0-9/300000"),
        mislabelled(f"bytes {HALF}-{len(CONTENT)}/{len(CONTENT) + 1}"),
        mislabelled(f"bytes {HALF}-9/{'9' * 5000}"),
        mislabelled("nonsense"),
        mislabelled("bytes */300000"),
        status(416),
        status(416, Content_Range="bytes */5"),
    ],
    ids=["start", "size", "absurd size", "nonsense", "no range", "416", "416 with another size"],
)
def test_answer_to_a_range_that_does_not_fit_is_not_appended(
    server: FileServer, settings: Settings, answer: Answer
) -> None:
    leave(settings, CONTENT[:HALF], url=server.url + PATH, validator="", total=len(CONTENT))
    server.on(PATH, answer, good)
    assert fetch(server.url + PATH, SHA256, settings=settings).read_bytes() == CONTENT
    assert files(settings) == [BLOB]


def test_range_without_a_size_of_the_whole_goes_on(server: FileServer, settings: Settings) -> None:
    leave(settings, CONTENT[:HALF], url=server.url + PATH, validator="", total=len(CONTENT))
    server.on(PATH, mislabelled(f"bytes {HALF}-{len(CONTENT) - 1}/*"))
    fetch(server.url + PATH, SHA256, settings=settings)
    assert server.sent == HALF


def test_wrong_rest_is_followed_by_the_whole_file(server: FileServer, settings: Settings) -> None:
    leave(settings, CONTENT[:HALF], url=server.url + PATH, validator="", total=len(CONTENT))
    server.on(PATH, flipped(8 * HALF + 1), good)
    assert fetch(server.url + PATH, SHA256, settings=settings).read_bytes() == CONTENT
    assert starts(server) == [HALF, 0]


def test_wrong_rest_and_wrong_file_is_an_error(server: FileServer, settings: Settings) -> None:
    leave(settings, CONTENT[:HALF])
    server.on(PATH, flipped(8 * HALF + 1))
    with pytest.raises(IntegrityError):
        fetch(server.url + PATH, SHA256, settings=settings)
    assert [name.partition("-")[0] for name in files(settings)] == [f"corrupt/{SHA256}"]


def test_longest_partial_is_taken_up_and_the_others_go(
    server: FileServer, settings: Settings
) -> None:
    for size in (1000, HALF, 10):
        leave(settings, CONTENT[:size])
    fetch(server.url + PATH, SHA256, settings=settings)
    assert starts(server) == [HALF]
    assert files(settings) == [BLOB]


def test_what_a_fetch_without_lock_writes_is_never_taken_up(
    server: FileServer, settings: Settings
) -> None:
    alive = leave(settings, CONTENT[:HALF]).with_suffix(".tmp")
    alive.with_suffix(".part").rename(alive)
    fetch(server.url + PATH, SHA256, settings=settings)
    assert starts(server) == [0]
    assert alive.read_bytes() == CONTENT[:HALF]


@pytest.mark.parametrize("locks", [True, False], ids=["with lock", "without lock"])
def test_what_a_fetch_without_lock_is_writing_stays_its_own(
    server: FileServer, settings: Settings, *, locks: bool
) -> None:
    settings.home.mkdir()
    obstacle = settings.home / "locks"
    obstacle.write_text("a file where the folder should be")
    begun, rest = threading.Event(), threading.Event()
    server.on(PATH, halted(begun, rest, HALF // 8), good)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(fetch, server.url + PATH, SHA256, settings=settings)
        try:
            assert begun.wait(60)
            if locks:
                obstacle.unlink()
            assert fetch(server.url + PATH, SHA256, settings=settings).read_bytes() == CONTENT
        finally:
            rest.set()
        assert slow.result().read_bytes() == CONTENT
    assert starts(server) == [0, 0]


def test_download_that_is_taken_from_its_live_owner_ends_for_both(
    server: FileServer, settings: Settings
) -> None:
    begun, rest = (threading.Event(), threading.Event()), (threading.Event(), threading.Event())
    halts = [halted(*events, HALF // 8) for events in zip(begun, rest, strict=True)]
    server.on(PATH, *halts, good)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(fetch, server.url + PATH, SHA256, settings=settings)
        try:
            assert begun[0].wait(60)
            written(settings)
            # A lock that reaches one machine only: the other one has another.
            (settings.home / "locks" / f"{SHA256}.lock").unlink()
            second = pool.submit(fetch, server.url + PATH, SHA256, settings=settings)
            assert begun[1].wait(60)
            rest[0].set()
            assert first.result().read_bytes() == CONTENT
        finally:
            for event in rest:
                event.set()
        assert second.result().read_bytes() == CONTENT
    assert starts(server)[::2] == [0, 0]
    assert starts(server)[1] > 0
    assert files(settings) == [BLOB]


@pytest.mark.parametrize("gone", ["file", "folder", "store"])
def test_download_whose_bytes_are_removed_begins_again(
    server: FileServer, settings: Settings, gone: str
) -> None:
    begun, rest = threading.Event(), threading.Event()
    server.on(PATH, halted(begun, rest, HALF // 8), good)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(fetch, server.url + PATH, SHA256, settings=settings)
        try:
            assert begun.wait(60)
            part = written(settings)
            if gone == "file":
                part.unlink()
            else:
                shutil.rmtree(part.parent if gone == "folder" else settings.home)
        finally:
            rest.set()
        assert slow.result().read_bytes() == CONTENT
    assert starts(server) == [0, 0]
    assert files(settings) == [BLOB]


@pytest.mark.parametrize(("seconds", "start"), [(0, 0), (3600, HALF)])
def test_partial_of_another_machine_is_taken_up_once_it_is_silent(
    server: FileServer, settings: Settings, seconds: float, start: int
) -> None:
    part = leave(settings, CONTENT[:HALF])
    part = part.rename(part.with_name(f"{SHA256}.{'0' * 8}_{'1' * 16}.part"))
    os.utime(part, (time.time() - seconds,) * 2)
    assert fetch(server.url + PATH, SHA256, settings=settings).read_bytes() == CONTENT
    assert starts(server) == [start]
    assert part.exists() == (not seconds)


def test_symlink_in_the_place_of_a_partial_is_not_followed(
    server: FileServer, settings: Settings, tmp_path: Path
) -> None:
    mine = tmp_path / "mine"
    mine.write_bytes(b"precious")
    link = leave(settings, b"")
    link.unlink()
    link.symlink_to(mine)
    assert fetch(server.url + PATH, SHA256, settings=settings).read_bytes() == CONTENT
    assert mine.read_bytes() == b"precious"


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo], ids=["folder", "pipe"])
def test_what_is_no_file_in_the_place_of_a_partial_is_passed_over(
    server: FileServer, settings: Settings, make: Callable[[Path], None]
) -> None:
    place = leave(settings, b"")
    place.unlink()
    make(place)
    assert fetch(server.url + PATH, SHA256, settings=settings).read_bytes() == CONTENT


def test_progress_pays_for_failures_that_pass(server: FileServer, tmp_path: Path) -> None:
    content = hashlib.shake_256(b"long").digest(6 << 20)
    (server.folder / "long.ckpt").write_bytes(content)
    server.on("/long.ckpt", *[truncated((6 - number) << 20) for number in range(1, 6)], good)
    link, sha256 = f"{server.url}/long.ckpt", hashlib.sha256(content).hexdigest()
    fetch(link, sha256, settings=Settings(home=tmp_path / "home", retries=1))
    assert starts(server) == [number << 20 for number in range(6)]


def test_what_was_lost_and_fetched_again_is_no_progress(server: FileServer, tmp_path: Path) -> None:
    content = hashlib.shake_256(b"long").digest(6 << 20)
    (server.folder / "long.ckpt").write_bytes(content)
    far, near = begun(2 << 20), begun(1 << 19)
    server.on("/long.ckpt", far, near, far, near, good)
    link, sha256 = f"{server.url}/long.ckpt", hashlib.sha256(content).hexdigest()
    with pytest.raises(NetworkError):
        fetch(link, sha256, settings=Settings(home=tmp_path / "home", retries=1))
    assert len(server.requests) == 3


def test_attempts_that_bring_next_to_nothing_end(server: FileServer, settings: Settings) -> None:
    server.on(PATH, dropped(1))
    with pytest.raises(NetworkError):
        fetch(server.url + PATH, SHA256, settings=replace(settings, retries=2))
    assert len(server.requests) == 3


@pytest.fixture
def shared(server: FileServer, settings: Settings) -> Iterator[Settings]:
    """Settings of a store that every user may write, for a test that another user runs."""
    if os.geteuid():
        pytest.skip("only root can be two users")
    # Imports all that is needed: the other user may not be allowed to read our libraries.
    fetch(server.url + PATH, SHA256, settings=settings)
    server.exchanges.clear()
    server.requests.clear()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        yield Settings(home=Path(folder), retries=0, timeout=5)


@pytest.fixture
def public() -> Iterator[FileServer]:
    """A server that can read its file whoever this process is."""
    with tempfile.TemporaryDirectory() as folder, FileServer(Path(folder)) as running:
        Path(folder).chmod(0o755)
        (Path(folder) / "mvd.ckpt").write_bytes(CONTENT)
        yield running


@contextmanager
def nobody() -> Iterator[None]:
    """Be an ordinary user; `os.access` asks for the real one."""
    os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


def test_partial_of_another_user_is_left_alone(public: FileServer, shared: Settings) -> None:
    part = leave(shared, CONTENT[:HALF])
    part.parent.chmod(0o777)
    with nobody():
        blob = fetch(public.url + "/mvd.ckpt", SHA256, settings=shared)
    assert blob.read_bytes() == CONTENT
    assert part.read_bytes() == CONTENT[:HALF]
    assert starts(public) == [0]


def test_lock_of_another_user_is_done_without(public: FileServer, shared: Settings) -> None:
    with Store(shared.home).lock(SHA256) as held:
        assert held
    (shared.home / "locks" / f"{SHA256}.lock").chmod(0o600)
    with nobody():
        blob = fetch(public.url + "/mvd.ckpt", SHA256, settings=shared)
    assert blob.read_bytes() == CONTENT


def test_partial_whose_owner_was_killed_before_the_rename_is_taken_up(
    server: FileServer, shared: Settings
) -> None:
    with nobody():
        leave(shared, CONTENT, url="", validator="", total=len(CONTENT)).chmod(0o444)
        assert fetch(server.url + PATH, SHA256, settings=shared).read_bytes() == CONTENT
    assert server.requests == []
