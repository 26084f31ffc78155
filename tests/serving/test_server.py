"""Who may ask what, what is kept inside, and how a server stops."""

import asyncio
import base64
import dataclasses
import inspect
import json
import logging
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import served
import tiny
import urllib3
from click.testing import CliRunner
from PIL import Image
from served import LIMITS, TOKEN, Running

from mindspore_hub import deploy, optimize
from mindspore_hub.commands.main import mshub
from mindspore_hub.errors import BusyError, ExportError, FeaturesError, RequestError, SettingsError
from mindspore_hub.serving.batching import Batcher
from mindspore_hub.serving.guard import OPEN
from mindspore_hub.serving.limits import Limits
from mindspore_hub.serving.server import is_loopback, listen, read_token, require_token
from mindspore_hub.serving.start import open_service

JSON = {"content-type": "application/json"}


def ask(server: Running, method: str, path: str, **options: Any) -> urllib3.BaseHTTPResponse:
    return urllib3.request(method, f"{server.address}{path}", retries=False, **options)


def test_a_search_says_what_is_near_and_whether_it_is_a_match(server: Running) -> None:
    rows = next(server.service.gallery.parts())
    body = {"features": rows.vectors[:2].tolist(), "k": 3, "where": "camera = 1"}
    answer = ask(server, "POST", "/search", body=json.dumps(body), headers=JSON).json()
    distances = -rows.vectors[:2] @ rows.vectors.T
    distances[:, rows.cameras != 1] = np.inf
    assert answer["distance"] == "dot"
    assert answer["how"]["kind"] == "exact"
    for result, wanted in zip(answer["results"], distances, strict=True):
        order = wanted.argsort(kind="stable")[:3]
        assert [row["path"] for row in result["nearest"]] == rows.paths[order].tolist()
        assert [row["label"] for row in result["nearest"]] == rows.labels[order].tolist()
        far = wanted[order] > server.service.threshold
        assert [row["match"] for row in result["nearest"]] == (~far).tolist()
        assert result["no_match"] == bool(far.all())


def test_pictures_in_json_and_raw_find_the_same(server: Running) -> None:
    content = server.pictures[4].read_bytes()
    body = {"pictures": [base64.b64encode(content).decode()], "k": 5, "where": "label = 1"}
    first = ask(server, "POST", "/search", body=json.dumps(body), headers=JSON).json()
    second = ask(
        *(server, "POST", "/search?k=5&where=label%20%3D%201"),
        body=content,
        headers={"content-type": "image/png"},
    ).json()
    assert first == second
    assert [row["path"][:2] for row in first["results"][0]["nearest"]].count("04") == 1


def test_a_gallery_of_lancedb_is_served_alike(server: Running, tmp_path: Path) -> None:
    body = {"ids": [server.service.gallery.search(np.zeros((1, 5)), 1).ids[0, 0].item()], "k": 5}
    with served.running(served.make_service(tmp_path, kind="lance"), tmp_path) as other:
        first, second = (
            ask(one, "POST", "/search", body=json.dumps(body), headers=JSON).json()["results"][0]
            for one in (server, other)
        )
        assert ask(other, "DELETE", "/gallery?where=camera%20%3D%202").json() == {"removed": 6}
    assert [row["path"] for row in first["nearest"]] == [row["path"] for row in second["nearest"]]
    assert len(first["nearest"]) == 5


