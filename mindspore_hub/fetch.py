"""From a link and a sha256 to a verified file in the store.

`sources.py` decides which places are asked. `fetch` acts: it asks the store, mirrors and link in
this order, hashes while it receives, and renames only what has the right digest.
"""

from __future__ import annotations

import hashlib
import logging
import os
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

from mindspore_hub._progress import Progress, bar
from mindspore_hub.cache import CHUNK, Store
from mindspore_hub.errors import HubError, IntegrityError, NetworkError, OfflineError, TrustError
from mindspore_hub.sources import (
    Location,
    is_loopback,
    refuse_untrusted,
    segments_of,
    shown,
    sources,
)
from mindspore_hub.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import IO

    import httpx2

    from mindspore_hub.settings import Settings

logger = logging.getLogger(__name__)

MAX_REDIRECTS = 5

BACKOFF = 0.25
"""Seconds before the second attempt at a source; doubled before each one after it."""

_Failure: TypeAlias = tuple[Location, HubError]


class _PassingError(NetworkError):
    """A failure that may be gone at the next attempt."""


@dataclass(frozen=True)
class _Wanted:
    """What is asked for, and the store where it shall end."""

    link: str
    sha256: str
    store: Store
    settings: Settings

    @property
    def name(self) -> str:
        return segments_of(self.link)[-1]


@dataclass(frozen=True)
class _Delivery:
    """A file that is coming in: its size in bytes, if it was announced, and its parts."""

    total: int | None
    chunks: Iterable[bytes]


def fetch(
    link: str,
    sha256: str,
    *,
    settings: Settings,
    progress: Progress | None = None,
    force: bool = False,
) -> Path:
    """Return the file with this digest, downloading it if the store does not have it.

    Args:
        link: Where the file was published: an https URL, or http on this machine.
        sha256: Its digest, 64 lower-case hexadecimal digits.
        settings: The store, the mirrors and the limits.
        progress: Called with bytes done and bytes in total; the default is a bar on a terminal.
        force: Download even if the store has the file.

    Returns:
        A read-only file in the store, all of whose bytes were hashed during this call.

    Raises:
        CardError: `sha256` is not a digest.
        IntegrityError: The file in the store is damaged, or every file received was another one.
        NetworkError: No source could deliver the file.
        OfflineError: The file is not here, and `settings.offline` forbids the network.
        StoreError: The store cannot be read or written, or its disk is full.
        TrustError: The link, or a redirect, leads to where no file may be taken from.
    """
    store = Store(settings.home)
    if not force and (found := store.find(sha256)):
        return found
    wanted = _Wanted(link, sha256, store, settings)
    with store.lock(sha256):
        # Whoever held the lock before may have brought the file.
        if not force and (found := store.find(sha256)):
            return found
        if progress:
            return _obtain(wanted, progress)
        with bar(wanted.name, shown=settings.progress) as drawn:
            return _obtain(wanted, drawn)


def _obtain(wanted: _Wanted, report: Progress) -> Path:
    """Ask one source after the other until one delivers."""
    failures: list[_Failure] = []
    for source in sources(wanted.link, wanted.settings):
        for location in source:
            if failures:
                _tell(*failures[-1])
            try:
                return _persist(location, wanted, report)
            except (IntegrityError, NetworkError, TrustError) as error:
                failures.append((location, error))
                if isinstance(error, _PassingError):
                    break  # who cannot be reached is not asked for a second path
    raise _verdict(wanted, failures)


def _tell(location: Location, error: HubError) -> None:
    """Say why the next place is asked; a mirror's folder without the file is no news."""
    level = logging.DEBUG if isinstance(location, Path) else logging.INFO
    level = logging.WARNING if isinstance(error, IntegrityError) else level
    logger.log(level, "%s: %s", shown(location), error)


def _persist(location: Location, wanted: _Wanted, report: Progress) -> Path:
    """Try one location again while its failures may pass."""
    for attempt in range(wanted.settings.retries):
        try:
            return _attempt(location, wanted, report)
        except _PassingError as error:
            pause = BACKOFF * 2**attempt
            logger.info("%s: %s; again in %s s", shown(location), error, pause)
            time.sleep(pause)
    return _attempt(location, wanted, report)


def _attempt(location: Location, wanted: _Wanted, report: Progress) -> Path:
    """Bring one file into the store, or raise."""
    store, sha256 = wanted.store, wanted.sha256
    with store.temporary(sha256) as path, ExitStack() as stack:
        delivery = _open(stack, location, wanted.settings)
        size = "of unknown size" if delivery.total is None else f"{delivery.total:,} bytes"
        logger.info("Downloading %s (%s) from %s", wanted.name, size, shown(location))
        store.require_space(delivery.total or 0)
        with path.open("xb") as file:
            got = _receive(delivery, file, report)
        if got != sha256:
            msg = f"another file: expected sha256 {sha256}, got {got}; it was not kept"
            raise IntegrityError(msg)
        return store.add(path, sha256)


def _receive(delivery: _Delivery, file: IO[bytes], report: Progress) -> str:
    """Write a delivery to a file and return its sha256."""
    state, done, total = hashlib.sha256(), 0, delivery.total
    report(done, total)
    for chunk in delivery.chunks:
        file.write(chunk)
        state.update(chunk)
        done += len(chunk)
        report(done, total)
        if total is not None and done > total:
            msg = f"sent more than the {total:,} bytes that it announced"
            raise _PassingError(msg)
    if total is not None and done < total:
        msg = f"sent {done:,} of the {total:,} bytes that it announced"
        raise _PassingError(msg)
    return state.hexdigest()


