"""What every request passes before it is looked at: host, origin, token, and what may be held in memory."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mindspore_hub.serving.limits import Limits
from mindspore_hub.serving.metrics import Metrics

logger = logging.getLogger(__name__)

OPEN = frozenset({"/", "/page.css", "/page.js", "/v2/health/live", "/v2/health/ready"})
"""What is answered without a token: the page itself, which asks for it, and whether the server lives."""

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})

_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


class Guard:
    """Refuses what may not be asked, counts and logs every answer, and adds headers for browsers.

    Without a token, only requests to this machine's own name are answered: a page of somebody else whose
    name leads here would otherwise read the gallery through the browser of its visitor.
    """

    def __init__(self, app: ASGIApp, *, token: str | None, metrics: Metrics) -> None:
        self._app = app
        self._token = None if token is None else _digest(token.encode())
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begin = time.perf_counter()
        status = 499  # as nginx calls it if the client is gone

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                extra = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
                message["headers"] = [*message.get("headers", ()), *extra]
            await send(message)

        request = Request(scope)
        refusal = self._refusal(request)
        try:
            if refusal is not None:
                await refusal(scope, receive, sending)
            else:
                await self._app(scope, receive, sending)
        except ClientDisconnect:
            pass
        finally:
            route = getattr(scope.get("endpoint"), "__name__", "none")
            seconds = time.perf_counter() - begin
            self._metrics.request(route, status, seconds)
            # Not the path, nor what it asks for: a client may have put anything there.
            logger.info("%s %s %d %.1f ms", scope["method"], route, status, seconds * 1e3)

    def _refusal(self, request: Request) -> JSONResponse | None:
        """Why a request is not looked at; None if it is."""
        origin = request.headers.get("origin")
        changes = request.method not in {"GET", "HEAD"}
        if self._token is None and _host_name(request.headers.get("host", "")) not in _LOCAL:
            return error(
                421, "Without a token, this server answers to localhost and 127.0.0.1 only."
            )
        own = origin is None or origin.partition("://")[2] == request.headers.get("host")
        if changes and not own:
            return error(403, "Pages of other origins may not use this server.")
        if self._token is None or request.url.path in OPEN:
            return None
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        # Digests are of one length, so that the time tells nothing of the token's either.
        fits = hmac.compare_digest(self._token, _digest(given.strip().encode()))
        if fits and kind.lower() == "bearer":
            return None
        return error(
            401, "Send the header `Authorization: Bearer TOKEN`.", {"www-authenticate": "Bearer"}
        )


class Bodies:
    """Reads bodies of requests, not larger, not slower, and not more at once than limits say."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._held = 0

    @asynccontextmanager
    async def reading(self, request: Request) -> AsyncIterator[bytes]:
        """The body of a request, which is held as long as the block runs.

        Raises:
            HTTPException: It is too large, comes too slowly, is compressed, or there is no room for it.
        """
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            raise HTTPException(415, "Send the body as it is, without Content-Encoding.")
        claimed = request.headers.get("content-length")
        if claimed is not None:  # the server has looked that it is a number
            self._require_room(int(claimed), more=int(claimed))
        held = 0
        chunks: list[bytes] = []
        end = time.monotonic() + self._limits.receive
        try:
            stream = request.stream()
            while True:
                left = end - time.monotonic()
                try:
                    chunk = await asyncio.wait_for(anext(stream), max(left, 0.001))
                except StopAsyncIteration:
                    break
                except asyncio.TimeoutError:
                    msg = f"The body did not come within {self._limits.receive:g} s."
                    raise HTTPException(408, msg, {"connection": "close"}) from None
                self._require_room(held + len(chunk), more=len(chunk))
                held += len(chunk)
                self._held += len(chunk)
                chunks.append(chunk)
            yield b"".join(chunks)
        finally:
            self._held -= held

    def _require_room(self, size: int, *, more: int) -> None:
        if size > self._limits.body:
            msg = f"The body may have {self._limits.body:,} bytes."
            raise HTTPException(413, msg)
        if self._held + more > self._limits.memory:
            msg = "Too many requests are being received; try again later."
            raise HTTPException(503, msg, {"retry-after": "1"})


def error(status: int, message: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """An error as the protocol says it."""
    return JSONResponse({"error": message}, status, dict(headers or {}))


def _digest(value: bytes) -> bytes:
    return hashlib.sha256(value).digest()


def _host_name(host: str) -> str | None:
    """The name in a Host header, without the port."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