def test_rows_are_added_once_shown_and_removed(server: Running, tmp_path: Path) -> None:
    Image.new("RGB", (40, 20), "red").save(server.folder / "pictures" / "new.jpg")
    content = (server.folder / "pictures" / "new.jpg").read_bytes()
    text = base64.b64encode(content).decode()
    body = {
        "pictures": [text, "AAAA"],
        "labels": [7, 8],
        "cameras": [3, 3],
        "paths": ["new.jpg", "b"],
    }
    answer = ask(server, "POST", "/gallery", body=json.dumps(body), headers=JSON).json()
    assert answer["added"] == 1
    assert list(answer["errors"]) == ["1"]
    again = ask(server, "POST", "/gallery", body=json.dumps(body), headers=JSON).json()
    assert (again["added"], again["ids"]) == (0, answer["ids"])
    about = ask(server, "GET", "/gallery").json()["gallery"]
    assert (about["count"], about["cameras"]) == (13, [1, 2, 3])
    picture = ask(server, "GET", f"/pictures/{answer['ids'][0]}")
    assert picture.headers["content-type"] == "image/jpeg"
    assert picture.data.startswith(b"\xff\xd8")
    removed = ask(server, "DELETE", "/gallery?where=label%20%3D%207").json()
    assert removed == {"removed": 1}
    assert ask(server, "GET", "/gallery").json()["gallery"]["count"] == 12
    (server.folder / "pictures" / "new.jpg").unlink()


@pytest.mark.parametrize("way", ["link", "linked folder", "dots"])
def test_no_path_leaves_the_root(server: Running, way: str, tmp_path: Path) -> None:
    """A gallery is a file of somebody, whose paths may lead anywhere."""
    tiny = server.folder / "secret"
    tiny.mkdir(exist_ok=True)
    Image.new("RGB", (9, 9), "red").save(tiny / "secret.png")
    folder = server.folder / "pictures"
    links = {"link": folder / "link.png", "linked folder": folder / "below"}
    if way in links and not links[way].is_symlink():
        links[way].symlink_to(tiny if way == "linked folder" else tiny / "secret.png")
    path = {"link": "link.png", "linked folder": "below/secret.png", "dots": "../secret/secret.png"}
    rows = next(server.service.gallery.parts()).take(np.array([0]))
    features = type(rows)(
        rows.vectors * 0.5,
        paths=np.array([path[way]]),
        about=dict(server.service.gallery.about),
    )
    server.service.gallery.add(features)
    [id_] = [
        row["id"]
        for row in ask(
            *(server, "POST", "/search"),
            body=json.dumps({"features": [[0.0] * 5], "k": 20}),
            headers=JSON,
        ).json()["results"][0]["nearest"]
        if row["path"] == path[way]
    ]
    answer = ask(server, "GET", f"/pictures/{id_}")
    server.service.gallery.remove(ids=[id_])
    assert answer.status == 404
    assert "below the root" in answer.json()["error"]


def test_a_token_is_asked_for_all_but_the_page(tmp_path: Path) -> None:
    def get(path: str, **headers: str) -> urllib3.BaseHTTPResponse:
        return ask(server, "GET", path, headers={"host": "gallery.example.org", **headers})

    service = served.make_service(tmp_path)
    with served.running(service, tmp_path, token=TOKEN) as server:
        for path in OPEN:
            assert get(path).status == 200
        for path in ("/v2", "/gallery", "/metrics", "/pictures/1", "/nothing"):
            answer = get(path)
            assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
            assert "TOKEN" in answer.json()["error"]
        for wrong in ("", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}"):
            assert get("/v2", authorization=wrong).status == 401
        for right in (f"Bearer {TOKEN}", f"bearer {TOKEN}"):
            assert get("/v2", authorization=right).status == 200


def test_every_answer_forbids_what_pages_do_not_need(server: Running) -> None:
    for path in ("/", "/page.js", "/gallery", "/nothing"):
        headers = ask(server, "GET", path).headers
        assert headers["content-security-policy"].startswith(
            "default-src 'none'; script-src 'self'"
        )
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
    page = ask(server, "GET", "/").data.decode()
    assert "style=" not in page
    assert "onclick" not in page
    assert "//" not in page.replace("<!doctype", "")


