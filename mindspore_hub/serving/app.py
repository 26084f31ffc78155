"""The routes of the server."""

from __future__ import annotations

import asyncio
import functools
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib import resources
from typing import Any

import numpy as np
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mindspore_hub.errors import (
    BusyError,
    FeaturesError,
    HubError,
    PictureError,
    RequestError,
)
from mindspore_hub.serving import protocol
from mindspore_hub.serving.guard import Bodies, Guard, error
from mindspore_hub.serving.metrics import CONTENT_TYPE
from mindspore_hub.serving.service import Additions, Query, Service
from mindspore_hub.version import __version__

_Handler = Callable[[Request], Awaitable[Response]]

_CLIENT_ERRORS = (RequestError, PictureError, FeaturesError)
"""What a client has done, not the server."""


_LARGEST = float(np.finfo(np.float32).max)


def make_app(service: Service, *, token: str | None = None) -> Starlette:
    """The application that serves a service, to those who have the token."""
    api = _Api(service)
    model = "/v2/models/{name}"
    routes = [
        Route("/", api.page, name="page"),
        Route("/page.css", api.style),
        Route("/page.js", api.script),
        Route("/v2", api.server),
        Route("/v2/health/live", api.live),
        Route("/v2/health/ready", api.ready),
        *(
            route
            for path in (model, model + "/versions/{version}")
            for route in (
                Route(path, api.model),
                Route(path + "/ready", api.model_ready),
                Route(path + "/infer", api.infer, methods=["POST"]),
            )
        ),
        Route("/search", api.search, methods=["POST"]),
        Route("/gallery", api.gallery, methods=["GET"]),
        Route("/gallery", api.add, methods=["POST"]),
        Route("/gallery", api.remove, methods=["DELETE"]),
        Route("/pictures/{id}", api.picture),
        Route("/metrics", api.metrics),
    ]

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await service.close()

    return Starlette(
        routes=routes,
        lifespan=lifespan,
        middleware=[Middleware(Guard, token=token, metrics=service.metrics)],
        exception_handlers={HTTPException: _http_error, HubError: _hub_error, 500: _failure},
    )


