"""What is wrong with the bytes, and what fails and may pass: a verified file, or a clear error."""

from __future__ import annotations

import logging
import socket
import threading
import time
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from downloads import BLOB, CONTENT, PATH, SHA256, UNREACHABLE, blobs, fetch, files
from faults import (
    dropped,
    flipped,
    gzipped,
    raw,
    truncated,
    without_length,
)
from server import Answer, FileServer, good, status

from mindspore_hub.errors import IntegrityError, NetworkError, OfflineError
from mindspore_hub.settings import Settings


def test_fetch_refuses_a_flipped_bit_and_then_takes_the_good_file(
    server: FileServer, settings: Settings
) -> None:
    server.on(PATH, flipped(bit=1_234_567), good)
    with pytest.raises(IntegrityError, match=f"expected sha256 {SHA256}, got "):
        fetch(server.url + PATH, SHA256, settings=settings)
    (wrong,) = files(settings)
    assert wrong.startswith(f"corrupt/{SHA256}-")
    assert fetch(server.url + PATH, SHA256, settings=settings).read_bytes() == CONTENT


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


PASSING = {
    "429": status(429),
    "500": status(500),
    "503": status(503),
    "truncated": truncated(),
    "dropped": dropped(after=100),
}


def test_server_that_does_not_answer_times_out(server: FileServer, settings: Settings) -> None:
    given_up = threading.Event()

    def late(handler: Any, body: bytes) -> None:
        given_up.wait(2)
        good(handler, body)

    server.on(PATH, late)
    with pytest.raises(NetworkError, match=r"timed out after 0\.1 s"):
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
        f"  {UNREACHABLE}{PATH}: cannot be reached: Connection refused\n"
        f"  {server.url}{PATH}: status 404 Not Found\n"
        f"Try again later. Or run `curl -fLo mvd.ckpt {server.url}{PATH}` wherever it works, put "
        "the file into a folder here and name that folder in MSHUB_MIRRORS."
    )


KEPT = "What has come is kept, and the download goes on from there."


@pytest.mark.parametrize("answer", PASSING.values(), ids=PASSING)
def test_next_step_after_a_failure_that_may_pass_is_to_try_again(
    server: FileServer, settings: Settings, answer: Answer
) -> None:
    server.on(PATH, answer)
    with pytest.raises(NetworkError, match=r"\nTry again later\.") as caught:
        fetch(server.url + PATH, SHA256, settings=settings)
    is_kept = any(name.endswith(".part") for name in files(settings))
    assert (KEPT in str(caught.value)) == is_kept


@pytest.mark.parametrize(
    "answer",
    [status(401), status(403), status(404), status(410), gzipped, good],
    ids=["401", "403", "404", "410", "gzipped", "more than allowed"],
)
def test_next_step_after_a_failure_that_stays_is_another_place(
    server: FileServer, settings: Settings, answer: Answer
) -> None:
    server.on(PATH, answer)
    with pytest.raises(NetworkError) as caught:
        fetch(server.url + PATH, SHA256, settings=replace(settings, max_size=len(CONTENT) - 1))
    assert "Try again" not in str(caught.value)
    assert str(caught.value).endswith(
        "\nTrying again does not help: the file is refused, not there, or cannot be taken from here "
        "as said above. Name a mirror that has it in MSHUB_MIRRORS. Or run "
        f"`curl -fLo mvd.ckpt {server.url}{PATH}` wherever it works, put the file into a folder "
        "here and name that folder in MSHUB_MIRRORS."
    )


def test_next_step_tells_of_what_an_earlier_download_left(
    server: FileServer, settings: Settings
) -> None:
    server.on(PATH, truncated(), status(404), good)
    with pytest.raises(NetworkError, match=rf"Try again later\. {KEPT} Or run"):
        fetch(server.url + PATH, SHA256, settings=settings)
    with pytest.raises(NetworkError, match=rf"Trying again does not help: .* {KEPT} Or run"):
        fetch(server.url + PATH, SHA256, settings=settings)
    assert fetch(server.url + PATH, SHA256, settings=settings).read_bytes() == CONTENT
    assert server.exchanges[-1].start == len(CONTENT) - 1


