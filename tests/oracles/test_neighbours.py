"""Pictures that lie side by side share what is read; each must be what it is alone, which rio-tiler's tests judge."""

from __future__ import annotations

from pathlib import Path

import mercantile
import numpy as np
import pytest
import rasterio
from rasterio.warp import transform_bounds

from gpu.cpu import CpuBackend
from tests.cog.masks import make
from tests.cogs import write_cog
from tileserver.mercator import mercator_tile
from tileserver.models import Asset, Band, Resampling
from tileserver.reading import FastReader

RNG = np.random.default_rng(3)
PIXELS = RNG.integers(1, 4000, (3, 400, 500), np.uint16)
FORMS = {
    "nodata": {"data": np.where(RNG.random(PIXELS.shape) < 0.1, 0, PIXELS).astype(np.uint16), "nodata": 0},
    "plain": {"data": PIXELS},
    "floats": {"data": np.where(PIXELS < 400, np.nan, PIXELS / 7).astype(np.float32), "nodata": np.nan},
    "own projection": {"data": PIXELS, "nodata": 0, "crs": "EPSG:3857"},
}
MASKED = ("mask-1", "alpha-uint8")
BACKEND = CpuBackend()


@pytest.mark.parametrize("form", [*FORMS, *MASKED])
@pytest.mark.parametrize("resampling", ["nearest", "bilinear", "cubic", "average"])
@pytest.mark.parametrize("indexes", [(1, 2, 3), (2,)])
def test_together_as_alone(tmp_path: Path, form: str, resampling: Resampling, indexes: tuple[int, ...]) -> None:
    path = make(tmp_path, form, overviews=True) if form in MASKED else write_cog(tmp_path / "a.tif", **FORMS[form])
    asset = Asset(key="a", href=str(path), bands=tuple(Band(name=f"b{i}", index=i) for i in (1, 2, 3)))
    bands = [(asset, asset.bands[index - 1]) for index in indexes]
    reader = FastReader()
    with rasterio.open(path) as dataset:
        west, south, east, north = transform_bounds(dataset.crs, "EPSG:4326", *dataset.bounds)
    tiles = [tile for zoom in (9, 11, 12, 13, 14) for tile in mercantile.tiles(west, south, east, north, [zoom])]
    grids = [mercator_tile(tile.z, tile.x, tile.y, 256)[0] for tile in tiles[:20]]
    read = FastReader().together(grids)
    drawn, windows = 0, set()
    for grid in grids:
        together, alone = read(bands, grid, resampling), reader.sources(bands, grid, resampling)
        for one, other in zip(together, alone, strict=True):
            assert (one is None) == (other is None)
            if one is None or other is None:
                continue
            expected = BACKEND.warp(other, 256, 256, resampling)
            found = BACKEND.warp(one, 256, 256, resampling)
            np.testing.assert_array_equal(found[1], expected[1])
            np.testing.assert_array_equal(np.where(found[1], found[0], 0), np.where(expected[1], expected[0], 0))
            drawn += bool(expected[1].any())
            windows.add((one.key, id(one.pixels)))
    assert drawn > 4
    assert resampling != "nearest" or form == "own projection" or len(windows) < drawn
