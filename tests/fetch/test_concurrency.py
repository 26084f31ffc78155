"""Many at once: one transfer where there are locks, and the right file where there are none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from downloads import BLOB, CONTENT, PATH, SHA256, fetch, files
from faults import paced
from server import FileServer

from mindspore_hub.settings import Settings

pytestmark = pytest.mark.slow


def fetch_in_threads(server: FileServer, settings: Settings) -> set[bytes]:
    start = threading.Barrier(10)

    def run(_: int) -> bytes:
        start.wait()
        return fetch(server.url + PATH, SHA256, settings=settings).read_bytes()

    with ThreadPoolExecutor(10) as pool:
        return set(pool.map(run, range(10)))


def without_locks(settings: Settings) -> None:
    settings.home.mkdir()
    (settings.home / "locks").write_text("a file where the folder should be")


def test_ten_threads_at_once_cost_one_download(server: FileServer, settings: Settings) -> None:
    assert fetch_in_threads(server, settings) == {CONTENT}
    assert files(settings) == [BLOB]
    assert server.requests == [f"GET {PATH}"]


def test_ten_threads_without_locks_all_get_the_file(server: FileServer, settings: Settings) -> None:
    without_locks(settings)
    assert fetch_in_threads(server, settings) == {CONTENT}
    assert files(settings) == [BLOB]


CHILDREN = """
import hashlib, os, sys, time, traceback
from pathlib import Path
import filelock, urllib3
from mindspore_hub.files.download import obtain
from mindspore_hub.settings import Settings
link, sha256, home, processes, apart = sys.argv[1:]
settings = Settings(home=Path(home), progress=False)
start, go = os.pipe()
children = []
for number in range(int(processes)):
    child = os.fork()
    if not child:
        try:
            os.close(go)
            os.read(start, 1)  # ends when the last process has closed the other end
            time.sleep(number * float(apart))
            found = obtain(link, sha256, settings=settings)
            found.verify()
            os._exit(hashlib.sha256(found.path.read_bytes()).hexdigest() != sha256)
        except BaseException:
            traceback.print_exc()
            os._exit(2)
    children.append(child)
os.close(go)
assert [os.waitpid(child, 0)[1] for child in children] == [0] * len(children)
"""
"""Processes of one start, which have imported everything; each wants the same file."""

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
    server: FileServer, settings: Settings, *before: str, locks: str = "", apart: float = 0
) -> None:
    """Let processes want the same file, so many seconds after each other; all must get it."""
    server.on(PATH, paced(1_000_000))
    given = (server.url + PATH, SHA256, settings.home, PROCESSES, apart)
    command = [*before, sys.executable, "-c", locks + CHILDREN, *map(str, given)]
    subprocess.run(command, check=True)
    assert files(settings) == [BLOB]
    assert (settings.home / BLOB).read_bytes() == CONTENT


def test_sixteen_processes_cost_one_transfer(server: FileServer, settings: Settings) -> None:
    fetch_in_processes(server, settings)
    assert server.requests == [f"GET {PATH}"]
    assert server.sent == len(CONTENT)


def test_sixteen_processes_without_locks_all_get_the_file(
    server: FileServer, settings: Settings
) -> None:
    without_locks(settings)
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
    fetch_in_processes(server, settings, locks=LOCKS[locks], apart=apart)
    assert len(server.requests) > 1
