"""Stores that are full, read-only, elsewhere or in the way: clear errors, nothing lost."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from downloads import PATH, SHA256, UNREACHABLE
from server import FileServer, read_only

from mindspore_hub.errors import StoreError
from mindspore_hub.fetch import fetch
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


def test_home_that_is_a_file_is_a_store_error(settings: Settings) -> None:
    settings.home.write_text("not a folder")
    with pytest.raises(StoreError, match=f"{settings.home}.*MSHUB_HOME"):
        fetch(UNREACHABLE + PATH, SHA256, settings=settings)