def test_metrics_count_what_was_answered(server: Running) -> None:
    ask(server, "GET", "/nothing")
    answer = ask(server, "GET", "/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = answer.data.decode().splitlines()
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert int(values['mshub_requests_total{route="none",status="404"}']) >= 1
    assert values["mshub_batch_largest"] == "4"
    assert all(float(value) >= 0 for value in values.values())
    names = {name.partition("{")[0] for name in values}
    known = {line.split()[2] for line in lines if line.startswith("# TYPE")}
    assert {
        name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count") for name in names
    } <= known


def test_the_log_names_routes_and_nothing_of_clients(
    server: Running, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "mindspore_hub.serving"):
        ask(server, "GET", "/gallery?who=secret")
        ask(server, "GET", "/secret")
        time.sleep(0.05)
    assert "GET gallery 200" in caplog.text
    assert "GET none 404" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("0.0.0.0", False),  # noqa: S104 - not listened to
        ("::", False),
        ("192.168.0.7", False),
        ("gallery.example.org", False),
        ("localhost.example.org", False),
        ("", False),
    ],
)
def test_only_loopback_needs_no_token(host: str, loopback: bool) -> None:
    assert is_loopback(host) == loopback
    require_token(host, TOKEN)
    if loopback:
        require_token(host, None)
    else:
        with pytest.raises(SettingsError, match="a token is required"):
            require_token(host, None)


def test_the_command_refuses_before_it_loads(tmp_path: Path) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(mshub, ["serve", *arguments], standalone_mode=False)
        return getattr(result.exception, "exit_code", 0), str(result.exception)

    assert run("MVD", "--host", "0.0.0.0")[0] == 2  # noqa: S104 - refused
    assert "a token is required" in run("MVD", "--host", "0.0.0.0")[1]  # noqa: S104 - refused
    with listen("127.0.0.1", 0) as taken:
        port = str(taken.getsockname()[1])
        assert "choose another --port" in run("MVD", "--port", port)[1]
    short = tmp_path / "token"
    short.write_text("short\n", encoding="utf-8")
    assert "must have 16 or more" in run("MVD", "--token-file", str(short))[1]
    assert "--demo" in run()[1]
    assert "--demo" in run("MVD", "--demo")[1]


def test_a_token_is_read_from_a_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n", encoding="utf-8")
    assert read_token(None) is None
    assert read_token(tmp_path / "token") == TOKEN
    monkeypatch.setenv("MSHUB_TOKEN", TOKEN)
    assert read_token(None) == TOKEN
    monkeypatch.setenv("MSHUB_TOKEN", "two words of a token")
    with pytest.raises(SettingsError, match="without blanks"):
        read_token(None)


def test_a_service_is_opened_by_names(tmp_path: Path) -> None:
    made = served.make_service(tmp_path)
    made.calibration.save(tmp_path / "calibration.json")
    options = {"network": tiny.Tiny(), "limits": LIMITS}
    opened = open_service(
        tiny.card(tmp_path),
        gallery=tmp_path / "gallery.npz",
        calibration=tmp_path / "calibration.json",
        root=tmp_path / "elsewhere",
        **options,
    )
    assert (opened.threshold, opened.width) == (made.threshold, 5)
    assert not opened.writable
    with pytest.raises(FeaturesError, match="are about a gallery; name one"):
        open_service(tiny.card(tmp_path), writable=True, **options)
    for changed in ({"distance": "euclidean"}, {"about": {"sha256": "0" * 64}}):
        other = dataclasses.replace(made.calibration, **changed)
        other.save(tmp_path / "other.json")
        with pytest.raises(FeaturesError, match=r"distance euclidean|not made alike"):
            open_service(
                tiny.card(tmp_path),
                gallery=tmp_path / "gallery.npz",
                calibration=tmp_path / "other.json",
                **options,
            )
    for service in (made, opened):
        asyncio.run(service.close())


