"""OpenLayers, Leaflet and MapLibre in a real Chromium, on a page of another origin: right place, right date, no complaint."""

from __future__ import annotations

import functools
import http.server
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Error, sync_playwright

from tests.live import ROOT
from tests.ramp import DATES, POINTS, color

WEB = Path(__file__).with_name("web")
EXTENT = [14.1, 49.6, 14.9, 50.4]
pytestmark = [pytest.mark.client, pytest.mark.browser]


@pytest.fixture(scope="module")
def pages() -> Iterator[str]:
    """The address of the test pages, which is not that of the server."""
    if not (WEB / "node_modules" / "maplibre-gl" / "dist").is_dir():
        install = [
            "sh",
            str(ROOT / "scripts" / "npm"),
            "--prefix",
            str(WEB),
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
        ]
        done = subprocess.run(install, capture_output=True, text=True, timeout=280, check=False)
        if done.returncode:
            pytest.skip(f"npm could not install OpenLayers, Leaflet and MapLibre: {done.stderr[-300:]}")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=str(WEB))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = next(
        (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
    )
    arguments = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]
    with sync_playwright() as playwright:
        try:
            found = playwright.chromium.launch(executable_path=program, args=arguments)
        except Error as error:
            pytest.skip(f"no Chromium: apt-get install --no-install-recommends chromium ({str(error).splitlines()[0]})")
        yield found
        found.close()


@pytest.fixture
def draw(browser, pages):
    """Draws in a page of a library; nothing may fail or be complained about."""

    def run(library: str, **task):
        page = browser.new_page(viewport={"width": 400, "height": 400})
        trouble: list[str] = []
        page.on("console", lambda message: trouble.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on(
            "response", lambda answer: trouble.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None
        )
        page.goto(f"{pages}/{library}.html")
        answer = page.evaluate("task => window.draw(task)", {"points": POINTS, "extent": EXTENT, **task})
        page.close()
        assert trouble == []
        assert answer["errors"] == 0
        return answer

    return run


def assert_right(colors, date, tolerance=8):
    for place, found in zip(POINTS, colors, strict=True):
        assert found[3] == 255, (place, found)
        assert np.abs(np.subtract(found[:3], color(*place, date))).max() <= tolerance, (place, found)


@pytest.mark.parametrize("matrix_set", ["WebMercatorQuad", "WGS1984Quad", "WorldCRS84Quad", "EPSG5514", "EPSG25833"])
@pytest.mark.parametrize(
    "address", ["/wmts?SERVICE=WMTS&REQUEST=GetCapabilities", "/collections/ramp/wmts/1.0.0/WMTSCapabilities.xml"]
)
def test_openlayers_wmts_through_time(base, draw, matrix_set, address):
    answer = draw(
        "openlayers", capabilities=base + address, layer="ramp", matrixSet=matrix_set, style="rgb", times=["", *DATES]
    )
    assert_right(answer["colors"][0], DATES[-1])
    for colors, date in zip(answer["colors"][1:], DATES, strict=True):
        assert_right(colors, date)
    assert answer["dimensions"] == {"Time": DATES[-1]}


def test_openlayers_wmts_without_time(base, draw):
    address = f"{base}/wmts/1.0.0/WMTSCapabilities.xml"
    answer = draw(
        "openlayers", capabilities=address, layer="static", matrixSet="WebMercatorQuad", style="rgb", times=[""]
    )
    assert_right(answer["colors"][0], DATES[-1])


@pytest.mark.parametrize("date", DATES)
def test_leaflet_tiles(base, draw, date):
    answer = draw("leaflet", tiles=f"{base}/xyz/ramp/rgb/{date}/{{z}}/{{x}}/{{y}}.png", options={"maxZoom": 14})
    assert_right(answer["colors"], date)


@pytest.mark.parametrize("version", ["1.1.1", "1.3.0"])
def test_leaflet_wms(base, draw, version):
    options = {
        "layers": "ramp",
        "styles": "rgb",
        "format": "image/png",
        "transparent": True,
        "version": version,
        "time": DATES[0],
    }
    assert_right(draw("leaflet", wms=f"{base}/wms?", options=options)["colors"], DATES[0])


def test_leaflet_beyond_the_data_is_quiet(base, draw):
    """Nobody announces limits for XYZ: what is empty is an empty picture, not an error."""
    answer = draw(
        "leaflet",
        tiles=f"{base}/xyz/ramp/rgb/{DATES[0]}/{{z}}/{{x}}/{{y}}.png",
        options={"maxZoom": 14},
        extent=[5, 40, 25, 60],
    )
    assert answer["errors"] == 0


@pytest.mark.parametrize("date", DATES)
def test_maplibre_by_tilejson(base, draw, date):
    answer = draw(
        "maplibre", tilejson=f"{base}/collections/ramp/styles/rgb/WebMercatorQuad/tilejson.json?datetime={date}&f=png"
    )
    assert_right(answer["colors"], date)
    assert "© Tests" in answer["credit"]
