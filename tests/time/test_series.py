"""Series over HTTP against NumPy on the same files, and everything that can be odd about a date."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.parse import urlencode

import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.warp import transform
from starlette.testclient import TestClient

from tests.cogs import write_cog
from tests.time.archive import SCL, STYLES, app_of, item_of, moment, parts_of
from tests.time.test_polygon import exact
from tileserver.models import Collection
from tileserver.pipeline import in_order
from tileserver.polygon import projected

RNG = np.random.default_rng(5)
EAST = Affine(20.0, 0, 501_000.0, 0, -20.0, 5_200_000.0)
"""Half of the first file's width further."""


def scene(folder, name, *, transform=None, mask=True, gaps=True):
    """Bands of 100 x 100 pixels, nodata in the north-west, clouds in the south."""
    red = RNG.integers(200, 3000, (100, 100)).astype(np.uint16)
    infrared = RNG.integers(1500, 6000, (100, 100)).astype(np.uint16)
    if gaps:
        red[:20, :30] = infrared[:20, :30] = 0
    classes = np.full((100, 100), 4, np.uint8)
    classes[70:] = 9
    files = {
        "B04": write_cog(folder / f"{name}_B04.tif", red, nodata=0, scale=0.0001, offset=-0.1, transform=transform),
        "B08": write_cog(
            folder / f"{name}_B08.tif", infrared, nodata=0, scale=0.0001, offset=-0.1, transform=transform
        ),
    }
    if mask:
        files["SCL"] = write_cog(folder / f"{name}_SCL.tif", classes, nodata=0, transform=transform)
    return files


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    folder = tmp_path_factory.mktemp("series")
    parts = parts_of(folder, max_vertices=500)
    parts.catalog.put_collection(Collection(id="c", title="C", styles=STYLES, mask=SCL))
    broken = scene(folder, "broken")
    broken_item = item_of("c", "broken", "2021-05-09T10:00:00Z", broken)
    broken["B08"].write_bytes(broken["B08"].read_bytes()[:500])
    parts.catalog.put_items(
        [
            item_of("c", "a", "2021-05-01T10:00:00Z", scene(folder, "a")),
            item_of("c", "b", "2021-05-01T10:05:00.250Z", scene(folder, "b", transform=EAST, gaps=False)),
            broken_item,
            item_of("c", "nomask", "2021-05-11T10:00:00Z", scene(folder, "nomask", mask=False)),
            item_of("c", "undated", None, scene(folder, "undated")),
            item_of("c", "height", None, {"DEM": write_cog(folder / "dem.tif", np.ones((100, 100), np.float32))}),
        ]
    )
    with TestClient(app_of(parts)) as client:
        client.folder = folder
        yield client


def place(column, row):
    """Longitude and latitude of a pixel's centre in the first file's grid."""
    xs, ys = transform("EPSG:32633", "EPSG:4326", [500_000 + 20 * (column + 0.5)], [5_200_000 - 20 * (row + 0.5)])
    return xs[0], ys[0]


def point(client, column, row, **params):
    lon, lat = place(column, row)
    answer = client.get("/collections/c/timeseries", params={"lon": lon, "lat": lat, **params})
    assert answer.status_code == 200, answer.text
    return answer


def stored(archive, name, band):
    with rasterio.open(archive.folder / f"{name}_{band}.tif") as dataset:
        return dataset.read(1)


def ndvi(archive, name):
    red, infrared = (stored(archive, name, band).astype(float) * 0.0001 - 0.1 for band in ("B04", "B08"))
    with np.errstate(all="ignore"):
        return (infrared - red) / (infrared + red)