def batched(limits: Limits, seconds: float) -> Batcher:
    """A batcher whose network takes some seconds for a batch, whatever its size."""

    def compute(inputs: tuple[np.ndarray, ...]) -> np.ndarray:
        time.sleep(seconds)
        return inputs[0] * 2

    batcher = Batcher(compute, limits)
    batcher.warm_up((np.zeros(3, np.float32),))
    return batcher


def test_what_does_not_fit_is_refused_at_once_and_the_rest_is_in_time() -> None:
    limits = Limits(queue=1000, batch=4, latency=0.5)

    async def one(batcher: Batcher, number: int) -> float:
        begin = time.perf_counter()
        with batcher.admitted(1) as ticket:
            row = await batcher.row((np.full(3, number, np.float32),), ticket)
        assert row.tolist() == [2.0 * number] * 3
        return time.perf_counter() - begin

    async def many() -> list[float | BaseException]:
        batcher = batched(limits, 0.05)
        try:
            return await asyncio.gather(
                *(one(batcher, number) for number in range(200)), return_exceptions=True
            )
        finally:
            assert batcher.pictures == 0
            await batcher.close()

    found = asyncio.run(many())
    busy = [item for item in found if isinstance(item, BusyError)]
    times = [item for item in found if isinstance(item, float)]
    assert len(busy) + len(times) == 200
    assert busy
    assert all(0 < item.seconds < 5 for item in busy)
    assert len(times) > 4


def test_batches_are_no_larger_than_the_latency_allows() -> None:
    def compute(inputs: tuple[np.ndarray, ...]) -> np.ndarray:
        time.sleep(0.02 * len(inputs[0]))
        return inputs[0]

    batcher = Batcher(compute, Limits(batch=64, latency=0.2))
    batcher.warm_up((np.zeros(3, np.float32),))
    assert batcher.size < 8
    asyncio.run(batcher.close())


def test_a_batch_that_fails_fails_those_who_wait_for_it_only() -> None:
    def compute(inputs: tuple[np.ndarray, ...]) -> np.ndarray:
        if (inputs[0] < 0).any():
            msg = "negative"
            raise ValueError(msg)
        return inputs[0]

    async def three() -> list[Any]:
        batcher = Batcher(compute, Limits(batch=1))
        batcher.warm_up((np.zeros(3, np.float32),))
        found = []
        for value in (1, -1, 2):
            with batcher.admitted(1) as ticket:
                try:
                    row = await batcher.row((np.full(3, value, np.float32),), ticket)
                    found.append(row[0])
                except ValueError as error:
                    found.append(str(error))
        await batcher.close()
        return found

    assert asyncio.run(three()) == [1.0, "negative", 2.0]


def test_a_server_that_stops_answers_what_it_took(tmp_path: Path) -> None:
    service = served.make_service(tmp_path, limits=LIMITS)
    compute = service._embedding.compute
    begun = threading.Event()

    def slow(inputs: Any) -> Any:
        begun.set()
        time.sleep(0.5)
        return compute(inputs)

    service._embedding.compute = slow
    found: list[int] = []
    with served.running(service, tmp_path) as server:
        content = server.pictures[0].read_bytes()

        def search() -> None:
            answer = ask(
                *(server, "POST", "/search"), body=content, headers={"content-type": "image/png"}
            )
            found.append(answer.status)

        thread = threading.Thread(target=search)
        thread.start()
        begun.wait(5)
    thread.join()
    assert found == [200]


def test_upstreams_names_are_there() -> None:
    positional = [
        (name, item.default)
        for name, item in inspect.signature(deploy.serving).parameters.items()
        if item.kind is item.POSITIONAL_OR_KEYWORD
    ]
    assert positional == [("name", inspect.Parameter.empty), ("port", 8080)]
    for argument in ("remote_addr", "script"):
        with pytest.raises(RequestError, match=f"{argument} is 'x'; leave it out"):
            deploy.run_benchmark("MVD", **{argument: "x"})
    with pytest.raises(ExportError, match="mshub convert"):
        optimize.transform("MVD")
