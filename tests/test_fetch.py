"""Fetching over real sockets: a verified file, or an error that says what every source did."""

from __future__ import annotations

import hashlib
import logging
import os
import pty
import re
import socket
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from errno import ECONNREFUSED
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from server import (
    Answer,
    FileServer,
    announced,
    dropped,
    flipped,
    good,
    gzipped,
    read_only,
    redirect,
    status,
    too_long,
    trailing,
    truncated,
    without_length,
)

from mindspore_hub.cache import Store
from mindspore_hub.errors import (
    IntegrityError,
    NetworkError,
    OfflineError,
    StoreError,
    TrustError,
)
from mindspore_hub.fetch import fetch
from mindspore_hub.settings import Settings
from mindspore_hub.sources import refuse_untrusted
from mindspore_hub.transfer import MAX_REDIRECTS

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTENT = hashlib.shake_256(b"weights").digest(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PATH = "/models/r1.9/mvd.ckpt"
ELSEWHERE = "http://192.0.2.1/mvd.ckpt"  # TEST-NET-1 of RFC 5737: nobody is there
UNREACHABLE = "http://127.0.0.1:9"
NO_SETTINGS = Settings(home=Path("nowhere"))


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What the servers serve."""
    file = tmp_path / "served" / PATH.lstrip("/")
    file.parent.mkdir(parents=True)
    file.write_bytes(CONTENT)
    return tmp_path / "served"


@pytest.fixture
def server(folder: Path) -> Iterator[FileServer]:
    with FileServer(folder) as running:
        yield running


@pytest.fixture
def https(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """A server whose certificate is trusted."""
    with FileServer(folder, tls=True) as running:
        monkeypatch.setenv("SSL_CERT_FILE", str(running.ca_file))
        yield running


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    hosts = ("host.invalid", "h.invalid")
    return Settings(home=tmp_path / "home", timeout=5, retries=0, allowed_hosts=hosts)


@pytest.fixture(scope="module")
def events() -> list[str]:
    """What the interpreter tells audit hooks about sockets; hooks cannot be taken off again."""
    seen: list[str] = []
    sys.addaudithook(lambda event, _: seen.append(event) if event.startswith("socket.") else None)
    return seen


@contextmanager
def no_sockets(events: list[str]) -> Iterator[None]:
    events.clear()
    yield
    assert events == []


def files(settings: Settings) -> list[str]:
    """All files of the store but its locks and marks."""
    home = settings.home
    found = [str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()]
    marks = ("locks", "CACHEDIR", "layout", "verified")
    return sorted(name for name in found if not name.startswith(marks))


def blobs(settings: Settings) -> list[str]:
    """Files of the store that a load would take for good."""
    return [name for name in files(settings) if name.startswith("blobs")]


BLOB = f"blobs/sha256/{SHA256[:2]}/{SHA256[2:]}"


# What works


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


# What is wrong with the bytes


def test_fetch_refuses_a_flipped_bit_and_then_takes_the_good_file(
    server: FileServer, settings: Settings
) -> None:
    server.on(PATH, flipped(bit=1_234_567), good)
    with pytest.raises(IntegrityError, match=f"expected sha256 {SHA256}, got "):
        fetch(server.url + PATH, SHA256, settings=settings)
    (wrong,) = files(settings)
    assert wrong.startswith(f"corrupt/{SHA256}-")
    assert fetch(server.url + PATH, SHA256, settings=settings).read_bytes() == CONTENT


def test_fetch_does_not_ask_twice_for_wrong_bytes(server: FileServer, settings: Settings) -> None:
    server.on(PATH, flipped())
    with pytest.raises(IntegrityError):
        fetch(server.url + PATH, SHA256, settings=replace(settings, retries=1))
    assert server.requests == [f"GET {PATH}"]


REFUSED = {
    "truncated": (truncated(), NetworkError, "peer closed connection without sending complete"),
    "dropped": (dropped(after=100), NetworkError, "ReadError|RemoteProtocolError"),
    "too long": (too_long(), IntegrityError, "another file"),
    "announced short": (announced(len(CONTENT) - 1), IntegrityError, "another file"),
    "announced empty": (announced(0), IntegrityError, "another file"),
    "gzipped": (gzipped, NetworkError, "sent the file in gzip encoding"),
    "204": (status(204), NetworkError, "status 204 No Content"),
    "304": (status(304), NetworkError, "status 304 Not Modified"),
    "403": (status(403), NetworkError, "status 403 Forbidden"),
    "404": (status(404), NetworkError, "status 404 Not Found"),
    "500": (status(500), NetworkError, "status 500 Internal Server Error"),
    "larger than the disk": (announced(1 << 60), StoreError, "1,152,921,504,606,846,976 are need"),
}


@pytest.mark.parametrize(("answer", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_fetch_takes_for_good_nothing_of(
    server: FileServer,
    settings: Settings,
    answer: Answer,
    error: type[Exception],
    message: str,
) -> None:
    server.on(PATH, answer)
    with pytest.raises(error, match=message):
        fetch(server.url + PATH, SHA256, settings=settings)
    assert blobs(settings) == []


def test_damaged_file_in_the_store_is_an_error_once(server: FileServer, settings: Settings) -> None:
    blob = fetch(server.url + PATH, SHA256, settings=settings)
    blob.chmod(0o644)
    blob.write_bytes(CONTENT[:-1])
    with pytest.raises(IntegrityError, match="Try again"):
        fetch(server.url + PATH, SHA256, settings=settings)
    assert fetch(server.url + PATH, SHA256, settings=settings).read_bytes() == CONTENT


def test_forced_fetch_replaces_a_damaged_file(server: FileServer, settings: Settings) -> None:
    blob = settings.home / BLOB
    blob.parent.mkdir(parents=True)
    blob.write_bytes(b"damaged")
    fetch(server.url + PATH, SHA256, settings=settings, force=True)
    assert blob.read_bytes() == CONTENT


def test_interrupted_download_leaves_nothing_that_counts(
    server: FileServer, settings: Settings
) -> None:
    def interrupt(done: int, _total: int | None) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(server.url + PATH, SHA256, settings=settings, progress=interrupt)
    assert blobs(settings) == []
    assert fetch(server.url + PATH, SHA256, settings=settings).read_bytes() == CONTENT


# What fails, and may pass


PASSING = {
    "429": status(429),
    "500": status(500),
    "503": status(503),
    "truncated": truncated(),
    "dropped": dropped(after=100),
}


@pytest.mark.parametrize("answer", PASSING.values(), ids=PASSING)
def test_fetch_asks_again_after_a_failure_that_may_pass(
    server: FileServer, settings: Settings, answer: Answer
) -> None:
    server.on(PATH, answer, good)
    fetch(server.url + PATH, SHA256, settings=replace(settings, retries=1))
    assert server.requests == [f"GET {PATH}"] * 2


def test_fetch_stops_asking_after_the_last_retry(server: FileServer, settings: Settings) -> None:
    server.on(PATH, status(503))
    with pytest.raises(NetworkError, match="status 503"):
        fetch(server.url + PATH, SHA256, settings=replace(settings, retries=1))
    assert server.requests == [f"GET {PATH}"] * 2


@pytest.mark.parametrize(
    "answer", [status(404), status(401), gzipped], ids=["404", "401", "gzipped"]
)
def test_fetch_does_not_ask_again_after_a_failure_that_stays(
    server: FileServer, settings: Settings, answer: Answer
) -> None:
    server.on(PATH, answer)
    with pytest.raises(NetworkError):
        fetch(server.url + PATH, SHA256, settings=replace(settings, retries=1))
    assert server.requests == [f"GET {PATH}"]


def test_server_that_does_not_answer_times_out(server: FileServer, settings: Settings) -> None:
    given_up = threading.Event()

    def late(handler: Any, body: bytes) -> None:
        given_up.wait(2)
        good(handler, body)

    server.on(PATH, late)
    with pytest.raises(NetworkError, match="ReadTimeout"):
        fetch(server.url + PATH, SHA256, settings=replace(settings, timeout=0.1))
    given_up.set()


def test_unknown_host_is_not_asked_again(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "mindspore_hub")
    with pytest.raises(NetworkError, match="the name of the host cannot be resolved"):
        fetch("https://host.invalid/x.ckpt", SHA256, settings=replace(settings, retries=1))
    assert not any("again" in message for message in caplog.messages)


def test_failure_is_not_taken_for_one_that_the_caller_is_handling(settings: Settings) -> None:
    def run() -> None:
        try:
            socket.getaddrinfo("host.invalid", 443)
        except socket.gaierror:
            fetch(UNREACHABLE + PATH, SHA256, settings=settings)

    with pytest.raises(NetworkError, match="Connection refused"):
        run()


def test_failure_names_every_source_and_the_way_out(
    server: FileServer, settings: Settings, tmp_path: Path
) -> None:
    server.on(PATH, status(404))
    mirrors = (str(tmp_path / "nowhere"), UNREACHABLE)
    with pytest.raises(NetworkError) as caught:
        fetch(server.url + PATH, SHA256, settings=replace(settings, mirrors=mirrors))
    assert str(caught.value) == (
        f"No source could deliver mvd.ckpt (sha256 {SHA256}):\n"
        f"  {tmp_path}/nowhere/models/r1.9/mvd.ckpt: No such file or directory\n"
        f"  {tmp_path}/nowhere/mvd.ckpt: No such file or directory\n"
        f"  {UNREACHABLE}{PATH}: ConnectError: [Errno {ECONNREFUSED}] Connection refused\n"
        f"  {server.url}{PATH}: status 404 Not Found\n"
        "Try again later: what has come is kept, and the download goes on from there. Or put the "
        "file into a folder and name that folder in MSHUB_MIRRORS."
    )


# Mirrors


@pytest.mark.parametrize("as_url", [False, True])
@pytest.mark.parametrize("path", ["models/r1.9/mvd.ckpt", "mvd.ckpt"])
def test_folder_mirror_needs_no_network(
    settings: Settings, tmp_path: Path, events: list[str], path: str, *, as_url: bool
) -> None:
    mirror = tmp_path / "a mirror"
    (mirror / path).parent.mkdir(parents=True, exist_ok=True)
    (mirror / path).write_bytes(CONTENT)
    mirrors = (mirror.as_uri() if as_url else str(mirror),)
    link = "https://host.invalid" + PATH
    with no_sockets(events):
        blob = fetch(link, SHA256, settings=replace(settings, mirrors=mirrors, offline=True))
    assert blob.read_bytes() == CONTENT
    assert not blob.is_symlink()


def test_url_mirror_is_asked_before_the_link(server: FileServer, settings: Settings) -> None:
    mirrors = (f"{server.url}/",)
    link = "https://host.invalid" + PATH
    fetch(link, SHA256, settings=replace(settings, mirrors=mirrors))
    assert server.requests == [f"GET {PATH}"]


def test_mirror_with_a_flat_folder_is_asked_second(
    server: FileServer, folder: Path, settings: Settings
) -> None:
    (folder / PATH.lstrip("/")).rename(folder / "mvd.ckpt")
    link = "https://host.invalid" + PATH
    fetch(link, SHA256, settings=replace(settings, mirrors=(server.url,)))
    assert server.requests == [f"GET {PATH}", "GET /mvd.ckpt"]


def test_mirror_with_wrong_bytes_is_passed_over(
    server: FileServer, settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "mvd.ckpt").write_bytes(b"wrong")
    settings = replace(settings, mirrors=(str(mirror),))
    assert fetch(server.url + PATH, SHA256, settings=settings).read_bytes() == CONTENT
    (warning,) = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert warning == (
        f"{mirror}/mvd.ckpt: another file: expected sha256 {SHA256}, "
        f"got {hashlib.sha256(b'wrong').hexdigest()}"
    )


@pytest.mark.parametrize(
    ("size", "error", "message"),
    [(0, NetworkError, "sent 0 of the 3,145,728 bytes"), (9 << 20, IntegrityError, "another file")],
)
def test_file_of_a_mirror_that_changes_under_the_hands_is_refused(
    settings: Settings, tmp_path: Path, size: int, error: type[Exception], message: str
) -> None:
    file = tmp_path / "mvd.ckpt"
    file.write_bytes(bytes(3 << 20))
    with pytest.raises(error, match=message):
        fetch(
            f"{UNREACHABLE}/mvd.ckpt",
            SHA256,
            settings=replace(settings, mirrors=(str(tmp_path),)),
            progress=lambda _done, _total: os.truncate(file, size),
        )
    assert files(settings) == []


def test_wrong_bytes_weigh_more_than_a_missing_file(
    server: FileServer, settings: Settings, tmp_path: Path
) -> None:
    server.on(PATH, status(404))
    (tmp_path / "mvd.ckpt").write_bytes(b"wrong")
    with pytest.raises(IntegrityError, match=r"(?s)another file.*status 404.*MSHUB_MIRRORS"):
        fetch(server.url + PATH, SHA256, settings=replace(settings, mirrors=(str(tmp_path),)))


def test_mirror_is_asked_for_one_path_only_if_it_cannot_be_reached(settings: Settings) -> None:
    with pytest.raises(NetworkError) as caught:
        fetch(UNREACHABLE + PATH, SHA256, settings=replace(settings, mirrors=(UNREACHABLE,)))
    assert str(caught.value).count(UNREACHABLE) == 2  # the mirror, and the link


def test_errors_do_not_show_secrets_of_a_mirror(server: FileServer, settings: Settings) -> None:
    mirror = server.url.replace("//", "//user:secret@") + "/none?token=secret"
    with pytest.raises(NetworkError, match=r"/none/none\.ckpt: status 404") as caught:
        fetch(server.url + "/none.ckpt", SHA256, settings=replace(settings, mirrors=(mirror,)))
    assert "secret" not in str(caught.value)
    assert server.requests[0] == "GET /none/none.ckpt?token=secret"


def test_mirror_that_is_no_url_is_refused(settings: Settings) -> None:
    with pytest.raises(TrustError, match=r"'https://host:port' is not a URL.*MSHUB_MIRRORS"):
        fetch(
            "https://h.invalid/x",
            SHA256,
            settings=replace(settings, mirrors=("https://host:port",)),
        )


# Offline


def test_offline_opens_no_socket_and_says_how_to_bring_the_file(
    server: FileServer, settings: Settings, events: list[str]
) -> None:
    settings = replace(settings, offline=True, mirrors=(server.url,))
    with no_sockets(events), pytest.raises(OfflineError) as caught:
        fetch(server.url + PATH, SHA256, settings=settings)
    assert str(caught.value) == (
        f"mvd.ckpt (sha256 {SHA256}) is not in {settings.home}, and MSHUB_OFFLINE forbids the "
        "network.\n"
        f"On a machine with a network run `curl -fLO {server.url}{PATH}`, bring mvd.ckpt into a "
        "folder here and name that folder in MSHUB_MIRRORS; or unset MSHUB_OFFLINE."
    )
    assert server.requests == []


def test_offline_takes_what_is_in_the_store(server: FileServer, settings: Settings) -> None:
    blob = fetch(server.url + PATH, SHA256, settings=settings)
    assert fetch(server.url + PATH, SHA256, settings=replace(settings, offline=True)) == blob


# Trust


@pytest.mark.parametrize(
    "link",
    [
        ELSEWHERE,
        "http://localhost.example/x.ckpt",
        "http://127.0.0.1.example/x.ckpt",
        "http://127.0.0.1@192.0.2.1/x.ckpt",
        "http://127.0.0.1\\@192.0.2.1/x.ckpt",
        "ftp://127.0.0.1/x.ckpt",
        "file:///etc/passwd",
        "/etc/passwd",
        "https:///x.ckpt",
        "https://host:port/x.ckpt",
        "https://[::1/x.ckpt",
        "https://host.invalid/",
        "https://host.invalid/../x.ckpt",
        "https://host.invalid/%2e%2e/x.ckpt",
        "https://host.invalid/a%2fb.ckpt",
        "https://host.invalid/x%00.ckpt",
        "https://host.invalid/x\n.ckpt",
    ],
)
def test_untrusted_link_is_refused_without_a_socket(
    settings: Settings, events: list[str], link: str
) -> None:
    with no_sockets(events), pytest.raises(TrustError, match=re.escape("the card")):
        fetch(link, SHA256, settings=settings)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "[::1]"])
def test_plain_http_is_trusted_on_this_machine(host: str) -> None:
    refuse_untrusted(f"http://{host}:8000/x.ckpt", NO_SETTINGS)


def test_plain_http_is_trusted_from_a_mirror_that_the_user_named() -> None:
    settings = replace(NO_SETTINGS, mirrors=("/mnt/hub", "http://nas.example:8080/hub"))
    refuse_untrusted("http://nas.example:8080/hub/x.ckpt", settings)
    for other in ("http://nas.example/hub/x.ckpt", "http://example:8080/hub/x.ckpt"):
        with pytest.raises(TrustError, match="plain http"):
            refuse_untrusted(other, settings)


@pytest.mark.parametrize(
    ("origin", "url"),
    [
        ("https://host.example/x", "http://127.0.0.1/x"),
        ("HTTPS://host.example/x", "http://nas.example/x"),
        ("https://127.0.0.1/x", "http://nas.example/x"),
    ],
)
def test_redirect_from_https_to_http_is_refused(origin: str, url: str) -> None:
    settings = replace(NO_SETTINGS, mirrors=("http://nas.example",))
    with pytest.raises(TrustError, match="redirects from https to plain http"):
        refuse_untrusted(url, settings, origin=origin)


def test_redirect_within_this_machine_may_leave_https() -> None:
    refuse_untrusted("http://127.0.0.1/x", NO_SETTINGS, origin="https://localhost/x")


def test_redirects_are_followed_and_relative_ones_too(
    https: FileServer, settings: Settings
) -> None:
    https.on("/a", redirect("/b", 301))
    https.on("/b", redirect(https.url.replace("127.0.0.1", "localhost") + PATH, 307))
    assert fetch(https.url + "/a", SHA256, settings=settings).read_bytes() == CONTENT
    assert https.requests == ["GET /a", "GET /b", f"GET {PATH}"]


def test_redirect_to_an_untrusted_place_is_refused(https: FileServer, settings: Settings) -> None:
    https.on(PATH, redirect(ELSEWHERE))
    with pytest.raises(TrustError, match=re.escape(f"{https.url}{PATH}: {ELSEWHERE} is plain")):
        fetch(https.url + PATH, SHA256, settings=settings)


def test_redirect_from_https_to_a_plain_mirror_is_refused(
    https: FileServer, folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    https.on(PATH, redirect("http://nas.invalid/mvd.ckpt"))
    with FileServer(folder) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        settings = replace(settings, mirrors=("http://nas.invalid",))
        with pytest.raises(TrustError, match="redirects from https to plain http"):
            fetch(https.url + PATH, SHA256, settings=settings)
        mirror = "GET http://nas.invalid"
        assert proxy.requests == [f"{mirror}{PATH}", f"{mirror}/mvd.ckpt"]


def test_redirects_end(server: FileServer, settings: Settings) -> None:
    server.on(PATH, redirect(PATH))
    with pytest.raises(NetworkError, match="redirects more than 5 times"):
        fetch(server.url + PATH, SHA256, settings=settings)
    assert len(server.requests) == MAX_REDIRECTS + 1


@pytest.mark.parametrize("target", ["http://[", "https://host:port/", "http://\\"])
def test_redirect_to_nonsense_is_an_error(
    server: FileServer, settings: Settings, target: str
) -> None:
    server.on(PATH, redirect(target))
    with pytest.raises((NetworkError, TrustError)):
        fetch(server.url + PATH, SHA256, settings=settings)


def test_certificate_of_an_unknown_ca_is_refused(
    https: FileServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(NetworkError, match=r"certificate is not trusted .*SSL_CERT_FILE"):
        fetch(https.url + PATH, SHA256, settings=replace(settings, retries=1))
    assert https.requests == []


def test_certificate_of_another_host_is_refused(
    folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FileServer(folder, tls=True, names=("other.example",)) as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(server.ca_file))
        with pytest.raises(NetworkError, match="certificate is not trusted"):
            fetch(server.url + PATH, SHA256, settings=settings)
        assert server.requests == []


def test_missing_ca_file_is_named(
    https: FileServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere.pem")
    with pytest.raises(NetworkError, match="check HTTPS_PROXY and SSL_CERT_FILE"):
        fetch(https.url + PATH, SHA256, settings=settings)


def test_proxy_is_used_for_other_machines_only(
    server: FileServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.on("host.invalid:443", status(403))
    monkeypatch.setenv("HTTPS_PROXY", server.url)
    monkeypatch.setenv("HTTP_PROXY", UNREACHABLE)
    fetch(server.url + PATH, SHA256, settings=settings)
    with pytest.raises(NetworkError, match="403"):
        fetch("https://host.invalid/x.ckpt", "0" * 64, settings=settings)
    assert server.requests == [f"GET {PATH}", "CONNECT host.invalid:443"]


# The store


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


def test_file_in_a_read_only_store_needs_no_download(
    server: FileServer, settings: Settings
) -> None:
    with tempfile.TemporaryDirectory() as home:
        settings = replace(settings, home=Path(home))
        fetch(server.url + PATH, SHA256, settings=settings)
        with read_only(Path(home)):
            fetch(server.url + PATH, SHA256, settings=settings)
    assert server.requests == [f"GET {PATH}"]


def test_store_that_cannot_be_written_is_an_error_before_any_request(
    server: FileServer, settings: Settings
) -> None:
    with tempfile.TemporaryDirectory() as home:
        settings = replace(settings, home=Path(home))
        with read_only(Path(home)), pytest.raises(StoreError, match="MSHUB_HOME"):
            fetch(server.url + PATH, SHA256, settings=settings)
    assert server.requests == []


def test_home_that_is_a_file_is_a_store_error(settings: Settings) -> None:
    settings.home.write_text("not a folder")
    with pytest.raises(StoreError, match=f"{settings.home}.*MSHUB_HOME"):
        fetch(UNREACHABLE + PATH, SHA256, settings=settings)


# What the user sees


SCRIPT = """
import sys
from pathlib import Path
from mindspore_hub.fetch import fetch
from mindspore_hub.settings import Settings
before = sorted({"httpx2", "rich", "filelock", "mindspore"} & set(sys.modules))
assert not before, before
link, sha256, home, shown = sys.argv[1:]
fetch(link, sha256, settings=Settings(home=Path(home), progress=shown == "shown"))
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
