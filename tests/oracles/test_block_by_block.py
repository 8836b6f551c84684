"""Pictures whose blocks would be too large together: the same nearest pixels, with one block in memory at a time."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import rasterio

from tests.cog import masks
from tests.cogs import write_cog
from tests.oracles import rasters
from tests.oracles.compare import BACKEND, READER, WEB, compare, tiles_of
from tileserver import nearest
from tileserver.models import Asset, Band, Grid
from tileserver.reading import FastReader

AFAR = range(7, 13)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("blocks")


@pytest.fixture
def scarce(monkeypatch: pytest.MonkeyPatch) -> None:
    """No picture's blocks fit into memory."""
    monkeypatch.setattr(nearest, "MAX_WINDOW_BYTES", 0)


def flat(folder: Path, name: str, bands: int, interleave: str) -> Path:
    """A file without overviews."""
    path = folder / f"{name}-{bands}-{interleave}.tif"
    if not path.exists():
        place = rasters.PLACES[name]
        data = np.stack([rasters.texture(place, "uint16", 0) + 7 * band for band in range(bands)])
        write_cog(
            path, data, crs=place.crs, transform=place.transform, nodata=0, overviews="NONE", interleave=interleave
        )
    with rasterio.open(path) as dataset:
        assert dataset.overviews(1) == []
    return path


@pytest.mark.usefixtures("scarce")
@pytest.mark.parametrize("interleave", ["band", "pixel"])
@pytest.mark.parametrize("bands", [1, 3])
@pytest.mark.parametrize("name", ["utm33", "geographic", "mercator"])
def test_rio_tiler_takes_the_same_pixels(folder: Path, name: str, bands: int, interleave: str) -> None:
    path = flat(folder, name, bands, interleave)
    asset = Asset(key="data", href=str(path))
    for tile in tiles_of(path, AFAR, 3):
        difference = compare(path, tile, "nearest", bands=bands)
        if difference is not None:
            assert (difference.validity, difference.values) == (0, 0), tile
            grid = Grid(crs="EPSG:3857", bounds=tuple(WEB.xy_bounds(tile)), width=256, height=256)
            sources = READER.sources([(asset, Band(name="b", index=1))], grid, "nearest")
            assert all(source is None or source.control is None for source in sources)


@pytest.mark.usefixtures("scarce")
@pytest.mark.parametrize("kind", ["mask-1", "mask-8", "alpha-uint8"])
def test_masks_and_alpha_bands(folder: Path, kind: str) -> None:
    path = masks.make(folder, kind, overviews=False)
    for tile in tiles_of(path, AFAR, 3):
        difference = compare(path, tile, "nearest", bands=3)
        assert difference is not None
        assert (difference.validity, difference.values) == (0, 0), tile


def test_memory_is_that_of_the_picture_and_a_few_blocks(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearest, "MAX_WINDOW_BYTES", 4 << 20)
    path, side = folder / "large.tif", 4096
    if not path.exists():
        write_cog(path, np.ones((side, side), np.uint16), blocksize=256, overviews="NONE")
    with rasterio.open(path) as dataset:
        bounds = dataset.bounds
    reader = FastReader(block_cache_bytes=64 << 20)
    grid = Grid(crs="EPSG:32633", bounds=tuple(bounds), width=256, height=256)
    band = (Asset(key="data", href=str(path)), Band(name="b", index=1))
    reader.header(band[0])
    tracemalloc.start()
    (source,) = reader.sources([band], grid, "nearest")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert source is not None
    assert BACKEND.warp(source, 256, 256, "nearest")[1].all()
    assert peak < side * side * 2 / 2
    assert reader.blocks.used == 0
