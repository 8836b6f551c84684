"""A real QGIS opens WMTS, WMS, XYZ and the layer definition, draws the right place and date, and identifies."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.request
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest

from tests.ramp import DATES, POINTS, color

PYTHON = "/usr/bin/python3"
EXTENT = [14.1, 49.6, 14.9, 50.4]
SETS = {"WebMercatorQuad": "EPSG:3857", "WorldCRS84Quad": "OGC:CRS84", "WGS1984Quad": "EPSG:4326", "EPSG5514": "EPSG:5514",
        "EPSG25833": "EPSG:25833", "EuropeanETRS89_LAEAQuad": "EPSG:3035"}  # fmt: skip
pytestmark = pytest.mark.client


def uri(**parameters: str) -> str:
    return "&".join(f"{name}={quote(value, safe=':/,')}" for name, value in parameters.items())


def wmts(base: str, layer: str, matrix_set: str, address: str, time: str = "") -> str:
    dimension = {"tileDimensions": f"Time={time}"} if time else {}
    return uri(
        contextualWMSLegend="0", dpiMode="7", format="image/png", crs=SETS[matrix_set], layers=layer, styles="rgb",
        tileMatrixSet=matrix_set, url=f"{base}{address}".replace("&", "%26"), **dimension,
    ).replace("%2526", "%26")  # fmt: skip


@pytest.fixture(scope="module")
def ask():
    """Answers of QGIS to tasks."""
    here = shutil.which(PYTHON) and subprocess.run([PYTHON, "-c", "import qgis.core"], capture_output=True, check=False)
    if not here or here.returncode:
        pytest.skip("no PyQGIS: apt-get install --no-install-recommends python3-qgis")

    def run(tasks: list[dict]) -> list[dict]:
        tasks = [{"extent": EXTENT, "points": POINTS} | task for task in tasks]
        script = str(Path(__file__).with_name("qgis_probe.py"))
        done = subprocess.run(
            [PYTHON, script], input=json.dumps(tasks), capture_output=True, text=True, timeout=150, check=False
        )
        lines = [line for line in done.stdout.splitlines() if line.startswith("ANSWERS")]
        assert lines, f"QGIS ended without an answer: {done.stderr[-2000:]}"
        return json.loads(lines[0].removeprefix("ANSWERS"))

    return run


def assert_drawn(answer: dict, date: str, *, tolerance: int = 8) -> None:
    assert answer["valid"], answer
    assert answer["problems"] == [], answer
    assert answer["statuses"] == [200], answer
    for place, found in zip(POINTS, answer["colors"], strict=True):
        assert found[3] == 255, (place, answer["requests"][:5])
        assert np.abs(np.subtract(found[:3], color(*place, date))).max() <= tolerance, (
            place,
            found,
            answer["requests"][:5],
        )


def test_wmts_in_every_tile_matrix_set(base, ask):
    document = "/wmts?SERVICE=WMTS&REQUEST=GetCapabilities"
    answers = ask([
        {"uri": wmts(base, "ramp", name, document, DATES[0]), "identify": [14.5, 50.0]} for name in SETS
    ])  # fmt: skip
    for crs, answer in zip(SETS.values(), answers, strict=True):
        assert_drawn(answer, DATES[0])
        assert answer["crs"] == crs
        assert answer["identified"]["item"] == f"ramp-{DATES[0]}", answer["identified"]
        assert abs(float(answer["identified"]["b1"]) - 128) <= 1
        assert float(answer["identified"]["b3"]) == 40


def test_wmts_by_its_document_s_address_and_for_one_collection(base, ask):
    answers = ask([
        {"uri": wmts(base, "ramp", "WebMercatorQuad", "/wmts/1.0.0/WMTSCapabilities.xml", DATES[1])},
        {"uri": wmts(base, "ramp-nearest", "WebMercatorQuad", "/collections/ramp/wmts/1.0.0/WMTSCapabilities.xml", "2024-05-13")},
        {"uri": wmts(base, "static", "WebMercatorQuad", "/wmts/1.0.0/WMTSCapabilities.xml")},
        {"uri": wmts(base, "ramp", "WebMercatorQuad", "/wmts/1.0.0/WMTSCapabilities.xml")},
    ])  # fmt: skip
    for answer, date in zip(answers, (DATES[1], DATES[1], DATES[2], DATES[2]), strict=True):
        assert_drawn(answer, date)


def test_a_date_without_an_image_is_drawn_empty_without_complaint(base, ask):
    answer = ask([{"uri": wmts(base, "ramp", "WebMercatorQuad", "/wmts/1.0.0/WMTSCapabilities.xml", "2024-05-12")}])[0]
    assert answer["problems"] == []
    assert answer["statuses"] == [200]
    assert {found[3] for found in answer["colors"]} == {0}


def test_wms_moves_with_the_temporal_controller(base, ask):
    def layer(crs: str) -> str:
        return uri(
            type="wmst", contextualWMSLegend="0", dpiMode="7", format="image/png", crs=crs, layers="ramp", styles="rgb",
            timeDimensionExtent=",".join(DATES), temporalSource="provider", allowTemporalUpdates="true", enableTime="no",
            url=f"{base}/wms?",
        )  # fmt: skip

    pairs = [(crs, date) for crs in ("EPSG:3857", "EPSG:4326", "EPSG:5514") for date in DATES[:2]]
    answers = ask([{"uri": layer(crs), "time": date, "identify": [14.5, 50.0]} for crs, date in pairs])
    for (_, date), answer in zip(pairs, answers, strict=True):
        assert answer["temporal"]
        assert_drawn(answer, date)
        assert answer["identified"]["valid"] in {"true", "True", "1"}, answer["identified"]


def test_xyz(base, ask):
    answer = ask(
        [{"uri": uri(type="xyz", zmin="0", zmax="11", url=f"{base}/xyz/ramp/rgb/{DATES[1]}/{{z}}/{{x}}/{{y}}.png")}]
    )[0]
    assert_drawn(answer, DATES[1])


def test_the_layer_definition_opens_with_layers_and_time_set(base, ask, tmp_path):
    file = tmp_path / "ramp.qlr"
    urllib.request.urlretrieve(f"{base}/collections/ramp/qgis.qlr", file)
    answer = ask([{"qlr": str(file), "time": DATES[0]}])[0]
    assert answer["names"] == ["Ramp", "Longitude (b1)", "Classes <&>"]
    assert answer["temporal"]
    assert answer["active"]
    assert_drawn(answer, DATES[0])
