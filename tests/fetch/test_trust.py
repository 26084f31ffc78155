"""What is trusted: hosts, redirects, certificates, proxies."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from downloads import CONTENT, ELSEWHERE, PATH, SHA256, UNREACHABLE, fetch, no_sockets
from server import FileServer, redirect, status

from mindspore_hub.errors import NetworkError, TrustError
from mindspore_hub.files.sources import refuse_untrusted
from mindspore_hub.settings import Settings

NOWHERE = Settings(home=Path("nowhere"))


@pytest.mark.parametrize(
    "link",
    [
        ELSEWHERE,
        "http://localhost.example/x.ckpt",
        "http://127.0.0.1.example/x.ckpt",
        "http://127.0.0.1@192.0.2.1/x.ckpt",
        "http://127.0.0.1\\@192.0.2.1/x.ckpt",
        "ftp://127.0.0.1/x.ckpt",
        "file:///etc/passwd",
        "/etc/passwd",
        "https:///x.ckpt",
        "https://host:port/x.ckpt",
        "https://[::1/x.ckpt",
        "https://host.invalid/",
        "https://host.invalid/../x.ckpt",
        "https://host.invalid/%2e%2e/x.ckpt",
        "https://host.invalid/a%2fb.ckpt",
        "https://host.invalid/x%00.ckpt",
        "https://host.invalid/x\n.ckpt",
    ],
)
def test_untrusted_link_is_refused_without_a_socket(
    settings: Settings, events: list[str], link: str
) -> None:
    with no_sockets(events), pytest.raises(TrustError, match=re.escape("the card")):
        fetch(link, SHA256, settings=settings)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "[::1]"])
def test_plain_http_is_trusted_on_this_machine(host: str) -> None:
    refuse_untrusted(f"http://{host}:8000/x.ckpt", NOWHERE)


def test_a_dot_behind_a_host_means_the_same_host() -> None:
    refuse_untrusted("https://download.mindspore.cn./models/x.ckpt", NOWHERE)
    with pytest.raises(TrustError, match=r"MSHUB_ALLOWED_HOSTS=host\.example\."):
        refuse_untrusted("https://host.example./x.ckpt", NOWHERE)


def test_plain_http_is_trusted_from_a_mirror_that_the_user_named() -> None:
    settings = replace(NOWHERE, mirrors=("/mnt/hub", "http://nas.example:8080/hub"))
    refuse_untrusted("http://nas.example:8080/hub/x.ckpt", settings)
    for other in ("http://nas.example/hub/x.ckpt", "http://example:8080/hub/x.ckpt"):
        with pytest.raises(TrustError, match="plain http"):
            refuse_untrusted(other, settings)


def test_mirror_by_https_makes_no_plain_http_of_its_host_trusted() -> None:
    settings = replace(NOWHERE, mirrors=("https://nas.example/hub",))
    refuse_untrusted("https://nas.example/hub/x.ckpt", settings)
    with pytest.raises(TrustError, match="only https is trusted, and mirrors that you name"):
        refuse_untrusted("http://nas.example/hub/x.ckpt", settings)


@pytest.mark.parametrize(
    ("origin", "url"),
    [
        ("https://host.example/x", "http://127.0.0.1/x"),
        ("HTTPS://host.example/x", "http://nas.example/x"),
        ("https://127.0.0.1/x", "http://nas.example/x"),
    ],
)
def test_redirect_from_https_to_http_is_refused(origin: str, url: str) -> None:
    settings = replace(NOWHERE, mirrors=("http://nas.example",))
    with pytest.raises(TrustError, match="redirects from https to plain http"):
        refuse_untrusted(url, settings, origin=origin)


def test_redirect_within_this_machine_may_leave_https() -> None:
    refuse_untrusted("http://127.0.0.1/x", NOWHERE, origin="https://localhost/x")


def test_redirects_are_followed_and_relative_ones_too(
    https: FileServer, settings: Settings
) -> None:
    https.on("/a", redirect("/b", 301))
    https.on("/b", redirect(https.url.replace("127.0.0.1", "localhost") + PATH, 307))
    assert fetch(https.url + "/a", SHA256, settings=settings).read_bytes() == CONTENT
    assert https.requests == ["GET /a", "GET /b", f"GET {PATH}"]


def test_redirect_from_https_to_a_plain_mirror_is_refused(
    https: FileServer, folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    https.on(PATH, redirect("http://nas.invalid/mvd.ckpt"))
    with FileServer(folder) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        settings = replace(settings, mirrors=("http://nas.invalid",))
        with pytest.raises(TrustError, match="redirects from https to plain http"):
            fetch(https.url + PATH, SHA256, settings=settings)
        mirror = "GET http://nas.invalid"
        assert proxy.requests == [f"{mirror}{PATH}", f"{mirror}/mvd.ckpt"]


def test_refusal_of_a_link_says_where_and_why_and_what_to_do(settings: Settings) -> None:
    with pytest.raises(TrustError) as caught:
        fetch(ELSEWHERE, SHA256, settings=settings)
    assert str(caught.value) == (
        f"No source could deliver mvd.ckpt (sha256 {SHA256}):\n"
        f"  {ELSEWHERE}: {ELSEWHERE} is plain http; only https is trusted, and mirrors that you "
        "name\n"
        "Correct the link in the card, or name a mirror of the file in MSHUB_MIRRORS."
    )


@pytest.mark.parametrize("target", ["http://[", "https://host:port/", "http://\\"])
def test_redirect_to_nonsense_is_an_error(
    server: FileServer, settings: Settings, target: str
) -> None:
    server.on(PATH, redirect(target))
    with pytest.raises((NetworkError, TrustError)):
        fetch(server.url + PATH, SHA256, settings=settings)


def test_certificate_of_an_unknown_ca_is_refused(
    https: FileServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(NetworkError, match=r"certificate is not trusted .*SSL_CERT_FILE"):
        fetch(https.url + PATH, SHA256, settings=replace(settings, retries=1))
    assert https.requests == []


def test_certificate_of_another_host_is_refused(
    folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FileServer(folder, tls=True, names=("other.example",)) as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(server.ca_file))
        with pytest.raises(NetworkError, match="certificate is not trusted"):
            fetch(server.url + PATH, SHA256, settings=settings)
        assert server.requests == []


@pytest.mark.parametrize(
    ("content", "problem"), [(None, "No such file or directory"), ("no PEM", "no certificate")]
)
def test_ca_file_that_cannot_be_read_is_named(
    content: str | None,
    problem: str,
    https: FileServer,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "cas.pem"
    if content:
        file.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with pytest.raises(NetworkError, match=f"SSL_CERT_FILE={file} cannot be read .*{problem}") as e:
        fetch(https.url + PATH, SHA256, settings=settings)
    assert "HTTPS_PROXY" not in str(e.value)


def test_proxy_is_used_for_other_machines_only(
    server: FileServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.on("host.invalid:443", status(403))
    monkeypatch.setenv("HTTPS_PROXY", server.url)
    monkeypatch.setenv("HTTP_PROXY", UNREACHABLE)
    fetch(server.url + PATH, SHA256, settings=settings)
    with pytest.raises(NetworkError, match="403"):
        fetch("https://host.invalid/x.ckpt", "0" * 64, settings=settings)
    assert server.requests == [f"GET {PATH}", "CONNECT host.invalid:443"]


def test_credentials_go_to_no_other_host(
    https: FileServer, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("machine localhost login me password secret\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    elsewhere = https.url.replace("127.0.0.1", "localhost")
    cookie = {"Set_Cookie": "id=secret; Path=/"}
    https.on("/start/mvd.ckpt", status(302, Location=elsewhere + PATH, **cookie))
    mirror = https.url.replace("//", "//me:secret@") + "/start"
    settings = replace(settings, mirrors=(mirror,))
    fetch(elsewhere + "/mvd.ckpt", SHA256, settings=settings)
    first, second = https.exchanges
    assert "authorization" in first.headers
    assert not {"authorization", "cookie", "referer"} & second.headers.keys()


def test_redirect_to_a_foreign_host_is_refused_without_a_request(
    https: FileServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    https.on(PATH, redirect("https://foreign.invalid/mvd.ckpt"))
    with FileServer(https.folder) as proxy:  # through which a request would go
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with pytest.raises(TrustError, match=r"MSHUB_ALLOWED_HOSTS=foreign\.invalid"):
            fetch(https.url + PATH, SHA256, settings=settings)
        assert proxy.requests == []
    assert https.requests == [f"GET {PATH}"]