def test_point_rows(archive):
    found = point(archive, 60, 40, style="ndvi").json()
    assert found["item"] == ["a", "b", "broken", "nomask", "undated"]
    assert found["datetime"] == [
        "2021-05-01T10:00:00Z", "2021-05-01T10:05:00.250Z", "2021-05-09T10:00:00Z", "2021-05-11T10:00:00Z", None,
    ]  # fmt: skip
    assert found["valid"] == [True, True, False, True, True]
    assert found["masked"] == [False] * 5
    expected = [ndvi(archive, "a")[40, 60], ndvi(archive, "b")[40, 10], ndvi(archive, "nomask")[40, 60]]
    assert [found["value"][i] for i in (0, 1, 3)] == pytest.approx(expected, rel=1e-9)
    assert found["value"][2] is None
    assert [(error["item"], error["datetime"]) for error in found["errors"]] == [("broken", "2021-05-09T10:00:00Z")]
    assert "B08" in found["errors"][0]["detail"]
    assert str(archive.folder) not in json.dumps(found)


def test_nodata_and_clouds(archive):
    gap = point(archive, 5, 5, style="ndvi", datetime="2021-05-01").json()
    assert (gap["item"], gap["value"], gap["valid"], gap["masked"]) == (["a"], [None], [False], [False])
    cloud = point(archive, 60, 80, style="ndvi", datetime="2021-05-01T10:00:00Z").json()
    assert (cloud["valid"], cloud["masked"]) == ([True], [True])
    assert cloud["value"] == [pytest.approx(ndvi(archive, "a")[80, 60])]
    unmasked = point(archive, 60, 80, style="ndvi", datetime="2021-05-01T10:00:00Z", mask="false").json()
    assert (unmasked["value"], unmasked["masked"]) == (cloud["value"], [False])


def test_never_snaps_and_intervals(archive):
    assert point(archive, 60, 40, expression="B04", datetime="2021-05-02").json()["item"] == []
    assert point(archive, 60, 40, expression="B04", datetime="2021-05-02/..").json()["item"] == [
        "broken",
        "nomask",
    ]
    assert archive.get("/collections/c/timeseries", params={"lon": 0, "lat": 0}).json()["item"] == []


def test_a_band_alone_and_items_without_it(archive):
    found = point(archive, 60, 40, expression="DEM").json()
    assert (found["item"], found["value"]) == (["height"], [1.0])
    classes = point(archive, 60, 80, style="classes", datetime="2021-05-01T10:00:00Z").json()
    assert classes["value"] == [9.0]


def test_points_by_day(archive):
    found = point(archive, 60, 40, style="ndvi", group="day").json()
    assert found["datetime"] == ["2021-05-01", "2021-05-09", "2021-05-11", None]
    assert found["item"][0] == "a,b"
    gap = point(archive, 60, 80, style="ndvi", group="day").json()
    assert gap["masked"][0]


def test_the_default_is_the_first_style_of_one_value(archive):
    found = point(archive, 60, 40).json()
    assert found["style"] == "ndvi"


def test_csv_and_ndjson_say_the_same(archive):
    table = point(archive, 60, 40, style="ndvi").json()
    text = point(archive, 60, 40, style="ndvi", f="csv")
    assert text.headers["content-type"].startswith("text/csv")
    assert "c-ndvi.csv" in text.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(text.text)))
    assert [row["item"] for row in rows] == table["item"]
    assert [float(row["value"]) if row["value"] else None for row in rows] == table["value"]
    assert [row["valid"] == "true" for row in rows] == table["valid"]
    assert "B08" in rows[2]["error"]
    lines = [json.loads(line) for line in point(archive, 60, 40, style="ndvi", f="ndjson").text.splitlines()]
    assert [line["value"] for line in lines] == table["value"]
    assert [line["datetime"] for line in lines] == table["datetime"]


