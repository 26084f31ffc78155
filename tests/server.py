"""Faults on demand: a file server that counts what it is asked and misbehaves, and a read-only disk.

    with FileServer(folder) as server:
        server.on("/x.ckpt", status(503), good)      # the first answer, and all later ones
        fetch(f"{server.url}/x.ckpt", ...)
        assert server.requests == ["GET /x.ckpt", "GET /x.ckpt"]

With `tls=True` it speaks HTTPS; who shall trust it sets SSL_CERT_FILE to `server.ca_file`. Files are
streamed, never held: a fault may be tried with a file of any size.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import trustme

if TYPE_CHECKING:
    from typing_extensions import Self

PIECE = 1 << 16
"""Bytes that a faulty answer sends at once."""

Answer = Callable[["Handler", Path], None]
"""Sends something in reply to a request for this file, which need not be there."""

Change = Callable[["Handler", Iterator[bytes], int], Iterator[bytes]]
"""What becomes of the bytes of a file from this place on."""


@dataclass
class Exchange:
    """A request, and what was sent in reply.

    Attributes:
        request: Method and path.
        headers: Of the request, their names in lower case.
        status: Of the answer.
        sent: Bytes of the body that the system took to send.
        done: Whether the answer has ended.
    """

    request: str
    headers: dict[str, str] = field(repr=False)
    status: int = 0
    sent: int = 0
    done: bool = False

    @property
    def start(self) -> int:
        """First byte that was asked for."""
        return int(self.headers.get("range", "bytes=0-").removeprefix("bytes=").partition("-")[0])


class FileServer:
    """Serve a folder on 127.0.0.1 while the `with` block runs.

    Args:
        folder: What is served.
        tls: Speak HTTPS under the certificate of a CA made for this server.
        names: Hosts that the certificate is for.
        buffer: Bytes that the system may hold back for each connection; by default its own choice.

    Attributes:
        url: Base URL, without a slash at the end.
        requests: Method and path of every request so far, in order of arrival.
        exchanges: The same with what was sent in reply.
        ca_file: The CA in PEM, for SSL_CERT_FILE; only with `tls`.
        closing: Set when the server ends; answers that wait are to wait for it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        tls: bool = False,
        names: tuple[str, ...] = ("127.0.0.1", "localhost"),
        buffer: int | None = None,
    ) -> None:
        self.folder = folder
        self.requests: list[str] = []
        self.exchanges: list[Exchange] = []
        self.ca_file: Path | None = None
        self.closing = threading.Event()
        self._answers: dict[str, list[Answer]] = {}
        self._lock = threading.Lock()
        self._open = ExitStack()
        self._http = _Http(self)
        if buffer:
            self._http.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
        self.port = self._http.server_port
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        if tls:
            self._speak_tls(names)

    @property
    def sent(self) -> int:
        """Bytes of files that were sent so far."""
        return sum(exchange.sent for exchange in self.exchanges)

    def on(self, path: str, *answers: Answer) -> None:
        """Give these answers to the next requests for a path; the last one stays."""
        self._answers[path] = list(answers)

    def __enter__(self) -> Self:
        thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        self._open.callback(thread.join)
        self._open.callback(self._http.server_close)
        self._open.callback(self._http.shutdown)
        self._open.callback(self.closing.set)
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def answer(self, handler: Handler) -> None:
        """Note a request and send what is due."""
        path = unquote(handler.path.partition("?")[0])
        headers = {name.lower(): value for name, value in handler.headers.items()}
        handler.exchange = Exchange(f"{handler.command} {handler.path}", headers)
        with self._lock:
            self.exchanges.append(handler.exchange)
            self.requests.append(handler.exchange.request)
            due = self._answers.get(path, [good])
            chosen = due.pop(0) if len(due) > 1 else due[0]
        try:
            chosen(handler, self.folder / path.lstrip("/"))
        finally:
            handler.exchange.done = True

    def _speak_tls(self, names: tuple[str, ...]) -> None:
        ca = trustme.CA()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ca.issue_cert(*names).configure_cert(context)
        # The handshake belongs into the thread of the connection, not into the one that accepts.
        self._http.socket = context.wrap_socket(
            self._http.socket, server_side=True, do_handshake_on_connect=False
        )
        folder = Path(self._open.enter_context(tempfile.TemporaryDirectory()))
        self.ca_file = folder / "ca.pem"
        ca.cert_pem.write_to_path(str(self.ca_file))


def good(handler: Handler, file: Path) -> None:
    """Send the file, or the range of it that was asked for."""
    serve(handler, file)


