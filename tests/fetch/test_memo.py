"""What was hashed once is not hashed again, unless it has changed or the user wants it."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import pytest
from downloads import CONTENT, PATH, SHA256, fetch
from server import FileServer

from mindspore_hub.errors import IntegrityError
from mindspore_hub.files import records
from mindspore_hub.files.store import Store
from mindspore_hub.settings import Settings


@pytest.fixture
def old_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every change counts as older than a tick of the clock."""
    monkeypatch.setattr(records, "_SETTLED", -60.0)


def test_file_is_noted_once_it_is_old_enough(
    server: FileServer, settings: Settings, request: pytest.FixtureRequest
) -> None:
    blob = fetch(server.url + PATH, SHA256, settings=settings)
    memo = settings.home / "verified" / f"{SHA256}.json"
    fetch(server.url + PATH, SHA256, settings=settings)
    assert not memo.exists()  # within one tick of the clock it could change unseen
    request.getfixturevalue("old_enough")
    fetch(server.url + PATH, SHA256, settings=settings)
    assert json.loads(memo.read_text())[0][1] == blob.stat().st_ino


def test_noted_file_is_not_hashed_unless_always(server: FileServer, settings: Settings) -> None:
    blob = fetch(server.url + PATH, SHA256, settings=settings)
    blob.chmod(0o644)
    blob.write_bytes(b"x" + CONTENT[1:])
    found = Store(settings.home).open(SHA256)
    assert found
    with found:
        memo = settings.home / "verified" / f"{SHA256}.json"
        memo.parent.mkdir(exist_ok=True)
        memo.write_text(json.dumps([found.stat]))
    assert fetch(server.url + PATH, SHA256, settings=settings) == blob
    with pytest.raises(IntegrityError):
        fetch(server.url + PATH, SHA256, settings=replace(settings, verify="always"))
    assert not memo.exists()


@pytest.mark.usefixtures("old_enough")
def test_note_of_a_file_that_was_changed_in_place_is_not_believed(
    server: FileServer, settings: Settings
) -> None:
    blob = fetch(server.url + PATH, SHA256, settings=settings)
    before = blob.stat()
    blob.chmod(0o644)
    with blob.open("rb+") as file:
        file.write(b"x")
    os.utime(blob, ns=(before.st_atime_ns, before.st_mtime_ns))  # what hides a change from most
    with pytest.raises(IntegrityError):
        fetch(server.url + PATH, SHA256, settings=settings)


def test_always_hashes_even_what_was_just_downloaded(
    server: FileServer, settings: Settings
) -> None:
    always = replace(settings, verify="always")
    assert fetch(server.url + PATH, SHA256, settings=always).read_bytes() == CONTENT


@pytest.mark.parametrize("note", ["", "{}", "5", "[5]", "[[1, 2]]", "[[[]]]", '"x"'])
def test_memo_that_means_nothing_costs_a_hash(
    server: FileServer, settings: Settings, note: str
) -> None:
    blob = fetch(server.url + PATH, SHA256, settings=settings)
    memo = settings.home / "verified" / f"{SHA256}.json"
    memo.parent.mkdir(exist_ok=True)
    memo.write_text(note)
    assert fetch(server.url + PATH, SHA256, settings=settings) == blob
