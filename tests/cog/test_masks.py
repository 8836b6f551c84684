"""Masks and alpha bands, read by ourselves, against rio-tiler: the same pixels are valid, everywhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio

from tests.cog.files import asset, band
from tests.cog.masks import KINDS, make, visible
from tests.oracles.compare import READER, Difference, compare, tiles_of


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("masks")


def differences(path: Path, resampling: str, size: int, each: int = 3) -> list[Difference]:
    """Of tiles at all zooms, at edges and within; there are pixels to see in all of them together."""
    with rasterio.open(path) as dataset:
        bands = 1 if dataset.count == 2 else 3
    found = [compare(path, tile, resampling, size, bands) for tile in tiles_of(path, range(9, 17, 2), each)]
    seen = [difference for difference in found if difference is not None]
    assert sum(difference.valid for difference in seen) > 20_000
    return seen


@pytest.mark.parametrize("kind", KINDS)
def test_the_file_is_ours(folder: Path, kind: str) -> None:
    """None of them goes to GDAL, and each is known for what it is."""
    path = make(folder, kind, overviews=True)
    assert READER.explain(asset(path)) == ""
    assert READER.header(asset(path)).masked


@pytest.mark.parametrize("size", [256, 512])
@pytest.mark.parametrize("overviews", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_nearest_is_the_same(folder: Path, kind: str, overviews: bool, size: int) -> None:
    for difference in differences(make(folder, kind, overviews=overviews), "nearest", size):
        assert (difference.validity, difference.values) == (0, 0)


@pytest.mark.parametrize("size", [256, 512])
@pytest.mark.parametrize("resampling", ["bilinear", "cubic"])
@pytest.mark.parametrize("kind", KINDS)
def test_smooth_is_the_same(folder: Path, kind: str, resampling: str, size: int) -> None:
    """Up to a pixel in a million whose value is on the border between two."""
    for difference in differences(make(folder, kind, overviews=True), resampling, size):
        assert difference.validity == 0
        assert difference.steps <= 1
        assert difference.values <= 2e-6


@pytest.mark.parametrize("kind", KINDS)
def test_points(folder: Path, kind: str) -> None:
    """A value where the mask shows one, nothing where it does not."""
    path = make(folder, kind, overviews=False)
    seen = visible()
    rows, columns = np.random.default_rng(1).integers(0, len(seen), (2, 60))
    with rasterio.open(path) as dataset:
        stored = dataset.read(1)
        xs, ys = rasterio.transform.xy(dataset.transform, rows, columns)
        lons, lats = rasterio.warp.transform(dataset.crs, "EPSG:4326", xs, ys)
    assert 5 < seen[rows, columns].sum() < 60
    for row, column, lon, lat in zip(rows, columns, lons, lats, strict=True):
        (value,) = READER.point([(asset(path), band())], lon, lat)
        assert value == (stored[row, column] if seen[row, column] else None)


def test_a_mask_beside_the_file_is_for_gdal(folder: Path, tmp_path: Path) -> None:
    path = make(tmp_path, "mask-1", overviews=False)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(path) as dataset:
        profile, data = dataset.profile, dataset.read()
    beside = tmp_path / "beside.tif"
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(beside, "w", **profile) as dataset:
        dataset.write(data)
        dataset.write_mask(visible())
    assert Path(f"{beside}.msk").exists()
    assert READER.explain(asset(beside))
