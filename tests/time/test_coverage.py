"""Raw values against rasterio's windows of the same files."""

from __future__ import annotations

import math

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.enums import MaskFlags
from rasterio.io import MemoryFile
from rasterio.warp import transform_bounds
from rasterio.windows import Window
from rio_cogeo import cog_validate
from starlette.testclient import TestClient

from tests.cogs import ramp, write_cog
from tests.time.archive import SCL, STYLES, app_of, item_of, parts_of
from tileserver.models import Collection

COLORS = {4: (0, 160, 0, 255), 8: (250, 250, 250, 255)}


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    folder = tmp_path_factory.mktemp("coverage")
    parts = parts_of(folder, max_pixels=200_000)
    parts.catalog.put_collection(
        Collection(id="c", title="Fields", styles=STYLES[:3], mask=SCL, attribution="Copernicus", tolerance_days=3)
    )
    red = ramp()
    red[:, :40] = 0
    classes = np.where(ramp() % 3 == 0, 8, 4).astype(np.uint8)
    east = Affine(20.0, 0, 504_000.0, 0, -20.0, 5_200_000.0)
    files = {
        "B04": write_cog(folder / "B04.tif", red, nodata=0, scale=0.0001, offset=-0.1),
        "B08": write_cog(folder / "B08.tif", (ramp() * 2).astype("uint16"), nodata=0, scale=0.0001, offset=-0.1),
        "SCL": write_cog(
            folder / "SCL.tif", classes[:150, :200], transform=Affine(40.0, 0, 500_000.0, 0, -40.0, 5_200_000.0),
            colormap=COLORS,
        ),
    }  # fmt: skip
    later = {
        "B04": write_cog(folder / "later4.tif", ramp(), nodata=0, scale=0.0001, offset=0.0, transform=east),
        "B08": write_cog(folder / "later8.tif", ramp(), nodata=0, scale=0.0001, offset=0.0, transform=east),
    }
    heights = write_cog(folder / "dem.tif", np.full((100, 100), 812.5, np.float32))
    (folder / "bad.tif").write_bytes(files["B04"].read_bytes()[:400])
    parts.catalog.put_items(
        [
            item_of("c", "first", "2021-05-01T10:00:00Z", files),
            item_of("c", "second", "2021-05-01T10:05:00Z", later),
            item_of("c", "broken", "2021-06-01T10:00:00Z", {"B08": files["B08"], "B04": folder / "bad.tif"}),
        ]
    )
    parts.catalog.put_collection(Collection(id="dem", title="Heights", styles=()))
    parts.catalog.put_items([item_of("dem", "dem", None, {"DEM": heights})])
    with TestClient(app_of(parts)) as client:
        client.folder = folder
        yield client


def degrees(left, bottom, right, top):
    return ",".join(f"{edge:.9f}" for edge in transform_bounds("EPSG:32633", "EPSG:4326", left, bottom, right, top))


def get(client, collection="c", **params):
    answer = client.get(f"/collections/{collection}/coverage", params=params)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("image/tiff")
    return answer


def opened(answer, folder):
    path = folder / "answer.tif"
    path.write_bytes(answer.content)
    assert cog_validate(path)[0]
    with rasterio.open(path) as dataset:
        about = {"scales": dataset.scales, "offsets": dataset.offsets, "names": dataset.descriptions}
        return dataset.profile, dataset.read(), dataset.tags(), about


INNER = degrees(500_410, 5_196_000, 503_000, 5_199_010)


def test_stored_values_are_the_files_own(archive):
    answer = get(archive, bbox=INNER, properties="B04,B08", datetime="2021-05-01T10:00:00Z")
    profile, data, tags, about = opened(answer, archive.folder)
    assert profile["dtype"] == "uint16"
    assert profile["nodata"] == 0
    assert (about["scales"], about["offsets"]) == ((0.0001, 0.0001), (-0.1, -0.1))
    assert about["names"] == ("B04", "B08")
    assert tags["TIFFTAG_DATETIME"] == "2021:05:01 10:00:00"
    assert tags["ITEMS"] == "first"
    assert tags["TIFFTAG_COPYRIGHT"] == "Copernicus"
    assert answer.headers["X-Tile-Datetime"] == "2021-05-01T10:00:00Z"
    column = round((profile["transform"].c - 500_000) / 20)
    row = round((5_200_000 - profile["transform"].f) / 20)
    window = Window(column, row, profile["width"], profile["height"])
    for index, name in enumerate(["B04", "B08"]):
        with rasterio.open(archive.folder / f"{name}.tif") as source:
            np.testing.assert_array_equal(data[index], source.read(1, window=window))
    assert profile["transform"].c <= 500_410
    assert profile["transform"].c + 20 * profile["width"] >= 503_000


def test_mosaic_keeps_one_scale(archive):
    """The newer image is on top; below it the older, whose offset differs, is restored in the top's numbers."""
    answer = get(archive, bbox=degrees(503_000, 5_196_000, 505_000, 5_199_000), properties="B04", datetime="2021-05-01")
    profile, data, _, about = opened(answer, archive.folder)
    column = round((profile["transform"].c - 500_000) / 20)
    row = round((5_200_000 - profile["transform"].f) / 20)
    assert about["offsets"] == (0.0,)
    rows, columns = np.mgrid[row : row + profile["height"], column : column + profile["width"]]
    below = (1 + columns * 10 + rows).astype(float) - 1000
    top = 1 + (columns - 200) * 10 + rows
    np.testing.assert_array_equal(data[0], np.where(columns >= 200, top, np.clip(below, 0, 65535)))