def status(code: int, **headers: str) -> Answer:
    """Send an empty answer with this status; `Retry_After="1"` is the header Retry-After."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler, _file: handler.send(iter(()), {"Content-Length": "0"} | named, code)


def redirect(url: str, code: int = 302) -> Answer:
    """Send the client elsewhere."""
    return status(code, Location=url)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Take this process the right to write under `folder`, even where the tests run as root.

    Every folder above must be open to all users, unlike `tmp_path`.
    """
    folders = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    user = os.geteuid()
    for path in folders:
        path.chmod(0o555)
    try:
        if user == 0:
            os.seteuid(65534)  # nobody; permissions do not bind root
        yield
    finally:
        os.seteuid(user)
        for path in folders:
            path.chmod(0o755)


def serve(
    handler: Handler,
    file: Path,
    *,
    change: Change | None = None,
    ranges: bool = True,
    marks: Mapping[str, str] | None = None,
) -> None:
    """Send a file as RFC 9110 has it, but for the change."""
    if not file.is_file():
        handler.send(iter(()), {"Content-Length": "0"}, 404)
        return
    facts = file.stat()
    if marks is None:
        etag = f'"{facts.st_mtime_ns:x}-{facts.st_size:x}"'
        marks = {"ETag": etag, "Last-Modified": formatdate(facts.st_mtime, usegmt=True)}
    marks = {name: value for name, value in marks.items() if value}
    asked = ranges and _is_range_due(handler.exchange.headers, marks)
    start = handler.exchange.start if asked else 0
    if asked and start >= facts.st_size:
        handler.send(iter(()), {"Content-Range": f"bytes */{facts.st_size}"}, 416)
        return
    headers = range_headers(start, facts.st_size)
    if not asked:
        del headers["Content-Range"]
    pieces = change(handler, pieces_of(file, start), start) if change else None
    handler.send(pieces or (file, start), {**headers, **marks}, 206 if asked else 200)


def _is_range_due(headers: Mapping[str, str], marks: Mapping[str, str]) -> bool:
    """Whether the client asks for a range that it may have of this version of the file."""
    if not re.fullmatch(r"bytes=\d+-", headers.get("range", "")):
        return False
    strong = [mark for mark in marks.values() if not mark.startswith("W/")]
    return headers.get("if-range") in {None, *strong}


def range_headers(start: int, size: int) -> dict[str, str]:
    return {
        "Content-Length": str(size - start),
        "Content-Range": f"bytes {start}-{size - 1}/{size}",
    }


def pieces_of(file: Path, start: int = 0) -> Iterator[bytes]:
    with file.open("rb") as opened:
        opened.seek(start)
        while piece := opened.read(PIECE):
            yield piece


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, files: FileServer) -> None:
        self.files = files
        super().__init__(("127.0.0.1", 0), Handler)

    def handle_error(self, *_: object) -> None:
        """Stay silent: clients that hang up, or distrust the certificate, are part of tests."""


class Handler(BaseHTTPRequestHandler):
    """Hands requests to the server, and sends what the answers ask it to."""

    server: _Http
    exchange: Exchange

    def do_GET(self) -> None:
        self.server.files.answer(self)

    do_CONNECT = do_GET

    def send(
        self,
        body: Iterator[bytes] | tuple[Path, int],
        headers: Mapping[str, str],
        code: int = 200,
    ) -> None:
        """Send a whole answer as it is told, true or not; the body may be a file from a place on."""
        self.exchange.status = code
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if isinstance(body, tuple):
            self._send_file(*body)
        else:
            self.write(body)

    def write(self, pieces: Iterator[bytes]) -> None:
        """Send these bytes, and count those that the system took."""
        try:
            for piece in pieces:
                self.wfile.write(piece)
                self.exchange.sent += len(piece)
        except ConnectionError:
            self.close_connection = True

    def wait(self, seconds: float) -> None:
        """Do nothing for a while, but not longer than the server runs."""
        if self.server.files.closing.wait(seconds):
            raise ConnectionAbortedError

    def reset(self) -> None:
        """End the connection with RST instead of FIN, which drops what was not sent yet."""
        linger = struct.pack("ii", 1, 0)  # for 0 seconds
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        socket.close(self.connection.detach())
        raise ConnectionResetError

    def _send_file(self, file: Path, start: int) -> None:
        with file.open("rb") as opened:
            try:
                self.connection.sendfile(opened, start)
            except ConnectionError:
                self.close_connection = True
            finally:
                self.exchange.sent += max(0, opened.tell() - start)

    def log_message(self, *_: object) -> None:
        """Keep the output of the tests clean."""
