"""Where a file may come from: mirrors and links, and which URLs are trusted.

Decisions only; nothing here touches a disk or a network.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import SplitResult, quote, unquote, urlsplit

from mindspore_hub.errors import TrustError

if TYPE_CHECKING:
    from mindspore_hub.settings import Settings

Location: TypeAlias = Path | str
"""Where a file may lie: a path, or an http(s) URL."""

Source: TypeAlias = tuple[Location, ...]
"""A mirror or a link: the places where it may have the file, the likeliest first."""


def sources(link: str, settings: Settings) -> list[Source]:
    """List the sources of a link in the order in which they are asked.

    A mirror has the file under the path of the link, or directly under its own folder. Offline,
    only folders are left.

    Raises:
        TrustError: The link names no file, or its path leads upwards.
    """
    segments = segments_of(link)
    found = [_in_mirror(mirror, segments) for mirror in settings.mirrors]
    found.append((link,))
    if settings.offline:
        return [source for source in found if isinstance(source[0], Path)]
    return found


def refuse_untrusted(url: str, *, mirrors: Iterable[str] = (), origin: str | None = None) -> None:
    """Refuse a URL that no file may be taken from.

    Https is always allowed, plain http only from this machine and from mirrors that the user named.

    Args:
        url: What is about to be requested.
        mirrors: Mirrors that the user named.
        origin: The URL that redirected here. From https, nothing leads back to http, except within
            this machine.

    Raises:
        TrustError: The URL is refused; the message says why.
    """
    parts = _split(url)
    host = parts.hostname
    if parts.scheme == "https" and host:
        return
    if parts.scheme != "http" or not host:
        msg = f"{shown(url)} is not an https URL"
        raise TrustError(msg)
    plain = (mirror for mirror in mirrors if mirror.lower().startswith("http://"))
    if not (is_loopback(host) or _address(url) in map(_address, plain)):
        msg = f"{shown(url)} is plain http; only https is trusted, and mirrors that you name"
        raise TrustError(msg)
    before = _split(origin or url)
    if before.scheme == "https" and not is_loopback(before.hostname, host):
        msg = f"{shown(before.geturl())} redirects from https to plain http, {shown(url)}"
        raise TrustError(msg)


def _split(url: str) -> SplitResult:
    """Split a URL, and refuse what programs read in different ways."""
    try:
        parts = urlsplit(url)
        readable = url.isprintable() and "\\" not in url and parts.port != 0  # or ValueError
    except ValueError:
        readable = False
    if not readable:
        msg = f"{url!r} is not a URL. Correct it in the card, or in MSHUB_MIRRORS."
        raise TrustError(msg)
    return parts


def segments_of(link: str) -> list[str]:
    """Split the path of a link into plain names, so that it cannot lead out of a folder."""
    names = [unquote(part) for part in _split(link).path.split("/") if part]
    plain = all(name.isprintable() and not set(name) & set("/\\:") for name in names)
    if not names or not plain or {".", ".."} & set(names):
        msg = f"The path of the link {link!r} does not name a file. Correct it in the card."
        raise TrustError(msg)
    return names


def _in_mirror(mirror: str, segments: list[str]) -> Source:
    if not mirror.lower().startswith(("http://", "https://")):
        folder = Path(_local_path(mirror)).expanduser()
        return folder.joinpath(*segments), folder / segments[-1]
    parts = _split(mirror)
    base = parts.path.rstrip("/")
    paths = ("/".join(map(quote, names)) for names in (segments, segments[-1:]))
    # A query stays: it may be what lets the user in.
    return tuple(parts._replace(path=f"{base}/{path}").geturl() for path in paths)


def _local_path(mirror: str) -> str:
    if not mirror.lower().startswith("file://"):
        return mirror
    from urllib.request import url2pathname  # imports half of the network

    return url2pathname(urlsplit(mirror).path)


def _address(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


def is_loopback(*hosts: str | None) -> bool:
    """Whether all of these hosts are this machine."""
    try:
        return all(host == "localhost" or ip_address(host or "").is_loopback for host in hosts)
    except ValueError:
        return False


def shown(location: Location) -> str:
    """Show a location without what may be secret: a password, or a token in the query."""
    if isinstance(location, Path) or not any(mark in location for mark in "@?"):
        return str(location)
    parts = urlsplit(location)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()
