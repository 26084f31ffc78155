"""Where files are looked for: mirrors, further links, extra caches, what others left; offline."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from downloads import BLOB, CONTENT, PATH, SHA256, UNREACHABLE, blobs, fetch, files, no_sockets
from faults import flipped, truncated
from server import FileServer, status

from mindspore_hub.errors import (
    HubError,
    IntegrityError,
    NetworkError,
    OfflineError,
    TrustError,
)
from mindspore_hub.files.sources import left_behind
from mindspore_hub.settings import Settings


@pytest.mark.parametrize("as_url", [False, True])
@pytest.mark.parametrize("path", ["models/r1.9/mvd.ckpt", "mvd.ckpt"])
def test_folder_mirror_needs_no_network(
    settings: Settings, tmp_path: Path, events: list[str], path: str, *, as_url: bool
) -> None:
    mirror = tmp_path / "a mirror"
    (mirror / path).parent.mkdir(parents=True, exist_ok=True)
    (mirror / path).write_bytes(CONTENT)
    mirrors = (mirror.as_uri() if as_url else str(mirror),)
    link = "https://host.invalid" + PATH
    with no_sockets(events):
        blob = fetch(link, SHA256, settings=replace(settings, mirrors=mirrors, offline=True))
    assert blob.read_bytes() == CONTENT
    assert not blob.is_symlink()


def test_url_mirror_is_asked_before_the_link(server: FileServer, settings: Settings) -> None:
    mirrors = (f"{server.url}/",)
    link = "https://host.invalid" + PATH
    fetch(link, SHA256, settings=replace(settings, mirrors=mirrors))
    assert server.requests == [f"GET {PATH}"]


def test_url_of_a_mirror_may_end_in_a_slash_and_begin_in_capitals(
    server: FileServer, folder: Path, settings: Settings
) -> None:
    folder.joinpath("models").rename(folder / "hub")
    mirrors = (f"{server.url.replace('http', 'HTTP')}/hub/",)
    link = "https://host.invalid/r1.9/mvd.ckpt"
    fetch(link, SHA256, settings=replace(settings, mirrors=mirrors))
    assert server.requests == ["GET /hub/r1.9/mvd.ckpt"]


def test_folder_mirror_may_be_a_file_url_in_capitals(settings: Settings, folder: Path) -> None:
    mirrors = (folder.as_uri().replace("file", "FILE"),)
    settings = replace(settings, mirrors=mirrors, offline=True)
    assert fetch("https://host.invalid" + PATH, SHA256, settings=settings).read_bytes() == CONTENT


def test_url_mirror_is_asked_for_the_name_as_the_link_writes_it(
    server: FileServer, folder: Path, settings: Settings
) -> None:
    (folder / "a net?.ckpt").write_bytes(CONTENT)
    link = "https://host.invalid/a%20net%3F.ckpt"
    fetch(link, SHA256, settings=replace(settings, mirrors=(server.url,)))
    assert server.requests == ["GET /a%20net%3F.ckpt"]


def test_mirror_is_asked_once_for_a_link_without_folders(
    server: FileServer, settings: Settings, tmp_path: Path
) -> None:
    settings = replace(settings, mirrors=(server.url, str(tmp_path / "mirror")))
    with pytest.raises(NetworkError) as caught:
        fetch(f"{UNREACHABLE}/none.ckpt", SHA256, settings=settings)
    assert server.requests == ["GET /none.ckpt"]
    assert str(caught.value).count(f"{tmp_path}/mirror/none.ckpt: ") == 1


def test_mirror_with_a_flat_folder_is_asked_second(
    server: FileServer, folder: Path, settings: Settings
) -> None:
    (folder / PATH.lstrip("/")).rename(folder / "mvd.ckpt")
    link = "https://host.invalid" + PATH
    fetch(link, SHA256, settings=replace(settings, mirrors=(server.url,)))
    assert server.requests == [f"GET {PATH}", "GET /mvd.ckpt"]


def test_mirror_with_wrong_bytes_is_passed_over(
    server: FileServer, settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "mvd.ckpt").write_bytes(b"wrong")
    settings = replace(settings, mirrors=(str(mirror),))
    assert fetch(server.url + PATH, SHA256, settings=settings).read_bytes() == CONTENT
    (warning,) = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert warning == (
        f"{mirror}/mvd.ckpt: another file: expected sha256 {SHA256}, "
        f"got {hashlib.sha256(b'wrong').hexdigest()}"
    )


def test_mirror_that_is_a_folder_without_the_file_is_no_news(
    server: FileServer, settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "mindspore_hub")
    settings = replace(settings, mirrors=(str(tmp_path),))
    fetch(server.url + PATH, SHA256, settings=settings)
    link = server.url + PATH
    assert caplog.messages == [f"Downloading mvd.ckpt (300,000 bytes) from {link}"]


@pytest.mark.parametrize(
    ("size", "error", "message"),
    [(0, NetworkError, "sent 0 of the 3,145,728 bytes"), (9 << 20, NetworkError, "another file")],
)
def test_file_of_a_mirror_that_changes_under_the_hands_is_refused(
    settings: Settings, tmp_path: Path, size: int, error: type[Exception], message: str
) -> None:
    file = tmp_path / "mvd.ckpt"
    file.write_bytes(bytes(3 << 20))
    with pytest.raises(error, match=message):
        fetch(
            f"{UNREACHABLE}/mvd.ckpt",
            SHA256,
            settings=replace(settings, mirrors=(str(tmp_path),)),
            progress=lambda _done, _total: os.truncate(file, size),
        )
    assert files(settings) == []


def test_wrong_bytes_of_the_link_weigh_more_than_a_missing_file(
    server: FileServer, https: FileServer, settings: Settings
) -> None:
    server.on(PATH, status(404))
    https.on(PATH, flipped())
    with pytest.raises(IntegrityError, match=r"(?s)another file.*status 404.*MSHUB_MIRRORS"):
        fetch(https.url + PATH, SHA256, alternatives=(server.url + PATH,), settings=settings)


WRONG = {
    "half of it, left by the old client": (
        "home/mindspore/1.9/mvd.ckpt",
        CONTENT[: len(CONTENT) // 2],
    ),
    "nothing, left by the old client": ("home/mindspore/1.9/mvd.ckpt", b""),
    "a page in a mirror's folder": ("mirror/models/r1.9/mvd.ckpt", b"<html>"),
    "a longer file in a mirror's folder": ("mirror/mvd.ckpt", CONTENT + b"more"),
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("source", ["offline", "unreachable", "missing", "not trusted", "wrong"])
def test_wrong_copy_leaves_it_to_the_published_file_what_went_wrong(
    server: FileServer, settings: Settings, tmp_path: Path, source: str, wrong: str
) -> None:
    kinds: dict[str, tuple[type[HubError], str]] = {
        "offline": (OfflineError, server.url),
        "unreachable": (NetworkError, UNREACHABLE),
        "missing": (NetworkError, server.url),
        "not trusted": (TrustError, "https://not-trusted.invalid"),
        "wrong": (IntegrityError, server.url),
    }
    server.on(PATH, flipped() if source == "wrong" else status(404))
    kind, host = kinds[source]
    name, content = WRONG[wrong]
    copy = tmp_path / name
    copy.parent.mkdir(parents=True)
    copy.write_bytes(content)
    given = replace(settings, mirrors=(str(tmp_path / "mirror"),), offline=source == "offline")
    with pytest.raises(HubError) as caught:
        fetch(host + PATH, SHA256, settings=given)
    assert type(caught.value) is kind
    assert f"Remove {copy}: it is another file, or a part of the file." in str(caught.value)
    assert ("the published file is not the one" in str(caught.value)) == (source == "wrong")
    assert copy.read_bytes() == content


def test_wrong_copy_of_a_mirror_in_the_network_is_the_mirrors_fault(
    server: FileServer, settings: Settings
) -> None:
    server.on(PATH, flipped())
    mirror = server.url.replace("//", "//user:secret@")
    with pytest.raises(NetworkError, match="cannot be reached") as caught:
        fetch(UNREACHABLE + PATH, SHA256, settings=replace(settings, mirrors=(mirror,)))
    shown = server.url.replace("//", "//***@")
    assert f"Correct {shown}{PATH}, or take that mirror out" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_mirror_is_asked_for_one_path_only_if_it_cannot_be_reached(settings: Settings) -> None:
    with pytest.raises(NetworkError) as caught:
        fetch(UNREACHABLE + PATH, SHA256, settings=replace(settings, mirrors=(UNREACHABLE,)))
    assert str(caught.value).count(f"  {UNREACHABLE}") == 2  # the mirror, and the link


def test_errors_do_not_show_secrets_of_a_mirror(server: FileServer, settings: Settings) -> None:
    mirror = server.url.replace("//", "//user:secret@") + "/none?token=secret"
    with pytest.raises(NetworkError, match=r"/none/none\.ckpt: status 404") as caught:
        fetch(server.url + "/none.ckpt", SHA256, settings=replace(settings, mirrors=(mirror,)))
    assert "secret" not in str(caught.value)
    assert server.requests[0] == "GET /none/none.ckpt?token=secret"


def test_mirror_that_is_no_url_is_refused(settings: Settings) -> None:
    with pytest.raises(TrustError, match=r"'https://host:port' is not a URL.*MSHUB_MIRRORS"):
        fetch(
            "https://h.invalid/x",
            SHA256,
            settings=replace(settings, mirrors=("https://host:port",)),
        )


@pytest.mark.parametrize("mirror", ["mirror.example.org/models", "https//mirror", "file:///none"])
def test_mirror_whose_folder_does_not_exist_is_named_in_a_warning(
    server: FileServer, settings: Settings, caplog: pytest.LogCaptureFixture, mirror: str
) -> None:
    fetch(server.url + PATH, SHA256, settings=replace(settings, mirrors=(mirror,)))
    (warning,) = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert warning == (
        f"MSHUB_MIRRORS: the folder {mirror} does not exist; the address of a server begins with "
        "https://"
    )


# Offline


def test_offline_opens_no_socket_and_says_how_to_bring_the_file(
    server: FileServer, settings: Settings, events: list[str]
) -> None:
    settings = replace(settings, offline=True, mirrors=(server.url,))
    with no_sockets(events), pytest.raises(OfflineError) as caught:
        fetch(server.url + PATH, SHA256, settings=settings)
    assert str(caught.value) == (
        f"mvd.ckpt (sha256 {SHA256}) is not in {settings.home}, and MSHUB_OFFLINE forbids the "
        "network.\n"
        f"On a machine with a network run `curl -fLo mvd.ckpt {server.url}{PATH}`, bring mvd.ckpt into a "
        "folder here and name that folder in MSHUB_MIRRORS; or unset MSHUB_OFFLINE."
    )
    assert server.requests == []


def test_offline_takes_what_is_in_the_store(server: FileServer, settings: Settings) -> None:
    blob = fetch(server.url + PATH, SHA256, settings=settings)
    assert fetch(server.url + PATH, SHA256, settings=replace(settings, offline=True)) == blob


def test_offline_command_can_be_pasted_into_a_shell(settings: Settings, tmp_path: Path) -> None:
    link = "https://host.invalid/a%20net;id.ckpt?a=1&b=2"
    with pytest.raises(OfflineError) as caught:
        fetch(link, SHA256, settings=replace(settings, offline=True))
    (command,) = re.findall("`(.*)`", str(caught.value))
    assert shlex.split(command) == ["curl", "-fLo", "a net;id.ckpt", link]
    assert caught.value.exit_code == 6


# Further links


def test_further_links_are_asked_on_a_miss_only(server: FileServer, settings: Settings) -> None:
    server.on("/old.ckpt", status(404))
    others = (f"{server.url}{PATH}", f"{server.url}/never.ckpt")
    blob = fetch(f"{server.url}/old.ckpt", SHA256, alternatives=others, settings=settings)
    assert blob.read_bytes() == CONTENT
    assert server.requests == ["GET /old.ckpt", f"GET {PATH}"]


def test_what_one_link_began_another_completes(server: FileServer, settings: Settings) -> None:
    copy = server.folder / "copy.ckpt"
    copy.write_bytes(CONTENT)
    server.on(PATH, truncated(100_000))
    others = (f"{server.url}/copy.ckpt",)
    fetch(server.url + PATH, SHA256, alternatives=others, settings=settings)
    assert [exchange.start for exchange in server.exchanges] == [0, 200_000]


# Extra caches


def test_extra_cache_is_searched_first_and_never_written(
    server: FileServer, settings: Settings, tmp_path: Path, events: list[str]
) -> None:
    extra = replace(settings, home=tmp_path / "extra")
    blob = fetch(server.url + PATH, SHA256, settings=extra)
    before = sorted(extra.home.rglob("*"))
    with no_sockets(events):
        found = fetch(
            server.url + PATH, SHA256, settings=replace(settings, extra_caches=(extra.home,))
        )
    assert found == blob
    assert sorted(extra.home.rglob("*")) == before
    assert blobs(settings) == []


def test_extra_cache_is_preferred_to_the_own_store(
    server: FileServer, settings: Settings, tmp_path: Path
) -> None:
    extra = replace(settings, home=tmp_path / "extra")
    for store in (settings, extra):
        fetch(server.url + PATH, SHA256, settings=store)
    found = fetch(server.url + PATH, SHA256, settings=replace(settings, extra_caches=(extra.home,)))
    assert found == extra.home / BLOB


def test_damaged_file_of_an_extra_cache_is_passed_over(
    server: FileServer, settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    damaged = tmp_path / "extra" / BLOB
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"damaged")
    settings = replace(settings, extra_caches=(tmp_path / "extra",))
    assert fetch(server.url + PATH, SHA256, settings=settings) == settings.home / BLOB
    assert damaged.read_bytes() == b"damaged"
    assert "this store is only read" in caplog.text


@pytest.mark.parametrize("obstacle", ["a file", "a newer layout", "a folder for a blob"])
def test_extra_cache_that_cannot_be_read_is_passed_over(
    server: FileServer,
    settings: Settings,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    obstacle: str,
) -> None:
    extra = tmp_path / "extra"
    if obstacle == "a file":
        extra.write_text("no folder")
    else:
        (extra / BLOB).mkdir(parents=True)
    if obstacle == "a newer layout":
        (extra / "layout").write_text("2")
    settings = replace(settings, extra_caches=(extra, tmp_path / "none"))
    assert fetch(server.url + PATH, SHA256, settings=settings).read_bytes() == CONTENT
    (warning,) = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert warning.startswith(f"The extra cache {extra} is passed over: ")
    assert "MSHUB_EXTRA_CACHES" in warning
    assert "MSHUB_HOME" not in warning


# What other clients left


def test_file_left_by_the_upstream_client_is_adopted_and_stays(
    settings: Settings, events: list[str]
) -> None:
    left = settings.home / "mindspore" / "1.9" / "mvd_v1.9" / "mvd.ckpt"
    left.parent.mkdir(parents=True)
    left.write_bytes(CONTENT)
    with no_sockets(events):
        blob = fetch("https://host.invalid" + PATH, SHA256, settings=settings)
    assert (blob.read_bytes(), left.read_bytes()) == (CONTENT, CONTENT)
    assert not blob.samefile(left)  # what the other client does to its file is its own affair


def test_no_tree_deeper_than_that_of_the_upstream_client_is_walked(settings: Settings) -> None:
    deepest = settings.home / "mindspore" / "1.9" / "mvd_v1.9"
    too_deep = deepest / "more"
    too_deep.mkdir(parents=True)
    for folder in (deepest, too_deep):
        (folder / "mvd.ckpt").write_bytes(CONTENT)
    assert [*left_behind(settings.home, {"mvd.ckpt"})] == [deepest / "mvd.ckpt"]


def test_wrong_file_left_by_the_upstream_client_is_passed_over_and_stays(
    server: FileServer, settings: Settings
) -> None:
    left = settings.home / "mindspore" / "1.9" / "mvd.ckpt"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half of it")
    assert fetch(server.url + PATH, SHA256, settings=settings).read_bytes() == CONTENT
    assert left.read_bytes() == b"half of it"


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo], ids=["folder", "pipe"])
def test_what_is_no_file_in_a_mirror_is_passed_over(
    server: FileServer, settings: Settings, tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / "mvd.ckpt")
    settings = replace(settings, mirrors=(str(tmp_path),))
    assert fetch(server.url + PATH, SHA256, settings=settings).read_bytes() == CONTENT


def test_empty_file_in_an_extra_cache_is_passed_over(
    server: FileServer, settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    extra = tmp_path / "extra"
    (extra / BLOB).parent.mkdir(parents=True)
    (extra / BLOB).touch()
    settings = replace(settings, extra_caches=(extra,))
    assert fetch(server.url + PATH, SHA256, settings=settings).read_bytes() == CONTENT
    (warning,) = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert warning.startswith(
        f"The extra cache {extra} is passed over: {extra / BLOB} in the store"
    )
    assert (extra / BLOB).exists()
