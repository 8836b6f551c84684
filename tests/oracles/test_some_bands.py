"""Some of a file's bands: GDAL warps onto a finer picture, and smooths that once more onto the tile.

Pixels equal rio-tiler's. Sums in another order move halves of 32-bit numbers and of symmetric grids, and the last bit
of floats.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.cogs import write_cog
from tests.oracles.compare import WEB, Difference, compare, tiles_of
from tests.oracles.rasters import PLACES, make, texture

PLACE = "utm33"
TAKEN = 3
SMOOTH = ("bilinear", "cubic")
ROUNDED = 1e-4
"""Share of pixels that may differ, by 1, where values lie just between two numbers."""
OF_WIDE_TYPES = [(None, "bilinear"), (-9999, "bilinear"), (-9999, "cubic")]
"""Without nodata and with cubic, their alpha overshoots at a file's edge; then rio-tiler takes nothing for valid."""
WARPED = [name for name in PLACES if name != "mercator"]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bands")


def differences(path: Path, zooms: range, resampling: str, size: int = 256) -> list[Difference]:
    found = [compare(path, tile, resampling, size, TAKEN) for tile in tiles_of(path, zooms, 3)]
    return [difference for difference in found if difference is not None]


def own_zoom(name: str) -> int:
    """The first zoom as fine as a file."""
    place = PLACES[name]
    metres = place.transform.a * (111_320 if place.crs == "EPSG:4326" else 1)
    return WEB.zoom_for_res(metres, zoom_level_strategy="upper")


@pytest.mark.parametrize("nodata", [None, 0])
@pytest.mark.parametrize("resampling", SMOOTH)
@pytest.mark.parametrize("name", WARPED)
def test_every_grid(folder: Path, name: str, resampling: str, nodata: int | None) -> None:
    path, zoom = make(folder, name, bands=4, nodata=nodata), own_zoom(name)
    seen = differences(path, range(max(zoom - 3, 0), zoom), resampling)
    assert len(seen) > 2
    for each in seen:
        assert each.validity == 0
        assert each.values <= ROUNDED
        assert each.steps <= 1


@pytest.mark.parametrize("resampling", SMOOTH)
@pytest.mark.parametrize(
    ("dtype", "nodata"), [("uint8", 255), ("uint8", None), ("int16", -9999), ("int16", None), ("uint16", 65535)]
)
def test_whole_numbers(folder: Path, dtype: str, nodata: int | None, resampling: str) -> None:
    path = written(folder, dtype, nodata)
    for size in (256, 512):
        for difference in differences(path, range(10, 14), resampling, size):
            assert (difference.validity, difference.values) == (0, 0)


@pytest.mark.parametrize(("nodata", "resampling"), OF_WIDE_TYPES)
def test_32_bit_numbers(folder: Path, nodata: int | None, resampling: str) -> None:
    for difference in differences(written(folder, "int32", nodata), range(10, 14), resampling):
        assert difference.validity == 0
        assert difference.values <= ROUNDED


@pytest.mark.parametrize(("nodata", "resampling"), OF_WIDE_TYPES)
def test_floats(folder: Path, nodata: int | None, resampling: str) -> None:
    for difference in differences(written(folder, "float32", nodata), range(10, 14), resampling):
        assert difference.validity == 0
        assert difference.largest <= 1e-6


def test_values_that_become_nodata(folder: Path) -> None:
    """GDAL's warper and its overviews write a neighbour of it, each in another direction."""
    noise = np.random.default_rng(1).normal(0, 3, (650, 700)).round().astype("int16")
    place = PLACES[PLACE]
    path = folder / "noise.tif"
    write_cog(path, np.stack([noise] * 4), crs=place.crs, transform=place.transform, nodata=0)
    for resampling in SMOOTH:
        for difference in differences(path, range(11, 14), resampling):
            assert (difference.validity, difference.values) == (0, 0)


@pytest.mark.parametrize("resampling", ["nearest", *SMOOTH])
def test_between_overviews(folder: Path, resampling: str) -> None:
    """Tiles next to where GDAL changes from one overview to the next."""
    path = make(folder, PLACE, bands=4)
    for zoom, sizes in ((13, (162, 165, 169, 190, 197, 201, 204)), (12, (161, 163, 167, 190, 194, 197, 200))):
        [tile] = tiles_of(path, range(zoom, zoom + 1), 1)
        for size in sizes:
            difference = compare(path, tile, resampling, size, TAKEN)
            assert difference is not None
            assert (difference.validity, difference.values) == (0, 0), (zoom, size)


def written(folder: Path, dtype: str, nodata: float | None) -> Path:
    """Five bands, so that none is taken for alpha."""
    path = folder / f"{dtype}-{nodata}.tif"
    if not path.exists():
        place = PLACES[PLACE]
        hills = texture(place, "float64", -1.0)
        low, high = (1, 250) if dtype == "uint8" else (1, 60_000) if dtype == "uint16" else (-2_000, 30_000)
        values = np.clip(hills / 16 if dtype == "uint8" else hills + low, low, high)
        bands = [np.where(hills < 0, nodata or 0, values + band) for band in range(5)]
        write_cog(path, np.stack(bands).astype(dtype), crs=place.crs, transform=place.transform, nodata=nodata)
    return path
