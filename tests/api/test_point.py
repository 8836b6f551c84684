"""Point values over HTTP, against the pixels as rasterio reads them."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from rasterio.warp import transform

from tests.archive import DATES, OFFSET, SCALE

C = "sentinel-2"


def stored(path, lon, lat):
    with rasterio.open(path) as dataset:
        (x,), (y,) = transform("EPSG:4326", dataset.crs, [lon], [lat])
        return next(dataset.sample([(x, y)]))[0]


@pytest.mark.parametrize("date", DATES)
@pytest.mark.parametrize(("lon", "lat"), [(15.01, 46.93), (15.03, 46.90), (15.05, 46.92)])
def test_values_are_the_files(client, archive, date, lon, lat):
    body = client.get(f"/collections/{C}/point", params={"lon": lon, "lat": lat, "datetime": date}).json()
    assert body["valid"] is True
    assert body["datetime"].startswith(date)
    for band in ("B02", "B03", "B04", "B08"):
        want = stored(archive / C / "33TWN" / date / f"{band}.tif", lon, lat) * SCALE + OFFSET
        assert body["assets"][band] == pytest.approx(want, abs=1e-9)


def test_a_style_has_a_value(client):
    params = {
        "lon": 15.01,
        "lat": 46.93,
        "datetime": DATES[0],
        "style": "custom",
        "expression": "(B08-B04)/(B08+B04)",
    }
    body = client.get(f"/collections/{C}/point", params=params).json()
    red, nir = body["assets"]["B04"], body["assets"]["B08"]
    assert body["style"]["value"] == pytest.approx((nir - red) / (nir + red), rel=1e-9)


def test_nodata_is_null_and_not_valid(client):
    body = client.get(
        f"/collections/{C}/point",
        params={"lon": 15.16, "lat": 46.93, "datetime": DATES[-1], "strict": "true"},
    ).json()
    assert body["item"] is not None
    assert body["valid"] is False
    assert body["assets"]["B04"] is None


def test_outside_everything_there_is_no_item(client):
    body = client.get(f"/collections/{C}/point", params={"lon": -70, "lat": 10}).json()
    assert body["item"] is None
    assert body["valid"] is False


def test_time_snaps_unless_strict(client):
    params = {"lon": 15.01, "lat": 46.93, "datetime": "2024-05-14"}
    assert client.get(f"/collections/{C}/point", params=params).json()["datetime"].startswith("2024-05-11")
    assert client.get(f"/collections/{C}/point", params={**params, "strict": "true"}).json()["item"] is None


def test_class_words(client):
    body = client.get("/collections/cover/point", params={"lon": 15.01, "lat": 46.93}).json()
    assert body["assets"] == {"data": pytest.approx(body["assets"]["data"])}
    assert np.isin(body["assets"]["data"], [10, 30, 50, 80])
