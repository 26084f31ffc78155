"""Proxies of the environment: which requests they get, and what these say."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from downloads import CONTENT, PATH, SHA256, UNREACHABLE, fetch
from server import PIECE, FileServer, Handler

from mindspore_hub.errors import NetworkError
from mindspore_hub.settings import Settings

HOST = "host.invalid"
MIRROR = "http://me:p%40ss@nas.invalid"
MINE = "Basic bWU6cEBzcw=="
OF_PROXY = "Basic YTpiOmM="  # a, b:c


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http", "https", "all", "no"):
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name.upper()}_PROXY", raising=False)


@pytest.fixture(params=[False, True], ids=["http proxy", "https proxy"])
def proxy(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FileServer]:
    folder = tmp_path / "proxy"
    folder.mkdir()
    with FileServer(folder, tls=request.param) as running:
        if running.ca_file:
            monkeypatch.setenv("SSL_CERT_FILE", str(running.ca_file))
        yield running


def tunnel(handler: Handler, port: int) -> None:
    """Connect the client with a server of this machine, whatever it asked for."""
    handler.send(iter(()), {})
    with socket.create_connection(("127.0.0.1", port)) as there:
        back = threading.Thread(target=copy, args=(there, handler.connection))
        back.start()
        copy(handler.connection, there)
        back.join()
    handler.close_connection = True


def copy(source: socket.socket, goal: socket.socket) -> None:
    try:
        while piece := source.recv(PIECE):
            goal.sendall(piece)
        goal.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def with_credentials(url: str) -> str:
    return url.replace("://", "://a:b%3Ac@")


def test_https_goes_through_a_tunnel(
    proxy: FileServer,
    folder: Path,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with FileServer(folder, tls=True, names=(HOST,)) as server:
        cas = tmp_path / "cas.pem"
        files = [file for file in (server.ca_file, proxy.ca_file) if file]
        cas.write_text("".join(file.read_text() for file in files))
        monkeypatch.setenv("SSL_CERT_FILE", str(cas))
        monkeypatch.setenv("HTTPS_PROXY", with_credentials(proxy.url))
        proxy.on(f"{HOST}:443", lambda handler, _: tunnel(handler, server.port))
        blob = fetch(f"https://{HOST}{PATH}", SHA256, settings=settings)
        assert blob.read_bytes() == CONTENT
        assert proxy.requests == [f"CONNECT {HOST}:443"]
        assert proxy.exchanges[0].headers["proxy-authorization"] == OF_PROXY
        assert server.requests == [f"GET {PATH}"]
        assert "proxy-authorization" not in server.exchanges[0].headers


def test_plain_mirror_is_asked_through_the_proxy(
    proxy: FileServer, folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(folder, proxy.folder / "http:" / "nas.invalid")
    monkeypatch.setenv("HTTP_PROXY", with_credentials(proxy.url))
    settings = replace(settings, mirrors=(MIRROR,))
    blob = fetch(f"https://{HOST}{PATH}", SHA256, settings=settings)
    assert blob.read_bytes() == CONTENT
    assert proxy.requests == [f"GET http://nas.invalid{PATH}"]
    headers = proxy.exchanges[0].headers
    assert (headers["authorization"], headers["proxy-authorization"]) == (MINE, OF_PROXY)


def test_all_proxy_serves_what_has_none_of_its_own(
    server: FileServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", server.url.removeprefix("http://"))
    with pytest.raises(NetworkError, match=r"the proxy cannot be used: .*404"):
        fetch(f"https://{HOST}/x.ckpt", SHA256, settings=settings)
    assert server.requests == [f"CONNECT {HOST}:443"]


@pytest.mark.parametrize("names", [HOST, "invalid", ".invalid", "*", f"x.example, {HOST}:8443"])
def test_no_proxy_names_hosts_that_are_asked_directly(
    server: FileServer, settings: Settings, monkeypatch: pytest.MonkeyPatch, names: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", server.url)
    monkeypatch.setenv("NO_PROXY", names)
    with pytest.raises(NetworkError, match="the name of the host cannot be resolved"):
        fetch(f"https://{HOST}:8443/x.ckpt", SHA256, settings=settings)
    assert server.requests == []


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        (UNREACHABLE, "the proxy cannot be used: Connection refused"),
        ("http://proxy.invalid", "the name of the proxy cannot be resolved"),
        ("socks5://127.0.0.1:9", "check HTTPS_PROXY"),
        ("http://127.0.0.1:port", "check HTTPS_PROXY"),
        ("http://[::1", "check HTTPS_PROXY"),
    ],
)
def test_proxy_that_cannot_be_used_is_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, url: str, problem: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", url)
    with pytest.raises(NetworkError, match=problem):
        fetch(f"https://{HOST}/x.ckpt", SHA256, settings=settings)
