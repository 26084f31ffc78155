"""`kill -9` at any moment: the next fetch is right, and what is on the disk is not fetched again.

MSHUB_TEST_KILLS=200 python -m pytest -s tests/fetch/test_kill.py      # the long run
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
from downloads import PATH, fetch
from faults import flipped, paced
from server import Exchange, FileServer, good

from mindspore_hub.errors import IntegrityError
from mindspore_hub.settings import Settings

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("MSHUB_TEST_KILLS", "12"))
"""Processes that are killed; more in the long run."""

CONTENT = hashlib.shake_256(b"killed").digest(6_000_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
SPEED = 12_000_000  # bytes per second
BUFFER = 1 << 16

IN_FLIGHT = 1 << 20
"""Bytes that may be lost with a process: what it had read but not written, and what the system held
for it; the server's clock goes on while a busy machine lets the client wait."""

CHILD = """
import os, signal, sys
from pathlib import Path
import filelock, urllib3
from mindspore_hub.errors import IntegrityError
from mindspore_hub.files.download import obtain
from mindspore_hub.settings import Settings

link, sha256, home, last = sys.argv[1:]
left = int(last)

def count(event, arguments):
    # What changes files, or opens them; each event comes just before the deed.
    global left
    about_files = event == "open" or event in ("os.rename", "os.chmod", "os.remove", "os.mkdir")
    if about_files and str(arguments[0]).startswith(home):
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

print("ready", flush=True)
if left:
    sys.addaudithook(count)
try:
    obtain(link, sha256, settings=Settings(home=Path(home), retries=0, progress=False)).verify()
except IntegrityError:
    pass
"""


@dataclass
class Figures:
    """What the kills cost.

    Attributes:
        kills: How many there were of each kind.
        in_flight: Bytes that were sent and never written, for each download that was killed.
        again: Bytes that were asked for although they were on the disk, for each later request.
    """

    kills: Counter[str] = field(default_factory=Counter)
    in_flight: list[int] = field(default_factory=list)
    again: list[int] = field(default_factory=list)

    def __str__(self) -> str:
        kinds = ", ".join(f"{name} {count}" for name, count in sorted(self.kills.items()))
        return (
            f"{self.kills.total()} kills ({kinds}); {len(self.again)} downloads went on; "
            f"on the disk and fetched again: {max(self.again, default=0):,} bytes at most; "
            f"in flight: {max(self.in_flight, default=0):,} bytes at most, "
            f"{sum(self.in_flight) / max(1, len(self.in_flight)):,.0f} on average"
        )


def nothing(_home: Path, _server: FileServer) -> None:
    """A cold store."""


def left_behind(home: Path, _server: FileServer) -> None:
    """The upstream client downloaded the file once."""
    file = home / "mindspore" / "1.9" / "mvd.ckpt"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(CONTENT)


def without_locks(home: Path, _server: FileServer) -> None:
    """The file system has no locks."""
    home.mkdir(exist_ok=True)
    (home / "locks").write_text("a file where the folder should be")


def damaged(home: Path, _server: FileServer) -> None:
    """The file in the store has another bit than it should."""
    blob = home / "blobs" / "sha256" / SHA256[:2] / SHA256[2:]
    blob.parent.mkdir(parents=True, exist_ok=True)
    blob.write_bytes(CONTENT[:-1])


def wrong_file(_home: Path, server: FileServer) -> None:
    """The server has the wrong file until the kill."""
    server.on(PATH, flipped(8_000))


SCENARIOS: dict[str, Callable[[Path, FileServer], None]] = {
    "download": nothing,
    "adoption": left_behind,
    "no locks": without_locks,
    "damaged": damaged,
    "wrong file": wrong_file,
}
"""What is there before the first kill; each may be killed by time or at an event of its files."""


@pytest.fixture
def slow_server(tmp_path: Path) -> Iterator[FileServer]:
    file = tmp_path / "served" / PATH.lstrip("/")
    file.parent.mkdir(parents=True)
    file.write_bytes(CONTENT)
    with FileServer(tmp_path / "served", buffer=BUFFER) as running:
        yield running


def test_killed_fetch_is_followed_by_a_right_one(
    slow_server: FileServer, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    figures = Figures()
    for number in count():
        if figures.kills.total() >= KILLS:
            break
        home = tmp_path / f"home{number}"
        # Downloads have the most moments at which they can be killed.
        name = chance.choice([*SCENARIOS, "download", "download"])
        slow_server.on(PATH, paced(SPEED))
        slow_server.exchanges.clear()
        SCENARIOS[name](home, slow_server)
        for _ in range(chance.choice([1, 1, 2, 3])):
            figures.kills[name] += kill(slow_server, home, chance, figures, name)
        finish(slow_server, home, name)
    print(f"\nseed {seed}: {figures}")
    record_property("kills", str(figures))
    assert max(figures.again, default=0) == 0, seed
    assert max(figures.in_flight, default=0) <= IN_FLIGHT, seed


def kill(
    server: FileServer, home: Path, chance: random.Random, figures: Figures, name: str
) -> bool:
    """Start a fetch and kill it at some moment; whether it lived to be killed."""
    before = kept(home)
    served = len(server.exchanges)
    event = chance.choice([0, chance.randrange(1, 30)])
    command = [sys.executable, "-c", CHILD, server.url + PATH, SHA256, str(home), str(event)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout
        assert child.stdout.readline() == b"ready\n"
        if not event:
            time.sleep(chance.uniform(0, 1.2 * len(CONTENT) / SPEED))
            child.kill()
        child.wait()
    for exchange in server.exchanges[served:]:
        settle(exchange)
        if before and name != "wrong file":  # whose bytes are of no use
            figures.again.append(max(before) - exchange.start)
        lost = exchange.start + exchange.sent - max(kept(home), default=0)
        if child.returncode == -signal.SIGKILL and kept(home) and exchange.sent:
            figures.in_flight.append(lost)
    return child.returncode == -signal.SIGKILL


def settle(exchange: Exchange) -> None:
    """Wait until the server has noticed that its client is gone."""
    end = time.monotonic() + 10
    while not exchange.done and time.monotonic() < end:
        time.sleep(0.005)
    assert exchange.done


def kept(home: Path) -> list[int]:
    """Sizes of the unfinished downloads that can be taken up."""
    return [path.stat().st_size for path in (home / "partial").glob("*.part")]


def finish(server: FileServer, home: Path, name: str) -> None:
    """Fetch as if nothing had happened, and look at all that is left."""
    server.on(PATH, good)
    before, served = kept(home), len(server.exchanges)
    settings = Settings(home=home, retries=0, progress=False)
    try:
        blob = fetch(server.url + PATH, SHA256, settings=settings)
    except IntegrityError:
        assert name == "damaged"  # which is said once
        blob = fetch(server.url + PATH, SHA256, settings=settings)
    assert blob.read_bytes() == CONTENT
    assert [path for path in (home / "blobs").rglob("*") if path.is_file()] == [blob]
    assert kept(home) == []
    requests = server.exchanges[served:]
    if name in {"download", "damaged"} and before:
        assert [exchange.start for exchange in requests] in ([], [max(before)])
    if name == "adoption":
        assert (home / "mindspore" / "1.9" / "mvd.ckpt").read_bytes() == CONTENT
        assert server.exchanges == []
