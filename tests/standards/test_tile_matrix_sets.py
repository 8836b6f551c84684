"""Tile matrix sets against morecantile, mercantile, PROJ and OGC's rules."""

from __future__ import annotations

import json
import math

import mercantile
import morecantile
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS, Transformer

from tileserver.errors import NotFound
from tileserver.tile_matrix_sets import limits, load_tile_matrix_sets, native_zoom, tile_grid

SETS = load_tile_matrix_sets()
OURS = ("EPSG5514", "EPSG25832", "EPSG25833", "EPSG2154")
PRAGUE = (14.2, 49.9, 14.7, 50.2)


def test_all_promised_sets_are_there():
    assert {"WebMercatorQuad", "WorldCRS84Quad", "WGS1984Quad", "EuropeanETRS89_LAEAQuad", *OURS} <= set(SETS)
    assert SETS["EPSG:5514"].id == "EPSG5514"
    with pytest.raises(NotFound, match="WebMercatorQuad"):
        SETS["WebMercatorQuat"]


@pytest.mark.parametrize("name", OURS)
def test_scales_follow_from_cells_of_028_mm(name):
    for matrix in SETS[name].tileMatrices:
        assert matrix.scaleDenominator * 0.00028 == pytest.approx(matrix.cellSize, rel=1e-12)
        assert matrix.matrixWidth == matrix.matrixHeight == 2 ** int(matrix.id)
        assert all(corner % 60 == 0 for corner in matrix.pointOfOrigin)
    assert {10.0, 20.0} <= {matrix.cellSize for matrix in SETS[name].tileMatrices}


@pytest.mark.parametrize("name", OURS)
def test_the_area_of_use_lies_within_the_first_tile(name):
    crs = CRS.from_epsg(int(name.removeprefix("EPSG")))
    use = crs.area_of_use
    north = min(use.north, 72.0)  # zones reach the pole, the sets Europe
    to = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    box = to.transform_bounds(use.west, max(use.south, 34.0), use.east, north)
    frame = SETS[name].xy_bbox
    assert frame.left <= box[0]
    assert frame.bottom <= box[1]
    assert frame.right >= box[2]
    assert frame.top >= box[3]


@given(lon=st.floats(-179.9, 179.9), lat=st.floats(-84, 84), zoom=st.integers(0, 20))
def test_web_mercator_tiles_are_mercantile_s(lon, lat, zoom):
    tile = mercantile.tile(lon, lat, zoom)
    grid = tile_grid(SETS["WebMercatorQuad"], zoom, tile.x, tile.y)
    assert grid.bounds == pytest.approx(mercantile.xy_bounds(tile), abs=1e-6)
    one = limits(SETS["WebMercatorQuad"], (lon, lat, lon, lat), zoom)[-1]
    assert abs(one.min_col - tile.x) <= 1
    assert abs(one.min_row - tile.y) <= 1


@pytest.mark.parametrize("name", list(SETS))
def test_limits_are_the_tiles_that_morecantile_finds(name):
    tms = SETS[name]
    found = limits(tms, PRAGUE, 12)
    deepest = found[-1]
    zoom = int(deepest.matrix)
    tiles = list(tms.tiles(*PRAGUE, zooms=[zoom]))
    cols, rows = {t.x for t in tiles}, {t.y for t in tiles}
    # Morecantile takes corners, we the outline: at most one tile more on each side of a rotated area.
    assert deepest.min_col <= min(cols) <= deepest.min_col + 1
    assert deepest.max_col >= max(cols) >= deepest.max_col - 1
    assert deepest.min_row <= min(rows) <= deepest.min_row + 1
    assert deepest.max_row >= max(rows) >= deepest.max_row - 1


@pytest.mark.parametrize("name", list(SETS))
def test_the_deepest_matrix_is_about_native(name):
    zoom = native_zoom(SETS[name], PRAGUE, 14)
    matrix = SETS[name].matrix(zoom)
    metres = matrix.scaleDenominator * 0.00028
    ground = metres if name in OURS or name == "EuropeanETRS89_LAEAQuad" else metres * math.cos(math.radians(50))
    native = 2 * math.pi * 6378137 / 256 / 2**14 * math.cos(math.radians(50))
    assert native / 1.6 <= ground <= native * 1.6


def test_sets_that_do_not_reach_a_place_have_no_limits():
    brazil = (-60.0, -20.0, -50.0, -10.0)
    assert all(limits(SETS[name], brazil, 12) == () for name in OURS)


def test_limits_around_the_world_and_across_the_antimeridian():
    for name, tms in SETS.items():
        whole = limits(tms, (-180.0, -90.0, 180.0, 90.0), 4)
        assert whole[0].min_row == whole[0].min_col == 0, name
    last = limits(SETS["WebMercatorQuad"], (170.0, -20.0, -170.0, 0.0), 5)[-1]
    assert (last.min_col, last.max_col) == (0, 31)


def test_tiles_beyond_the_matrix_do_not_exist():
    for zoom, col, row in ((0, 1, 0), (3, 0, 8), (3, -1, 0), (99, 0, 0), (-1, 0, 0)):
        with pytest.raises(NotFound):
            tile_grid(SETS["WebMercatorQuad"], zoom, col, row)


def test_the_operator_s_own_sets(tmp_path):
    own = morecantile.TileMatrixSet.custom([0, 0, 1000, 1000], CRS.from_epsg(32633), id="Mine", maxzoom=3)
    (tmp_path / "mine.json").write_text(own.model_dump_json())
    assert load_tile_matrix_sets(tmp_path)["Mine"].tileMatrices[0].cellSize == pytest.approx(1000 / 256)
    (tmp_path / "broken.json").write_text(json.dumps({"id": "x"}))
    with pytest.raises(ValueError, match=r"broken\.json is no OGC tile matrix set"):
        load_tile_matrix_sets(tmp_path)
