"""The archive as files: whole or not there, the same each time, valid COGs of the promised kind."""

import json

import numpy as np
import pytest
import rasterio
from rasterio.windows import from_bounds
from rio_cogeo import cog_validate
from stac_pydantic import Collection

from tests.demo.conftest import DAYS, SMALL
from tileserver.demo import Scene, is_complete, make_demo
from tileserver.demo.passes import CALENDAR

WEST, EAST = "T33XVR", "T33XWR"
BANDS = ("B02", "B03", "B04", "B08", "B11", "B12")


def test_two_callers_make_it_once(built):
    assert sorted(map(bool, built.steps)) == [False, True]
    shares = [share for _, share in max(built.steps, key=len)]
    assert shares == sorted(shares)
    assert shares[0] == 0.0
    assert shares[-1] == 1.0


def test_a_whole_archive_is_left_as_it_is(archive):
    assert is_complete(archive)
    before = {path: path.stat().st_mtime_ns for path in archive.rglob("*")}
    told = []
    assert make_demo(archive, progress=lambda *step: told.append(step)) == archive
    assert not told
    assert {path: path.stat().st_mtime_ns for path in archive.rglob("*")} == before


def test_other_files_are_left_alone(archive):
    assert (archive / "notes.txt").read_text() == "somebody's own"
    assert not [path for path in archive.parent.iterdir() if path.name.endswith(".building")]


def test_layout(archive):
    tiles = archive / "sentinel-2-demo"
    days = {str(day) for day in DAYS}
    assert {path.name for path in (tiles / EAST).iterdir()} == days
    assert {path.name for path in (tiles / WEST).iterdir()} == days - {"2024-11-25"}
    for day in tiles.glob("T*/*"):
        assert {path.name for path in day.iterdir()} == {f"{name}.tif" for name in (*BANDS, "SCL")}
    assert {path.name for path in (archive / "land-cover-demo").glob("*.tif")} == {"2023.tif", "2024.tif"}
    assert (archive / "dem-demo" / "dem.tif").exists()


@pytest.mark.parametrize(
    ("name", "template", "order"),
    [("sentinel-2-demo", "sentinel-2-l2a", 1), ("land-cover-demo", "worldcover", 2), ("dem-demo", "dem", 3)],
)
def test_collection_files_are_stac_and_say_that_the_place_is_invented(archive, name, template, order):
    text = json.loads((archive / name / "collection.json").read_text())
    assert Collection.model_validate(text).id == name
    assert text["tilescope:template"] == template
    assert text["tilescope:order"] == order
    assert "Synthetic" in text["tilescope:attribution"]
    west, south, east, north = text["extent"]["spatial"]["bbox"][0]
    with rasterio.open(archive / "dem-demo" / "dem.tif") as dem:
        bounds = rasterio.warp.transform_bounds(dem.crs, "EPSG:4326", *dem.bounds)
    assert np.allclose((west, south, east, north), bounds, atol=0.002)


def test_every_file_is_a_valid_cog(archive):
    for path in archive.rglob("*.tif"):
        valid, errors, warnings = cog_validate(path, strict=True, quiet=True)
        assert valid, (path.name, errors, warnings)


def test_bands_are_stored_as_baseline_4(archive):
    for path in archive.glob("sentinel-2-demo/T*/*/B*.tif"):
        with rasterio.open(path) as band:
            assert (band.dtypes, band.nodata) == (("uint16",), 0)
            assert (band.scales, band.offsets) == ((0.0001,), (-0.1,))
            assert band.crs.to_epsg() == 32633
            assert band.compression.name == "deflate"
            assert band.descriptions == (path.stem,)
            assert band.res[0] == SMALL.pixel * (2 if path.stem in ("B11", "B12") else 1)


def test_a_tall_tile_has_overviews(archive):
    with rasterio.open(archive / "sentinel-2-demo" / EAST / "2024-06-08" / "B04.tif") as band:
        assert band.shape[0] > 512
        assert band.overviews(1) == [2]


