"""Bands of a file that have nodata at pixels of their own: smoothed, a pixel counts where any band has a value.

GDAL moves a result that equals nodata to the next number; ours stays, so values may be 1 apart there.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.cogs import write_cog
from tests.oracles.compare import compare, tiles_of
from tests.oracles.rasters import PLACES, texture

PLACE = PLACES["utm33"]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("unlike")


def written(folder: Path, interleave: str, dtype: str, count: int = 3) -> Path:
    """Each band lacks pixels of its own; a corner is missing from all."""
    chance = np.random.default_rng(4)
    hills = texture(PLACE, "uint16", None) // (1 if dtype != "uint8" else 16)
    data = np.stack([hills - 3 * band for band in range(count)]).astype(dtype)
    for band in data:
        band[chance.random(band.shape) < 0.03] = 0
    data[:, :200, :300] = 0
    path = folder / f"{interleave}{dtype}{count}.tif"
    options = {"nodata": 0, "crs": PLACE.crs, "transform": PLACE.transform, "interleave": interleave}
    write_cog(path, data, **options)
    return path


@pytest.mark.parametrize("resampling", ["nearest", "bilinear", "cubic"])
@pytest.mark.parametrize("taken", [1, 3])
@pytest.mark.parametrize(("interleave", "dtype"), [("pixel", "uint8"), ("band", "uint16"), ("pixel", "int16")])
def test_bands_share_where_they_count(folder, interleave, dtype, taken, resampling):
    path = written(folder, interleave, dtype)
    seen = 0
    for tile in tiles_of(path, range(11, 16), 4):
        found = compare(path, tile, resampling, bands=taken)
        if found is not None:
            seen += 1
            assert found.validity == 0, tile
            assert found.steps <= 1, tile
            assert found.values < 2e-3, tile
    assert seen > 10