@pytest.mark.parametrize("place", ["store", "extra cache"])
def test_forced_fetch_offline_says_that_the_file_is_there(
    server: FileServer, settings: Settings, place: str, tmp_path: Path
) -> None:
    stored = fetch(server.url + PATH, SHA256, settings=settings)
    settings = replace(settings, offline=True)
    if place == "extra cache":
        settings = replace(settings, extra_caches=(settings.home,), home=tmp_path / "empty")
    with pytest.raises(OfflineError) as caught:
        fetch(server.url + PATH, SHA256, settings=settings, force=True)
    assert str(caught.value) == (
        f"mvd.ckpt (sha256 {SHA256}) cannot be downloaded again, because MSHUB_OFFLINE forbids the "
        f"network.\nLeave out force_reload (--force-reload) to use the stored file {stored}; or "
        "unset MSHUB_OFFLINE."
    )
    assert fetch(server.url + PATH, SHA256, settings=settings) == stored


HEAD = b"HTTP/1.1 200 OK\r\n"
ODD = {
    "nothing": b"",
    "no HTTP": b"220 mail.example ESMTP\r\n",
    "negative length": HEAD + b"Content-Length: -5\r\n\r\n" + CONTENT,
    "absurd length": HEAD + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n" + CONTENT,
    "two lengths": HEAD + b"Content-Length: 5\r\nContent-Length: 300000\r\n\r\n" + CONTENT,
    "length is a word": HEAD + b"Content-Length: many\r\n\r\n" + CONTENT,
    "chunk cut off": HEAD + b"Transfer-Encoding: chunked\r\n\r\nfffff\r\n" + CONTENT,
    "chunk of no size": HEAD + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n" + CONTENT,
    "chunk of less than nothing": HEAD
    + b"Transfer-Encoding: chunked\r\n\r\n-"
    + b"f" * 40
    + b"\r\n"
    + CONTENT,
    "headers without number": HEAD + b"X: y\r\n" * 2000 + b"\r\n" + CONTENT,
    "interim answers without end": b"HTTP/1.1 102 Processing\r\n\r\n" * 100
    + HEAD
    + b"\r\n"
    + CONTENT,
    "packed in transfer": HEAD + b"Transfer-Encoding: gzip\r\n\r\n" + CONTENT,
    "head without end": HEAD + b"X-Filler: " + b"x" * 300_000,
    "HTTP/1.0 cut off": b"HTTP/1.0 200 OK\r\n\r\n" + CONTENT[:-1],
    "partial without being asked": b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 5-9/10"
    b"\r\nContent-Length: 5\r\n\r\nabcde",
}


@pytest.mark.parametrize("answer", ODD.values(), ids=ODD)
def test_odd_answer_is_refused_and_the_next_one_taken(
    server: FileServer, settings: Settings, answer: bytes
) -> None:
    server.on(PATH, raw(answer))
    with pytest.raises((NetworkError, IntegrityError), match=r"mvd\.ckpt: "):
        fetch(server.url + PATH, SHA256, settings=settings)
    assert blobs(settings) == []
    server.on(PATH, good)
    assert fetch(server.url + PATH, SHA256, settings=settings).read_bytes() == CONTENT


def test_http_1_0_without_a_length_is_taken(server: FileServer, settings: Settings) -> None:
    server.on(PATH, raw(b"HTTP/1.0 200 OK\r\n\r\n" + CONTENT))
    assert fetch(server.url + PATH, SHA256, settings=settings).read_bytes() == CONTENT


