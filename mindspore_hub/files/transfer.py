"""Bytes from a place: HTTP answers and local files, told apart by nothing but their source.

`deliver` opens one place and says where in the file its bytes begin; `receive` writes and hashes
them. What an answer means is decided here, and what to do about it in `download.py`.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mindspore_hub._files import open_regular
from mindspore_hub._progress import Progress
from mindspore_hub.errors import NetworkError
from mindspore_hub.files.partial import Version
from mindspore_hub.files.sources import Location, refuse_untrusted, shown
from mindspore_hub.files.store import CHUNK
from mindspore_hub.files.web import PassingError, explained, next_url, printable, request

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import IO

    from urllib3 import BaseHTTPResponse

    from mindspore_hub.settings import Settings

MAX_REDIRECTS = 5

MIN_SPEED = 1024
"""Bytes per second, on average over a timeout, below which a connection counts as stalled."""

_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses that may be gone at the next attempt."""

_CONTENT_RANGE = re.compile(r"bytes (?:(?P<start>\d+)-\d+|\*)/(?P<total>\d+|\*)", re.ASCII)

_READ = 1 << 18
"""Bytes that are taken from a connection at once, if they are there."""

_SYNCED = 32 << 20
"""Bytes after which a file is synced, so that little is left to be synced at its end."""


@dataclass(frozen=True)
class Delivery:
    """A file that is coming in: the bytes from `start` to the end of this version of it."""

    start: int
    version: Version
    chunks: Iterable[bytes]


def deliver(
    stack: ExitStack, location: Location, *, have: int, version: Version, settings: Settings
) -> Delivery:
    """Begin a delivery, which the stack ends; `have` bytes of `version` need not be sent again.

    Raises:
        NetworkError: The place does not have the file, or cannot be reached; a `PassingError` if
            that may change by itself.
        TrustError: The URL, or one that it redirects to, is refused.
    """
    if isinstance(location, Path):
        return _open_file(stack, location)
    headers = _range_headers(have, version, location) if have else {}
    response = _respond(stack, location, headers, settings)
    announced = _announced(response)
    if have and response.status in {206, 416}:
        if not _goes_on(response, have, version):
            response.close()
            return deliver(stack, location, have=0, version=Version(), settings=settings)
        if response.status == 416:  # all of it was here already
            return Delivery(have, replace(version, total=have), ())
        start, total = have, _content_range(response)[1] or version.total
    else:
        _refuse_failure(response)
        start, total = 0, announced
    return Delivery(
        start, Version(shown(location), _validator(response), total), _body(response, settings)
    )


def receive(
    delivery: Delivery, file: IO[bytes], report: Progress, *, settings: Settings
) -> str | None:
    """Write a delivery to a file that holds what comes before it.

    Gives the sha256 of the file, hashed while it was received; None if it was begun earlier.

    Raises:
        NetworkError: The delivery is too large; a `PassingError` if it broke off, stalled, or was
            not as long as announced. What came before that is in the file.
    """
    done, total = delivery.start, delivery.version.total
    _refuse_size(total or 0, settings)
    report(done, total)
    begin, came = time.monotonic(), 0
    with _Writer(file) as writer:
        for chunk in delivery.chunks:
            done += len(chunk)
            if total is not None and done > total:
                msg = f"sent more than the {total:,} bytes that it announced"
                raise PassingError(msg)
            _refuse_size(done, settings)
            writer.put(chunk)
            report(done, total)
            came += len(chunk)
            elapsed = time.monotonic() - begin
            if elapsed >= settings.timeout:
                _refuse_stalled(came, elapsed)
                begin, came = time.monotonic(), 0
    if total is not None and done < total:
        msg = f"sent {done:,} of the {total:,} bytes that it announced"
        raise PassingError(msg)
    return writer.digest() if delivery.start == 0 else None


def _refuse_stalled(came: int, elapsed: float) -> None:
    if came < MIN_SPEED * elapsed:
        msg = f"sent {came:,} bytes in {elapsed:.0f} s, less than {MIN_SPEED} a second"
        raise PassingError(msg)