def test_the_tiles_cover_the_square_and_are_equal_where_they_overlap(archive):
    for day in ("2024-06-08", "2024-09-06"):
        for name in (*BANDS, "SCL"):
            pair = [rasterio.open(archive / "sentinel-2-demo" / tile / day / f"{name}.tif") for tile in (WEST, EAST)]
            west, east = (band.bounds for band in pair)
            assert (west.left, west.bottom, east.right, east.top) == (492000, 5532000, 508000, 5548000)
            assert 1000 <= west.right - east.left <= 2000
            both = (east.left, west.bottom, west.right, west.top)
            left, right = (band.read(1, window=from_bounds(*both, band.transform)) for band in pair)
            assert left.size > 1000
            np.testing.assert_array_equal(left, right)


def test_only_one_day_ends_at_the_swath(archive):
    for path in archive.glob("sentinel-2-demo/T*/*/B04.tif"):
        tile, day = path.parts[-3:-1]
        with rasterio.open(path) as band, rasterio.open(path.with_name("SCL.tif")) as classes:
            empty = band.read(1) == 0
            np.testing.assert_array_equal(empty[::2, ::2], classes.read(1) == 0)
            if (tile, day) == (WEST, "2024-09-06"):
                assert 0.1 < empty.mean() < 0.5
                assert (np.diff(empty.sum(axis=1)) <= 0).all()
            else:
                assert not empty.any()


def test_the_same_bytes_again(archive, tmp_path):
    again = make_demo(tmp_path / "again", scene=Scene(pixel=SMALL.pixel, passes=SMALL.passes[3:4]))
    files = [*again.glob("sentinel-2-demo/T*/*/*.tif"), again / "dem-demo" / "dem.tif"]
    assert len(files) == 15
    for path in files:
        assert path.read_bytes() == (archive / path.relative_to(again)).read_bytes()


def test_an_interrupted_build_leaves_nothing_and_starts_over(tmp_path, monkeypatch, archive):
    folder = tmp_path / "demo"

    def stop(_text, _share):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_demo(folder, progress=stop, scene=SMALL)
    assert not folder.exists()
    assert [path.name for path in tmp_path.iterdir()] == [".demo.lock"]

    def fill(building, _progress, _scene):
        for name in ("sentinel-2-demo", "land-cover-demo", "dem-demo"):
            (building / name).mkdir()
            (building / name / "collection.json").write_text("{}")

    monkeypatch.setattr("tileserver.demo.archive._fill", fill)
    # what a killed process would leave: no stamp, a half-moved folder, a stale workplace
    (folder / "dem-demo").mkdir(parents=True)
    (folder / "dem-demo" / "old.tif").write_bytes(b"half")
    (tmp_path / ".demo.building").mkdir()
    assert not is_complete(folder)
    make_demo(folder)
    assert is_complete(folder)
    assert not (folder / "dem-demo" / "old.tif").exists()
    assert not (tmp_path / ".demo.building").exists()


@pytest.mark.parametrize("stamp", [b"", b"{", b"[]", b'{"version": 0}', b"\xff\xfe"])
def test_a_stamp_that_is_not_ours_does_not_count(tmp_path, stamp):
    for name in ("sentinel-2-demo", "land-cover-demo", "dem-demo"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "collection.json").write_text("{}")
    (tmp_path / ".tilescope-demo.json").write_bytes(stamp)
    assert not is_complete(tmp_path)


def test_the_calendar_has_what_the_viewer_shows():
    days = [visit.day for visit in CALENDAR]
    assert days == sorted(set(days))
    assert len(days) >= 16
    assert (days[-1] - days[0]).days > 650
    pairs = [(a, b) for a in days for b in days if abs((b - a).days - 365) <= 10]
    assert len(pairs) >= 5
    assert sum(visit.swath for visit in CALENDAR) == sum(visit.tiles == "east" for visit in CALENDAR) == 1
    assert CALENDAR[-1].amount < 0.2, "the newest picture is the first that visitors see"


@pytest.mark.slow
def test_the_whole_archive_keeps_its_budget(tmp_path):
    folder = make_demo(tmp_path / "demo")
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 250e6
