"""OGC API Tiles, TileJSON and tile matrix sets, as ETS and clients look at them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tests.ramp import DATES, color

REL = "http://www.opengis.net/def/rel/ogc/1.0"


def links(document, rel):
    return [link for link in document["links"] if link["rel"] == rel]


def test_the_way_from_the_landing_page_to_a_tile(client):
    landing = client.get("/?f=json").json()
    assert any("ogcapi-tiles-1/1.0/conf/core" in name for name in client.get("/conformance").json()["conformsTo"])
    sets = client.get(links(landing, f"{REL}/tiling-schemes")[0]["href"]).json()["tileMatrixSets"]
    assert {"WebMercatorQuad", "EPSG5514"} <= {one["id"] for one in sets}
    collection = client.get(links(landing, "data")[0]["href"]).json()["collections"][0]
    href = links(collection, f"{REL}/tilesets-map")[0]["href"]
    assert "/tiles" in href
    assert "f=json" in href
    tilesets = client.get(href).json()
    assert links(tilesets, "self")[0]["type"] == "application/json"
    for one in tilesets["tilesets"]:
        assert one["tileMatrixSetURI"]
        assert one["crs"].startswith("http://www.opengis.net/def/crs/")
        full = client.get(links(one, "self")[0]["href"]).json()
        definition = client.get(links(full, f"{REL}/tiling-scheme")[0]["href"]).json()
        known = {matrix["id"] for matrix in definition["tileMatrices"]}
        limit = full["tileMatrixSetLimits"][-1]
        assert limit["tileMatrix"] in known
        template = links(full, "item")[0]["href"]
        address = template.format(
            tileMatrix=limit["tileMatrix"], tileRow=limit["minTileRow"], tileCol=limit["maxTileCol"]
        )
        tile = client.get(address)
        assert tile.status_code == 200
        assert tile.headers["content-type"] == "image/png"


def test_the_landing_page_leads_to_the_other_services(client):
    landing = client.get("/?f=json").json()
    for one in links(landing, "service-meta"):
        answer = client.get(one["href"])
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(one["type"])
    assert {one["title"] for one in links(landing, "service-meta")} == {"WMTS", "WMS"}


def test_rows_before_columns_and_the_time(client):
    for date in DATES:
        response = client.get(f"/collections/ramp/styles/rgb/map/tiles/WebMercatorQuad/9/173/276?datetime={date}&f=png")
        assert response.headers["x-tile-datetime"].startswith(date)
        found = Image.open(io.BytesIO(response.content)).convert("RGB").getpixel((128, 128))
        lon = (276.5 / 2**9) * 360 - 180
        lat = np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * 173.5 / 2**9))))
        assert np.abs(np.subtract(found, color(lon, lat, date))).max() <= 4


@pytest.mark.parametrize(
    ("query", "accept", "media"),
    [("?f=png", "", "image/png"), ("?f=jpg", "", "image/jpeg"), ("?f=image/webp", "", "image/webp"), (".jpg", "", "image/jpeg"),
     ("", "image/webp", "image/webp"), ("", "*/*", "image/jpeg"), ("", "image/avif,image/webp,*/*;q=0.8", "image/jpeg")],
)  # fmt: skip
def test_formats(client, query, accept, media):
    path = f"/collections/ramp/map/tiles/WebMercatorQuad/11/693/1106{query}"
    assert client.get(path, headers={"Accept": accept}).headers["content-type"] == media


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("WebMercatorQuad/2147483647/2147483647/2147483647", 404), ("WebMercatorQuad/3/8/0", 404), ("WebMercatorQuad/3/0/-1", 404),
        ("WebMercatorQuad/x/0/0", 400), ("WebMercatorQuad/3/0/0?f=gif", 400), ("WebMercatorQuad/3/0/0?datetime=x", 400),
        ("WebMercatorQuad/3/0/0?strict=perhaps", 400), ("Nope/0/0/0", 404), ("Nope", 404), ("WebMercatorQuad/99/0/0", 404),
        ("WebMercatorQuad/3/0/0", 200), ("WebMercatorQuad?datetime=x", 400),
    ],
)  # fmt: skip
def test_what_is_wrong(client, path, status):
    response = client.get(f"/collections/ramp/styles/rgb/map/tiles/{path}")
    assert response.status_code == status
    if status >= 400:
        assert set(response.json()) == {"code", "detail"}


def test_equal_tiles_of_xyz_and_ogc_are_the_same_bytes(client):
    one = client.get("/xyz/ramp/rgb/2024-05-11/9/276/173.png")
    other = client.get("/collections/ramp/styles/rgb/map/tiles/WebMercatorQuad/9/173/276?datetime=2024-05-11&f=png")
    assert one.content == other.content
    assert one.headers["etag"] == other.headers["etag"]


@pytest.mark.parametrize("tms", ["WebMercatorQuad", "WorldCRS84Quad", "EPSG:5514"])
def test_tilejson(client, tms):
    document = client.get(f"/collections/ramp/styles/rgb/{tms}/tilejson.json?datetime=2024-05-11").json()
    assert document["tilejson"] == "3.0.0"
    assert document["attribution"] == "© Tests"
    assert document["bounds"] == [14.0, 49.5, 15.0, 50.5]
    assert 0 <= document["minzoom"] <= document["maxzoom"] <= 24
    assert client.get(document["legend"]).status_code == 200
    if tms == "WebMercatorQuad":
        tile = client.get(document["tiles"][0].format(z=9, x=276, y=173))
        assert tile.headers["x-tile-datetime"].startswith("2024-05-11")


def test_wrong_tilejson(client):
    for path, status in (
        ("nope/styles/rgb/WebMercatorQuad", 404), ("ramp/styles/nope/WebMercatorQuad", 404), ("ramp/styles/rgb/Nope", 404),
    ):  # fmt: skip
        assert client.get(f"/collections/{path}/tilejson.json").status_code == status
    assert client.get("/collections/ramp/styles/rgb/WebMercatorQuad/tilejson.json?datetime=x").status_code == 400
    assert client.get("/collections/ramp/styles/rgb/WebMercatorQuad/tilejson.json?f=x").status_code == 400


def test_time_intervals_in_tilejson_survive_the_path(client):
    document = client.get(
        "/collections/ramp/styles/rgb/WebMercatorQuad/tilejson.json?datetime=2024-05-01/2024-05-12"
    ).json()
    tile = client.get(document["tiles"][0].format(z=9, x=276, y=173))
    assert tile.status_code == 200
    assert "2024-05-11" in tile.headers["x-tile-datetime"]
