"""Where a file may come from: mirrors and links, and which URLs are trusted."""

from __future__ import annotations

import logging
import os
from collections.abc import Container, Iterator, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import SplitResult, quote, unquote, urlsplit

from mindspore_hub.errors import TrustError
from mindspore_hub.files.store import OWN_FOLDERS
from mindspore_hub.hub.vocabulary import words
from mindspore_hub.settings import shown_address, split_url

if TYPE_CHECKING:
    from mindspore_hub.settings import Settings

logger = logging.getLogger(__name__)

Location: TypeAlias = Path | str
"""Where a file may lie: a path, or an http(s) URL."""

Source: TypeAlias = tuple[Location, ...]
"""A mirror or a link: the places where it may have the file, the likeliest first."""

LEFT_DEPTH = 4
"""Levels down to a file of the upstream client, `<publisher>/<version>/<folder>/<file>`. A folder of
the store may lie in another program's tree, which is not to be walked as a whole."""


def sources(links: Sequence[str], settings: Settings) -> list[Source]:
    """List the sources of a file in the order in which they are asked; the card's own link comes first.

    First what other programs left in the folder of the store, then the mirrors, then the links. A
    mirror has the file under the path of a link, or directly under its own folder. Offline, only
    folders are left. Of a mirror whose folder does not exist, a warning says so.
    """
    paths = list(dict.fromkeys(tuple(segments_of(link)) for link in links))
    found: list[Source] = [tuple(left_behind(settings.home, {path[-1] for path in paths}))]
    for mirror in settings.mirrors:
        _warn_if_absent(mirror)
        found += [_in_mirror(mirror, path) for path in paths]
    found += [(link,) for link in dict.fromkeys(links)]
    return [
        source
        for source in found
        if source and not (settings.offline and isinstance(source[0], str))
    ]


def in_mirrors(names: Sequence[str], settings: Settings) -> list[Location]:
    """Where the mirrors would have a file that no link leads to, by its possible paths in each."""
    return [
        location
        for mirror in settings.mirrors
        if not (settings.offline and _is_url(mirror))
        for name in names
        for location in _in_mirror(mirror, name.split("/"))[:1]
    ]


def left_behind(home: str | os.PathLike[str], names: Container[str]) -> Iterator[Path]:
    """Files of these names that other clients left in the folder of the store.

    The upstream client keeps what it downloads in folders named after publisher and version.
    """
    for folder, folders, files in os.walk(home):
        depth = len(Path(folder).relative_to(home).parts)
        if depth == 0:
            folders[:] = [name for name in folders if name not in OWN_FOLDERS]
        if depth == LEFT_DEPTH - 1:
            folders.clear()
        yield from (Path(folder, name) for name in sorted(files) if name in names)


def refuse_untrusted(url: str, settings: Settings, *, origin: str | None = None) -> None:
    """Raise a TrustError for a URL that no file may be taken from.

    Files come from the hosts of the published links, from this machine, from mirrors, and from
    hosts that the user allows; by https, or by plain http from this machine and from mirrors.
    `origin` is the URL that redirected here: from https, nothing leads back to http, except within
    this machine.
    """
    parts = _split(url)
    host = parts.hostname
    if parts.scheme not in {"http", "https"} or not host:
        msg = f"{shown(url)} is not an https URL"
        raise TrustError(msg)
    named = is_loopback(host) or _address(url) in map(_address, filter(_is_url, settings.mirrors))
    if parts.scheme == "http" and not named:
        msg = f"{shown(url)} is plain http; only https is trusted, and mirrors that you name"
        raise TrustError(msg)
    before = _split(origin or url)
    if (before.scheme, parts.scheme) == ("https", "http") and not is_loopback(
        before.hostname, host
    ):
        msg = f"{shown(before.geturl())} redirects from https to plain http, {shown(url)}"
        raise TrustError(msg)
    patterns = (*words("hosts"), *settings.allowed_hosts)
    bare = host.lower().rstrip(".")
    if not (named or any(fnmatchcase(bare, pattern) for pattern in patterns)):
        msg = (
            f"{shown(url)} is on a host that is not allowed; if you trust it, set "
            f"MSHUB_ALLOWED_HOSTS={host}"
        )
        raise TrustError(msg)


def _is_url(mirror: str) -> bool:
    return mirror.lower().startswith(("http://", "https://"))


def _split(url: str) -> SplitResult:
    parts = split_url(url)
    if parts is None:
        msg = f"{shown(url)!r} is not a URL. Correct it in the card, or in MSHUB_MIRRORS."
        raise TrustError(msg)
    return parts


def segments_of(link: str) -> list[str]:
    """Split the path of a link into plain names, so that it cannot lead out of a folder."""
    names = [unquote(part) for part in _split(link).path.split("/") if part]
    plain = all(name.isprintable() and not set(name) & set("/\\:") for name in names)
    if not names or not plain or {".", ".."} & set(names):
        msg = f"The path of the link {shown(link)!r} does not name a file. Correct it in the card."
        raise TrustError(msg)
    return names


def _in_mirror(mirror: str, segments: Sequence[str]) -> Source:
    if not _is_url(mirror):
        folder = _folder(mirror)
        return tuple(dict.fromkeys((folder.joinpath(*segments), folder / segments[-1])))
    parts = _split(mirror)
    base = parts.path.rstrip("/")
    paths = ("/".join(map(quote, names)) for names in (segments, segments[-1:]))
    # A query stays: it may be what lets the user in.
    return tuple(parts._replace(path=f"{base}/{path}").geturl() for path in dict.fromkeys(paths))


def _warn_if_absent(mirror: str) -> None:
    """Say what a failure to find the file in a folder does not tell: that there is no folder."""
    with suppress(OSError):  # what else is wrong with it is said when it is asked
        if not _is_url(mirror) and not _folder(mirror).exists():
            logger.warning(
                "MSHUB_MIRRORS: the folder %s does not exist; the address of a server begins with "
                "https://",
                shown_address(mirror),
            )


def _folder(mirror: str) -> Path:
    if not mirror.lower().startswith("file://"):
        return Path(mirror).expanduser()
    from urllib.request import url2pathname  # imports half of the network

    return Path(url2pathname(urlsplit(mirror).path))


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
    """Show a location without what may be secret; an address may have been taken for a folder."""
    return shown_address(str(location))
