"""Pixels follow rio-tiler: on every grid, at every zoom, at edges, across nodata and the antimeridian.

Nearest: at most 0.5 % of a tile's pixels may differ (contract); in fact next to none do. Bilinear and cubic: a pixel
in ten thousand, by one stored value.
"""

from __future__ import annotations

from pathlib import Path

import morecantile
import numpy as np
import pytest

from tests.oracles.compare import compare, tiles_of
from tests.oracles.rasters import PLACES, make

NEAREST_SHARE = 0.005
WARPED = [name for name in PLACES if name != "mercator"]
"""Places whose CRS is not that of the tiles."""


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("oracles")


@pytest.mark.parametrize("name", WARPED)
def test_nearest_at_all_zooms(folder: Path, name: str) -> None:
    path = make(folder, name)
    seen, differing = 0, []
    for tile in tiles_of(path, range(19), 3):
        difference = compare(path, tile, "nearest")
        if difference is None:
            continue
        seen += 1
        assert difference.validity + difference.values <= NEAREST_SHARE, tile
        differing.append(difference.validity + difference.values)
    assert seen > 15
    assert np.mean(differing) < 0.0003


@pytest.mark.parametrize("name", WARPED)
@pytest.mark.parametrize("resampling", ["bilinear", "cubic"])
def test_smooth_at_all_zooms(folder: Path, name: str, resampling: str) -> None:
    path = make(folder, name)
    for tile in tiles_of(path, range(3, 17, 2), 2):
        difference = compare(path, tile, resampling)
        if difference is not None:
            assert difference.steps <= 1, tile
            assert difference.values <= 1e-4, tile
            assert difference.validity <= NEAREST_SHARE, tile


@pytest.mark.parametrize("name", ["utm33", "geographic", "laea"])
def test_average(folder: Path, name: str) -> None:
    """GDAL measures every pixel's footprint; we measure one of the whole picture."""
    path = make(folder, name, nodata=None)
    for tile in tiles_of(path, range(9, 15), 2):
        difference = compare(path, tile, "average")
        if difference is not None:
            assert difference.mean <= 0.005, tile


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "float32", "float64"])
@pytest.mark.parametrize("nodata", [None, 0])
def test_types(folder: Path, dtype: str, nodata: int | None) -> None:
    place = "utm33"
    path = make(folder, place, dtype=dtype, nodata=nodata)
    for tile in tiles_of(path, range(9, 16, 2), 2):
        for resampling in ("nearest", "bilinear"):
            difference = compare(path, tile, resampling)
            assert difference is not None
            assert difference.validity == 0
            assert difference.values <= (1e-4 if dtype.startswith(("int", "uint")) else 1)
            assert difference.steps <= (1 if dtype.startswith(("int", "uint")) else 0.001)


@pytest.mark.parametrize("taken", [1, 2, 3])
def test_some_or_all_bands_of_a_file(folder: Path, taken: int) -> None:
    """GDAL warps twice where not all bands are wanted; nearest shows it."""
    path = make(folder, "geographic", bands=3)
    for tile in tiles_of(path, range(7, 14), 2):
        difference = compare(path, tile, "nearest", bands=taken)
        assert difference is not None
        assert difference.validity + difference.values <= NEAREST_SHARE, tile


@pytest.mark.parametrize("size", [64, 512])
@pytest.mark.parametrize("name", ["utm33", "polar_north", "sjtsk"])
def test_other_tile_sizes(folder: Path, name: str, size: int) -> None:
    path = make(folder, name)
    for tile in tiles_of(path, range(5, 15, 2), 2):
        difference = compare(path, tile, "nearest", size)
        if difference is not None:
            assert difference.validity + difference.values <= NEAREST_SHARE, tile


@pytest.mark.parametrize("nodata", [None, 0])
@pytest.mark.parametrize("name", ["utm33_south", "laea"])
def test_wide_pictures(folder: Path, name: str, nodata: int | None) -> None:
    """GDAL warps a picture of a file without nodata in pieces of 512 columns, and approximates in each anew."""
    path = make(folder, name, nodata=nodata)
    for tile in tiles_of(path, range(6, 13, 3), 2):
        difference = compare(path, tile, "nearest", 1024)
        if difference is not None:
            assert difference.validity + difference.values == 0, tile


@pytest.mark.parametrize("tms", ["WGS1984Quad", "EuropeanETRS89_LAEAQuad"])
@pytest.mark.parametrize("name", ["utm33", "geographic", "laea"])
def test_other_tile_matrix_sets(folder: Path, name: str, tms: str) -> None:
    grid = morecantile.tms.get(tms)
    path = make(folder, name)
    for tile in tiles_of(path, range(4, 13), 2, grid):
        difference = compare(path, tile, "nearest", tms=grid)
        if difference is not None:
            assert difference.validity + difference.values <= NEAREST_SHARE, tile
