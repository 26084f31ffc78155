"""Every fault over HTTP and HTTPS; and a checkpoint of more than 100 MB, through the command.

Each ends with a verified file or with a clear error and its exit code, and never with a bad blob.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import checkpoints
import pytest
from commands import CARD
from downloads import ELSEWHERE, blobs, fetch
from faults import (
    announced,
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

from mindspore_hub.errors import HubError
from mindspore_hub.settings import Settings

pytestmark = pytest.mark.slow

SIZE = 5_243_017  # not a multiple of anything that is read or sent at once
HALF = SIZE // 2
PATH = "/mvd.ckpt"

LARGE = 104_869_945
LARGE_PATH = "/large.ckpt"
IN_FLIGHT = 16_000_000  # loopback lets a connection hold back some megabytes


@dataclass(frozen=True)
class Outcome:
    """What a fault ends with.

    Attributes:
        code: Exit code.
        says: Part of what is said or logged.
        requests: How many there are.
    """

    code: int
    says: str = ""
    requests: int = 1


OK = Outcome(0)
RESUMED = Outcome(0, "from byte ", requests=2)
AFRESH = Outcome(0, requests=2)

FAULTS: dict[str, tuple[list[Answer], Outcome]] = {
    "good": ([good], OK),
    "no length": ([without_length], OK),
    "bytes behind the end": ([trailing()], OK),
    "drop, always": ([dropped(1000)], Outcome(5, "the connection broke off: ", requests=2)),
    "stall, then the rest": ([stalled(HALF), good], RESUMED),
    "stall, always": ([stalled(1000)], Outcome(5, "timed out after 0.5 s", requests=2)),
    "slow drip": (
        [dripping(0.1)],
        Outcome(5, "less than 1024 a second", requests=2),
    ),
    "slow drip, then the rest": ([dripping(0.1, after=HALF), good], RESUMED),
    "416 at once": ([status(416)], Outcome(5, "status 416")),
    "416 after a drop": ([dropped(HALF), status(416), good], Outcome(0, requests=3)),
    "range ignored": ([dropped(HALF), without_ranges], AFRESH),
    "another ETag": ([dropped(HALF), versioned('"new"')], AFRESH),
    "weak ETag": ([dropped(HALF), versioned('W/"x"')], AFRESH),
    "no marks": ([dropped(HALF), versioned()], AFRESH),
    "range elsewhere": ([dropped(HALF), misplaced(5), good], Outcome(0, requests=3)),
    "range of another size": (
        [dropped(HALF), mislabelled(f"bytes {HALF}-{SIZE}/{SIZE + 1}"), good],
        Outcome(0, requests=3),
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
        Outcome(0, "another file; from 0 again", requests=3),
    ),
    "redirected in circles": ([redirect(PATH)], Outcome(5, "more than 5 times", requests=6)),
    "redirected to http": (
        [redirect(ELSEWHERE)],
        Outcome(7, f"{ELSEWHERE} is plain http"),
    ),
    "redirected to another host": (
        [redirect("https://192.0.2.1/mvd.ckpt")],
        Outcome(7, "a host that is not allowed"),
    ),
    "429, then the file": ([status(429, Retry_After="1"), good], Outcome(0, requests=2)),
    "429 for an hour": ([status(429, Retry_After="3600")], Outcome(5, "asks to wait 3600 s")),
    "500, then the file": ([status(500), good], Outcome(0, requests=2)),
    "503, then the file": ([status(503), good], Outcome(0, requests=2)),
    "500, always": ([status(500)], Outcome(5, "status 500 Internal Server Error", requests=2)),
    "nothing, then the file": ([raw(b""), good], Outcome(0, requests=2)),
    "nothing, always": ([raw(b"")], Outcome(5, "closed connection without response", requests=2)),
    "announced short": ([announced(SIZE - 1)], Outcome(4, "another file")),
    "announced empty": ([announced(0)], Outcome(4, "another file")),
    "larger than the disk": (
        [announced(1 << 60)],
        Outcome(9, "1,152,921,504,606,846,976 are needed"),
    ),
    "204": ([status(204)], Outcome(5, "status 204 No Content")),
    "304": ([status(304)], Outcome(5, "status 304 Not Modified")),
    "401": ([status(401)], Outcome(5, "status 401 Unauthorized")),
    "403": ([status(403)], Outcome(5, "status 403 Forbidden")),
    "404": ([status(404)], Outcome(5, "status 404 Not Found")),
}


def write(file: Path, size: int) -> str:
    """Write a file in which no two parts are alike; its digest."""
    with file.open("wb") as opened:
        for start in range(0, size, 1 << 20):
            opened.write(random.randbytes(min(1 << 20, size - start)))
    return checkpoints.digest(file)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder with a file, and the digest of the file."""
    folder = tmp_path_factory.mktemp("served")
    return folder, write(folder / PATH.lstrip("/"), SIZE)