class _Api:
    """What each route answers."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.bodies = Bodies(service.limits)

    async def page(self, _: Request) -> Response:
        return _file("page.html", "text/html")

    async def style(self, _: Request) -> Response:
        return _file("page.css", "text/css")

    async def script(self, _: Request) -> Response:
        return _file("page.js", "text/javascript")

    async def server(self, _: Request) -> Response:
        return JSONResponse(
            {
                "name": "mindspore-hub",
                "version": __version__,
                "extensions": ["binary_tensor_data"],
            }
        )

    async def live(self, _: Request) -> Response:
        return JSONResponse({"live": True})

    async def ready(self, _: Request) -> Response:
        # It listens from when the network is loaded until it is stopped.
        return JSONResponse({"ready": True})

    async def model(self, request: Request) -> Response:
        self._require_model(request)
        name, version = self.service.name, self.service.version
        return JSONResponse(protocol.metadata(name, version, "mindspore_hub", self.service.width))

    async def model_ready(self, request: Request) -> Response:
        self._require_model(request)
        return JSONResponse({"name": self.service.name, "ready": True})

    async def infer(self, request: Request) -> Response:
        self._require_model(request)
        length = request.headers.get(protocol.HEADER_LENGTH)
        async with self.bodies.reading(request) as body:
            most = self.service.limits.pictures
            asked = await run_in_threadpool(protocol.read_request, body, length, most=most)
            rows = await self._within(self.service.features(asked.pictures))
        errors = [str(row) if isinstance(row, PictureError) else "" for row in rows]
        if protocol.ERRORS not in asked.outputs and any(errors):
            number = next(n for n, text in enumerate(errors) if text)
            msg = f"Picture {number}: {errors[number]}"
            raise PictureError(msg)
        blank = np.zeros(self.service.width, np.float32)
        features = np.stack([blank if isinstance(row, PictureError) else row for row in rows])
        content, headers = protocol.write_response(
            asked, self.service.name, self.service.version, features, errors
        )
        return Response(content, headers=headers)

    async def search(self, request: Request) -> Response:
        async with self.bodies.reading(request) as body:
            query = await run_in_threadpool(self._query, request, body)
            return JSONResponse(await self._within(self.service.search(query)))

    async def gallery(self, _: Request) -> Response:
        return JSONResponse(await self._within(self.service.about()))

    async def add(self, request: Request) -> Response:
        self._require_writable()
        async with self.bodies.reading(request) as body:
            additions = await run_in_threadpool(self._additions, body)
            return JSONResponse(await self._within(self.service.add(additions)))

    async def remove(self, request: Request) -> Response:
        self._require_writable()
        where = request.query_params.get("where")
        ids = [_whole(text, "id") for text in request.query_params.getlist("id")]
        if (where is None) == (not ids):
            msg = "Say which rows: either ?where=label = 7, or ?id=3&id=4."
            raise RequestError(msg)
        removed = await self._within(self.service.remove(where=where, ids=ids))
        return JSONResponse({"removed": removed})

    async def picture(self, request: Request) -> Response:
        try:
            number = _whole(request.path_params["id"], "An id")
            content = await self._within(self.service.thumbnail(number))
        except (FeaturesError, PictureError, RequestError) as problem:
            raise HTTPException(404, str(problem)) from problem
        headers = {"cache-control": "private, max-age=3600"}
        return Response(content, media_type="image/jpeg", headers=headers)

    async def metrics(self, _: Request) -> Response:
        return Response(self.service.metrics.text(), headers={"content-type": CONTENT_TYPE})

    async def _within(self, work: Awaitable[Any]) -> Any:
        """Wait for work, but not for ever."""
        try:
            return await asyncio.wait_for(work, self.service.limits.answer)
        except asyncio.TimeoutError:
            msg = f"It took longer than {self.service.limits.answer:g} s; try again later."
            raise BusyError(msg, self.service.limits.answer) from None

    def _require_model(self, request: Request) -> None:
        name, version = self.service.name, self.service.version
        if request.path_params["name"] != name:
            raise HTTPException(404, f"There is no such model here; this is {name}.")
        if request.path_params.get("version", version) != version:
            raise HTTPException(404, f"{name} has no such version here; this is {version}.")

    def _require_writable(self) -> None:
        if not self.service.writable:
            msg = "The gallery of this server is not changed by clients; start it with --writable."
            raise HTTPException(403, msg)

    def _query(self, request: Request, body: bytes) -> Query:
        """What is to be looked up: the body is a picture, or JSON that says it."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind.startswith("image/") or kind == "application/octet-stream":
            given: Mapping[str, Any] = request.query_params
            k = _whole(given.get("k", "10"), "k")
            return Query([body], k=self._neighbours(k), where=given.get("where"))
        if kind != "application/json":
            msg = "Send a picture as image/* or application/octet-stream, or application/json."
            raise HTTPException(415, msg)
        given = protocol.read_json(body)
        unknown = sorted({*given} - {"pictures", "features", "ids", "k", "where"})
        kinds = [name for name in ("pictures", "features", "ids") if name in given]
        if unknown or len(kinds) != 1:
            msg = (
                "A search has one of pictures, features and ids, and may have k and where, but this one has "
                f"{', '.join(given)[:200] or 'nothing'}."
            )
            raise RequestError(msg)
        where = given.get("where")
        if not isinstance(where, str | None):
            msg = "where must be a string, such as 'camera != 2 and label = 7'."
            raise RequestError(msg)
        k = self._neighbours(_whole(given.get("k", 10), "k"))
        items = self._items(given, kinds[0])
        if kinds[0] == "pictures":
            return Query(_decoded(items), k=k, where=where)
        if kinds[0] == "ids":
            return Query(ids=[_whole(item, "An id") for item in items], k=k, where=where)
        return Query(features=_vectors(items, self.service.width), k=k, where=where)

    def _neighbours(self, k: int) -> int:
        if not 1 <= k <= self.service.limits.neighbours:
            msg = f"k must be from 1 to {self.service.limits.neighbours}, but is {k}."
            raise RequestError(msg)
        return k

    def _items(self, given: Mapping[str, Any], name: str) -> list[Any]:
        """The items of a list, neither none nor too many."""
        items, most = given.get(name), self.service.limits.pictures
        if not isinstance(items, list) or not 1 <= len(items) <= most:
            msg = f"{name} must be a list of 1 to {most} items."
            raise RequestError(msg)
        return items

    def _additions(self, body: bytes) -> Additions:
        given = protocol.read_json(body)
        pictures = _decoded(self._items(given, "pictures"))
        known: dict[str, list[Any]] = {}
        for name in ("labels", "cameras", "paths"):
            if name not in given:
                continue
            values = given[name]
            if not isinstance(values, list) or len(values) != len(pictures):
                msg = f"{name} must be a list with one item for each of {len(pictures)} pictures."
                raise RequestError(msg)
            known[name] = [
                _path(value) if name == "paths" else _whole(value, f"An item of {name}")
                for value in values
            ]
        if unknown := sorted({*given} - {"pictures", "labels", "cameras", "paths"}):
            msg = f"A picture is added with labels, cameras and paths, not {', '.join(unknown)[:200]}."
            raise RequestError(msg)
        return Additions(pictures, known)


