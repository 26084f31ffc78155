"""Every kind of bad request is answered right, and the server lives on."""

import base64
import io
import json
import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
import urllib3
from PIL import Image
from served import LIMITS, Running

JSON = {"content-type": "application/json"}
RAW = {"content-type": "application/octet-stream"}
LENGTH = "inference-header-content-length"


def picture(size: tuple[int, int] = (5, 7), kind: str = "PNG", mode: str = "RGB") -> bytes:
    stream = io.BytesIO()
    Image.new(mode, size).save(stream, kind)
    return stream.getvalue()


def text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def bomb(width: int = 30_000, height: int = 30_000) -> bytes:
    """A PNG that says it is large, in a few bytes."""

    def chunk(name: bytes, data: bytes) -> bytes:
        body = name + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(100_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def infer(**changes: Any) -> dict[str, Any]:
    """The body of an inference, changed."""
    given = {"name": "pictures", "datatype": "BYTES", "shape": [1], "data": [text(picture())]}
    return {"inputs": [{**given, **changes}]}


def binary(head: object, tensor: bytes, length: int | str | None = None) -> tuple[Any, dict]:
    """A body with a binary tensor, and the headers that belong to it."""
    front = json.dumps(head).encode()
    return front + tensor, {LENGTH: str(len(front) if length is None else length)}


def sized(size: object) -> dict[str, Any]:
    given = {"name": "pictures", "datatype": "BYTES", "shape": [1]}
    return {"inputs": [{**given, "parameters": {"binary_data_size": size}}]}


ELEMENT = struct.pack("<I", len(picture())) + picture()

INFER: dict[str, tuple[Any, Any, int, str]] = {
    "an empty body": (b"", {}, 400, "must be a JSON object"),
    "not JSON": (b"{", {}, 400, "must be a JSON object"),
    "not UTF-8": (b'{"id": "\xff"}', {}, 400, "must be a JSON object"),
    "a list": ([], {}, 400, "must be a JSON object"),
    "deep nesting": (b'{"a":' + b"[" * 50_000, {}, 400, "nested deeper"),
    "NaN": (b'{"id": NaN}', {}, 400, "NaN is not JSON"),
    "a number of 5,000 digits": (b'{"id": ' + b"1" * 5000 + b"}", {}, 400, "must be a JSON object"),
    "no input": ({}, {}, 400, "inputs must be a list"),
    "an input that is not an object": ({"inputs": [1]}, {}, 400, "objects with a name"),
    "another input": (infer(name="images"), {}, 400, "'pictures' once"),
    "two inputs": ({"inputs": infer()["inputs"] * 2}, {}, 400, "'pictures' once"),
    "another datatype": (infer(datatype="FP32"), {}, 400, "must be BYTES"),
    "no shape": (infer(shape=None), {}, 400, "shape of pictures must be"),
    "a shape of three sides": (infer(shape=[1, 1, 1]), {}, 400, "shape of pictures must be"),
    "a negative shape": (infer(shape=[-1]), {}, 400, "shape of pictures must be"),
    "a shape that is not true": (infer(shape=[2]), {}, 400, "says 2 pictures, but there are 1"),
    "too many pictures": (infer(shape=[10**9]), {}, 400, "a request may hold 4"),
    "no data": (infer(data=None), {}, 400, "must have data"),
    "data that is not text": (infer(data=[7]), {}, 400, "Picture 0 must be a string"),
    "data that is not base64": (infer(data=["?"]), {}, 400, "Picture 0 must be the base64"),
    "an unknown output": ({**infer(), "outputs": [{"name": "x"}]}, {}, 400, "once each"),
    "a number as id": ({**infer(), "id": 7}, {}, 400, "id must be a string"),
    "parameters that are a list": ({**infer(), "parameters": []}, {}, 400, "must be an object"),
    "an empty picture": (infer(data=[""]), {}, 400, "Picture 0: It cannot be read"),
    "half a picture": (infer(data=[text(picture((90, 90))[:-60])]), {}, 400, "Picture 0: It"),
    "a picture of grey": (infer(data=[text(picture(mode="L"))]), {}, 400, "has the mode L"),
    "a format that is not taken": (infer(data=[text(picture(kind="PPM"))]), {}, 400, "formats"),
    "PostScript": (infer(data=[text(b"%!PS-Adobe-3.0 EPSF-3.0\n")]), {}, 400, "formats"),
    "a bomb": (infer(data=[text(bomb())]), {}, 400, "many more pixels than the 10,000"),
    "a picture of more pixels": (infer(data=[text(picture((200, 90)))]), {}, 400, "200 x 90"),
    "a length that is not a number": (*binary(sized(9), b"", "x"), 400, "whole number of bytes"),
    "a length beyond the body": (*binary(sized(9), b"", 9999), 400, "the body has"),
    "a tensor beyond the body": (*binary(sized(999), ELEMENT), 400, "binary_data_size"),
    "a tensor that is cut": (*binary(sized(9), ELEMENT[:9]), 400, "ends within an element"),
    "bytes that belong to nobody": (*binary(infer(), b"xyz"), 400, "3 bytes follow"),
    "a size that is text": (*binary(sized("9"), ELEMENT), 400, "binary_data_size"),
    "a compressed body": (infer(), {"content-encoding": "gzip"}, 415, "Content-Encoding"),
    "a large body": (b" " * (LIMITS.body + 1), {}, 413, "200,000 bytes"),
}


SEARCH: dict[str, tuple[Any, Any, int, str]] = {
    "no content type": (b"{}", {}, 415, "Send a picture as"),
    "nothing": ({}, JSON, 400, "one of pictures, features and ids"),
    "two kinds": ({"ids": [1], "features": []}, JSON, 400, "one of pictures"),
    "an unknown key": ({"ids": [1], "filter": "x"}, JSON, 400, "one of pictures"),
    "a row that is not there": ({"ids": [1]}, JSON, 400, "no row with the id 1"),
    "an id that is text": ({"ids": ["x"]}, JSON, 400, "An id must be a whole number"),
    "no neighbours": ({"ids": [1], "k": 0}, JSON, 400, "k must be from 1 to 20"),
    "too many neighbours": ({"ids": [1], "k": 21}, JSON, 400, "k must be from 1 to 20"),
    "a filter that is SQL": (
        {"features": [[0] * 5], "where": "1=1; drop table x"},
        JSON,
        400,
        "filter",
    ),
    "a filter that is a list": ({"ids": [1], "where": []}, JSON, 400, "where must be a string"),
    "short features": ({"features": [[1, 2]]}, JSON, 400, "lists of 5 numbers"),
    "huge features": ({"features": [[10**400] * 5]}, JSON, 400, "lists of 5 numbers"),
    "features too large to square": ({"features": [[1e30] * 5]}, JSON, 400, "squared"),
    "too many features": ({"features": [[0] * 5] * 5}, JSON, 400, "1 to 4 items"),
    "a raw body that is no picture": (b"GIF89a", RAW, 200, "cannot be read"),
}


@pytest.fixture(scope="module")
def pool(server: Running) -> Iterator[urllib3.HTTPConnectionPool]:
    with urllib3.HTTPConnectionPool("127.0.0.1", server.port, retries=False) as pool:
        yield pool


@pytest.fixture(autouse=True)
def alive(server: Running, pool: urllib3.HTTPConnectionPool) -> Iterator[None]:
    """After each test, a good request is answered, and no place in the queue is lost."""
    yield
    headers = {"content-type": "image/png"}
    answer = pool.urlopen("POST", "/search?k=1", body=picture(), headers=headers)
    assert answer.status == 200
    assert answer.json()["results"][0]["nearest"]
    end = time.monotonic() + 20  # requests of clients that are gone may still be looked at
    while server.service.batcher.pictures and time.monotonic() < end:
        time.sleep(0.05)
    assert server.service.batcher.pictures == 0


def refused(
    pool: urllib3.HTTPConnectionPool, path: str, body: Any, headers: Any, method: str = "POST"
) -> tuple[int, str]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = pool.urlopen(method, path, body=content, headers=headers)
    assert answer.headers["content-type"] == "application/json"
    return answer.status, json.dumps(answer.json())


@pytest.mark.parametrize("name", INFER)
def test_an_inference_is_refused(
    server: Running, pool: urllib3.HTTPConnectionPool, name: str
) -> None:
    body, headers, status, message = INFER[name]
    path = f"/v2/models/{server.service.name}/infer"
    found, said = refused(pool, path, body, headers)
    assert (found, message in said) == (status, True), said
    assert set(json.loads(said)) == {"error"}


@pytest.mark.parametrize("name", SEARCH)
def test_a_search_is_refused(pool: urllib3.HTTPConnectionPool, name: str) -> None:
    body, headers, status, message = SEARCH[name]
    found, said = refused(pool, "/search", body, headers)
    assert (found, message in said) == (status, True), said


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/v2/models/other", 404),
        ("GET", "/v2/models/{name}/versions/0.1", 404),
        ("POST", "/v2/models/other/infer", 404),
        ("GET", "/v2/models/{name}/infer", 405),
        ("PUT", "/gallery", 405),
        ("DELETE", "/gallery", 400),
        ("DELETE", "/gallery?id=x", 400),
        ("DELETE", "/gallery?where=label", 400),
        ("GET", "/pictures/1", 404),
        ("GET", "/pictures/x", 404),
        ("GET", "/pictures/..%2f..%2fetc%2fpasswd", 404),
        ("GET", f"/pictures/{10**30}", 404),
    ],
)
def test_an_address_is_refused(
    server: Running, pool: urllib3.HTTPConnectionPool, method: str, path: str, status: int
) -> None:
    found, said = refused(pool, path.format(name=server.service.name), b"", {}, method)
    assert found == status, said
    assert json.loads(said)["error"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "pictures must be a list"),
        ({"pictures": [text(picture())], "labels": []}, "labels must be a list with one item"),
        ({"pictures": [text(picture())], "labels": [1.5]}, "must be a whole number"),
        ({"pictures": [text(picture())], "paths": ["../x.png"]}, "below a folder"),
        ({"pictures": [text(picture())], "paths": ["/etc/passwd"]}, "below a folder"),
        ({"pictures": [text(picture())], "names": ["x"]}, "not names"),
    ],
)
def test_an_addition_is_refused(pool: urllib3.HTTPConnectionPool, body: Any, message: str) -> None:
    found, said = refused(pool, "/gallery", body, JSON)
    assert (found, message in said) == (400, True), said


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example.org"}, 421),
        ({"host": "127.0.0.1.evil.example.org"}, 421),
        ({"host": "["}, 421),
        ({"origin": "https://evil.example.org"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://["}, 403),
    ],
)
def test_pages_of_others_are_refused(
    pool: urllib3.HTTPConnectionPool, headers: dict[str, str], status: int
) -> None:
    assert refused(pool, "/search", {"ids": [1]}, {**JSON, **headers})[0] == status


