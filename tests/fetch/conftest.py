"""Servers, and settings of a store, for tests that download."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from downloads import CONTENT, PATH
from server import FileServer

from mindspore_hub.files import download
from mindspore_hub.settings import Settings


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Next to no pause between attempts, but for what a server asks for."""
    monkeypatch.setattr(download, "BACKOFF", 0.01)


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