def area(client, geometry, **params):
    body = {"type": "Feature", "properties": {}, "geometry": json.loads(json.dumps(shapely.geometry.mapping(geometry)))}
    answer = client.post("/collections/c/timeseries", params=params, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def polygon(*corners):
    return shapely.Polygon([place(*corner) for corner in corners])


SHAPES = {
    "tilted": polygon((35.3, 22.7), (80.1, 35.2), (66.6, 92.9), (38.2, 60.4)),
    "with a hole": polygon((30, 20), (90, 20), (90, 90), (30, 90)).difference(polygon((50, 40), (70, 40), (60, 80))),
    "over the edge": polygon((60, 50), (140, 60), (110, 95)),
    "in one pixel": polygon((60.1, 40.1), (60.4, 40.1), (60.3, 40.4)),
}


@pytest.mark.parametrize("name", SHAPES)
def test_area_statistics_by_exact_weights(archive, name):
    """Weights by shapely's intersections, statistics by NumPy."""
    shape = SHAPES[name]
    found = area(archive, shape, style="ndvi", datetime="2021-05-01T10:00:00Z")
    flat = projected(shape, "EPSG:32633", 500_000)
    pixels = shapely.transform(flat, lambda xy: (xy - [500_000, 5_200_000]) / [20, -20])
    weights = exact(pixels, 100, 100)
    values, clear = ndvi(archive, "a"), np.ones((100, 100), bool)
    valid = stored(archive, "a", "B04") > 0
    clear = valid & (stored(archive, "a", "SCL") == 4)
    w = weights[clear]
    v = values[clear][w > 0]
    w = w[w > 0]
    assert found["item"] == ["a"]
    assert found["count"] == [len(v)]
    assert found["value"] == pytest.approx([np.average(v, weights=w)], rel=1e-5)
    mean = np.average(v, weights=w)
    assert found["std"] == pytest.approx([np.sqrt(np.average((v - mean) ** 2, weights=w))], rel=1e-5, abs=1e-9)
    assert (found["min"], found["max"]) == (pytest.approx([v.min()]), pytest.approx([v.max()]))
    assert found["valid"] == pytest.approx([weights[valid].sum() / pixels.area], rel=1e-5)
    assert found["masked"] == pytest.approx([weights[valid & ~clear].sum() / pixels.area], rel=1e-5, abs=1e-9)
    order = np.argsort(v)
    half = np.searchsorted(np.cumsum(w[order]), w.sum() / 2)
    assert v[order][max(half - 2, 0)] <= found["median"][0] <= v[order][min(half + 2, len(v) - 1)]
    assert found["p10"][0] <= found["median"][0] <= found["p90"][0]
    assert found["resolution"] == [20.0]


def test_areas_by_day_are_mosaics(archive):
    """Two files side by side, overlapping by half: each pixel counts once, the clear one wins."""
    shape = polygon((20, 10), (130, 10), (130, 60), (20, 60))
    found = area(archive, shape, expression="B04", group="day", datetime="2021-05-01")
    assert (found["datetime"], found["item"]) == (["2021-05-01"], ["a,b"])
    mosaic = np.zeros((100, 150))
    mosaic[:, 50:] = stored(archive, "b", "B04")
    first = stored(archive, "a", "B04")
    mosaic[:, :100] = np.where(first > 0, first, mosaic[:, :100])
    flat = projected(shape, "EPSG:32633", 500_000)
    weights = exact(shapely.transform(flat, lambda xy: (xy - [500_000, 5_200_000]) / [20, -20]), 100, 150)
    valid = mosaic > 0
    assert found["value"] == pytest.approx([np.average(mosaic[valid], weights=weights[valid]) * 0.0001 - 0.1], rel=1e-6)
    assert found["valid"] == pytest.approx([weights[valid].sum() / weights.sum()], rel=1e-6)


def test_point_as_geojson(archive):
    body = {"type": "Point", "coordinates": place(60, 40)}
    found = archive.post("/collections/c/timeseries", params={"style": "ndvi"}, json=body).json()
    assert found == point(archive, 60, 40, style="ndvi").json()


def test_corrupt_dates_do_not_spoil_areas(archive):
    found = area(archive, SHAPES["tilted"], style="ndvi")
    assert [error["item"] for error in found["errors"]] == ["broken"]
    assert found["value"][found["item"].index("broken")] is None
    assert all(found["value"][i] is not None for i, item in enumerate(found["item"]) if item != "broken")
    assert {
        len(found[name]) for name in ("datetime", "value", "valid", "masked", "item", "p90", "count", "resolution")
    } == {5}


def test_large_areas_name_the_overview(tmp_path):
    """3000 x 2000 pixels are too many: the answer is read from an overview, and says so."""
    parts = parts_of(tmp_path)
    parts.catalog.put_collection(Collection(id="c", title="C", styles=STYLES[:2]))
    values = np.add.outer(np.arange(2000), np.arange(3000)).astype(np.uint16) + 1
    path = write_cog(tmp_path / "big.tif", values, nodata=0, blocksize=512)
    parts.catalog.put_items([item_of("c", "big", "2021-05-01T10:00:00Z", {"B04": path})])
    west, south, east, north = parts.catalog.item("c", "big").bbox
    with TestClient(app_of(parts)) as client:
        found = area(client, shapely.box(west, south, east, north), expression="B04")
        assert found["resolution"] == [40.0]
        assert found["value"] == pytest.approx([values.mean()], rel=1e-3)
        small = area(client, shapely.box(west + 0.1, south + 0.1, west + 0.2, south + 0.15), expression="B04")
        assert small["resolution"] == [20.0]


def test_antimeridian(tmp_path):
    parts = parts_of(tmp_path)
    parts.catalog.put_collection(Collection(id="c", title="C"))
    values = np.tile(np.arange(1, 101, dtype=np.uint8), (20, 1))
    path = write_cog(tmp_path / "a.tif", values, crs="EPSG:4326", transform=Affine(0.02, 0, 179.0, 0, -0.02, 10.0))
    halves = [shapely.box(179, 9.6, 180, 10), shapely.box(-180, 9.6, -179, 10)]
    item = item_of(
        "c", "a", "2021-05-01T10:00:00Z", {"V": path}, bbox=(179.0, 9.6, -179.0, 10.0),
        geometry=shapely.geometry.mapping(shapely.MultiPolygon(halves)),
    )  # fmt: skip
    parts.catalog.put_items([item])
    with TestClient(app_of(parts)) as client:
        for lon, value in ((179.01, 1), (179.99, 50), (-179.99, 51), (-179.01, 100)):
            found = client.get("/collections/c/timeseries", params={"lon": lon, "lat": 9.9, "expression": "V"}).json()
            assert found["value"] == [value], lon
        across = shapely.box(179.8, 9.7, 180.2, 9.9)
        assert area(client, across, expression="V")["value"] == pytest.approx([50.5])
        split = shapely.MultiPolygon([shapely.box(179.8, 9.7, 180, 9.9), shapely.box(-180, 9.7, -179.8, 9.9)])
        assert area(client, split, expression="V")["value"] == pytest.approx([50.5])
        for lon in (180, -180):
            assert client.get("/collections/c/timeseries", params={"lon": lon, "lat": 9.9, "expression": "V"}).json()[
                "item"
            ]


@pytest.mark.parametrize(
    ("params", "status", "says"),
    [
        ({}, 400, "lon"),
        ({"lon": "15"}, 400, "lat"),
        ({"lon": "181", "lat": "0"}, 400, "lon"),
        ({"lon": "nan", "lat": "0"}, 400, "lon"),
        ({"lon": "15", "lat": "91"}, 400, "lat"),
        ({"lon": "15", "lat": "46", "f": "xlsx"}, 400, "ndjson"),
        ({"lon": "15", "lat": "46", "group": "month"}, 400, "group"),
        ({"lon": "15", "lat": "46", "mask": "maybe"}, 400, "mask"),
        ({"lon": "15", "lat": "46", "datetime": "2022/2021"}, 400, "datetime"),
        ({"lon": "15", "lat": "46", "datetime": "latest"}, 400, "datetime"),
        ({"lon": "15", "lat": "46", "style": "natural"}, 400, "ndvi"),
        ({"lon": "15", "lat": "46", "style": "season"}, 400, "ndvi"),
        ({"lon": "15", "lat": "46", "style": "none"}, 404, "none"),
        ({"lon": "15", "lat": "46", "expression": "B77"}, 400, "B77"),
        ({"lon": "15", "lat": "46", "expression": "B04;B08;B04"}, 400, "one value"),
        ({"lon": "15", "lat": "46", "expression": "().__class__"}, 400, "expression"),
    ],
)
def test_refusals(archive, params, status, says):
    answer = archive.get("/collections/c/timeseries", params=params)
    assert answer.status_code == status, answer.text
    assert says in answer.json()["detail"]


def test_refused_bodies(archive):
    path = "/collections/c/timeseries"
    assert archive.post(path, content=b"{").status_code == 400
    assert archive.post(path, content=b"\xff\xfe").status_code == 400
    assert archive.post(path, content=b"").status_code == 400
    many = shapely.Point(15, 46.9).buffer(0.01, quad_segs=200)
    answer = archive.post(path, json=shapely.geometry.mapping(many))
    assert answer.status_code == 413
    assert "limit is 500" in answer.json()["detail"]
    assert archive.post(path, content=b" " * 2_000_000).status_code == 413
    assert (
        archive.post("/collections/none/timeseries", json={"type": "Point", "coordinates": [1, 2]}).status_code == 404
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.floats(-190, 190), st.floats(-95, 95)), max_size=6),
    st.sampled_from(["Point", "Polygon", "MultiPolygon"]),
    st.dictionaries(
        st.sampled_from(["datetime", "style", "expression", "mask", "group", "f"]), st.text(max_size=8), max_size=3
    ),
)
def test_nothing_is_a_server_error(archive, ring, kind, params):
    coordinates = {"Point": ring[0] if ring else [], "Polygon": [ring], "MultiPolygon": [[ring + ring[:1]]]}[kind]
    answer = archive.post("/collections/c/timeseries", params=params, json={"type": kind, "coordinates": coordinates})
    assert answer.status_code in {200, 400, 404}, answer.text
    if answer.status_code != 200:
        assert set(answer.json()) >= {"code", "detail"}


