"""Files behind HTTP: the same pixels, few requests, and clear errors."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from tests.cog.files import asset, band, pixels, write
from tests.cogs import write_cog
from tileserver.cog import open_cog
from tileserver.cog.source import RemoteFile
from tileserver.errors import SourceUnreadable
from tileserver.models import Asset, Grid
from tileserver.reading import FastReader


class Ranges(BaseHTTPRequestHandler):
    """Serves a folder with range requests, and counts them."""

    folder: Path
    asked: list[str]

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.folder / self.path.lstrip("/").split("?")[0]
        if not path.is_file():
            self.send_error(404)
            return
        data = path.read_bytes()
        wanted = self.headers.get("Range", f"bytes=0-{len(data) - 1}")
        self.asked.append(wanted)
        start, end = wanted.removeprefix("bytes=").split("-")
        last = min(int(end or len(data) - 1), len(data) - 1)
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {start}-{last}/{len(data)}")
        self.send_header("Content-Length", str(last + 1 - int(start)))
        self.send_header("ETag", f'"{path.stat().st_mtime_ns}"')
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data[int(start) : last + 1])

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    handler = type("Handler", (Ranges,), {"folder": tmp_path, "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def grid() -> Grid:
    return Grid(crs="EPSG:3857", bounds=(1_669_000, 5_925_000, 1_674_000, 5_930_000), width=128, height=128)


def test_the_same_pixels_as_from_disk(site: str, tmp_path: Path) -> None:
    path = write_cog(tmp_path / "a.tif", pixels("uint16", side=900)[0], nodata=0, scale=0.5)
    remote = Asset(key="data", href=f"{site}/a.tif", version="1")
    reader = FastReader()
    assert reader.explain(remote) == ""
    assert reader.header(remote) == reader.header(asset(path))
    far, near = (reader.sources([(each, band())], grid(), "nearest")[0] for each in (remote, asset(path)))
    assert far is not None
    assert near is not None
    np.testing.assert_array_equal(far.pixels, near.pixels)
    point = reader.point([(remote, band())], 15.001, 46.95)
    assert point == reader.point([(asset(path), band())], 15.001, 46.95)
    assert point[0] is not None


def test_neighbouring_blocks_are_one_request(site: str, tmp_path: Path) -> None:
    write(tmp_path / "a.tif", pixels("uint16"), compress="deflate")
    cog = open_cog(Asset(key="data", href=f"{site}/a.tif"))
    source = cog.levels[0].source
    assert isinstance(source, RemoteFile)
    before = source.requests
    assert len(list(cog.load([(key, 64) for key in cog.keys(0, 0, list(range(9)))]))) == 9
    assert source.requests - before <= 1


def test_what_is_not_there(site: str) -> None:
    with pytest.raises(SourceUnreadable, match="cannot be fetched"):
        FastReader().sources([(Asset(key="data", href=f"{site}/none.tif"), band())], grid(), "nearest")
    with pytest.raises(SourceUnreadable, match="cannot be fetched"):
        FastReader().header(Asset(key="data", href="http://127.0.0.1:9/none.tif"))


def test_a_file_of_strips_at_the_end_of_the_object(site: str, tmp_path: Path) -> None:
    """Headers that are not at the front are for GDAL, pixels come out all the same."""
    path = write(tmp_path / "a.tif", pixels("uint16", side=900), compress="none")
    remote = Asset(key="data", href=f"{site}/a.tif")
    far, near = (FastReader().sources([(each, band())], grid(), "nearest")[0] for each in (remote, asset(path)))
    assert far is not None
    assert near is not None
    np.testing.assert_array_equal(far.pixels, near.pixels)
