"""Bytes from a place: HTTP answers and local files, told apart by nothing but their source.

`deliver` opens one place and says where in the file its bytes begin; `receive` writes and hashes
them. What an answer means is decided here, and what to do about it in `fetch.py`.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mindspore_hub._progress import Progress
from mindspore_hub.cache import CHUNK
from mindspore_hub.errors import NetworkError
from mindspore_hub.partial import Version
from mindspore_hub.sources import Location, is_loopback, refuse_untrusted, shown
from mindspore_hub.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import IO

    import httpx2

    from mindspore_hub.settings import Settings

MAX_REDIRECTS = 5

MIN_SPEED = 1024
"""Bytes per second, on average over a timeout, below which a connection counts as stalled."""

_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses that may be gone at the next attempt."""

_CONTENT_RANGE = re.compile(r"bytes (?:(?P<start>\d+)-\d+|\*)/(?P<total>\d+|\*)", re.ASCII)

_AHEAD = 4
"""Blocks that may wait to be hashed."""

_SYNCED = 32 << 20
"""Bytes after which a file is synced, so that little is left to be synced at its end."""


class PassingError(NetworkError):
    """A failure that may be gone at the next attempt.

    Attributes:
        wait: Seconds that the server asks to wait.
    """

    def __init__(self, message: str, *, wait: float = 0.0) -> None:
        super().__init__(message)
        self.wait = wait


@dataclass(frozen=True)
class Delivery:
    """A file that is coming in.

    Attributes:
        start: How many bytes of the file come before the first chunk.
        version: What is being sent.
        chunks: The bytes from `start` to the end.
    """

    start: int
    version: Version
    chunks: Iterable[bytes]


def deliver(
    stack: ExitStack, location: Location, *, have: int, version: Version, settings: Settings
) -> Delivery:
    """Begin a delivery; the stack ends it.

    Args:
        stack: What closes files and connections.
        location: The place.
        have: Bytes that need not be sent again.
        version: What these bytes belong to.
        settings: Limits, and what is trusted.

    Raises:
        NetworkError: The place does not have the file, or cannot be reached; a `PassingError` if
            that may change by itself.
        TrustError: The URL, or one that it redirects to, is refused.
    """
    if isinstance(location, Path):
        return _open_file(stack, location)
    headers = _range_headers(have, version, location) if have else {}
    response = _respond(stack, location, headers, settings)
    if have and response.status_code in {206, 416}:
        if not _goes_on(response, have, version):
            response.close()
            return deliver(stack, location, have=0, version=Version(), settings=settings)
        if response.status_code == 416:  # all of it was here already
            return Delivery(have, replace(version, total=have), ())
        start, total = have, _content_range(response)[1] or version.total
    else:
        _refuse_failure(response)
        start, total = 0, _number(response.headers.get("content-length"))
    return Delivery(start, Version(shown(location), _validator(response), total), _body(response))


def receive(
    delivery: Delivery, file: IO[bytes], report: Progress, *, settings: Settings
) -> str | None:
    """Write a delivery to a file that holds what comes before it.

    Returns:
        The sha256 of the file, hashed while it was received; None if it was begun earlier.

    Raises:
        NetworkError: The delivery is too large; a `PassingError` if it broke off, stalled, or was
            not as long as announced. What came before that is in the file.
    """
    done, total = delivery.start, delivery.version.total
    _refuse_size(total or 0, settings)
    report(done, total)
    pace = _Pace(settings.timeout)
    with _Writer(file) as writer:
        for chunk in delivery.chunks:
            done += len(chunk)
            if total is not None and done > total:
                msg = f"sent more than the {total:,} bytes that it announced"
                raise PassingError(msg)
            _refuse_size(done, settings)
            writer.put(chunk)
            report(done, total)
            pace.count(len(chunk))
    if total is not None and done < total:
        msg = f"sent {done:,} of the {total:,} bytes that it announced"
        raise PassingError(msg)
    return writer.digest() if delivery.start == 0 else None


class _Pace:
    """Notices a connection that sends next to nothing."""

    def __init__(self, window: float) -> None:
        self._window = window
        self._begin, self._bytes = time.monotonic(), 0

    def count(self, size: int) -> None:
        self._bytes += size
        elapsed = time.monotonic() - self._begin
        if elapsed < self._window:
            return
        if self._bytes < MIN_SPEED * elapsed:
            msg = f"sent {self._bytes:,} bytes in {elapsed:.0f} s, less than {MIN_SPEED} a second"
            raise PassingError(msg)
        self._begin, self._bytes = time.monotonic(), 0