def test_interim_answers_are_passed_over(server: FileServer, settings: Settings) -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    server.on(PATH, raw(hints + HEAD + b"Content-Length: 300000\r\n\r\n" + CONTENT))
    assert fetch(server.url + PATH, SHA256, settings=settings).read_bytes() == CONTENT


CONTROLS = [
    b"HTTP/1.1 404 \x1b[2J" + b"x" * 3000 + b"\r\n\r\n",
    b"\x1b[2J\r\n\r\n",
    HEAD + b"Content-Length: \x1b[2J\r\n\r\n",
    HEAD + b"Content-Encoding: \x1b[2J\r\n\r\n",
    HEAD + b"Transfer-Encoding: \x1b[2J\r\n\r\n",
]


@pytest.mark.parametrize("answer", CONTROLS, ids=["reason", "status", "length", "packing", "way"])
def test_message_neither_repeats_control_characters_nor_grows(
    server: FileServer, settings: Settings, answer: bytes
) -> None:
    server.on(PATH, raw(answer))
    with pytest.raises(NetworkError, match=r"\?\[2[Jj]") as caught:
        fetch(server.url + PATH, SHA256, settings=settings)
    assert str(caught.value).replace("\n", "").isprintable()
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    "wait",
    ["61", "9" * 400, formatdate(time.time() + 9000, usegmt=True)],
    ids=["61", "digits", "date"],  # the same in every process that collects
)
def test_source_that_asks_to_wait_for_long_is_given_up(
    server: FileServer, settings: Settings, wait: str
) -> None:
    server.on(PATH, status(503, Retry_After=wait))
    with pytest.raises(NetworkError, match=r"status 503 .*asks to wait \S+ s"):
        fetch(server.url + PATH, SHA256, settings=replace(settings, retries=3))
    assert len(server.requests) == 1


def test_wait_that_a_server_asks_for_is_granted_and_told(
    server: FileServer, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "mindspore_hub")
    server.on(PATH, status(503, Retry_After="1"), good)
    link = server.url + PATH
    fetch(link, SHA256, settings=replace(settings, retries=1))
    assert caplog.messages == [
        f"{link}: status 503 Service Unavailable, and asks to wait 1 s; again in 1.0 s",
        f"Downloading mvd.ckpt (300,000 bytes) from {link}",
    ]


@pytest.mark.parametrize(
    "wait",
    [
        "0",
        "-5",
        "soon",
        "1e3",
        "",
        "Mon, 01 Jan 2024 00:00:00 GMT",
        "Mon, 01 Jan 0000 00:00:00 GMT",
        "Mon, 01 Jan 2024 00:00:00 +99999999999",
    ],
)
def test_wait_that_is_over_or_means_nothing_costs_no_source(
    server: FileServer, settings: Settings, wait: str
) -> None:
    server.on(PATH, status(429, Retry_After=wait), good)
    fetch(server.url + PATH, SHA256, settings=replace(settings, retries=1))
    assert len(server.requests) == 2


@pytest.mark.parametrize("answer", [good, without_length], ids=["announced", "found out"])
def test_file_above_the_allowed_size_is_refused(
    server: FileServer, settings: Settings, answer: Answer
) -> None:
    server.on(PATH, answer)
    with pytest.raises(NetworkError, match=r"more than the 299,999 bytes .*MSHUB_MAX_SIZE"):
        fetch(server.url + PATH, SHA256, settings=replace(settings, max_size=299_999, retries=3))
    assert len(server.requests) == 1
    fetch(server.url + PATH, SHA256, settings=replace(settings, max_size=300_000))


def test_only_the_last_wrong_file_is_kept_aside(server: FileServer, settings: Settings) -> None:
    for bit in (1, 2):
        server.on(PATH, flipped(bit))
        with pytest.raises(IntegrityError):
            fetch(server.url + PATH, SHA256, settings=settings)
    (aside,) = (settings.home / "corrupt").iterdir()
    assert aside.read_bytes()[0] == CONTENT[0] ^ 4
