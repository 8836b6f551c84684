"""WMTS tiles against the ramp, computed from the document alone as a client does; every spelling of time; values."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from pyproj import Transformer

from tests.ramp import BLUE, DATES, POINTS, color
from tests.standards.wmts import INFO, NS, TILE, exception, layer, pixel
from tileserver.api import published


@pytest.mark.parametrize(
    "matrix_set",
    [
        "WebMercatorQuad",
        "WorldCRS84Quad",
        "WGS1984Quad",
        "EPSG5514",
        "EPSG25833",
        "EPSG25832",
        "EuropeanETRS89_LAEAQuad",
    ],
)
@pytest.mark.parametrize("date", DATES)
def test_every_announced_tile_shows_its_place_and_date(client, root, matrix_set, date):
    """All from the document alone: limits, corner, scale and template, as a client computes them."""
    one = root.xpath(f"w:Contents/w:TileMatrixSet[o:Identifier='{matrix_set}']", namespaces=NS)[0]
    link = layer(root, "ramp").xpath(f"w:TileMatrixSetLink[w:TileMatrixSet='{matrix_set}']", namespaces=NS)[0]
    limits = link.xpath(".//w:TileMatrixLimits", namespaces=NS)[-3]
    matrix = one.xpath(f"w:TileMatrix[o:Identifier='{limits[0].text}']", namespaces=NS)[0]
    code = one.findtext("o:SupportedCRS", None, NS)
    crs = "EPSG:4326" if code.endswith("CRS84") else code.replace("urn:ogc:def:crs:", "").replace("::", ":")
    corner = [float(v) for v in matrix.findtext("w:TopLeftCorner", None, NS).split()]
    left, top = corner[::-1] if crs in {"EPSG:4326", "EPSG:3035"} and not code.endswith("CRS84") else corner
    unit = 111319.49079327358 if crs == "EPSG:4326" else 1
    span = float(matrix.findtext("w:ScaleDenominator", None, NS)) * 0.00028 / unit * 256
    template = layer(root, "ramp").xpath("w:ResourceURL[@format='image/png']/@template", namespaces=NS)[0]
    to = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    for lon, lat in POINTS:
        x, y = to.transform(lon, lat)
        col, row = int((x - left) // span), int((top - y) // span)
        address = template.format(
            Style="rgb", Time=date, TileMatrixSet=matrix_set, TileMatrix=limits[0].text, TileRow=row, TileCol=col
        )
        response = client.get(address)
        assert response.status_code == 200
        assert response.headers["content-type"] == "image/png"
        bounds = (left + col * span, top - (row + 1) * span, left + (col + 1) * span, top - row * span)
        found = pixel(response.content, lon, lat, bounds, crs)
        assert found[3] == 255
        assert np.abs(np.subtract(found[:3], color(lon, lat, date))).max() <= 4, (lon, lat, found)


@pytest.mark.parametrize(
    ("time", "blue"),
    [
        ("2024-05-11", BLUE["2024-05-11"]), ("2024-05-11T00:00:00Z", BLUE["2024-05-11"]),
        ("2024-05-11T00:00:00.000Z", BLUE["2024-05-11"]), ("20240511", BLUE["2024-05-11"]),
        ("2024-05-11T10:04:09Z", BLUE["2024-05-11"]), ("2024-05-11T10:04:09.024Z", BLUE["2024-05-11"]),
        ("default", BLUE["2024-05-21"]), ("current", BLUE["2024-05-21"]), ("", BLUE["2024-05-21"]),
        ("{Time}", BLUE["2024-05-21"]), ("2024-05-01/2024-05-12", BLUE["2024-05-11"]), ("2024", BLUE["2024-05-21"]),
        ("2024-05-12", None), ("2024-05-12T00:00:00Z", None), ("2030-01-01", None), ("2024-05-11T11:00:00Z", None),
    ],
)  # fmt: skip
def test_spellings_of_time(client, time, blue):
    response = client.get("/wmts", params={**TILE, "Time": time})
    assert response.status_code == 200
    image = Image.open(io.BytesIO(response.content)).convert("RGBA")
    found = image.getpixel((128, 128))
    assert (found[3] == 0 and response.headers["x-tile-empty"] == "1") if blue is None else abs(found[2] - blue) <= 2
    quoted = time.replace("{", "%7B").replace("}", "%7D").replace("/", "--") or "default"
    by_path = client.get(f"/wmts/1.0.0/ramp/rgb/{quoted}/WebMercatorQuad/9/173/276.png")
    assert by_path.content == response.content


@pytest.mark.parametrize(
    ("time", "blue"),
    [("2024-05-12", BLUE["2024-05-11"]), ("2024-05-12T00:00:00Z", BLUE["2024-05-11"]), ("2024-05-20", BLUE["2024-05-11"]),
     ("2024-05-22", BLUE["2024-05-21"]), ("2030-01-01", None)],
)  # fmt: skip
def test_the_nearest_layer_snaps_within_the_tolerance(client, time, blue):
    response = client.get("/wmts", params={**TILE, "layer": "ramp-nearest", "Time": time})
    found = Image.open(io.BytesIO(response.content)).convert("RGBA").getpixel((128, 128))
    assert found[3] == 0 if blue is None else abs(found[2] - blue) <= 2


def test_two_images_a_day_are_told_apart(client):
    def blue(time):
        response = client.get("/wmts", params={**TILE, "layer": "passes", "Time": time})
        return Image.open(io.BytesIO(response.content)).convert("RGBA").getpixel((128, 128))[2]

    assert abs(blue("2024-05-21T09:30:00Z") - BLUE["2024-05-01"]) <= 2
    assert abs(blue("2024-05-21T12:00:00Z") - BLUE["2024-05-21"]) <= 2
    assert abs(blue("2024-05-21") - BLUE["2024-05-21"]) <= 2
    assert Image.open(
        io.BytesIO(client.get("/wmts", params={**TILE, "layer": "passes", "Time": "2024-05-21T00:00:00Z"}).content)
    ).convert("RGBA").getextrema()[3] == (0, 0)


def test_an_ordinary_tile_does_not_read_all_times(client, monkeypatch):
    def never(collection_id):
        raise AssertionError("all times were read")

    monkeypatch.setattr(client.parts.catalog, "moments", never)
    published._dimensions.clear()
    assert client.get("/wmts", params=TILE).status_code == 200
    assert (
        client.get("/wmts", params={**TILE, "layer": "ramp-nearest", "Time": "2024-05-12T00:00:00Z"}).status_code == 200
    )


def test_a_layer_without_time_takes_any(client):
    for time in ("default", "2024-05-12", "1999"):
        response = client.get(f"/wmts/1.0.0/static/rgb/{time}/WebMercatorQuad/9/173/276.png")
        assert response.status_code == 200
        assert "x-tile-empty" not in response.headers
    del (asked := dict(TILE))["Time"]
    assert client.get("/wmts", params={**asked, "layer": "static"}).status_code == 200


@pytest.mark.parametrize(("media", "kind"), [("image/png", "PNG"), ("image/jpeg", "JPEG"), ("image/webp", "WEBP")])
def test_formats(client, media, kind):
    response = client.get("/wmts", params={**TILE, "format": media})
    image = Image.open(io.BytesIO(response.content))
    assert (response.headers["content-type"], image.format, image.size) == (media, kind, (256, 256))
    assert client.get("/wmts", params={**TILE, "style": ""}).status_code == 200


def test_feature_info(client):
    answer = client.get("/wmts", params=INFO)
    assert answer.headers["content-type"] == "application/json"
    one = answer.json()["features"][0]
    lon, lat = one["geometry"]["coordinates"]
    found = [one["properties"][f"b{i}"] for i in (1, 2, 3)]
    assert np.abs(np.subtract(found, color(lon, lat, "2024-05-11"))).max() <= 1
    point = client.get("/collections/ramp/point", params={"lon": lon, "lat": lat, "datetime": "2024-05-11"}).json()
    assert {key: one["properties"][key] for key in point["assets"]} == point["assets"]
    by_path = client.get("/wmts/1.0.0/ramp/rgb/2024-05-11/WebMercatorQuad/9/173/276/120/100.json")
    assert by_path.json() == answer.json()
    html = client.get("/wmts", params={**INFO, "InfoFormat": "text/html"})
    assert html.headers["content-type"].startswith("text/html")
    assert "<th>b1</th>" in html.text
    plain = client.get("/wmts", params={**INFO, "InfoFormat": "text/plain"})
    assert plain.headers["content-type"].startswith("text/plain")
    assert "b1 = " in plain.text


@pytest.mark.parametrize(
    ("name", "value"),
    [("I", "256"), ("J", "-1"), ("I", "x"), ("InfoFormat", "text/bogus"), ("layer", "no"), ("Time", "no")],
)
def test_wrong_feature_info(client, name, value):
    assert exception(client.get("/wmts", params={**INFO, name: value})) == ("InvalidParameterValue", name)


def test_cors_exactly_once_on_errors_too(client):
    for path in (
        "/wmts?service=WMTS&request=GetCapabilities",
        "/wmts",
        "/wmts/1.0.0/x/y/z/a/1/2/3.png",
        "/wms",
        "/stac/nope",
    ):
        assert client.get(path).headers.get_list("access-control-allow-origin") == ["*"]
