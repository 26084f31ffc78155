"""Stores that are full, read-only, elsewhere or in the way: clear errors, nothing lost."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import disks
import pytest
from downloads import BLOB, CONTENT, PATH, SHA256, blobs, fetch, files
from faults import flipped, truncated, without_length
from server import FileServer, good, read_only

from mindspore_hub.errors import IntegrityError, NetworkError, StoreError
from mindspore_hub.settings import Settings


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


@pytest.mark.parametrize("force", [False, True])
def test_newer_layout_is_an_error_before_any_request(
    server: FileServer, settings: Settings, *, force: bool
) -> None:
    settings.home.mkdir()
    (settings.home / "layout").write_text("2")
    with pytest.raises(StoreError, match=r"layout '2'.*Upgrade mindspore-hub"):
        fetch(server.url + PATH, SHA256, settings=settings, force=force)
    assert server.requests == []
    assert [path.name for path in settings.home.iterdir()] == ["layout"]


LIMITED = """
import resource, sys
from pathlib import Path
from mindspore_hub.errors import StoreError
from mindspore_hub.files.download import obtain
from mindspore_hub.settings import Settings
link, sha256, home, limit = sys.argv[1:]
resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
try:
    obtain(link, sha256, settings=Settings(home=Path(home), progress=False)).verify()
except StoreError as error:
    print(error)
"""


def test_write_that_fails_half_way_is_clear_and_loses_nothing(
    server: FileServer, settings: Settings
) -> None:
    command = [sys.executable, "-c", LIMITED, server.url + PATH, SHA256, settings.home, "100000"]
    done = subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True)
    assert done.stdout == (
        f"Cannot write {settings.home}/partial in the store {settings.home}: File too large. "
        "Point MSHUB_HOME to another folder.\n"
    )
    assert blobs(settings) == []
    assert fetch(server.url + PATH, SHA256, settings=settings).read_bytes() == CONTENT
    assert server.exchanges[-1].start == 100_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with disks.small_disk(tmp_path / "disk", "200k") as disk:
        yield disk


def test_full_disk_is_noticed_before_the_download(
    server: FileServer, settings: Settings, small_disk: Path
) -> None:
    settings = replace(settings, home=small_disk / "home")
    with pytest.raises(StoreError, match=r"bytes free, but 300,000 are needed. Free some space"):
        fetch(server.url + PATH, SHA256, settings=settings)
    assert files(settings) == []


@pytest.fixture
def disk_for_one_file(tmp_path: Path) -> Iterator[Path]:
    with disks.small_disk(tmp_path / "disk", "400k") as disk:
        yield disk


def test_disk_needs_space_only_for_what_is_missing(
    server: FileServer, settings: Settings, disk_for_one_file: Path
) -> None:
    settings = replace(settings, home=disk_for_one_file / "home")
    server.on(PATH, truncated(50_000), good)
    with pytest.raises(NetworkError, match="50,000 of the announced bytes are missing"):
        fetch(server.url + PATH, SHA256, settings=settings)
    assert fetch(server.url + PATH, SHA256, settings=settings).read_bytes() == CONTENT
    assert server.exchanges[-1].start == len(CONTENT) - 50_000


def test_disk_that_fills_up_is_clear_and_loses_nothing(
    server: FileServer, settings: Settings, small_disk: Path
) -> None:
    settings = replace(settings, home=small_disk / "home")
    server.on(PATH, without_length)
    with pytest.raises(StoreError, match=r"No space left on device. Free some space"):
        fetch(server.url + PATH, SHA256, settings=settings)
    (part,) = (settings.home / "partial").glob("*.part")
    assert part.read_bytes() == CONTENT[: part.stat().st_size]
    assert part.stat().st_size > 100_000
    assert blobs(settings) == []


@pytest.fixture
def other_disk(tmp_path: Path) -> Iterator[Path]:
    shared = Path("/dev/shm")  # noqa: S108 - a disk of its own on Linux
    if not shared.is_dir() or shared.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second disk")
    with tempfile.TemporaryDirectory(dir=shared) as folder:
        yield Path(folder)


def test_store_may_lie_on_another_disk_than_a_mirror(
    settings: Settings, folder: Path, other_disk: Path
) -> None:
    settings = replace(settings, home=other_disk / "home", mirrors=(str(folder),), offline=True)
    blob = fetch("https://host.invalid" + PATH, SHA256, settings=settings)
    assert blob.read_bytes() == (folder / PATH.lstrip("/")).read_bytes() == CONTENT


def test_partial_on_another_disk_than_the_blobs_is_a_clear_error(
    server: FileServer, settings: Settings, other_disk: Path
) -> None:
    settings.home.mkdir()
    (settings.home / "partial").symlink_to(other_disk)
    with pytest.raises(StoreError, match=r"Cannot write .*ross-device link.*MSHUB_HOME"):
        fetch(server.url + PATH, SHA256, settings=settings)
    assert blobs(settings) == []
    (part,) = other_disk.glob("*.part")
    assert part.read_bytes() == CONTENT


def test_no_name_in_the_store_differs_from_another_only_by_case(
    server: FileServer, settings: Settings
) -> None:
    server.on(PATH, truncated(1000), good)
    with pytest.raises(NetworkError):
        fetch(server.url + PATH, SHA256, settings=settings)
    before = {path.relative_to(settings.home) for path in settings.home.rglob("*")}
    fetch(server.url + PATH, SHA256, settings=settings)
    after = {path.relative_to(settings.home) for path in settings.home.rglob("*")}
    names = {str(path) for path in before | after} - {"CACHEDIR.TAG"}
    assert names == {name.lower() for name in names}


def test_wrong_file_that_cannot_be_set_aside_is_removed(
    server: FileServer, settings: Settings
) -> None:
    settings.home.mkdir()
    (settings.home / "corrupt").write_text("a file where the folder should be")
    server.on(PATH, flipped())
    with pytest.raises(IntegrityError, match=r"another file: expected sha256 \w+, got \w+\n"):
        fetch(server.url + PATH, SHA256, settings=settings)
    assert files(settings) == ["corrupt"]


MEDDLING = """
import os, sys
from pathlib import Path
from mindspore_hub.errors import HubError
from mindspore_hub.files.download import obtain
from mindspore_hub.settings import Settings
link, sha256, home, deed, verify = sys.argv[1:]
blob = Path(home, "blobs", "sha256", sha256[:2], sha256[2:])

