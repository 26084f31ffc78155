"""Many at once: one transfer where there are locks, and the right file where there are none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from downloads import BLOB, CONTENT, PATH, SHA256, files
from faults import paced
from server import FileServer

from mindspore_hub.files.download import fetch
from mindspore_hub.settings import Settings

pytestmark = pytest.mark.slow


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


CHILD = """
import hashlib, sys
from pathlib import Path
import filelock, urllib3
from mindspore_hub.files.download import fetch
from mindspore_hub.settings import Settings
link, sha256, home = sys.argv[1:]
print("ready", flush=True)
sys.stdin.readline()
blob = fetch(link, sha256, settings=Settings(home=Path(home), progress=False))
assert hashlib.sha256(blob.read_bytes()).hexdigest() == sha256
"""

LOCKS = {
    "do nothing": """
import fcntl
fcntl.flock = lambda *_: None
""",
    "reach one node": """
import fcntl, os
owners = {}
def flock(descriptor, how):
    inode = os.fstat(descriptor).st_ino
    if how & fcntl.LOCK_UN:
        owners.pop(inode) if owners.get(inode) == descriptor else None
    elif owners.setdefault(inode, descriptor) != descriptor:
        raise BlockingIOError(11, "held")
fcntl.flock = flock
""",
}
"""File systems as Lustre and NFS can be mounted; here, each process is a node."""

PROCESSES = 16


def fetch_in_processes(
    server: FileServer, settings: Settings, *before: str, child: str = CHILD, apart: float = 0
) -> None:
    """Let processes want the same file, so many seconds after each other; all must get it."""
    server.on(PATH, paced(1_000_000))
    command = [*before, sys.executable, "-c", child, server.url + PATH, SHA256, str(settings.home)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with ExitStack() as stack:
        children = [
            stack.enter_context(subprocess.Popen(command, **pipes)) for _ in range(PROCESSES)
        ]
        for process in children:
            assert process.stdout.readline() == b"ready\n"
        for process in children:
            process.stdin.write(b"\n")
            process.stdin.flush()
            time.sleep(apart)
        assert [process.wait() for process in children] == [0] * PROCESSES
    assert files(settings) == [BLOB]
    assert (settings.home / BLOB).read_bytes() == CONTENT


def test_sixteen_processes_cost_one_transfer(server: FileServer, settings: Settings) -> None:
    fetch_in_processes(server, settings)
    assert server.requests == [f"GET {PATH}"]
    assert server.sent == len(CONTENT)


def test_sixteen_processes_without_locks_all_get_the_file(
    server: FileServer, settings: Settings
) -> None:
    settings.home.mkdir()
    (settings.home / "locks").write_text("a file where the folder should be")
    fetch_in_processes(server, settings)
    assert len(server.requests) > 1  # else nobody wanted it at the same moment


@pytest.mark.parametrize("error", ["ENOLCK", "ENOSYS", "EOPNOTSUPP"])
def test_sixteen_processes_whose_file_system_refuses_locks_all_get_the_file(
    server: FileServer, settings: Settings, error: str
) -> None:
    strace = ["strace", "-fqq", "-o", os.devnull, f"-einject=flock:error={error}"]
    if not shutil.which("strace") or subprocess.run([*strace, "true"], check=False).returncode:
        pytest.skip("strace, which makes flock fail, is missing or may not trace")
    fetch_in_processes(server, settings, *strace)
    assert len(server.requests) > 1


@pytest.mark.parametrize("locks", LOCKS)
@pytest.mark.parametrize("apart", [0, 0.02])
def test_processes_whose_locks_do_not_reach_each_other_all_get_the_file(
    server: FileServer, settings: Settings, locks: str, apart: float
) -> None:
    fetch_in_processes(server, settings, child=LOCKS[locks] + CHILD, apart=apart)
    assert len(server.requests) > 1
