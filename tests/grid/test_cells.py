"""Polynomials of cells give the places that projecting each picture gives, and say where they cannot."""

from __future__ import annotations

from dataclasses import replace

import mercantile
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tileserver import cells, polynomial
from tileserver.file_grid import FileGrid, transformer
from tileserver.mercator import mercator_tile
from tileserver.models import Grid
from tileserver.polynomial import fit, rows

UTM = FileGrid("EPSG:32633", (10.0, 0.0, 499_980.0, 0.0, -10.0, 5_400_000.0), 10980, 10980, ((10980, 10980),))
DEGREES = FileGrid("EPSG:4326", (0.001, 0.0, 10.0, 0.0, -0.001, 60.0), 9000, 9000, ((9000, 9000),))
POLAR = FileGrid("EPSG:3995", (100.0, 0.0, -500_000.0, 0.0, -100.0, 500_000.0), 10000, 10000, ((10000, 10000),))


@settings(max_examples=150, deadline=None)
@given(
    file=st.sampled_from([UTM, DEGREES]),
    zoom=st.integers(11, 19),
    lon=st.floats(13.5, 16.5),
    lat=st.floats(47.0, 49.5),
    width=st.sampled_from([256, 512]),
)
def test_a_tile_of_a_cell_is_where_proj_says(file: FileGrid, zoom: int, lon: float, lat: float, width: int) -> None:
    tile = mercantile.tile(lon, lat, zoom)
    grid, _ = mercator_tile(tile.z, tile.x, tile.y, width)
    exact = transformer(grid, file, file.levels[0])
    shared, own = cells.fitted(grid, file, file.levels[0]), fit(exact, width, width)
    assert own is not None
    assert zoom < 12 or shared is not None
    if shared is not None:
        one, other = rows(shared, width, width), rows(own, width, width)
        np.testing.assert_array_equal(one.first, other.first)
        np.testing.assert_allclose(one.segments, other.segments, rtol=0, atol=1e-7)


def test_neighbours_of_a_cell_meet() -> None:
    """Across its inner edges and across those of the cell itself."""
    first = mercantile.tile(15.0, 48.0, 14)
    for step in range(10):
        left, right = (mercator_tile(14, first.x + step + aside, first.y, 256)[0] for aside in (0, 1))
        ends = []
        for grid, column in ((left, 256.0), (right, 0.0)):
            shared = cells.fitted(grid, UTM, (10980, 10980))
            assert shared is not None
            u, v = 2 * column / 256 - 1, 0.0
            basis = [np.polynomial.chebyshev.chebvander(np.array([at]), 6)[0] for at in (v, u)]
            ends.append([basis[0] @ axis @ basis[1] for axis in shared])
        np.testing.assert_allclose(ends[0], ends[1], rtol=0, atol=1e-8)


@pytest.mark.parametrize(
    "bounds",
    [
        (1_680_000.0, 6_200_000.0, 1_689_784.0, 6_209_784.0),
        (1e300, 0.0, 1.1e300, 1e299),
        (0.0, 0.0, 1e-9, 1e-9),
        (1e6, 6e6, 1e6 + 1e-6, 6e6 + 1e-6),
    ],
)
def test_pictures_of_their_own(bounds: tuple[float, float, float, float]) -> None:
    """Not in a row, or too small or too far away for numbers to say."""
    grid = Grid(crs="EPSG:3857", bounds=bounds, width=256, height=256)
    found = cells.fitted(grid, UTM, (10980, 10980))
    own = fit(transformer(grid, UTM, (10980, 10980)), 256, 256)
    if found is not None:
        assert own is not None
        np.testing.assert_allclose(found, own, rtol=0, atol=1e-7)


@pytest.mark.parametrize("zoom", [14, 17, 20])
def test_tiles_share_their_cells(zoom: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 32 x 32 tiles nearly every one finds what another has left; beyond zoom 20 bounds do not tell any more."""
    fits = []
    monkeypatch.setattr(polynomial, "fit", lambda *given: fits.append(1) or fit(*given))
    first = mercantile.tile(15.2, 48.2, zoom)
    for across in range(32):
        for down in range(32):
            grid, _ = mercator_tile(zoom, first.x + across, first.y + down, 256)
            assert cells.fitted(grid, UTM, (10980, 10980)) is not None
    assert len(fits) <= 40


def test_a_picture_just_beside_a_row_does_not_spoil_it() -> None:
    tile = mercantile.tile(15.1, 48.1, 14)
    grid, _ = mercator_tile(14, tile.x, tile.y, 256)
    for aside in (3e-1, 1e-2, 1e-4, 1e-6, 0.0):
        moved = replace(grid, bounds=tuple(each + aside for each in grid.bounds))
        own, shared = fit(transformer(moved, UTM, UTM.levels[0]), 256, 256), cells.fitted(moved, UTM, UTM.levels[0])
        assert own is not None
        assert (shared is None) == (aside > 1e-1)
        if shared is not None:
            np.testing.assert_allclose(shared[:, 0, 0], own[:, 0, 0], rtol=0, atol=2e-6)


def test_a_picture_without_extent_has_none() -> None:
    grid = Grid(crs="EPSG:3857", bounds=(1e6, 6e6, 1e6, 6e6), width=256, height=256)
    assert cells.fitted(grid, UTM, UTM.levels[0]) is None


def test_a_cell_around_a_pole_has_no_polynomial() -> None:
    grid, _ = mercator_tile(4, 9, 0, 256)
    assert cells.fitted(grid, POLAR, (10000, 10000)) is None
