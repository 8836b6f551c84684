"""Sections 1 and 2 of the contract over odd folders: which items there are, and what their values are."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from rasterio.warp import transform as project

from tests.acceptance.contract_archive import PLACE

POINTS = [
    # collection, file, datetime, asset name in the answer, band
    ("Moj-archiv-e", "Môj archív é/2023-08-10/Červený kanál.tif", "2023-08-10", "Cerveny_kanal", 1),
    ("years", "years/2019.tif", "2019", "b1", 1),
    ("years", "years/2020.tif", "2020-06-15", "b1", 1),
    ("nested", "nested/2023/08/10/B04.tif", "2023-08-10", "B04", 1),
    ("nested", "nested/2023/08/11/B08.tif", "latest", "B08", 1),
    ("twice", "twice/2015-12-08T100409Z/NDVI.tif", "2015-12-08T10:04:09Z", "NDVI", 1),
    ("twice", "twice/2015-12-08T101125Z/NDVI.tif", "2015-12-08", "NDVI", 1),
    ("undated", "undated/a.tif", "1999-01-01", "data", 1),
    ("tagged", "tagged/x.tif", "2021-05-06", "data", 1),
    ("scenes", "scenes/scene_20230810.tif", "2023-08-10", "b3", 3),
    ("southup", "southup/2022-01-01.tif", "2022-01-01", "data", 1),
    ("turned", "turned/2022-01-01.tif", "2022-01-01", "data", 1),
    ("dateline", "dateline/2022-01-01.tif", "2022-01-01", "data", 1),
    ("polar", "polar/2022-01-01.tif", "2022-01-01", "data", 1),
    ("below", "below/2022-01-01.tif", "2022-01-01", "data", 1),
]
PLACES = {"dateline": (-179.5, -17.0), "polar": (20.0, -85.0), "turned": (15.06, 46.95)}


def stored_at(path, lon: float, lat: float, band: int) -> tuple[float, float, float]:
    """Stored value, scale and offset by rasterio and PROJ."""
    with rasterio.open(path) as dataset:
        (x,), (y,) = project("EPSG:4326", dataset.crs, [lon], [lat])
        if dataset.crs.to_epsg() == 4326 and x < dataset.bounds.left:
            x += 360
        column, row = ~dataset.transform @ (x, y)
        value = float(dataset.read(band)[int(row), int(column)])
        return value, dataset.scales[band - 1], dataset.offsets[band - 1]


@pytest.mark.parametrize(("collection", "path", "when", "asset", "band"), POINTS)
def test_point_values_are_those_of_the_file(odd, odd_folder, collection, path, when, asset, band):
    lon, lat = PLACES.get(collection, PLACE)
    stored, scale, offset = stored_at(odd_folder / path, lon, lat, band)
    query = {"lon": lon, "lat": lat, "datetime": when}
    url = f"/collections/{collection}/point"
    answer = odd.get(url, params=query).json()
    assert answer["valid"] is True
    assert answer["assets"][asset] == pytest.approx(stored * scale + offset, rel=1e-6)
    plain = odd.get(url, params={**query, "unscale": "false"}).json()
    assert plain["assets"][asset] == pytest.approx(stored, rel=1e-6)


def test_timeseries_speaks_physically_unless_told(odd, odd_folder):
    lon, lat = PLACE
    query = {"lon": lon, "lat": lat, "expression": "B04"}
    wanted = [stored_at(odd_folder / f"nested/2023/08/{day}/B04.tif", lon, lat, 1)[0] for day in (10, 11)]
    series = odd.get("/collections/nested/timeseries", params=query).json()
    assert series["value"] == pytest.approx([value * 0.0001 - 0.1 for value in wanted])
    assert [moment[:10] for moment in series["datetime"]] == ["2023-08-10", "2023-08-11"]
    plain = odd.get("/collections/nested/timeseries", params={**query, "unscale": "false"}).json()
    assert plain["value"] == pytest.approx(wanted)


def test_polygons_are_the_mean_of_their_pixels(odd, odd_folder):
    with rasterio.open(odd_folder / "nested/2023/08/10/B04.tif") as dataset:
        data = dataset.read(1)
        corners = [(20, 30), (120, 30), (120, 90), (20, 90), (20, 30)]  # column, row
        xs, ys = zip(*(dataset.transform @ corner for corner in corners), strict=True)
        lons, lats = project(dataset.crs, "EPSG:4326", xs, ys)
    area = {"type": "Polygon", "coordinates": [list(zip(lons, lats, strict=True))]}
    for physical, scale, offset in (("true", 0.0001, -0.1), ("false", 1, 0)):
        url = f"/collections/nested/timeseries?expression=B04&datetime=2023-08-10&unscale={physical}"
        body = odd.post(url, json={"type": "Feature", "properties": {}, "geometry": area}).json()
        inside = data[30:90, 20:120] * scale + offset
        assert body["value"][0] == pytest.approx(inside.mean(), rel=2e-3)
        assert body["median"][0] == pytest.approx(np.median(inside), rel=5e-3)
        assert body["valid"] == [1.0]
        assert inside.size <= body["count"][0] <= 61 * 101, "pixels that the area touches"


def test_two_acquisitions_of_a_day_are_two_items(odd):
    lon, lat = PLACE
    series = odd.get("/collections/twice/timeseries", params={"lon": lon, "lat": lat, "style": "ndvi"}).json()
    assert series["datetime"] == ["2015-12-08T10:04:09Z", "2015-12-08T10:11:25Z"]
    days = odd.get("/collections/twice/dates").json()
    assert [(day["date"], day["items"]) for day in days] == [("2015-12-08", 2)]


def test_a_bare_year_is_an_interval(odd):
    item = odd.get("/stac/collections/years/items/2019").json()["properties"]
    assert item["start_datetime"] == "2019-01-01T00:00:00Z"
    assert item["end_datetime"].startswith("2019-12-31T23:59:59")
    assert item["datetime"] is None


@pytest.mark.parametrize("collection", ["masked", "alpha"])
def test_masks_are_no_values(odd, collection):
    inside, outside = {"lon": 15.043, "lat": 46.93}, {"lon": 15.001, "lat": 46.952}
    seen = odd.get(f"/collections/{collection}/point", params=inside).json()
    assert seen["valid"] is True
    assert set(seen["assets"]) == {"b1", "b2", "b3"}
    hidden = odd.get(f"/collections/{collection}/point", params=outside).json()
    assert hidden["valid"] is False
    assert set(hidden["assets"].values()) == {None}
    known = odd.get(f"/collections/{collection}").json()
    drawn = {name for render in known["renders"].values() for name in render["assets"]}
    assert drawn == {"data_b1", "data_b2", "data_b3"}


def test_an_empty_date_is_a_row_without_a_value(odd):
    lon, lat = PLACE
    query = {"lon": lon, "lat": lat, "expression": "v"}
    series = odd.get("/collections/empty/timeseries", params=query).json()
    assert series["valid"] == [True, False]
    assert series["value"][1] is None
    assert [day["cover"] > 0.5 for day in odd.get("/collections/empty/dates").json()] == [True, False]


def test_coverage_keeps_what_is_stored(odd, odd_folder, tmp_path):
    url = "/collections/nested/coverage?bbox=15.01,46.92,15.05,46.94&properties=B04,B08&datetime=2023-08-10&f=tif"
    (tmp_path / "c.tif").write_bytes(odd.get(url).content)
    with rasterio.open(tmp_path / "c.tif") as got, rasterio.open(odd_folder / "nested/2023/08/10/B04.tif") as source:
        assert got.count == 2
        assert got.dtypes == ("uint16", "uint16")
        assert got.scales == (0.0001, 0.0001)
        assert got.offsets == (-0.1, -0.1)
        assert got.nodata == 0
        assert got.descriptions == ("B04", "B08")
        assert got.crs == source.crs
        window = source.window(*got.bounds).round_offsets().round_lengths()
        assert np.array_equal(got.read(1), source.read(1, window=window))


@pytest.mark.parametrize("collection", ["southup", "turned"])
def test_coverage_of_what_is_not_north_up(odd, odd_folder, tmp_path, collection):
    """The raster comes out north-up, in the file's own projection, each value where it was."""
    lon, lat = PLACES.get(collection, PLACE)
    url = f"/collections/{collection}/coverage?bbox={lon - 0.01},{lat - 0.01},{lon + 0.01},{lat + 0.01}"
    (tmp_path / "c.tif").write_bytes(odd.get(url).content)
    stored, _, _ = stored_at(odd_folder / collection / "2022-01-01.tif", lon, lat, 1)
    got, _, _ = stored_at(tmp_path / "c.tif", lon, lat, 1)
    assert got == pytest.approx(stored, abs=0 if collection == "southup" else 4)


