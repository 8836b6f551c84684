"""Maps against rio-tiler's parts of the same file."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from rasterio.io import MemoryFile
from rasterio.warp import transform_bounds
from rio_tiler.io import Reader
from starlette.testclient import TestClient

from tests.cogs import write_cog
from tests.time.archive import app_of, item_of, parts_of
from tileserver.errors import InvalidParameter
from tileserver.extent import crs_named, in_crs, in_degrees, wrap
from tileserver.models import Collection, Style

GREY = Style(id="grey", titles={"en": "Grey"}, assets=("B1",), rescale=((0.0, 255.0),), resampling="nearest")


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    folder = tmp_path_factory.mktemp("maps")
    parts = parts_of(folder, max_pixels=1_000_000)
    parts.catalog.put_collection(Collection(id="c", title="C", styles=(GREY,), bbox=(15.0, 46.8, 15.2, 47.0)))
    rng = np.random.default_rng(7)
    values = rng.integers(1, 255, (300, 400)).astype(np.uint8)
    values[:50, :50] = 0
    path = write_cog(folder / "a.tif", values, nodata=0)
    parts.catalog.put_items([item_of("c", "a", "2022-02-02T10:00:00Z", {"B1": path})])
    with TestClient(app_of(parts)) as client:
        client.path = path
        yield client


def picture(client, **params):
    answer = client.get("/collections/c/styles/grey/map", params={"f": "png", **params})
    assert answer.status_code == 200, answer.text
    return answer, np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGBA"))


BOX = (15.005, 46.91, 15.09, 46.95)


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857", "EPSG:3035", "EPSG:32633", "EPSG:5514"])
def test_same_pixels_as_rio_tiler(archive, crs):
    _, found = picture(archive, bbox=",".join(map(str, BOX)), crs=crs, width=333, height=222)
    with Reader(str(archive.path)) as cog:
        bounds = in_crs(BOX, crs)
        expected = cog.part(
            bounds,
            dst_crs=crs,
            bounds_crs=crs,
            width=333,
            height=222,
            resampling_method="nearest",
            reproject_method="nearest",
        )
    valid = found[..., 3] > 0
    assert (valid != (expected.mask > 0)).mean() < 0.005
    both = valid & (expected.mask > 0)
    assert both.any()
    assert (found[..., 0][both] != expected.data[0][both]).mean() < 0.005


def test_bbox_in_other_units(archive):
    mercator = transform_bounds("EPSG:4326", "EPSG:3857", *BOX)
    text = ",".join(map(str, mercator))
    _, a = picture(
        archive, bbox=text, width=200, height=150, **{"bbox-crs": "http://www.opengis.net/def/crs/EPSG/0/3857"}
    )
    _, b = picture(archive, bbox=",".join(map(str, BOX)), width=200, height=150, crs="[EPSG:3857]")
    assert (a != b).mean() < 0.01


def test_geotiff_has_its_place(archive):
    answer = archive.get(
        "/collections/c/styles/grey/map",
        params={"bbox": ",".join(map(str, BOX)), "crs": "EPSG:32633", "width": 100, "f": "tif"},
    )
    _, png = picture(archive, bbox=",".join(map(str, BOX)), crs="EPSG:32633", width=100)
    with MemoryFile(answer.content) as memory, memory.open() as dataset:
        assert dataset.crs.to_epsg() == 32633
        assert [c.name for c in dataset.colorinterp] == ["red", "green", "blue", "alpha"]
        np.testing.assert_array_equal(np.moveaxis(dataset.read(), 0, 2), png)
        assert dataset.tags()["ITEMS"] == "a"
        assert dataset.bounds == pytest.approx(in_crs(BOX, "EPSG:32633"))


def test_sizes_follow_the_shape(archive):
    assert picture(archive, bbox="15,46.9,15.1,46.95", width=200)[1].shape == (100, 200, 4)
    assert picture(archive, bbox="15,46.9,15.1,46.95", height=50)[1].shape == (50, 100, 4)
    assert picture(archive, bbox="15,46.9,15.05,47")[1].shape == (1024, 512, 4)
    whole = picture(archive)[1]
    assert whole.shape[1] == 1024
    assert (whole[..., 3] > 0).mean() > 0.9


def test_empty_and_strict(archive):
    answer, pixels = picture(archive, bbox="10,40,11,41", width=64)
    assert answer.headers["X-Tile-Empty"] == "1"
    assert not pixels[..., 3].any()
    answer, _ = picture(archive, bbox=",".join(map(str, BOX)), width=64, datetime="2022-02-05")
    assert answer.headers["X-Tile-Datetime"] == "2022-02-02T10:00:00Z"
    answer, _ = picture(archive, bbox=",".join(map(str, BOX)), width=64, datetime="2022-02-05", strict="true")
    assert answer.headers["X-Tile-Empty"] == "1"


def test_jpeg_and_etag(archive):
    params = {"bbox": ",".join(map(str, BOX)), "width": 64, "f": "jpg"}
    answer = archive.get("/collections/c/styles/grey/map", params=params)
    assert answer.headers["content-type"] == "image/jpeg"
    again = archive.get(
        "/collections/c/styles/grey/map", params=params, headers={"If-None-Match": answer.headers["ETag"]}
    )
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("params", "status", "name"),
    [
        ({"bbox": "1,2,3"}, 400, "bbox"),
        ({"bbox": "a,b,c,d"}, 400, "bbox"),
        ({"bbox": "1,1,1,2"}, 400, "bbox"),
        ({"bbox": "1,2,3,1"}, 400, "bbox"),
        ({"bbox": "0,0,400,10"}, 400, "bbox"),
        ({"bbox": "0,0,inf,10"}, 400, "bbox"),
        ({"bbox": "5,5,1,9", "bbox-crs": "EPSG:3857"}, 400, "bbox"),
        ({"bbox": "1e30,1e30,2e30,2e30", "bbox-crs": "EPSG:32633"}, 400, "bbox"),
        ({"crs": "EPSG:99999999"}, 400, "crs"),
        ({"crs": "EPSG:4978"}, 400, "crs"),
        ({"crs": "EPSG:5773"}, 400, "crs"),
        ({"crs": "+proj=utm"}, 400, "crs"),
        ({"bbox-crs": "x"}, 400, "bbox-crs"),
        ({"width": "0"}, 400, "width"),
        ({"height": "-3"}, 400, "height"),
        ({"width": "1e3"}, 400, "width"),
        ({"f": "gif"}, 400, "f"),
        ({"datetime": "soon"}, 400, "datetime"),
        ({"width": "1001", "height": "1001"}, 413, "1001 x 1001"),
        ({"width": "900000", "height": "1"}, 200, ""),
    ],
)
def test_refusals(archive, params, status, name):
    answer = archive.get("/collections/c/styles/grey/map", params={"f": "png", **params})
    assert answer.status_code == status, answer.text
    assert name in answer.text if name else True


def test_unknown_style(archive):
    assert archive.get("/collections/c/styles/nothing/map").status_code == 404


def test_places_across_the_antimeridian():
    left, _, right, _ = in_crs((179.0, -1.0, -179.0, 1.0), "EPSG:3857")
    assert right - left == pytest.approx(2 * 111_319.49, rel=1e-6)
    assert in_degrees((left, -1e5, right, 1e5), "EPSG:3857")[::2] == pytest.approx((179.0, -179.0))
    left, _, right, _ = in_crs((179.5, -1.0, -179.5, 1.0), "EPSG:32660")
    assert right - left == pytest.approx(111_320, rel=0.01)
    assert in_degrees((179.0, 0.0, 181.0, 1.0), "EPSG:4326") == pytest.approx((179.0, 0.0, -179.0, 1.0))
    assert in_degrees((-200.0, -90.0, 200.0, 90.0), "EPSG:4326") == (-180.0, -90.0, 180.0, 90.0)
    assert wrap(180.0) == 180.0
    assert wrap(540.0, east=True) == 180.0


def test_names_of_projections():
    names = ["EPSG:3035", "epsg:3035", "urn:ogc:def:crs:EPSG::3035", "http://www.opengis.net/def/crs/EPSG/0/3035"]
    assert {crs_named(name) for name in names} == {"EPSG:3035"}
    assert crs_named("urn:ogc:def:crs:OGC:1.3:CRS84") == "EPSG:4326"
    with pytest.raises(InvalidParameter):
        crs_named("EPSG:3035; drop table")
