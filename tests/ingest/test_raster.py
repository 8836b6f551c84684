"""Headers, footprints, and why a file cannot be drawn; PROJ and rasterio are the oracles."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.rpc import RPC
from rasterio.warp import transform_bounds
from shapely.geometry import Point, shape

from tests.cogs import write_cog
from tileserver.errors import SourceUnreadable
from tileserver.ingest.footprint import footprint
from tileserver.ingest.raster import inspect

ONES = np.ones((64, 64), np.uint16)


def plain(path: Path, data: np.ndarray = ONES, **options: Any) -> str:
    """A GeoTIFF without any claim to be a COG."""
    bands = data if data.ndim == 3 else data[np.newaxis]
    extra = {key: options.pop(key) for key in ("gcps", "rpcs") if key in options}
    profile = {
        "driver": "GTiff",
        "count": len(bands),
        "height": bands.shape[1],
        "width": bands.shape[2],
        "dtype": bands.dtype,
    }
    with rasterio.open(path, "w", **profile, **options) as dataset:
        dataset.write(bands)
        if "gcps" in extra:
            dataset.gcps = extra["gcps"]
        if "rpcs" in extra:
            dataset.rpcs = extra["rpcs"]
    return str(path)


def test_a_cog(tmp_path: Path):
    path = write_cog(
        tmp_path / "B04.tif", ONES, nodata=0, scale=0.0001, offset=-0.1, tags={"TIFFTAG_DATETIME": "2023:08:10 09:57:57"}
    )  # fmt: skip
    seen = inspect(str(path), "B04")
    band = seen.asset.bands[0]
    assert (band.name, band.dtype, band.nodata, band.scale, band.offset) == ("B04", "uint16", 0, 0.0001, -0.1)
    assert (seen.asset.crs, seen.asset.shape, seen.hint) == ("EPSG:32633", (64, 64), "")
    assert seen.taken == datetime(2023, 8, 10, 9, 57, 57, tzinfo=UTC)
    assert seen.bbox == pytest.approx(
        transform_bounds("EPSG:32633", "EPSG:4326", 500000, 5198720, 501280, 5200000), abs=1e-6
    )
    path.touch()
    assert inspect(str(path), "B04").asset.version != seen.asset.version


def test_many_bands_have_names(tmp_path: Path):
    path = write_cog(tmp_path / "x.tif", np.ones((3, 64, 64), np.uint8))
    assert [band.name for band in inspect(str(path), "data").asset.bands] == ["data_b1", "data_b2", "data_b3"]
    # Names must be usable in expressions.
    assert inspect(str(path), "10m-a b").asset.bands[0].name == "_10m_a_b_b1"


def test_alpha_is_no_band(tmp_path: Path):
    path = plain(tmp_path / "a.tif", np.ones((4, 64, 64), np.uint8), crs="EPSG:32633",
                 transform=Affine(10, 0, 5e5, 0, -10, 5e6), photometric="RGB", alpha="YES")  # fmt: skip
    assert len(inspect(path, "data").asset.bands) == 3


MOON = "+proj=longlat +R=1737400 +no_defs"
ONE = [1.0] + [0.0] * 19
RPCS = RPC(
    height_off=0, height_scale=1, lat_off=46, lat_scale=1, long_off=15, long_scale=1, line_off=32, line_scale=32,
    samp_off=32, samp_scale=32, line_num_coeff=[0.0, 0.0, 1.0] + [0.0] * 17, line_den_coeff=ONE,
    samp_num_coeff=[0.0, 1.0] + [0.0] * 18, samp_den_coeff=ONE,
)  # fmt: skip
HERE = {"crs": "EPSG:32633", "transform": Affine(10, 0, 5e5, 0, -10, 5e6)}


@pytest.mark.parametrize(
    ("options", "data", "reason"),
    [
        ({}, ONES, "no coordinate system"),
        ({"transform": Affine(10, 0, 5e5, 0, -10, 5e6)}, ONES, "no coordinate system"),
        ({"crs": "EPSG:32633"}, ONES, "no position"),
        ({"rpcs": RPCS}, ONES, "RPC"),
        ({"crs": MOON, "transform": Affine(1, 0, 0, 0, -1, 10)}, ONES, "not lie on Earth"),
        (HERE, ONES.astype(np.complex64), "complex"),
        ({"crs": "EPSG:4326", "transform": Affine(1, 0, 0, 0, -1, 500)}, ONES, "outside the Earth"),
    ],
)
@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_what_cannot_be_drawn(tmp_path: Path, options: dict[str, Any], data: np.ndarray, reason: str):
    with pytest.raises(SourceUnreadable, match=reason) as raised:
        inspect(plain(tmp_path / "x.tif", data, **options), "data")
    assert str(tmp_path) not in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"hello, this is text\n" * 99, b"II*\0" + b"\xff" * 200, b"\0" * 1000])
def test_what_is_no_raster(tmp_path: Path, content: bytes):
    path = tmp_path / "x.tif"
    path.write_bytes(content)
    with pytest.raises(SourceUnreadable) as raised:
        inspect(str(path), "data")
    assert str(tmp_path) not in str(raised.value)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 4000), st.binary(max_size=8))
def test_damaged_files_are_errors_of_their_own(tmp_path_factory: pytest.TempPathFactory, cut: int, junk: bytes):
    folder = tmp_path_factory.mktemp("damaged")
    path = write_cog(folder / "x.tif", np.random.default_rng(1).integers(0, 99, (64, 64), np.uint16))
    whole = path.read_bytes()
    at = min(cut, len(whole))
    path.write_bytes(whole[:at] + junk + whole[at + len(junk) + (cut % 7) :])
    try:
        inspect(str(path), "data")
    except SourceUnreadable as error:
        assert str(folder) not in str(error)  # noqa: PT017 - an error is one of two right answers


def test_a_missing_file(tmp_path: Path):
    with pytest.raises(SourceUnreadable, match="missing"):
        inspect(str(tmp_path / "none.tif"), "data")


def test_ground_control_points(tmp_path: Path):
    corners = [(0, 0, 15, 47), (0, 64, 16, 47), (64, 0, 15, 46), (64, 64, 16, 46)]
    points = [GroundControlPoint(row=row, col=col, x=x, y=y) for row, col, x, y in corners]
    seen = inspect(plain(tmp_path / "g.tif", gcps=(points, CRS.from_epsg(4326))), "data")
    assert seen.bbox == pytest.approx((15, 46, 16, 47))
    assert seen.asset.transform is None


@pytest.mark.parametrize(
    ("size", "options", "hint"),
    [(64, {}, ""), (1200, {}, "strips"), (1200, {"tiled": True, "blockxsize": 256, "blockysize": 256}, "overviews")],
)
def test_hints(tmp_path: Path, size: int, options: dict[str, Any], hint: str):
    seen = inspect(plain(tmp_path / "x.tif", np.ones((size, size), np.uint8), **HERE, **options), "data")
    assert hint in seen.hint
    assert bool(hint) == bool(seen.hint)


CASES = [
    ("EPSG:32633", (499980, 5100000, 609780, 5209800)),
    ("EPSG:2056", (2600000, 1200000, 2640000, 1230000)),
    ("EPSG:3035", (2500000, 1500000, 7000000, 5400000)),
    ("EPSG:3857", (-20037508, -20037508, 20037508, 20037508)),
    ("EPSG:5514", (-900000, -1230000, -430000, -930000)),
]


@pytest.mark.parametrize(("crs", "bounds"), CASES)
def test_boxes_are_those_of_proj(crs: str, bounds: tuple[float, float, float, float]):
    left, bottom, right, top = bounds
    bbox, geometry = footprint(
        CRS.from_user_input(crs), ((right - left) / 500, 0, left, 0, (bottom - top) / 400, top), 500, 400
    )
    assert bbox == pytest.approx(transform_bounds(crs, "EPSG:4326", *bounds, densify_pts=101), abs=2e-2)
    assert shape(geometry).is_valid


@settings(deadline=None, max_examples=60)
@given(st.floats(-170, 170), st.floats(-75, 75), st.integers(1, 200), st.floats(0, 360))
def test_every_pixel_lies_in_the_footprint(lon: float, lat: float, kilometres: int, turn: float):
    """Turned grids in a projection centred anywhere, across the antimeridian too."""
    crs = CRS.from_string(f"+proj=laea +lat_0={lat} +lon_0={lon} +datum=WGS84")
    grid = Affine.rotation(turn) @ Affine.scale(10 * kilometres, -10 * kilometres)
    bbox, geometry = footprint(crs, tuple(grid)[:6], 100, 80)
    outline = shape(geometry).buffer(1e-3)
    to_degrees = pyproj.Transformer.from_crs(crs.to_wkt(), 4326, always_xy=True)
    for column, row in [(0, 0), (100, 0), (100, 80), (0, 80), (50, 40), (99, 1), (3, 77)]:
        x, y = to_degrees.transform(*(grid @ (column, row)))
        assert outline.contains(Point(x, y))
        inside = (
            bbox[0] - 1e-3 <= x <= bbox[2] + 1e-3 if bbox[0] <= bbox[2] else x >= bbox[0] - 1e-3 or x <= bbox[2] + 1e-3
        )
        assert inside
        assert bbox[1] - 1e-3 <= y <= bbox[3] + 1e-3


def test_across_the_antimeridian():
    bbox, geometry = footprint(CRS.from_epsg(32660), (100, 0, 570000, 0, -100, 5850015), 2325, 2355)
    assert bbox[0] == pytest.approx(178, abs=0.2)
    assert bbox[2] == pytest.approx(-178.5, abs=0.2)
    assert geometry["type"] == "MultiPolygon"
    outline = shape(geometry)
    assert outline.contains(Point(179.5, 51.7))
    assert outline.contains(Point(-179.5, 51.7))
    assert not outline.intersects(Point(0, 51.7))
    assert outline.area < 10


@pytest.mark.parametrize(("crs", "pole"), [("EPSG:3031", -90), ("EPSG:3413", 90)])
def test_a_pole_inside(crs: str, pole: int):
    bbox, geometry = footprint(CRS.from_user_input(crs), (25000, 0, -3950000, 0, -25000, 4350000), 316, 332)
    assert (bbox[0], bbox[2]) == (-180, 180)
    assert pole in (bbox[1], bbox[3])
    outline = shape(geometry)
    for lon in range(-175, 180, 10):
        assert outline.intersects(Point(lon, pole * 0.99))
        assert not outline.intersects(Point(lon, -pole * 0.5))


def test_longitudes_to_360():
    bbox, geometry = footprint(CRS.from_epsg(4326), (1, 0, 170, 0, -1, 10), 30, 20)
    assert bbox == (170, -10, -160, 10)
    assert shape(geometry).contains(Point(-165, 0))
    bbox, _ = footprint(CRS.from_epsg(4326), (1, 0, 0, 0, -1, 90), 360, 180)
    assert bbox == (-180, -90, 180, 90)


def test_a_disc_larger_than_its_world():
    crs = CRS.from_string("+proj=geos +h=35785831 +lon_0=0 +sweep=y +datum=WGS84")
    bbox, geometry = footprint(crs, (30000, 0, -5570000, 0, -30000, 5570000), 371, 371)
    assert bbox[0] == pytest.approx(-80, abs=5)
    assert bbox[2] == pytest.approx(80, abs=5)
    assert shape(geometry).contains(Point(0, 0))
    assert not any(math.isnan(edge) for edge in bbox)


@pytest.mark.data
def test_the_real_imagery(shared_data: Path):
    """Type, size, CRS, nodata, scale as the folder's own table of statistics says."""
    import csv

    with (shared_data / "stats.csv").open() as table:
        rows = list(csv.DictReader(table))
    assert rows
    for row in rows[:: max(1, len(rows) // 60)]:
        seen = inspect(str(shared_data / row["path"]), "data")
        band = seen.asset.bands[int(row.get("band", 1)) - 1]
        assert band.dtype == row["dtype"]
        assert seen.hint == ""
        if row.get("nodata") not in ("", None, "None", "none", "nan"):
            assert band.nodata == float(row["nodata"])
        assert re.fullmatch(r"\d+-\d+", seen.asset.version)