def test_colour_tables_and_gaps(archive):
    profile, data, _, _ = opened(get(archive, properties="SCL", datetime="2021-05-01"), archive.folder)
    assert profile["dtype"] == "uint8"
    assert set(np.unique(data)) == {4, 8}
    with rasterio.open(archive.folder / "answer.tif") as again:
        assert {key: again.colormap(1)[key] for key in COLORS} == COLORS
    assert profile["nodata"] is None


def test_expressions_are_physical_floats(archive):
    answer = get(archive, bbox=INNER, expression="(B08-B04)/(B08+B04)", datetime="2021-05-01T10:00:00Z")
    profile, data, _, _ = opened(answer, archive.folder)
    assert profile["dtype"] == "float32"
    assert math.isnan(profile["nodata"])
    raw = get(archive, bbox=INNER, properties="B04,B08", datetime="2021-05-01T10:00:00Z")
    _, stored, _, _ = opened(raw, archive.folder)
    red, infrared = stored.astype(np.float64) * 0.0001 - 0.1
    with np.errstate(all="ignore"):
        expected = np.where((stored == 0).any(axis=0), np.nan, (infrared - red) / (infrared + red))
    np.testing.assert_allclose(data[0], np.where(np.isfinite(expected), expected, np.nan), rtol=1e-5)


def test_reducers_compute(archive):
    where = degrees(504_100, 5_196_000, 505_000, 5_199_000)
    profile, data, _, _ = opened(
        get(archive, bbox=where, properties="B08", datetime="2021-05-01", reducer="max"), archive.folder
    )
    column = round((profile["transform"].c - 500_000) / 20)
    rows, columns = np.mgrid[: profile["height"], column : column + profile["width"]]
    rows = rows + round((5_200_000 - profile["transform"].f) / 20)
    older = (1 + columns * 10 + rows) * 2 * 0.0001 - 0.1
    older[(1 + columns // 2 * 10 + rows // 2) % 3 == 0] = 0  # clouds: class 8 on pixels of 40 m
    newer = (1 + (columns - 200) * 10 + rows) * 0.0001
    assert profile["dtype"] == "float32"
    np.testing.assert_allclose(data[0], np.maximum(older, newer), rtol=1e-5)


def test_undated_and_everything(archive):
    profile, data, tags, _ = opened(get(archive, collection="dem"), archive.folder)
    assert (profile["width"], profile["height"]) == (100, 100)
    assert (data == 812.5).all()
    assert "TIFFTAG_DATETIME" not in tags
    assert math.isnan(profile["nodata"])


def test_coarser(archive):
    profile, _, _, _ = opened(
        get(archive, properties="B08", datetime="2021-05-01", **{"scale-factor": "4"}), archive.folder
    )
    assert profile["transform"].a == 80


def test_gaps_without_nodata_become_a_mask(archive, tmp_path):
    catalog = archive.app.state.parts.catalog
    catalog.put_collection(Collection(id="plain", title="Plain", styles=()))
    east = Affine(20.0, 0, 504_000.0, 0, -20.0, 5_197_000.0)
    catalog.put_items(
        [
            item_of("plain", "a", "2021-05-01T10:00:00Z", {"G": write_cog(tmp_path / "a.tif", np.zeros((100, 100), np.uint8))}),
            item_of("plain", "b", "2021-05-01T11:00:00Z", {"G": write_cog(tmp_path / "b.tif", np.ones((100, 100), np.uint8), transform=east)}),
        ]
    )  # fmt: skip
    answer = get(
        archive, collection="plain", bbox=degrees(500_100, 5_195_500, 505_900, 5_199_900), datetime="2021-05-01"
    )
    with MemoryFile(answer.content) as memory, memory.open() as dataset:
        assert dataset.mask_flag_enums[0] == [MaskFlags.per_dataset]
        mask, data = dataset.dataset_mask(), dataset.read(1)
    assert (mask[2, 2], data[2, 2]) == (255, 0)
    assert (mask[-10, -10], data[-10, -10]) == (255, 1)
    assert mask[-10, 10] == 0


@pytest.mark.parametrize(
    ("params", "status", "says"),
    [
        ({"properties": "B99"}, 400, "B04"),
        ({"expression": "B04+"}, 400, "expression"),
        ({"expression": "1+1"}, 400, "expression"),
        ({"expression": "__import__('os')"}, 400, "expression"),
        ({"f": "png"}, 400, "tif"),
        ({"bbox": "1,2,3"}, 400, "bbox"),
        ({"datetime": "yesterday"}, 400, "datetime"),
        ({"scale-factor": "0"}, 400, "scale-factor"),
        ({"reducer": "sum"}, 400, "reducer"),
        ({"bbox": "100,10,101,11"}, 404, "image"),
        ({"datetime": "1999-01-01"}, 404, "image"),
        ({"datetime": "2021-05-01", "properties": "B04,B08"}, 413, "200000"),
        ({"datetime": "2021-06-01", "properties": "B04"}, 502, "broken"),
    ],
)
def test_refusals(archive, params, status, says):
    answer = archive.get("/collections/c/coverage", params=params)
    assert answer.status_code == status, answer.text
    assert says in answer.text
    assert str(archive.folder) not in answer.text


def test_nothing_is_left_behind(archive):
    get(archive, bbox=INNER, properties="B04", datetime="2021-05-01")
    archive.get("/collections/c/coverage", params={"datetime": "2021-06-01", "properties": "B04"})
    assert not list((archive.folder / "cache").glob("*.tif"))