class _Writer:
    """Writes pieces to a file at once; hashes them, and brings them to the disk, in threads."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._state = hashlib.sha256()
        self._pieces: list[bytes] = []
        self._gathered = 0
        self._waiting: deque[Future[None]] = deque()
        self._unsynced = 0
        self._syncing: Future[None] | None = None
        self._hasher, self._syncer = (ThreadPoolExecutor(1, name) for name in ("sha256", "sync"))

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self._hash()
        self._hasher.shutdown()
        self._syncer.shutdown()
        if self._syncing:  # the system tells of a failure only once
            self._syncing.result()

    def put(self, piece: bytes) -> None:
        rest = memoryview(piece)
        while rest:  # an unbuffered file may take less than it is given
            rest = rest[self._file.write(rest) :]
        self._pieces.append(piece)
        self._gathered += len(piece)
        if self._gathered >= CHUNK:
            self._hash()
        self._unsynced += len(piece)
        if self._unsynced >= _SYNCED:
            self._sync()

    def digest(self) -> str:
        """The sha256 of all that was put, once the block is left."""
        return self._state.hexdigest()

    def _hash(self) -> None:
        self._waiting.append(self._hasher.submit(_update, self._state, self._pieces))
        self._pieces, self._gathered = [], 0
        if len(self._waiting) > _AHEAD:
            self._waiting.popleft().result()

    def _sync(self) -> None:
        """Begin to bring the file to the disk, unless it is still being brought there."""
        if self._syncing:
            if not self._syncing.done():
                return
            self._syncing.result()
        self._syncing = self._syncer.submit(os.fsync, self._file.fileno())
        self._unsynced = 0


def _update(state: Any, pieces: list[bytes]) -> None:
    for piece in pieces:
        state.update(piece)


def _open_file(stack: ExitStack, path: Path) -> Delivery:
    try:
        file = stack.enter_context(_open_plain(path))
        size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise NetworkError(error.strerror) from error
    return Delivery(0, Version(total=size), _file_chunks(file))


def _open_plain(path: Path) -> IO[bytes]:
    """Open a file, but not a pipe, into which nobody may ever write."""
    if not S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "it is not a file")
    return path.open("rb")


def _file_chunks(file: IO[bytes]) -> Iterator[bytes]:
    try:
        while chunk := file.read(CHUNK):
            yield chunk
    except OSError as error:
        raise NetworkError(error.strerror) from error


def _goes_on(response: httpx2.Response, have: int, version: Version) -> bool:
    """Whether an answer to a range belongs right behind the bytes that are here."""
    start, total = _content_range(response)
    if response.status_code == 416:
        return total == have
    same_size = None in {total, version.total} or total == version.total
    return start == have and same_size and not _encoding(response)


def _body(response: httpx2.Response) -> Iterator[bytes]:
    import httpx2

    try:
        yield from response.iter_raw()
    except httpx2.HTTPError as error:
        raise _explained(error) from error


def _range_headers(have: int, version: Version, url: str) -> dict[str, str]:
    """Ask for the rest; elsewhere the bytes may differ, which their digest will show."""
    headers = {"Range": f"bytes={have}-"}
    if version.validator and version.url == shown(url):
        headers["If-Range"] = version.validator
    return headers


def _validator(response: httpx2.Response) -> str:
    """What names this version of the file; a weak ETag does not name its bytes."""
    etag = response.headers.get("etag", "")
    if etag and not etag.startswith("W/"):
        return str(etag)
    return str(response.headers.get("last-modified", ""))


def _content_range(response: httpx2.Response) -> tuple[int | None, int | None]:
    """First byte and size of the whole file, as far as the answer says them."""
    match = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
    return (_number(match["start"]), _number(match["total"])) if match else (None, None)


def _number(text: str | None) -> int | None:
    """A size; what has more digits than any size is none."""
    return int(text) if text and text.isdecimal() and len(text) < 20 else None


def _encoding(response: httpx2.Response) -> str:
    """How the body is packed; empty if it is as it is."""
    encoding = str(response.headers.get("content-encoding", "")).strip().lower()
    return "" if encoding == "identity" else encoding


def _refuse_size(size: int, settings: Settings) -> None:
    if size > settings.max_size:
        msg = (
            f"the file has more than the {settings.max_size:,} bytes that are allowed; "
            "set MSHUB_MAX_SIZE to allow more"
        )
        raise NetworkError(msg)


def _refuse_failure(response: httpx2.Response) -> None:
    status = response.status_code
    if status != 200:
        msg = f"status {status} {response.reason_phrase}".rstrip()
        if status not in _PASSING:
            raise NetworkError(msg)
        wait = _retry_after(response)
        if wait:
            msg += f", and asks to wait {wait:.0f} s"
        raise PassingError(msg, wait=wait)
    if encoding := _encoding(response):
        msg = f"sent the file in {encoding} encoding, although it was asked not to"
        raise NetworkError(msg)


def _retry_after(response: httpx2.Response) -> float:
    """Seconds that the server asks to wait, given as such or as a date; 0 if it makes no sense."""
    from email.utils import parsedate_to_datetime

    text = response.headers.get("retry-after", "")
    try:
        if text.isdecimal():
            return float(text)
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return 0.0


def _respond(
    stack: ExitStack, url: str, headers: dict[str, str], settings: Settings
) -> httpx2.Response:
    """Request a URL and follow its redirects, each under the same policy."""
    origin = None
    for _ in range(MAX_REDIRECTS + 1):
        refuse_untrusted(url, settings, origin=origin)
        response = _request(stack, url, headers, settings)
        if not response.next_request:
            return response
        response.close()
        origin, url = url, str(response.next_request.url)
    msg = f"redirects more than {MAX_REDIRECTS} times, at last to {shown(url)}"
    raise NetworkError(msg)


def _request(
    stack: ExitStack, url: str, headers: dict[str, str], settings: Settings
) -> httpx2.Response:
    """Send one request, with nothing of the one before it; the stack closes the answer."""
    import httpx2

    always = {"Accept-Encoding": "identity", "User-Agent": f"mindspore-hub/{__version__}"}
    try:
        # What is trusted because it stays on this machine must not go through a proxy.
        direct = httpx2.HTTPTransport() if is_loopback(urlsplit(url).hostname) else None
        client = stack.enter_context(httpx2.Client(timeout=settings.timeout, transport=direct))
        return stack.enter_context(client.stream("GET", url, headers=always | headers))
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
    return PassingError(f"{type(error).__name__}: {error}".rstrip(": "))