def meddle(event, arguments):
    # Each event comes just before the deed: what has been renamed is about to be opened.
    global deed
    if event != "open" or str(arguments[0]) != str(blob) or not blob.exists():
        return
    now, deed = deed, None
    if now == "change":
        before = blob.stat()
        blob.chmod(0o644)
        blob.write_bytes(bytes(before.st_size))
        os.utime(blob, ns=(before.st_atime_ns, before.st_mtime_ns))
    if now == "replace":
        Path(home, "other").write_bytes(b"another file")
        Path(home, "other").rename(blob)
    if now == "remove":
        blob.unlink()

import filelock, urllib3
settings = Settings(home=Path(home), retries=0, progress=False, verify=verify)
sys.addaudithook(meddle)
try:
    found = obtain(link, sha256, settings=settings)
    found.verify()
    print(found.path)
except HubError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize(
    ("deed", "verify", "said"),
    [
        ("replace", "memo", "IntegrityError {blob} in the store is damaged:"),
        ("change", "always", "IntegrityError {blob} in the store is damaged:"),
        ("remove", "memo", "NetworkError No source could deliver mvd.ckpt"),
    ],
)
def test_file_that_another_process_touches_as_soon_as_it_is_there_is_not_taken_for_good(
    server: FileServer, settings: Settings, deed: str, verify: str, said: str
) -> None:
    given = (server.url + PATH, SHA256, str(settings.home), deed, verify)
    command = [sys.executable, "-c", MEDDLING, *given]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.startswith(said.format(blob=settings.home / BLOB))


FETCH = """
import sys
from pathlib import Path
from mindspore_hub.files.download import obtain
from mindspore_hub.settings import Settings
link, sha256, home = sys.argv[1:]
obtain(link, sha256, settings=Settings(home=Path(home), progress=False)).verify()
"""


def test_bytes_are_on_the_disk_before_their_name_is_and_the_name_afterwards(
    server: FileServer, settings: Settings, tmp_path: Path
) -> None:
    calls = tmp_path / "calls"
    trace = ["strace", "-fqqyo", calls, "-e", "trace=/^(fsync|rename.*)$"]
    if not shutil.which("strace") or subprocess.run([*trace, "true"], check=False).returncode:
        pytest.skip("strace, which sees what is synced, is missing or may not trace")
    command = [*trace, sys.executable, "-c", FETCH, server.url + PATH, SHA256, settings.home]
    subprocess.run(list(map(str, command)), check=True)
    blob = settings.home / BLOB
    told = [
        (call.split("(")[0].split()[-1], re.findall(r'[<"]([^<>"]+)[>"]', call))
        for call in calls.read_text().splitlines()
    ]
    part, *_ = (paths[0] for name, paths in told if paths[-1:] == [str(blob)])
    assert [
        ("rename" if name.startswith("rename") else name, paths[-1])
        for name, paths in told
        if {part, str(blob), str(blob.parent)} & set(paths)
    ] == [("fsync", part), ("rename", str(blob)), ("fsync", str(blob.parent))]
