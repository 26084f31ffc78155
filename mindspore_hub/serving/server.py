"""Listening: an address, and connections that must not be kept waiting."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from mindspore_hub.errors import SettingsError
from mindspore_hub.serving.app import make_app
from mindspore_hub.serving.service import Service
from mindspore_hub.settings import token_setting

_CONNECTIONS = 500
"""Connections at a time; further ones are answered with 503."""

_HEADERS = 32_768
"""Bytes of the headers of a request; what has more is not HTTP to be answered."""

_SHORTEST = 16
"""Characters of a token."""

_STOPPING = 30
"""Seconds that requests have to end when the server is stopped."""


def run(service: Service, listener: socket.socket, *, token: str | None) -> None:
    """Serve until SIGINT or SIGTERM comes; what is being answered then is answered."""
    with suppress(KeyboardInterrupt):  # uvicorn sends itself again what stopped it
        make_server(service, token=token).run(sockets=[listener])


def make_server(service: Service, *, token: str | None = None) -> uvicorn.Server:
    """A server of uvicorn, which runs with the sockets that it is given."""
    config = uvicorn.Config(
        make_app(service, token=token),
        http=_protocol(service.limits.receive),
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        h11_max_incomplete_event_size=_HEADERS,
        limit_concurrency=_CONNECTIONS,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=_STOPPING,
    )
    return uvicorn.Server(config)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; a SettingsError says why there is none."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=256)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        msg = (
            f"{host} port {port} cannot be listened to: {reason}; choose another --port or --host."
        )
        raise SettingsError(msg) from error


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def require_token(host: str, token: str | None) -> None:
    """A SettingsError if others reach the address, and there is no token."""
    if token is None and not is_loopback(host):
        msg = (
            f"{host} can be reached by others, so that a token is required: set MSHUB_TOKEN, or name a file "
            "that holds one with --token-file. Without --host, only this machine is served."
        )
        raise SettingsError(msg)


def read_token(file: Path | None) -> str | None:
    """The token of a file, or of MSHUB_TOKEN; None if there is neither.

    Raises:
        SettingsError: It cannot be read, or is too short to be a secret.
    """
    origin, token = "MSHUB_TOKEN", token_setting()
    if file is not None:
        try:
            origin, token = str(file), file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            msg = f"{file} cannot be read as a token: {error}."
            raise SettingsError(msg) from error
    if token is None:
        return None
    if len(token) < _SHORTEST or not token.isascii() or len(token.split()) != 1:
        msg = (
            f"The token of {origin} must have {_SHORTEST} or more ASCII characters without blanks; "
            "`openssl rand -hex 32` makes one."
        )
        raise SettingsError(msg)
    return token


def _protocol(seconds: float) -> type[asyncio.Protocol]:
    """HTTP of uvicorn, with two things that it lacks.

    A client that does not send its headers in time is disconnected, and one that ends its side of the
    connection after a whole request gets the answer.
    """

    class Protocol(H11Protocol):
        _timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._wait()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.cycle is None or self.cycle.response_complete:
                if self._timer is None:
                    self._wait()
            elif self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def eof_received(self) -> bool:  # type: ignore[override] # uvicorn says None, asyncio asks
            answering = self.cycle is not None and not self.cycle.response_complete
            if not answering or self.cycle.more_body:
                return False
            self.cycle.keep_alive = False
            return True

        def connection_lost(self, exc: Exception | None) -> None:
            if self._timer is not None:
                self._timer.cancel()
            super().connection_lost(exc)

        def _wait(self) -> None:
            self._timer = self.loop.call_later(seconds, self.transport.close)

    return Protocol
