"""Section 3 from the outside: statuses, error bodies and headers of every URL."""

from __future__ import annotations

import re

import pytest

from tests.acceptance.contract_archive import PLACE

LON, LAT = PLACE
TILE = "/xyz/nested/ndvi/2023-08-10/12/2219/1441.png"
CUSTOM = "/xyz/nested/custom/2023-08-10/12/2219/1441.png"
HERE = "bbox=15.01,46.91,15.05,46.94"
POINT = f"/collections/nested/point?lon={LON}&lat={LAT}"
SERIES = f"/collections/nested/timeseries?lon={LON}&lat={LAT}"
MAP = f"/collections/nested/styles/ndvi/map?{HERE}"

INVALID = {
    f"{TILE}?reducer=bogus": "reducer",
    f"{TILE}?strict=maybe": "strict",
    f"{TILE}?unscale=maybe": "unscale",
    TILE.replace("2023-08-10", "yesterday"): "time",
    TILE.replace("2023-08-10", "2023-02-30"): "time",
    TILE.replace("2023-08-10", "2023-08-11--2023-08-10"): "time",
    TILE.replace(".png", ".gif"): "format",
    TILE.replace(".png", "@3x.png"): "scale",
    TILE.replace("/12/", "/twelve/"): "z",
    f"{CUSTOM}?assets=B99": "assets",
    f"{CUSTOM}?assets=B04,B08": "assets",
    f"{CUSTOM}?assets=B04&bidx=no": "bidx",
    f"{CUSTOM}?assets=B04&rescale=5": "rescale",
    f"{CUSTOM}?assets=B04&rescale=9,1": "rescale",
    f"{CUSTOM}?assets=B04&rescale=nan,1": "rescale",
    f"{CUSTOM}?assets=B04&colormap_name=nope": "colormap_name",
    f"{CUSTOM}?assets=B04&color_formula=nope": "color_formula",
    f"{CUSTOM}?assets=B04&resampling=nope": "resampling",
    f"{CUSTOM}?assets=B04&nodata=nope": "nodata",
    f"{CUSTOM}?expression=__import__('os')": "expression",
    f"{CUSTOM}?expression=B04.real": "expression",
    f"{CUSTOM}?expression={'(' * 999}B04": "expression",
    f"{CUSTOM}?expression=B99*2": "expression",
    f"{POINT}&datetime=nope": "datetime",
    "/collections/nested/point?lon=200&lat=0": "lon",
    "/collections/nested/point?lon=0&lat=nan": "lat",
    "/collections/nested/point?lat=0": "lon",
    f"{SERIES}&expression=B99": "expression",
    f"{SERIES}&mask=nope": "mask",
    f"{SERIES}&group=nope": "group",
    f"{SERIES}&f=nope": "f",
    f"{SERIES}&datetime=nope": "datetime",
    f"{SERIES}&unscale=nope": "unscale",
    f"{MAP}&width=-1": "width",
    f"{MAP}&height=x": "height",
    f"{MAP}&f=bmp": "f",
    f"{MAP}&crs=EPSG:99999": "crs",
    f"{MAP}&bbox-crs=nope": "bbox-crs",
    "/collections/nested/styles/ndvi/map?bbox=1,2,3": "bbox",
    "/collections/nested/styles/ndvi/map?bbox=1,9,3,4": "bbox",
    f"/collections/nested/coverage?{HERE}&properties=B99": "properties",
    f"/collections/nested/coverage?{HERE}&f=png": "f",
    f"/collections/nested/coverage?{HERE}&expression=B04%2B": "expression",
    "/collections/nested/dates?bbox=1,2": "bbox",
    "/collections/nested/dates?datetime=nope": "datetime",
    "/collections/nested/styles/ndvi/WebMercatorQuad/tilejson.json?datetime=nope": "datetime",
    "/collections/nested/styles/ndvi/map/tiles/WebMercatorQuad/12/1441/2219?f=bmp": "f",
    "/collections/nested/styles/ndvi/map/tiles/WebMercatorQuad/12/1441/2219?datetime=nope": "datetime",
    "/stac/search?limit=0": "limit",
    "/stac/search?bbox=1,2": "bbox",
    "/stac/search?datetime=nope": "datetime",
}