@pytest.fixture(scope="module")
def large(served: tuple[Path, str]) -> Iterator[str]:
    """Digest of a large file that is served, too."""
    file = served[0] / LARGE_PATH.lstrip("/")
    yield write(file, LARGE)
    file.unlink()


@pytest.fixture(scope="module", params=[False, True], ids=["http", "https"])
def server(request: pytest.FixtureRequest, served: tuple[Path, str]) -> Iterator[FileServer]:
    with FileServer(served[0], tls=request.param, buffer=1 << 16) as running:
        yield running


@pytest.fixture
def trusting(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    if server.ca_file:
        monkeypatch.setenv("SSL_CERT_FILE", str(server.ca_file))
    server.exchanges.clear()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", timeout=0.5, retries=1)


@pytest.mark.usefixtures("trusting")
@pytest.mark.parametrize(("answers", "outcome"), FAULTS.values(), ids=FAULTS)
def test_download_with_a_fault_ends_well_or_clearly(
    server: FileServer,
    served: tuple[Path, str],
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    answers: list[Answer],
    outcome: Outcome,
) -> None:
    caplog.set_level("INFO", "mindspore_hub")
    server.on(PATH, *answers)
    code, said = 0, ""
    try:
        blob = fetch(server.url + PATH, served[1], settings=settings)
        assert checkpoints.digest(blob) == served[1]
    except HubError as error:
        code, said = error.exit_code, str(error)
        assert blobs(settings) == []
    assert code == outcome.code, said
    assert outcome.says in said + caplog.text
    assert len(server.exchanges) == outcome.requests


@pytest.mark.usefixtures("trusting")
def test_download_of_the_wrong_file_fails(
    server: FileServer, served: tuple[Path, str], settings: Settings, tmp_path: Path
) -> None:
    other = tmp_path / "other.ckpt"
    other.write_bytes(b"another checkpoint")
    server.on(PATH, instead(other))
    with pytest.raises(HubError, match="another file") as caught:
        fetch(server.url + PATH, served[1], settings=settings)
    assert (caught.value.exit_code, blobs(settings)) == (4, [])


SOMEWHERE = [random.randrange(start, start + 20_000_000) for start in (10**7, 4 * 10**7, 7 * 10**7)]
"""Where connections break, in this run."""


def test_large_checkpoint_comes_through_the_command_whatever_drops_or_not_at_all(
    server: FileServer, large: str, tmp_path: Path
) -> None:
    card = tmp_path / "large.md"
    card.write_text(CARD.format(link=server.url + LARGE_PATH, sha256=large), encoding="utf-8")
    trusted = {"SSL_CERT_FILE": str(server.ca_file)} if server.ca_file else {}
    homes = [tmp_path / "wrong", tmp_path / "right"]

    def download(home: Path, *answers: Answer) -> subprocess.CompletedProcess[str]:
        server.on(LARGE_PATH, *answers)
        server.exchanges.clear()
        env = os.environ | trusted | {"MSHUB_HOME": str(home), "MSHUB_RETRIES": "1"}
        command = [sys.executable, "-m", "mindspore_hub", "download", str(card)]
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False)

    wrong = download(homes[0], flipped(random.randrange(LARGE * 8)))
    assert (wrong.returncode, wrong.stdout) == (4, "")
    assert "another file" in wrong.stderr
    drops = (dropped(b - a) for a, b in pairwise([0, *SOMEWHERE]))
    done = download(homes[1], *drops, good)
    assert done.returncode == 0, done.stderr
    assert "from byte " in done.stderr
    assert checkpoints.digest(Path(done.stdout.strip())) == large
    assert len(server.exchanges) == 4
    assert server.sent <= LARGE + 4 * IN_FLIGHT
    for home in homes:
        shutil.rmtree(home)