def _open(stack: ExitStack, location: Location, settings: Settings) -> _Delivery:
    """Begin a delivery; the stack ends it."""
    if not isinstance(location, Path):
        return _open_url(stack, location, settings)
    try:
        file = stack.enter_context(location.open("rb"))
        return _Delivery(os.fstat(file.fileno()).st_size, _file_chunks(file))
    except OSError as error:
        raise NetworkError(error.strerror) from error


def _file_chunks(file: IO[bytes]) -> Iterator[bytes]:
    try:
        while chunk := file.read(CHUNK):
            yield chunk
    except OSError as error:
        raise NetworkError(error.strerror) from error


def _open_url(stack: ExitStack, url: str, settings: Settings) -> _Delivery:
    response = _respond(stack, url, settings)
    status, encoding = response.status_code, response.headers.get("content-encoding", "identity")
    if status != 200:
        msg = f"status {status} {response.reason_phrase}".rstrip()
        raise (_PassingError if status == 429 or status >= 500 else NetworkError)(msg)
    if encoding != "identity":
        msg = f"sent the file in {encoding} encoding, although it was asked not to"
        raise NetworkError(msg)
    length = response.headers.get("content-length")
    return _Delivery(int(length) if length else None, _body_chunks(response))


def _body_chunks(response: httpx2.Response) -> Iterator[bytes]:
    import httpx2

    try:
        yield from response.iter_raw()
    except httpx2.HTTPError as error:
        raise _explained(error) from error


def _respond(stack: ExitStack, url: str, settings: Settings) -> httpx2.Response:
    """Request a URL and follow its redirects, each under the same policy."""
    origin = None
    for _ in range(MAX_REDIRECTS + 1):
        refuse_untrusted(url, mirrors=settings.mirrors, origin=origin)
        response = _request(stack, url, settings)
        if not response.next_request:
            return response
        response.close()
        origin, url = url, str(response.next_request.url)
    msg = f"redirects more than {MAX_REDIRECTS} times"
    raise NetworkError(msg)


def _request(stack: ExitStack, url: str, settings: Settings) -> httpx2.Response:
    """Send one request; the stack closes the answer."""
    import httpx2

    headers = {"Accept-Encoding": "identity", "User-Agent": f"mindspore-hub/{__version__}"}
    try:
        # What is trusted because it stays on this machine must not go through a proxy.
        direct = httpx2.HTTPTransport() if is_loopback(urlsplit(url).hostname) else None
        client = stack.enter_context(httpx2.Client(timeout=settings.timeout, transport=direct))
        return stack.enter_context(client.stream("GET", url, headers=headers))
    except httpx2.HTTPError as error:
        raise _explained(error) from error
    except (httpx2.InvalidURL, OSError, ValueError, ImportError) as error:
        msg = f"{error}; check HTTPS_PROXY and SSL_CERT_FILE if you have set them"
        raise NetworkError(msg) from error


def _explained(error: httpx2.HTTPError) -> NetworkError:
    """Say what a failure of the transport means, and whether it may pass."""
    import socket
    import ssl

    cause: BaseException | None = error
    while cause and not isinstance(cause, OSError):
        cause = cause.__cause__ or cause.__context__
    if isinstance(cause, socket.gaierror):
        return NetworkError(f"the name of the host cannot be resolved ({cause.strerror})")
    if isinstance(cause, ssl.SSLCertVerificationError):
        reason = f"its certificate is not trusted ({cause.verify_message})"
        return NetworkError(f"{reason}; SSL_CERT_FILE can name the CAs of your network")
    return _PassingError(f"{type(error).__name__}: {error}".rstrip(": "))


def _verdict(wanted: _Wanted, failures: list[_Failure]) -> HubError:
    """Say in one error what every source answered; the gravest failure gives its type."""
    file = f"{wanted.name} (sha256 {wanted.sha256})"
    kinds = {type(error) for _, error in failures}
    kind: type[HubError] = NetworkError
    problem = f"No source could deliver {file}:"
    if IntegrityError in kinds:
        kind = IntegrityError
        remedy = (
            "Try again. If that changes nothing, the published file is not the one of the card: "
            "name a mirror that has it in MSHUB_MIRRORS."
        )
    elif wanted.settings.offline:
        kind = OfflineError
        problem = f"{file} is not in {wanted.store.home}, and MSHUB_OFFLINE forbids the network."
        remedy = (
            f"On a machine with a network run `curl -fLO {wanted.link}`, bring {wanted.name} into "
            "a folder here and name that folder in MSHUB_MIRRORS; or unset MSHUB_OFFLINE."
        )
    elif TrustError in kinds:
        kind = TrustError
        remedy = "Correct the link in the card, or name a mirror of the file in MSHUB_MIRRORS."
    else:
        remedy = (
            "Try again later, or put the file into a folder and name that folder in MSHUB_MIRRORS."
        )
    tried = [f"  {shown(location)}: {error}" for location, error in failures]
    return kind("\n".join([problem, *tried, remedy]))