def test_the_first_of_five_hundred_dates_comes_at_once(tmp_path):
    """Budget: 1 s cold over 500 files."""
    parts = parts_of(tmp_path)
    parts.catalog.put_collection(Collection(id="c", title="C", styles=STYLES[:2], mask=SCL))
    source = scene(tmp_path, "one")
    days = np.datetime64("2015-01-01") + np.arange(500) * 3
    template = item_of("c", "x", "2015-01-01T10:00:00Z", source)
    items = []
    for day in days:
        assets = {}
        for key, path in source.items():
            copy = tmp_path / f"{day}_{key}.tif"
            copy.write_bytes(path.read_bytes())
            assets[key] = replace(template.assets[key], href=str(copy))
        items.append(replace(template, id=f"i{day}", datetime=moment(f"{day}T10:00:00Z"), assets=assets))
    parts.catalog.put_items(items)
    lon, lat = place(60, 40)
    query = urlencode({"lon": lon, "lat": lat, "style": "ndvi", "f": "ndjson"})
    with ThreadPoolExecutor(1) as pool:  # Playwright may keep a loop in the main thread
        chunks = pool.submit(asyncio.run, streamed(app_of(parts), "/collections/c/timeseries", query)).result()
    lines = b"".join(body for _, body in chunks).splitlines()
    assert len(lines) == 500
    assert json.loads(lines[0])["value"] is not None
    assert chunks[0][0] < 1, chunks[0]
    assert len(chunks[0][1].splitlines()) < 100  # it streams


async def streamed(app, path, query):
    """The parts of an answer with the seconds after which each was sent."""
    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": query.encode(),
        "headers": [(b"host", b"testserver")], "http_version": "1.1", "scheme": "http", "server": ("testserver", 80),
        "client": ("127.0.0.1", 1), "root_path": "", "asgi": {"version": "3.0"},
    }  # fmt: skip
    started, chunks, asked = time.perf_counter(), [], []

    async def receive():
        if asked:
            await asyncio.Event().wait()
        asked.append(True)
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        if message.get("body"):
            chunks.append((time.perf_counter() - started, message["body"]))

    await app(scope, receive, send)
    return chunks


def test_rows_that_nobody_reads_are_not_read():
    from concurrent.futures import ThreadPoolExecutor

    done = []
    with ThreadPoolExecutor(1) as pool:
        rows = in_order(pool, lambda n: done.append(n) or n, range(1000), ahead=4)
        assert next(rows) == 0
        rows.close()
    assert len(done) <= 5
