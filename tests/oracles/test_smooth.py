"""Bilinear and cubic pixels are rio-tiler's where GDAL warps in pieces: files with masks, and without a nodata value.

GDAL warps them in pieces of 512 columns and 128 rows, each with kernels scaled by its own source window. A pixel in
some millions falls on the border between two stored values, and there the order of a sum decides.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.oracles.compare import WEB, Difference, compare
from tests.oracles.rasters import PLACES, make
from tests.oracles.test_thousands import places

ZOOMS = range(3, 18, 3)
WARPED = [name for name in PLACES if name != "mercator"]
SIDES = (256, 512)
BORDERLINE = 3e-5
"""Share of a tile's pixels, all of which are off by one stored value."""


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("smooth")


def check(path: Path, name: str, resampling: str, size: int, zooms: range = ZOOMS, bands: int = 1) -> list[Difference]:
    """Tiles at a file's corners, edges and within, at all zooms."""
    seen = []
    for tile in dict.fromkeys(WEB.tile(lon, lat, zoom) for zoom in zooms for lon, lat in places(name, 2)):
        difference = compare(path, tile, resampling, size, bands)
        if difference is not None:
            assert difference.validity == 0, tile
            assert difference.steps <= 1, tile
            assert difference.values <= BORDERLINE, tile
            seen.append(difference)
    assert len(seen) > len(zooms)
    return seen


def exact(seen: list[Difference]) -> bool:
    """Are nearly all tiles the same to the last pixel."""
    return Counter(difference.values == 0 for difference in seen)[True] >= 0.85 * len(seen)


@pytest.mark.parametrize("size", SIDES)
@pytest.mark.parametrize("resampling", ["bilinear", "cubic"])
@pytest.mark.parametrize("name", WARPED)
def test_without_nodata(folder: Path, name: str, resampling: str, size: int) -> None:
    assert exact(check(make(folder, name, nodata=None), name, resampling, size))


@pytest.mark.parametrize("size", SIDES)
@pytest.mark.parametrize("resampling", ["bilinear", "cubic"])
@pytest.mark.parametrize("name", ["utm33", "geographic", "geographic_antimeridian", "polar_north", "laea", "sjtsk"])
def test_with_a_mask(folder: Path, name: str, resampling: str, size: int) -> None:
    path = make(folder, name, dtype="uint8", nodata=None, bands=3, masked=True)
    seen = check(path, name, resampling, size, bands=3)
    assert exact(seen)
    assert any(0 < difference.valid < 3 * size * size for difference in seen)


@pytest.mark.parametrize("size", [200, 1100])
@pytest.mark.parametrize("resampling", ["bilinear", "cubic"])
@pytest.mark.parametrize("name", ["utm_60_north", "lambert93"])
def test_pictures_that_no_piece_divides(folder: Path, name: str, resampling: str, size: int) -> None:
    assert exact(check(make(folder, name, nodata=None), name, resampling, size, range(3, 14, 3)))


@pytest.mark.parametrize("resampling", ["bilinear", "cubic"])
@pytest.mark.parametrize("name", WARPED)
def test_with_nodata(folder: Path, name: str, resampling: str) -> None:
    """These GDAL warps at once."""
    assert exact(check(make(folder, name), name, resampling, 256))