class _Writer:
    """Writes pieces to a file at once; hashes them, and brings them to the disk, in threads."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._state = hashlib.sha256()
        self._pieces: list[bytes] = []
        self._gathered = 0
        self._unsynced = 0
        self._hashing: Future[None] | None = None
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
        if self._hashing:
            self._hashing.result()  # so that no more than two blocks are in memory
        self._hashing = self._hasher.submit(_update, self._state, self._pieces)
        self._pieces, self._gathered = [], 0

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
        file = stack.enter_context(open_regular(path))
        size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise NetworkError(error.strerror) from error
    return Delivery(0, Version(total=size), _file_chunks(file))


def _file_chunks(file: IO[bytes]) -> Iterator[bytes]:
    try:
        while chunk := file.read(CHUNK):
            yield chunk
    except OSError as error:
        raise NetworkError(error.strerror) from error


def _goes_on(response: BaseHTTPResponse, have: int, version: Version) -> bool:
    """Whether an answer to a range belongs right behind the bytes that are here."""
    start, total = _content_range(response)
    if response.status == 416:
        return total == have
    same_size = None in {total, version.total} or total == version.total
    return start == have and same_size and not _encoding(response)


def _body(response: BaseHTTPResponse, settings: Settings) -> Iterator[bytes]:
    """What comes, as it comes: to wait for more would hide that little comes."""
    with explained(settings.timeout):
        while chunk := response.read1(_READ):
            yield chunk


def _range_headers(have: int, version: Version, url: str) -> dict[str, str]:
    """Ask for the rest; elsewhere the bytes may differ, which their digest will show."""
    headers = {"Range": f"bytes={have}-"}
    if version.validator and version.url == shown(url):
        headers["If-Range"] = version.validator
    return headers


def _validator(response: BaseHTTPResponse) -> str:
    """What names this version of the file; a weak ETag does not name its bytes."""
    etag = response.headers.get("etag", "")
    mark = etag if etag and not etag.startswith("W/") else response.headers.get("last-modified", "")
    return mark if mark.isprintable() else ""  # it is sent back to whoever has the file


def _announced(response: BaseHTTPResponse) -> int | None:
    """How long the body shall be; what http.client would read over is refused."""
    packing = response.headers.get("transfer-encoding", "chunked")
    if packing.strip().lower() != "chunked":
        msg = f"sent the file in the transfer encoding {printable(packing)!r}"
        raise PassingError(msg)
    lengths = set(response.headers.get("content-length", "").split(", ")) - {""}
    sizes = [_number(length) for length in lengths]
    if None in sizes:
        msg = f"announced a length of {printable(lengths.pop())!r}"
        raise PassingError(msg)
    return sizes[0] if sizes else None


def _content_range(response: BaseHTTPResponse) -> tuple[int | None, int | None]:
    """First byte and size of the whole file, as far as the answer says them."""
    match = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
    return (_number(match["start"]), _number(match["total"])) if match else (None, None)


def _number(text: str | None) -> int | None:
    """A size, unless it has more digits than any size."""
    return int(text) if text and text.isdecimal() and len(text) < 20 else None


def _encoding(response: BaseHTTPResponse) -> str:
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


def _refuse_failure(response: BaseHTTPResponse) -> None:
    status = response.status
    if status != 200:
        msg = f"status {status} {printable(response.reason or '')}".rstrip()
        if status not in _PASSING:
            raise NetworkError(msg)
        wait = _retry_after(response)
        if wait:
            msg += f", and asks to wait {wait:.0f} s"
        raise PassingError(msg, wait=wait)
    if encoding := _encoding(response):
        msg = f"sent the file in {printable(encoding)} encoding, although it was asked not to"
        raise NetworkError(msg)


def _retry_after(response: BaseHTTPResponse) -> float:
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
) -> BaseHTTPResponse:
    """Request a URL and follow its redirects, each under the same policy."""
    origin = None
    for _ in range(MAX_REDIRECTS + 1):
        refuse_untrusted(url, settings, origin=origin)
        response = request(stack, "GET", url=url, timeout=settings.timeout, headers=headers)
        target = next_url(response, url)
        if not target:
            return response
        response.close()
        origin, url = url, target
    msg = f"redirects more than {MAX_REDIRECTS} times, at last to {shown(url)}"
    raise NetworkError(msg)
