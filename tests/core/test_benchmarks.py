"""The benchmark's own instruments: its client, its counts, its verdicts."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import mercantile
import pytest
import rasterio
from rasterio.warp import transform_bounds

from benchmarks import client, goals, granule, limit, workloads
from benchmarks.figures import Figures, written
from benchmarks.server import Server, cpu_seconds, family
from benchmarks.workloads import Workload


@pytest.fixture
def port():
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            body = self.path.encode() * 3000
            if self.path.startswith("/nothing"):
                self.send_response(204)
                self.end_headers()
                return
            self.send_response(200)
            if self.path.startswith("/chunks"):
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for part in (body[:7], body[7:]):
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
                self.wfile.write(b"0\r\n\r\n")
            else:
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("clients", [1, 5])
@pytest.mark.parametrize("kind", ["/length", "/chunks", "/nothing"])
def test_every_answer_is_whole(port, kind, clients):
    paths = [f"{kind}/{number}" for number in range(12)]
    answers = client.ask(port, paths, clients)
    assert sorted(answer.path for answer in answers) == sorted(paths)
    for answer in answers:
        assert answer.body == (b"" if kind == "/nothing" else answer.path.encode() * 3000)


def test_cpu_time_of_another_process():
    command = ["python3", "-c", "import time\nwhile time.process_time() < 0.5: pass\ntime.sleep(60)"]
    server = Server(command, 1, {})
    try:
        while cpu_seconds(server.process.pid) < 0.5:
            pass
        server.settle()
        assert 0.5 <= server.seconds() < 1
        assert family(server.process.pid) == [server.process.pid]
    finally:
        server.__exit__(None, None, None)


def test_blocks_of_the_native_level(tmp_path):
    folder = granule.write(tmp_path, 1024, 256)
    tiles = list(workloads.within(1024, 14))[:4]
    needed = set()
    with rasterio.open(folder / "B04.tif") as dataset:
        for tile in tiles:
            window = dataset.window(*transform_bounds("EPSG:3857", granule.CRS, *mercantile.xy_bounds(tile)))
            (top, bottom), (left, right) = window.toranges()
            needed |= {
                (row // 256, column // 256)
                for row in range(int(top), int(bottom) + 1)
                for column in range(int(left), int(right) + 1)
            }
    counted = limit.blocks(folder / "B04.tif", tiles, 256, 3)
    assert counted.once * len(tiles) == 3 * len(needed)
    assert counted.rows <= counted.each


def test_a_walk_asks_nothing_twice():
    tiles = Workload(name="", zoom=14, count=200, pan=True).tiles(granule.FULL)
    assert len(tiles) == len(set(tiles)) == 200
    assert set(tiles) <= set(workloads.within(granule.FULL, 14))


def test_verdicts():
    rows = goals.table({"titiler random, CPU": 12, "start ours, a catalog": 3, "limit: x": 1.4}).rows
    verdicts = {str(row[0]): row[-1] for row in rows}
    assert verdicts["RGB 256 z14 random, no cache: CPU"] == "met"
    assert verdicts["process start to first tile"] == "not met, 2x away"
    assert verdicts["x"] == "met"
    assert verdicts["catalog look-up of a tile, worst kind"] == "not measured"


def test_figures_are_kept(tmp_path):
    figures = Figures("one", "One", 512)
    figures.table("T", "a", "b").add("x", 0.123456)
    figures.measured["k"] = 2.0
    figures.keep(tmp_path, 3)
    again = Figures.kept(tmp_path / "one.json")
    assert again.measured == {"k": 2.0}
    assert "| x | 0.12 |" in again.tables[0].markdown()
    assert [written(value) for value in (None, 123.4, 12.34, 1.234, 0.01234)] == ["–", "123", "12.3", "1.23", "0.012"]
