"""Faults on demand: a file server that counts what it is asked and misbehaves, and a read-only disk.

    with FileServer(folder) as server:
        server.on("/x.ckpt", status(503), good)      # the first answer, and all later ones
        fetch(f"{server.url}/x.ckpt", ...)
        assert server.requests == ["GET /x.ckpt", "GET /x.ckpt"]

With `tls=True` it speaks HTTPS; who shall trust it sets SSL_CERT_FILE to `server.ca_file`.
"""

from __future__ import annotations

import gzip
import os
import socket
import ssl
import struct
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import trustme

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

Answer = Callable[["_Handler", bytes], None]
"""Sends something in reply to a request for these bytes."""


class FileServer:
    """Serve a folder on 127.0.0.1 while the `with` block runs.

    Args:
        folder: What is served.
        tls: Speak HTTPS under the certificate of a CA made for this server.
        names: Hosts that the certificate is for.

    Attributes:
        url: Base URL, without a slash at the end.
        requests: Method and path of every request so far, in order of arrival.
        ca_file: The CA in PEM, for SSL_CERT_FILE; only with `tls`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        tls: bool = False,
        names: tuple[str, ...] = ("127.0.0.1", "localhost"),
    ) -> None:
        self.folder = folder
        self.requests: list[str] = []
        self.ca_file: Path | None = None
        self._answers: dict[str, list[Answer]] = {}
        self._lock = threading.Lock()
        self._open = ExitStack()
        self._http = _Http(self)
        self.port = self._http.server_port
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        if tls:
            self._speak_tls(names)

    def on(self, path: str, *answers: Answer) -> None:
        """Give these answers to the next requests for a path; the last one stays."""
        self._answers[path] = list(answers)

    def __enter__(self) -> Self:
        thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        self._open.callback(thread.join)
        self._open.callback(self._http.server_close)
        self._open.callback(self._http.shutdown)
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def answer(self, handler: _Handler) -> None:
        """Note a request and send what is due."""
        path = unquote(handler.path.partition("?")[0])
        with self._lock:
            self.requests.append(f"{handler.command} {handler.path}")
            due = self._answers.get(path, [good])
            chosen = due.pop(0) if len(due) > 1 else due[0]
        file = self.folder / path.lstrip("/")
        body = file.read_bytes() if file.is_file() else None
        if body is None and chosen is good:
            chosen = status(404)
        chosen(handler, body or b"")

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


def good(handler: _Handler, body: bytes) -> None:
    """Send the file."""
    handler.send(body, {"Content-Length": str(len(body))})


def status(code: int, **headers: str) -> Answer:
    """Send an empty answer with this status; `Retry_After="1"` is the header Retry-After."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler, _body: handler.send(b"", {"Content-Length": "0"} | named, code)


def redirect(url: str, code: int = 302) -> Answer:
    """Send the client elsewhere."""
    return status(code, Location=url)


def truncated(missing: int = 1) -> Answer:
    """Announce the whole file, leave out its last bytes, and close in good order."""
    return lambda handler, body: handler.send(body[:-missing], {"Content-Length": str(len(body))})


def too_long(extra: bytes = b"more") -> Answer:
    """Announce and send the file and further bytes behind it."""
    return lambda handler, body: good(handler, body + extra)


def trailing(extra: bytes = b"more") -> Answer:
    """Announce the whole file, and send further bytes behind it all the same."""
    return lambda handler, body: handler.send(body + extra, {"Content-Length": str(len(body))})


def without_length(handler: _Handler, body: bytes) -> None:
    """Announce no size: the file ends where the connection ends."""
    handler.send(body, {})


def announced(size: int) -> Answer:
    """Announce this size whatever is sent."""
    return lambda handler, body: handler.send(body, {"Content-Length": str(size)})


def flipped(bit: int = 0) -> Answer:
    """Flip one bit of the file, counted from its first."""

    def answer(handler: _Handler, body: bytes) -> None:
        changed = bytearray(body)
        changed[bit // 8] ^= 1 << bit % 8
        good(handler, bytes(changed))

    return answer


def gzipped(handler: _Handler, body: bytes) -> None:
    """Send the file compressed, whatever the client accepts."""
    packed = gzip.compress(body)
    handler.send(packed, {"Content-Length": str(len(packed)), "Content-Encoding": "gzip"})


def dropped(after: int = 1) -> Answer:
    """Reset the connection after this many bytes of the file."""

    def answer(handler: _Handler, body: bytes) -> None:
        handler.send(body[:after], {"Content-Length": str(len(body))})
        # Lingering for 0 seconds makes the kernel send RST instead of FIN.
        linger = struct.pack("ii", 1, 0)
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    return answer


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


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, files: FileServer) -> None:
        self.files = files
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, *_: object) -> None:
        """Stay silent: clients that hang up, or distrust the certificate, are part of tests."""


class _Handler(BaseHTTPRequestHandler):
    """Hands requests to the server, and sends what the answers ask it to."""

    server: _Http

    def do_GET(self) -> None:
        self.server.files.answer(self)

    do_CONNECT = do_GET

    def send(self, body: bytes, headers: dict[str, str], code: int = 200) -> None:
        """Send a whole answer as it is told, true or not."""
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(ConnectionError):
            self.wfile.write(body)
            self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Keep the output of the tests clean."""