def _decoded(items: Sequence[Any]) -> list[bytes]:
    return [protocol.decode_base64(item, f"Picture {n}") for n, item in enumerate(items)]


def _whole(value: object, what: str) -> int:
    """A whole number of 64 bits, from JSON or from text."""
    number = value
    if isinstance(value, str) and value.isascii() and len(value) < 20:
        digits = value.removeprefix("-")
        number = int(value) if digits.isdigit() else value
    if type(number) is not int or not -(2**63) <= number < 2**63:
        msg = f"{what} must be a whole number of 64 bits, but is {repr(value)[:80]}."
        raise RequestError(msg)
    return number


def _path(value: object) -> str:
    """The name of a picture, below the root of the gallery."""
    parts = value.split("/") if isinstance(value, str) else [""]
    if not isinstance(value, str) or not value.isprintable() or {"", "..", "."} & {*parts}:
        msg = f"A path must lead to a name below a folder, such as a/b.jpg, but is {repr(value)[:80]}."
        raise RequestError(msg)
    return value


def _vectors(items: list[Any], width: int) -> Any:
    fits = all(
        isinstance(row, list)
        and len(row) == width
        and all(type(value) in (int, float) and -_LARGEST < value < _LARGEST for value in row)
        for row in items
    )
    if not fits:
        msg = f"features must be lists of {width} numbers each."
        raise RequestError(msg)
    return np.array(items, np.float32)


@functools.cache
def _content(name: str) -> bytes:
    return (resources.files("mindspore_hub.serving") / name).read_bytes()


def _file(name: str, kind: str) -> Response:
    headers = {"cache-control": "no-cache", "content-type": f"{kind}; charset=utf-8"}
    return Response(_content(name), headers=headers)


def _http_error(_: Request, problem: Exception) -> Response:
    if not isinstance(problem, HTTPException):
        raise problem
    messages = {
        404: "There is nothing at this address.",
        405: "This address does not take that method.",
    }
    is_own = problem.detail and problem.detail not in {"Not Found", "Method Not Allowed"}
    message = problem.detail if is_own else messages.get(problem.status_code, problem.detail)
    return error(problem.status_code, message, problem.headers)


def _hub_error(_: Request, problem: Exception) -> Response:
    if isinstance(problem, BusyError):
        seconds = max(1, math.ceil(problem.seconds))
        return error(503, str(problem), {"retry-after": str(seconds)})
    return error(400 if isinstance(problem, _CLIENT_ERRORS) else 500, str(problem))


def _failure(_: Request, __: Exception) -> Response:
    return error(500, "The server failed; its log says why.")