MISSING = [
    "/nothing/here",
    "/collections/nope",
    "/collections/nope/dates",
    "/collections/nope/point?lon=1&lat=1",
    "/collections/nope/timeseries?lon=1&lat=1",
    "/collections/nope/coverage",
    "/collections/nope/qgis.qlr",
    "/collections/nested/styles/nope/map",
    "/collections/nested/styles/nope/legend.svg",
    "/collections/nested/styles/nope/WebMercatorQuad/tilejson.json",
    "/collections/nested/styles/ndvi/nope/tilejson.json",
    "/collections/nested/styles/ndvi/map/tiles/nope",
    "/collections/nested/styles/ndvi/map/tiles/WebMercatorQuad/12/9999/2219",
    "/collections/nested/items/nope/assets/B04",
    "/collections/nested/items/2023_08_10/assets/nope",
    "/xyz/nope/ndvi/latest/1/1/1.png",
    "/xyz/nested/nope/latest/1/1/1.png",
    "/xyz/nested/ndvi/latest/0/1/0.png",
    "/xyz/nested/ndvi/latest/0/0/-1.png",
    "/xyz/nested/ndvi/latest/25/0/0.png",
    "/tileMatrixSets/nope",
    "/stac/collections/nested/items/nope",
    "/jobs/nope",
    "/timelapses/nope.mp4",
]


def plain_words(text: str) -> bool:
    """Nothing of the inside: no traceback, no path of a disk."""
    return not re.search(r"Traceback|File \"|/tmp/|/usr/|/home/|\.py\b", text)


@pytest.mark.parametrize("url", INVALID)
def test_bad_input_is_named(odd, url):
    response = odd.get(url)
    body = response.json()
    assert (response.status_code, body["code"]) == (400, "InvalidParameter")
    assert f"'{INVALID[url]}'" in body["detail"]
    assert "Allowed: " in body["detail"]
    assert plain_words(body["detail"])


@pytest.mark.parametrize("url", MISSING)
def test_what_is_not_there_is_404(odd, url):
    response = odd.get(url)
    assert (response.status_code, response.json()["code"]) == (404, "NotFound")
    assert plain_words(response.json()["detail"])


@pytest.mark.parametrize(
    "body", [b"", b"nothing", b"[]", b"{}", b'{"type":"Point"}', b'{"type":"LineString","coordinates":[[1,1],[2,2]]}']
)
def test_bodies_that_are_no_area(odd, body):
    response = odd.post("/collections/nested/timeseries?expression=B04", content=body)
    assert (response.status_code, response.json()["code"]) == (400, "InvalidParameter")


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"collection":"nested"}'])
def test_time_lapses_of_nothing(odd, body):
    response = odd.post("/timelapses", content=body, headers={"Content-Type": "application/json"})
    assert (response.status_code, response.json()["code"]) == (400, "InvalidParameter")


def test_too_large_says_the_limit(odd):
    response = odd.get(f"{MAP}&width=900000&height=900000")
    assert (response.status_code, response.json()["code"]) == (413, "TooLarge")
    assert "25000000" in response.json()["detail"]


@pytest.mark.parametrize("url", [TILE, "/collections", "/collections/nope", f"{TILE}?strict=x", "/api", "/healthz"])
def test_cors_once_and_our_headers_exposed(odd, url):
    headers = odd.get(url, headers={"Origin": "https://example.org"}).headers
    assert headers.get_list("access-control-allow-origin") == ["*"]
    exposed = headers["access-control-expose-headers"].replace(" ", "").lower().split(",")
    assert {"etag", "server-timing", "x-tile-datetime", "x-tile-empty", "retry-after"} <= set(exposed)


@pytest.mark.parametrize("url", ["/", "/collections", TILE, MAP, "/collections/nested/qgis.qlr", "/collections/nope"])
def test_head_is_get_without_a_body(odd, url):
    got, head = odd.get(url), odd.head(url)
    assert head.status_code == got.status_code
    assert head.content == b""
    assert head.headers["content-type"] == got.headers["content-type"]


