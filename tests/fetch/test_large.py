"""Every fault with a checkpoint of more than 100 MB, through the command and over HTTP and HTTPS.

Each ends with a verified file or with a clear error and its exit code, and never with a bad blob.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import checkpoints
import pytest
from faults import (
    dripping,
    dropped,
    flipped,
    gzipped,
    instead,
    mislabelled,
    misplaced,
    raw,
    stalled,
    too_long,
    trailing,
    truncated,
    versioned,
    without_length,
    without_ranges,
)
from server import Answer, FileServer, good, redirect, status

from mindspore_hub.hub.hub import Hub

pytestmark = pytest.mark.slow

SIZE = 104_869_945  # not a multiple of anything that is read or sent at once
PATH = "/mvd.ckpt"
MEGABYTE = 1_000_000
SOMEWHERE = [random.randrange(start * MEGABYTE, (start + 20) * MEGABYTE) for start in (10, 40, 70)]
"""Where connections break, in this run."""


@dataclass(frozen=True)
class Outcome:
    """What a fault ends with.

    Attributes:
        code: Exit code.
        says: Part of what is said on stderr.
        requests: How many there are.
        sent: Bytes at most that the server sends, in sizes of the file, apart from what is in
            flight when a connection breaks.
    """

    code: int
    says: str = ""
    requests: int = 1
    sent: float = 1.0


OK = Outcome(0)
RESUMED = Outcome(0, "from byte ", requests=2)
AFRESH = Outcome(0, requests=2, sent=1.5)
HALF = SIZE // 2
IN_FLIGHT = 16 * MEGABYTE  # loopback lets a connection hold back some megabytes

FAULTS: dict[str, tuple[list[Answer], Outcome]] = {
    "good": ([good], OK),
    "no length": ([without_length], OK),
    "bytes behind the end": ([trailing()], OK),
    "drops at random bytes": (
        [dropped(SOMEWHERE[0]), *(dropped(b - a) for a, b in pairwise(SOMEWHERE)), good],
        Outcome(0, "from byte ", requests=4),
    ),
    "drop, always": ([dropped(1000)], Outcome(5, "the connection broke off: ", requests=2)),
    "stall, then the rest": ([stalled(HALF), good], RESUMED),
    "stall, always": ([stalled(1000)], Outcome(5, "timed out after 1 s", requests=2)),
    "slow drip": (
        [dripping(0.1)],
        Outcome(5, "less than 1024 a second", requests=2),
    ),
    "slow drip, then the rest": ([dripping(0.1, after=HALF), good], RESUMED),
    "416 at once": ([status(416)], Outcome(5, "status 416")),
    "416 after a drop": ([dropped(HALF), status(416), good], Outcome(0, requests=3, sent=1.5)),
    "range ignored": ([dropped(HALF), without_ranges], AFRESH),
    "another ETag": ([dropped(HALF), versioned('"new"')], AFRESH),
    "weak ETag": ([dropped(HALF), versioned('W/"x"')], AFRESH),
    "no marks": ([dropped(HALF), versioned()], AFRESH),
    "range elsewhere": ([dropped(HALF), misplaced(5), good], Outcome(0, requests=3, sent=2.0)),
    "range of another size": (
        [dropped(HALF), mislabelled(f"bytes {HALF}-{SIZE}/{SIZE + 1}"), good],
        Outcome(0, requests=3, sent=2.0),
    ),
    "gzip": ([gzipped], Outcome(5, "gzip encoding")),
    "truncated": ([truncated(), good], RESUMED),
    "truncated, always": (
        [truncated(SIZE - 1000)],
        Outcome(5, "of the announced bytes are missing", requests=2),
    ),
    "over-long": ([too_long()], Outcome(4, "another file")),
    "one bit flipped": ([flipped(random.randrange(SIZE * 8))], Outcome(4, "another file")),
    "one bit flipped before a drop": (
        [dropped(HALF), flipped(SIZE * 8 - 1), good],
        Outcome(0, "another file; from 0 again", requests=3, sent=2.0),
    ),
    "redirected in circles": ([redirect(PATH)], Outcome(5, "more than 5 times", requests=6)),
    "redirected to http": (
        [redirect("http://192.0.2.1/mvd.ckpt")],
        Outcome(7, "http://192.0.2.1/mvd.ckpt is plain http"),
    ),
    "redirected to another host": (
        [redirect("https://192.0.2.1/mvd.ckpt")],
        Outcome(7, "a host that is not allowed"),
    ),
    "429, then the file": ([status(429, Retry_After="1"), good], Outcome(0, requests=2)),
    "429 for an hour": ([status(429, Retry_After="3600")], Outcome(5, "asks to wait 3600 s")),
    "500, then the file": ([status(500), good], Outcome(0, requests=2)),
    "500, always": ([status(500)], Outcome(5, "status 500", requests=2)),
    "nothing, then the file": ([raw(b""), good], Outcome(0, requests=2)),
    "nothing, always": ([raw(b"")], Outcome(5, "closed connection without response", requests=2)),
    "404": ([status(404)], Outcome(5, "status 404")),
}


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file in which no two parts are alike."""
    file = tmp_path_factory.mktemp("large") / PATH.lstrip("/")
    with file.open("wb") as opened:
        for _ in range(SIZE // MEGABYTE):
            opened.write(random.randbytes(MEGABYTE))
        opened.write(random.randbytes(SIZE % MEGABYTE))
    yield file
    file.unlink()


@pytest.fixture(scope="module", params=[False, True], ids=["http", "https"])
def server(request: pytest.FixtureRequest, large: Path) -> Iterator[FileServer]:
    with FileServer(large.parent, tls=request.param) as running:
        yield running


@pytest.fixture(scope="module")
def sha256(large: Path) -> str:
    return checkpoints.digest(large)


@pytest.fixture
def card(tmp_path: Path, server: FileServer, sha256: str) -> Path:
    published = Hub.of().resolve("MVD").path
    copy = tmp_path / published.name
    copy.write_bytes(published.read_bytes())
    return checkpoints.publish(copy, server.url + PATH, sha256)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "home"
    for file in (tmp_path / "home").rglob("*"):
        if file.is_file():
            file.unlink()


def download(card: Path, home: Path, **more: str) -> subprocess.CompletedProcess[str]:
    settings = {"MSHUB_HOME": str(home), "MSHUB_RETRIES": "1", "MSHUB_TIMEOUT": "1"} | more
    command = [sys.executable, "-m", "mindspore_hub", "download", str(card)]
    return subprocess.run(
        command, env=os.environ | settings, capture_output=True, text=True, check=False
    )


def trusted(server: FileServer) -> dict[str, str]:
    return {"SSL_CERT_FILE": str(server.ca_file)} if server.ca_file else {}


def blobs(home: Path) -> list[str]:
    """Digests of the files that a load would take for good."""
    return [checkpoints.digest(path) for path in (home / "blobs").rglob("*") if path.is_file()]


@pytest.mark.parametrize(("answers", "outcome"), FAULTS.values(), ids=FAULTS)
def test_download_with_a_fault_ends_well_or_clearly(
    server: FileServer,
    card: Path,
    home: Path,
    sha256: str,
    answers: list[Answer],
    outcome: Outcome,
) -> None:
    server.on(PATH, *answers)
    server.exchanges.clear()
    done = download(card, home, **trusted(server))
    assert (done.returncode, outcome.says in done.stderr) == (outcome.code, True), done.stderr
    assert "Traceback" not in done.stderr
    assert blobs(home) == ([] if outcome.code else [sha256])
    assert len(server.exchanges) == outcome.requests
    assert server.sent <= outcome.sent * SIZE + outcome.requests * IN_FLIGHT


def test_download_of_the_wrong_file_fails(
    server: FileServer, card: Path, home: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.ckpt"
    other.write_bytes(b"another checkpoint")
    server.on(PATH, instead(other))
    done = download(card, home, **trusted(server))
    assert (done.returncode, blobs(home)) == (4, [])
    assert "another file" in done.stderr


def test_download_under_a_bad_certificate_fails(server: FileServer, card: Path, home: Path) -> None:
    if not server.ca_file:
        pytest.skip("plain HTTP has no certificates")
    server.exchanges.clear()
    done = download(card, home)
    assert (done.returncode, blobs(home), server.exchanges) == (5, [], [])
    assert "certificate is not trusted" in done.stderr
