"""The real imagery's own tables, reproduced through the HTTP interface."""

from __future__ import annotations

import csv
import math

import pytest
from starlette.testclient import TestClient

from tests.time.archive import app_of, parts_of, shared_archive

pytestmark = pytest.mark.data
NDVI = "(B08-B04)/(B08+B04)"


@pytest.fixture(scope="module")
def client(shared_data, tmp_path_factory):
    parts = parts_of(tmp_path_factory.mktemp("shared"))
    shared_archive(parts, shared_data, "s2", "s2_monthly", "s2_ndvi")
    with TestClient(app_of(parts)) as client:
        yield client


def table(path):
    with path.open() as lines:
        return list(csv.DictReader(lines))


def whole(client, collection, item):
    """The item's bbox: everything of it, and a little more."""
    west, south, east, north = client.app.state.parts.catalog.item(collection, item).bbox
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


@pytest.mark.parametrize("collection", ["s2", "s2_monthly", "s2_ndvi"])
def test_area_means_are_those_of_ndvi_csv(client, shared_data, collection):
    expected = {row["scene"]: row for row in table(shared_data / "ndvi.csv") if row["series"] == collection}
    assert expected
    areas = {}
    for scene in expected:
        areas.setdefault(str(whole(client, collection, scene)), (scene, whole(client, collection, scene)))
    clear = {"s2": f"where((SCL >= 4) & (SCL <= 6), {NDVI}, 0/0)", "s2_ndvi": "where(CLM == 0, NDVI, 0/0)"}
    expression = "NDVI" if collection == "s2_ndvi" else NDVI
    seen = set()
    for first, area in areas.values():
        params = {"expression": expression, "mask": "false"}
        found = client.post(f"/collections/{collection}/timeseries", params=params, json=area).json()
        assert first in found["item"]
        clearly = None
        if collection in clear:
            params["expression"] = clear[collection]
            clearly = client.post(f"/collections/{collection}/timeseries", params=params, json=area).json()
        for i, item in enumerate(found["item"]):
            if str(whole(client, collection, item)) != str(area):
                continue  # a neighbouring tile, cut by this one's bbox
            row = expected[item]
            seen.add(item)
            assert found["count"][i] == int(row["valid_count"])
            if not found["count"][i]:
                assert (found["value"][i], found["valid"][i]) == (None, 0)
                continue
            assert found["value"][i] == pytest.approx(float(row["mean"]), abs=2e-5)
            assert found["std"][i] == pytest.approx(float(row["std"]), abs=2e-5)
            if clearly and row["clear_count"]:
                assert clearly["count"][i] == int(row["clear_count"])
                if clearly["count"][i]:
                    assert clearly["value"][i] == pytest.approx(float(row["clear_mean"]), abs=2e-5)
    assert seen == set(expected)


def test_point_values_are_those_of_expected_csv(client, shared_data):
    rows = [row for row in table(shared_data / "expected.csv") if row["series"] in {"s2", "s2_monthly", "s2_ndvi"}]
    places = {}
    for row in rows:
        band = row["path"].rsplit("/", 1)[1].removesuffix(".tif")
        if band not in {"NDVI", "B04", "B08", "SCL", "VV"} or not row["datetime"]:
            continue
        places.setdefault((row["series"], row["lon"], row["lat"], band), []).append(row)
    assert len(places) > 20
    checked = 0
    for (collection, lon, lat, band), states in places.items():
        params = {"lon": lon, "lat": lat, "expression": band, "mask": "false"}
        found = client.get(f"/collections/{collection}/timeseries", params=params).json()
        assert found["datetime"] == sorted(found["datetime"])
        got = dict(zip(found["item"], zip(found["value"], found["valid"], strict=True), strict=True))
        scale = 0.0001 if band in {"B04", "B08"} else 1.0
        for row in states:
            if row["state"] == "outside":
                assert got.get(row["scene"], (None, False)) == (None, False)
                continue
            value, valid = got[row["scene"]]
            assert valid is (row["state"] == "valid")
            if valid:
                assert value == pytest.approx(float(row["raw_value"]) * scale, rel=1e-6)
            else:
                assert value is None
            checked += 1
    assert checked > 100


def test_default_mask_hides_clouds_and_keeps_their_value(client, shared_data):
    """The mask's classes, counted by NumPy at the same points."""
    rows = table(shared_data / "expected.csv")
    scl = {(r["scene"], r["lon"], r["lat"]): r["raw_value"] for r in rows if r["path"].endswith("SCL.tif")}
    masked = 0
    for (scene, lon, lat), value in scl.items():
        if not value or math.isnan(float(value)):
            continue
        found = client.get("/collections/s2/timeseries", params={"lon": lon, "lat": lat, "style": "ndvi"}).json()
        if scene not in found["item"]:
            continue
        i = found["item"].index(scene)
        assert found["masked"][i] == (found["valid"][i] and float(value) in {3, 8, 9, 10})
        masked += found["masked"][i]
        assert (found["value"][i] is not None) == found["valid"][i]
    assert masked > 0
