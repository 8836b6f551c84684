"""The calendar of a view against NumPy counts of the full-resolution masks."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
import rasterio.warp
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from tests.cogs import write_cog
from tests.time.archive import SCL, STYLES, app_of, item_of, moment, parts_of, shared_archive
from tileserver.cover import CELLS, FULL, Cells, outline_cells, share
from tileserver.models import CloudMask, Collection, Item, Style


def fake(bbox, cloud_cover=None):
    return Item(
        id="x", collection="c", datetime=None, bbox=bbox, assets={}, cloud_cover=cloud_cover,
        geometry=shapely.geometry.mapping(shapely.box(*bbox)),
    )  # fmt: skip


def full(cloud=None):
    seen = np.full((CELLS, CELLS), FULL, np.uint8)
    return Cells(seen=seen, cloud=cloud)


edge = st.floats(-5, 15, allow_nan=False).map(lambda v: round(v, 3))


@settings(max_examples=60, deadline=None)
@given(edge, edge, edge, edge)
def test_cover_of_a_full_item_is_the_shared_area(a, b, c, d):
    west, east, south, north = min(a, b), max(a, b), min(c, d), max(c, d)
    if east - west < 0.01 or north - south < 0.01:
        return
    view, item = (west, south, east, north), fake((0.0, 0.0, 10.0, 10.0))
    expected = shapely.box(*view).intersection(shapely.box(0, 0, 10, 10)).area / shapely.box(*view).area
    assert share(view, [(item, full())]).cover == pytest.approx(expected, abs=1e-6)


def test_layers_hide_each_other():
    cloudy, clear = full(np.full((CELLS, CELLS), FULL, np.uint8)), full(np.zeros((CELLS, CELLS), np.uint8))
    below, top = fake((0.0, 0.0, 10.0, 10.0)), fake((0.0, 0.0, 5.0, 10.0))
    found = share((0.0, 0.0, 10.0, 10.0), [(top, clear), (below, cloudy)])
    assert (found.cover, found.cloud) == (pytest.approx(1), pytest.approx(50))
    assert share((0.0, 0.0, 10.0, 10.0), [(below, cloudy), (top, clear)]).cloud == pytest.approx(100)
    assert share((20.0, 0.0, 30.0, 10.0), [(below, cloudy)]) == type(found)(cover=0.0, cloud=None)


def test_antimeridian_and_points():
    item = fake((179.0, -1.0, -179.0, 1.0))
    assert share((179.5, -1.0, -179.5, 1.0), [(item, full())]).cover == pytest.approx(1)
    assert share((-180.0, -1.0, -178.0, 1.0), [(item, full())]).cover == pytest.approx(0.5)
    assert share((178.0, -1.0, 180.0, 1.0), [(item, full())]).cover == pytest.approx(0.5)
    assert share((-179.9, 0.5, -179.9, 0.5), [(item, full())]).cover == pytest.approx(1)
    assert share((170.0, 0.5, 170.0, 0.5), [(item, full())]).cover == 0


def test_the_producer_speaks_where_nobody_counted():
    view = (0.0, 0.0, 10.0, 10.0)
    assert share(view, [(fake(view, 30.0), full())]).cloud == pytest.approx(30)
    assert share(view, [(fake(view), full())]).cloud is None


def test_outlines_are_footprints():
    triangle = shapely.Polygon([(0, 0), (10, 0), (0, 10)])
    item = Item(
        id="t",
        collection="c",
        datetime=None,
        bbox=(0, 0, 10, 10),
        assets={},
        geometry=shapely.geometry.mapping(triangle),
    )
    cells = outline_cells(item)
    assert cells.seen.sum() == pytest.approx(0.5 * FULL * CELLS**2, rel=0.02)
    assert (cells.seen[-1, 0], cells.seen[0, -1]) == (FULL, 0)


def test_cells_survive_json():
    cells = Cells(seen=np.arange(CELLS**2).reshape(CELLS, CELLS).astype(np.uint8), cloud=None)
    again = Cells.from_json(cells.to_json())
    np.testing.assert_array_equal(again.seen, cells.seen)
    assert again.cloud is None


def ask(client, collection, **params):
    answer = client.get(f"/collections/{collection}/dates", params=params)
    assert answer.status_code == 200, answer.text
    return answer


def settled(client, collection, **params):
    """The answer once everything is counted."""
    for _ in range(100):
        answer = ask(client, collection, **params)
        if answer.headers["X-Dates-Complete"] == "true":
            return {row["date"]: row for row in answer.json()}
        time.sleep(0.05)
    raise AssertionError("never counted")


@pytest.mark.data
@pytest.mark.parametrize(
    "view",
    [(15.2, 46.1, 15.9, 46.8), (15.6, 46.3, 15.75, 46.4), (15.0, 45.9, 16.6, 47.0)],
    ids=["half", "village", "all"],
)
def test_real_scenes_by_numpy(shared_data, tmp_path, view):
    """One tile, all five dates: valid and cloudy pixels of the full-resolution SCL whose centres are in the view."""
    parts = parts_of(tmp_path)
    shared_archive(parts, shared_data, "s2")
    others = [item.id for item in parts.catalog.items("s2") if "33TWL" in item.id]
    parts.catalog.remove_items("s2", others)
    with TestClient(app_of(parts)) as client:
        found = settled(client, "s2", bbox=",".join(map(str, view)))
    assert list(found) == ["2023-08-10", "2023-08-13", "2023-08-15", "2023-08-18", "2023-08-20"]
    for date, row in found.items():
        with rasterio.open(shared_data / "s2" / "33TWM" / date / "SCL.tif") as dataset:
            scl = dataset.read(1)
            rows, columns = np.mgrid[0 : dataset.height, 0 : dataset.width]
            xs, ys = dataset.transform @ (columns.ravel() + 0.5, rows.ravel() + 0.5)
            lons, lats = rasterio.warp.transform(dataset.crs, "EPSG:4326", xs, ys)
            inside = (
                (np.array(lons) >= view[0])
                & (np.array(lons) < view[2])
                & (np.array(lats) >= view[1])
                & (np.array(lats) < view[3])
            ).reshape(scl.shape)
            flat = shapely.transform(shapely.segmentize(shapely.box(*view), 0.01), lambda xy: np.column_stack(
                rasterio.warp.transform("EPSG:4326", dataset.crs, xy[:, 0], xy[:, 1])))  # fmt: skip
            pixels = flat.area / abs(dataset.transform.a * dataset.transform.e)
        valid = inside & (scl != 0)
        assert row["cover"] == pytest.approx(valid.sum() / pixels, abs=0.012)
        assert row["cloud"] == pytest.approx(100 * np.isin(scl[valid], (8, 9, 10)).mean(), abs=1.2)
        assert row["items"] == 1


@pytest.fixture
def archive(tmp_path):
    """Two acquisitions on one day, a broken file, an undated file, an item without mask."""
    parts = parts_of(tmp_path)
    parts.catalog.put_collection(Collection(id="c", title="C", styles=STYLES[:3], mask=SCL))
    left = np.full((200, 200), 4, np.uint8)
    left[:, 100:] = 0
    cloud = np.where(left == 0, 8, 0).astype(np.uint8)
    files = {
        name: write_cog(tmp_path / f"{name}.tif", data, nodata=0)
        for name, data in {"left": left, "right": cloud}.items()
    }
    (tmp_path / "broken.tif").write_bytes(files["left"].read_bytes()[:300])
    nomask = write_cog(tmp_path / "B04.tif", np.full((200, 200), 700, np.uint16), nodata=0)
    old = write_cog(tmp_path / "static.tif", left, nodata=0)
    outline = item_of("c", "x", None, {"SCL": files["left"]})
    parts.catalog.put_items(
        [
            item_of("c", "morning", "2020-06-01T09:00:00Z", {"SCL": files["left"]}),
            item_of("c", "evening", "2020-06-01T17:00:00Z", {"SCL": files["right"]}),
            item_of(
                "c", "broken", "2020-06-03T09:00:00Z", {"SCL": tmp_path / "broken.tif", "B04": nomask}, cloud_cover=12.5
            ),
            item_of("c", "nomask", "2020-06-05T09:00:00Z", {"B04": nomask}, cloud_cover=40.0),
            item_of("c", "empty", "2020-06-07T09:00:00Z", {"SCL": write_cog(tmp_path / "e.tif", left * 0, nodata=0)}),
            item_of("c", "static", None, {"DEM": old}),
        ]
    )
    with TestClient(app_of(parts)) as client:
        client.view = ",".join(str(round(edge, 6)) for edge in outline.bbox)
        yield client


def test_odd_days(archive):
    found = settled(archive, "c", bbox=archive.view)
    assert list(found) == ["2020-06-01", "2020-06-03", "2020-06-05", "2020-06-07"]
    both = found["2020-06-01"]
    assert both["items"] == 2
    assert both["cover"] == pytest.approx(1, abs=0.02)
    assert both["cloud"] == pytest.approx(50, abs=1)
    assert found["2020-06-03"]["cloud"] == 12.5
    assert (found["2020-06-05"]["cover"], found["2020-06-05"]["cloud"]) == (pytest.approx(1, abs=0.02), 40)
    assert (found["2020-06-07"]["cover"], found["2020-06-07"]["cloud"]) == (0, None)
    assert list(settled(archive, "c", bbox=archive.view, datetime="2020-06-02/2020-06-05")) == [
        "2020-06-03",
        "2020-06-05",
    ]
    assert settled(archive, "c", bbox="100,10,101,11") == {}
    assert list(settled(archive, "c")) == list(found)


@pytest.mark.parametrize(
    ("params", "name"),
    [
        ({"bbox": "1,2,3"}, "bbox"),
        ({"bbox": "1,2,nan,4"}, "bbox"),
        ({"bbox": "1,20,3,4"}, "bbox"),
        ({"datetime": "2020-13-01"}, "datetime"),
        ({"datetime": "2021/2020"}, "datetime"),
        ({"datetime": "latest"}, "datetime"),
    ],
)
def test_bad_parameters(archive, params, name):
    answer = archive.get("/collections/c/dates", params=params)
    assert answer.status_code == 400
    assert f"'{name}'" in answer.json()["detail"]


def test_unknown_collection(archive):
    assert archive.get("/collections/nothing/dates").status_code == 404


def test_remembered_in_the_catalog_until_the_item_changes(archive, tmp_path):
    settled(archive, "c", bbox=archive.view)
    parts = parts_of(tmp_path)  # another process over the same catalog
    (tmp_path / "left.tif").unlink()
    with TestClient(app_of(parts)) as again:
        assert ask(again, "c", bbox=archive.view, datetime="2020-06-01").json()[0]["cover"] == pytest.approx(
            1, abs=0.02
        )
    clear = write_cog(tmp_path / "clear.tif", np.full((200, 200), 4, np.uint8), nodata=0)
    parts.catalog.put_items([item_of("c", "evening", "2020-06-01T17:00:00Z", {"SCL": clear}, version="2")])
    assert settled(archive, "c", bbox=archive.view)["2020-06-01"]["cloud"] == 0


def test_five_hundred_dates_warm(tmp_path):
    """Budget: 200 ms of this process, counted before, in memory; a busy machine does not count."""
    parts = parts_of(tmp_path)
    parts.catalog.put_collection(Collection(id="c", title="C", styles=STYLES[:2], mask=SCL))
    rng = np.random.default_rng(1)
    files = [
        write_cog(tmp_path / f"{i}.tif", rng.choice([4, 5, 8, 9], (256, 256)).astype(np.uint8), nodata=0)
        for i in range(5)
    ]
    days = np.datetime64("2015-01-01") + np.arange(500) * 3
    kinds = [item_of("c", "x", "2015-01-01T10:00:00Z", {"SCL": file}) for file in files]
    parts.catalog.put_items(
        replace(kinds[n % 5], id=f"i{d}", datetime=moment(f"{d}T10:00:00Z")) for n, d in enumerate(days)
    )
    with TestClient(app_of(parts)) as client:
        found = settled(client, "c", bbox="15,46.9,15.05,46.95")
        assert len(found) == 500
        spent = []
        for i in range(5):
            started = time.process_time()
            ask(client, "c", bbox=f"15.00{i},46.9,15.05,46.95")
            spent.append(time.process_time() - started)
    assert min(spent) < 0.2, spent


def test_masks_that_call_gaps_clear(tmp_path):
    """A cloud mask without a class for "nothing": the image itself tells what it covers."""
    parts = parts_of(tmp_path)
    image = np.full((100, 100), 0.5, np.float32)
    image[:, 50:] = np.nan
    cloud = np.zeros((100, 100), np.uint8)
    cloud[:50, :50] = 1
    files = {
        "NDVI": write_cog(tmp_path / "ndvi.tif", image, nodata=np.nan),
        "CLM": write_cog(tmp_path / "clm.tif", cloud, nodata=255),
    }
    ndvi = Style(id="ndvi", titles={"en": "NDVI"}, assets=("NDVI",), rescale=((0, 1),))
    parts.catalog.put_collection(
        Collection(id="c", title="C", styles=(ndvi,), mask=CloudMask(asset="CLM", values=(1,)))
    )
    item = item_of("c", "a", "2020-06-01T09:00:00Z", files)
    parts.catalog.put_items([item])
    with TestClient(app_of(parts)) as client:
        row = settled(client, "c", bbox=",".join(str(edge) for edge in item.bbox))["2020-06-01"]
    assert row["cover"] == pytest.approx(0.5, abs=0.02)
    assert row["cloud"] == pytest.approx(50, abs=1)


def test_scenes_across_the_antimeridian(tmp_path):
    """UTM zone 60, twenty kilometres on either side of 180 degrees; clouds on the American side."""
    parts = parts_of(tmp_path)
    parts.catalog.put_collection(Collection(id="c", title="C", mask=SCL))
    x, y = (v[0] for v in rasterio.warp.transform("EPSG:4326", "EPSG:32660", [180.0], [50.0]))
    scl = np.full((200, 200), 4, np.uint8)
    scl[:, 100:] = 9
    path = write_cog(
        tmp_path / "scl.tif", scl, nodata=0, crs="EPSG:32660", transform=Affine(200, 0, x - 20_000, 0, -200, y + 20_000)
    )
    halves = [shapely.box(179.7, 49.8, 180, 50.2), shapely.box(-180, 49.8, -179.7, 50.2)]
    item = item_of(
        "c", "a", "2020-06-01T09:00:00Z", {"SCL": path}, bbox=(179.7, 49.8, -179.7, 50.2),
        geometry=shapely.geometry.mapping(shapely.MultiPolygon(halves)),
    )  # fmt: skip
    parts.catalog.put_items([item])
    with TestClient(app_of(parts)) as client:
        across = settled(client, "c", bbox="179.8,49.9,-179.8,50.1")["2020-06-01"]
        west = settled(client, "c", bbox="179.8,49.9,179.95,50.1")["2020-06-01"]
        east = settled(client, "c", bbox="-179.95,49.9,-179.8,50.1")["2020-06-01"]
        half = settled(client, "c", bbox="179.0,49.9,180,50.1")["2020-06-01"]
    assert (across["cover"], across["cloud"]) == (pytest.approx(1, abs=0.01), pytest.approx(50, abs=2))
    assert (west["cover"], west["cloud"]) == (pytest.approx(1, abs=0.01), pytest.approx(0, abs=1))
    assert (east["cover"], east["cloud"]) == (pytest.approx(1, abs=0.01), pytest.approx(100, abs=1))
    assert half["cover"] == pytest.approx(0.28, abs=0.03)


def test_continents_are_told_roughly(tmp_path, monkeypatch):
    """Beyond a number of items: bboxes and the producers' percentages, nothing is read."""
    monkeypatch.setattr("tileserver.days._MOST_ITEMS", 3)
    parts = parts_of(tmp_path)
    parts.catalog.put_collection(Collection(id="c", title="C", mask=SCL))
    base = item_of(
        "c", "x", "2020-06-01T09:00:00Z", {"SCL": write_cog(tmp_path / "a.tif", np.ones((10, 10), np.uint8))}
    )
    boxes = [((0, 0, 10, 10), 10.0), ((10, 0, 20, 10), 30.0), ((20, 0, 30, 10), None), ((175, 0, -175, 10), 50.0)]
    parts.catalog.put_items(
        replace(base, id=f"i{n}", bbox=bbox, cloud_cover=cloud, geometry={"type": "Polygon", "coordinates": [[
            [bbox[0], 0], [bbox[0] + 10, 0], [bbox[0] + 10, 10], [bbox[0], 10], [bbox[0], 0]]]})
        for n, (bbox, cloud) in enumerate(boxes)
    )  # fmt: skip
    with TestClient(app_of(parts)) as client:
        answer = ask(client, "c", bbox="-180,0,180,20")
    assert answer.headers["X-Dates-Complete"] == "true"
    assert answer.json() == [{"date": "2020-06-01", "items": 4, "cover": round(400 / 7200, 4), "cloud": 30.0}]