def test_a_tile_says_what_it_is(odd):
    response = odd.get(TILE)
    assert response.headers["X-Tile-Datetime"] == "2023-08-10T00:00:00Z"
    assert "immutable" in response.headers["Cache-Control"]
    fresh = odd.get("/xyz/nested/ndvi/2023-08-11/12/2219/1441.webp").headers["Server-Timing"]
    assert {part.split(";")[0].strip() for part in fresh.split(",")} >= {"catalog", "read", "warp", "encode"}
    again = odd.get(TILE, headers={"If-None-Match": response.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == response.headers["ETag"]
    assert odd.get(TILE, headers={"If-None-Match": '"other"'}).status_code == 200
    latest = odd.get(TILE.replace("2023-08-10", "latest"))
    assert int(re.search(r"max-age=(\d+)", latest.headers["Cache-Control"])[1]) < 60
    assert latest.headers["X-Tile-Datetime"] == "2023-08-11T00:00:00Z"


def test_times_snap_back_within_the_tolerance_only(odd):
    def shown(time: str, query: str = "") -> str | None:
        return odd.get(TILE.replace("2023-08-10", time) + query).headers.get("X-Tile-Datetime")

    assert shown("2023-08-20") == "2023-08-11T00:00:00Z"
    assert shown("2023-08-20", "?strict=true") is None
    assert shown("2023-08-09") is None, "never forward"
    assert shown("2023-09-20") is None, "beyond 10 days"
    assert shown("..--2023-08-10") == "2023-08-10T00:00:00Z"
    assert shown("2023-08") == "2023-08-10T00:00:00Z/2023-08-11T00:00:00Z"
    point = odd.get(f"{POINT}&datetime=2023-08-20").json()
    assert point["datetime"] == "2023-08-11T00:00:00Z"
    assert odd.get(f"{POINT}&datetime=2023-08-20&strict=true").json()["item"] is None
    assert odd.get(f"{SERIES}&expression=B04&datetime=2023-08-20").json()["value"] == []


def test_outside_everything(odd):
    body = odd.get("/collections/nested/point?lon=-100&lat=40&style=ndvi").json()
    assert (body["item"], body["datetime"], body["valid"], body["style"]["value"]) == (None, None, False, None)


def test_metrics_have_the_promised_names(odd):
    odd.get(TILE)
    text = odd.get("/metrics").text
    for name in (
        "tileserver_requests_total", "tileserver_renders_total", "tileserver_stage_seconds",
        "tileserver_cache_hits_total", "tileserver_device_fallbacks_total",
    ):  # fmt: skip
        assert f"# TYPE {name} " in text


def test_wmts_and_wms_answer_in_their_own_words(odd):
    tile = (
        "/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER=nested&STYLE=ndvi&FORMAT=image/png"
        "&TILEMATRIXSET=WebMercatorQuad&TILEMATRIX=12&TILEROW=1441&TILECOL=2219"
    )
    assert odd.get(tile).headers["content-type"] == "image/png"
    names = {part.split("=")[0]: part.split("=")[0].title() for part in tile.partition("?")[2].split("&")}
    mixed = tile
    for name, other in names.items():
        mixed = mixed.replace(f"{name}=", f"{other}=")
    assert odd.get(mixed).content == odd.get(tile).content
    for url, code, locator in (
        (f"{tile}&TIME=BOGUS", "InvalidParameterValue", "Time"),
        (tile.replace("&TILEROW=1441", ""), "MissingParameterValue", "TileRow"),
        (tile.replace("TILEROW=1441", "TILEROW=3"), "TileOutOfRange", "TileRow"),
        (tile.replace("LAYER=nested", "LAYER=NESTED"), "InvalidParameterValue", "layer"),
    ):
        answer = odd.get(url)
        assert answer.status_code == 400, url
        assert f'exceptionCode="{code}"' in answer.text
        assert f'locator="{locator}"' in answer.text
    assert odd.get(f"{tile}&TIME=2023-08-15").headers["X-Tile-Empty"] == "1"
    near = odd.get(tile.replace("LAYER=nested", "LAYER=nested-nearest") + "&TIME=2023-08-15")
    assert near.headers["X-Tile-Datetime"] == "2023-08-11T00:00:00Z"
    wms = odd.get("/wms?service=WMS&version=1.3.0&request=GetMap&layers=nope&styles=&crs=CRS:84&bbox=1,2,3,4")
    assert wms.status_code == 400
    assert "ServiceException" in wms.text
