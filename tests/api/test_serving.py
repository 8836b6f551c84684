"""Over real connections: failures keep them, hang-ups end the work, slow catalogs hold nobody else up."""

from __future__ import annotations

import dataclasses
import json
import logging
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import mercantile
import pytest

from tests.api.serving import THREAD, Connection, serving
from tests.servers import open_client
from tileserver import logs
from tileserver.app import create_app
from tileserver.flight import SingleFlight
from tileserver.logs import RequestLog
from tileserver.render import Renderer
from tileserver.settings import Settings

PLACE = mercantile.tile(15.02, 46.93, 13)
RGB = "assets=B04,B03,B02&rescale=0,0.47"


def url(date: str = "2024-05-01", dx: int = 0) -> str:
    return f"/xyz/sentinel-2/custom/{date}/{PLACE.z}/{PLACE.x + dx}/{PLACE.y}.png?{RGB}"


MAP = "bbox=15,46.9,15.1,46.95&width=64&height=64"
KVP = (
    "service=WMTS&request=GetTile&version=1.0.0&layer=sentinel-2&style=natural&format=image/png&time=2024-05-01"
    f"&TileMatrixSet=WebMercatorQuad&TileMatrix={PLACE.z}&TileRow={PLACE.y}&TileCol={PLACE.x}"
)
WMS = (
    f"service=WMS&request=GetMap&version=1.3.0&layers=sentinel-2&styles=natural&crs=CRS:84&{MAP}"
    "&format=image/png&transparent=true"
)
ADDRESSES = (
    url(),
    f"/wmts/1.0.0/sentinel-2/natural/2024-05-01/WebMercatorQuad/{PLACE.z}/{PLACE.y}/{PLACE.x}.png",
    f"/wmts?{KVP}",
    f"/collections/sentinel-2/styles/natural/map/tiles/WebMercatorQuad/{PLACE.z}/{PLACE.y}/{PLACE.x}?f=png",
    f"/collections/sentinel-2/styles/natural/map?{MAP}&datetime=2024-05-01",
    f"/wms?{WMS}",
    f"/wms?{WMS.replace('true', 'false')}",
)


@pytest.fixture(scope="module")
def parts(archive, tmp_path_factory):
    with open_client(archive, tmp_path_factory.mktemp("serving"), threads=1) as client:
        yield client.parts


def test_a_failure_is_an_answer_and_keeps_the_connection(parts, monkeypatch, caplog):
    with serving(create_app(parts)) as port:
        connection = Connection(port)
        monkeypatch.setattr(Renderer, "key", lambda *_: 1 / 0)
        monkeypatch.setattr(type(parts.catalog), "collections", lambda *_: 1 / 0)
        for path in (url(), "/collections"):
            status, headers, body = connection.get(path)
            assert status == 500
            assert json.loads(body)["code"] == "InternalError"
            assert headers.get_all("access-control-allow-origin") == ["*"]
        monkeypatch.undo()
        assert connection.get(url())[0] == 200
        metrics = connection.get("/metrics")[2].decode()
        assert 'tileserver_requests_total{route="/xyz",status="500"}' in metrics
    assert "ZeroDivisionError" in caplog.text


def test_who_hangs_up_is_not_waited_for(parts, monkeypatch):
    begun, may_end = [], threading.Event()

    def draw(self, wanted, selection):
        begun.append(wanted.bbox)
        may_end.wait(20)
        return real(self, wanted, selection)

    real = Renderer.draw
    monkeypatch.setattr(Renderer, "draw", draw)
    flight = SingleFlight(1, 10)
    with serving(create_app(dataclasses.replace(parts, flight=flight))) as port, ThreadPoolExecutor(1) as pool:
        stays = pool.submit(Connection(port).get, url("2024-05-11"))
        until(lambda: len(begun) == 1)
        leaves = socket.create_connection(("127.0.0.1", port))
        leaves.sendall(f"GET {url('2024-05-11', 1)} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        until(lambda: flight.queued == 2)
        leaves.close()
        until(lambda: flight.queued == 1)
        may_end.set()
        assert stays.result(20)[0] == 200
        assert Connection(port).get(url("2024-05-11"))[0] == 200
    assert len(begun) == 1
    flight.close()


def until(true, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


class Far:
    """A catalog that asks over a slow network."""

    local = False

    def __init__(self, catalog) -> None:
        self._catalog = catalog
        self.uri = "far://away"
        self.seconds = 0.0
        self.threads: set[str] = set()
        self.asked = threading.Event()

    def __getattr__(self, name: str):
        def ask(*args, **kwargs):
            self.threads.add(threading.current_thread().name)
            self.asked.set()
            time.sleep(self.seconds)
            return getattr(self._catalog, name)(*args, **kwargs)

        return ask


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_slow_catalog_holds_nobody_else_up(parts, address):
    far = Far(parts.catalog)
    renderer = Renderer(far, parts.reader, parts.backend, parts.settings)
    ours = dataclasses.replace(
        parts, catalog=far, renderer=renderer, flight=SingleFlight(1, 10), shelf=type(parts.shelf)()
    )
    with serving(create_app(ours)) as port, ThreadPoolExecutor(1) as pool:
        other = Connection(port)
        assert other.get("/conformance")[0] == 200
        for _ in range(2):  # drawn, then from the shelf
            far.seconds = 1.0
            far.asked.clear()
            asked = pool.submit(Connection(port).get, address)
            assert far.asked.wait(10)  # now a query is under way
            assert other.get("/conformance")[0] == 200
            assert not asked.done()
            far.seconds = 0.0
            status, _, body = asked.result(20)
            assert status == 200, body
    assert far.threads
    assert THREAD not in far.threads
    ours.flight.close()


@pytest.mark.parametrize("as_json", [False, True])
def test_a_line_for_each_request(parts, tmp_path, as_json):
    path = tmp_path / "log"
    with path.open("w") as stream, serving(create_app(parts, RequestLog(stream, as_json=as_json))) as port:
        connection = Connection(port)
        size = len(connection.get(url())[2])
        connection.get(url())
        connection.get("/nope/%0Aforged%20line")
        connection.get("/healthz", "HEAD")
        until(lambda: len(path.read_text().splitlines()) == 4)
    lines = path.read_text().splitlines()
    if as_json:
        told = [json.loads(line) for line in lines]
        assert [(line["method"], line["status"]) for line in told] == [
            ("GET", 200), ("GET", 200), ("GET", 404), ("HEAD", 200)
        ]  # fmt: skip
        assert [line["bytes"] for line in told[:2]] == [size, size]
        assert told[0]["path"] + "?" + told[0]["query"] == url()
        assert told[2]["path"] == "/nope/\nforged line"
    else:
        assert lines[0].endswith(" ms")
        assert f" INFO GET {url()} 200 {size} bytes " in lines[0]
        assert f" INFO GET {url()} 200 {size} bytes " in lines[1]
        assert " INFO GET /nope/\\nforged line 404 " in lines[2]


def test_requests_are_logged_as_the_settings_ask():
    logger = logging.getLogger("tileserver")
    before = logger.handlers, logger.propagate, logger.level
    try:
        assert logs.set_up(Settings(log_level="warning")) is None
        assert logs.set_up(Settings(log_level="info")) is not None
    finally:
        logger.handlers, logger.propagate = before[0], before[1]
        logger.setLevel(before[2])