def test_assets_may_be_called_by_their_own_names(odd):
    url = "/xyz/Moj-archiv-e/custom/2023-08-10/12/2219/1441.png?rescale=0,1300&assets="
    by_key, by_band = odd.get(url + "Cerveny-kanal"), odd.get(url + "Cerveny_kanal")
    assert by_key.status_code == by_band.status_code == 200
    assert by_key.content == by_band.content
    assert "X-Tile-Empty" not in by_key.headers
    names = odd.get("/xyz/scenes/custom/latest/12/2219/1441.png?rescale=0,1300&assets=data_b2")
    for same in ("assets=b2", "bidx=2", "assets=data&bidx=2"):
        assert odd.get(f"/xyz/scenes/custom/latest/12/2219/1441.png?rescale=0,1300&{same}").content == names.content


def test_a_collection_file_overrides_guesses(odd, odd_folder):
    known = odd.get("/collections/told").json()
    assert known["title"] == "Told"
    assert list(known["renders"]) == ["warm", "twice"]
    assert known["item_assets"]["vv-db"]["title"] == "Backscatter"
    lon, lat = PLACE
    stored, scale, offset = stored_at(odd_folder / "told/2024-01-01/vv-db.tif", lon, lat, 1)
    for style, factor in (("warm", 1), ("twice", 2)):
        point = odd.get(f"/collections/told/point?lon={lon}&lat={lat}&style={style}").json()
        assert point["style"]["value"] == pytest.approx(factor * (stored * scale + offset))
        assert "X-Tile-Empty" not in odd.get(f"/xyz/told/{style}/latest/12/2219/1441.png").headers


def test_what_cannot_be_drawn_is_left_out(odd):
    items = odd.get("/stac/collections/impossible/items").json()["features"]
    assert [item["id"] for item in items] == ["fine"]