def talk(
    server: Running, *parts: bytes, end: Callable[[socket.socket], None] | None = None
) -> bytes:
    """Send bytes, and read until the server ends the connection."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        for part in parts:
            with suppress(ConnectionError):  # the answer may have come before the end
                connection.sendall(part)
        if end:
            end(connection)
        found = b""
        while chunk := connection.recv(65536):
            found += chunk
        return found


GET = b"GET /v2 HTTP/1.1\r\nhost: localhost\r\n"
POST = b"POST /search HTTP/1.1\r\nhost: localhost\r\ncontent-type: image/png\r\n"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"400"),
        (b"GET\r\n\r\n", b"400"),
        (GET + b"content-length: x\r\n\r\n", b"400"),
        (GET + b"x: " + b"x" * 60_000, b"400"),
        (POST + b"transfer-encoding: chunked\r\n\r\nzz\r\n", b"400"),
        (POST + b"content-length: 5\r\ncontent-length: 6\r\n\r\n", b"400"),
        (POST + b"content-length: 99999999999\r\nconnection: close\r\n\r\n", b"413"),
        (POST + b"content-length: 100\r\n\r\nslow", b"408"),
        (POST + b"transfer-encoding: chunked\r\n\r\n4\r\nslow\r\n", b"408"),
    ],
    ids=lambda value: repr(value[-24:]),
)
def test_what_is_not_http_or_too_slow_is_answered(
    server: Running, sent: bytes, status: bytes
) -> None:
    answer = talk(server, sent)
    assert answer.startswith(b"HTTP/1.1 " + status), answer[:200]


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nhost: local"])
def test_a_client_that_does_not_send_its_headers_is_disconnected(
    server: Running, sent: bytes
) -> None:
    begin = time.monotonic()
    assert talk(server, sent) == b""
    assert time.monotonic() - begin < 8


def test_a_client_that_ends_its_side_gets_its_answer(server: Running) -> None:
    content = picture()
    request = POST + b"content-length: %d\r\n\r\n" % len(content) + content
    answer = talk(server, request, end=lambda connection: connection.shutdown(socket.SHUT_WR))
    assert answer.startswith(b"HTTP/1.1 200")
    assert b'"nearest"' in answer


def test_clients_that_go_away_cost_nothing(server: Running) -> None:
    content = picture()
    head = POST + b"content-length: %d\r\n\r\n" % len(content)
    for sent in (head, head + content[:9], head + content):
        for _ in range(5):
            with socket.create_connection(("127.0.0.1", server.port)) as connection:
                connection.sendall(sent)
                # What is closed that way is reset.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_bad_and_good_pictures_come_together(
    server: Running, pool: urllib3.HTTPConnectionPool
) -> None:
    """Whatever shares a batch with bad pictures is what it is alone."""
    good = {number: server.pictures[number].read_bytes() for number in range(12)}
    alone = {number: nearest(server, content) for number, content in good.items()}
    found: dict[int, Any] = {}

    def ask(number: int) -> None:
        found[number] = nearest(server, b"bad" if number % 3 == 2 else good[number])

    threads = [threading.Thread(target=ask, args=(number,)) for number in good]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, result in found.items():
        if number % 3 == 2:
            assert result.keys() == {"error"}
        else:
            ids, distances = zip(
                *((row["id"], row["distance"]) for row in result["nearest"]), strict=True
            )
            expected = alone[number]["nearest"]
            assert ids == tuple(row["id"] for row in expected)
            np.testing.assert_allclose(
                distances, [row["distance"] for row in expected], rtol=1e-5, atol=1e-5
            )


def nearest(server: Running, content: bytes) -> Any:
    headers = {"content-type": "image/png"}
    answer = urllib3.request("POST", f"{server.address}/search?k=3", body=content, headers=headers)
    return answer.json()["results"][0]
