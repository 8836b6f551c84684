"""Files in the tiles' own projection: where nothing is warped, all pixels are rio-tiler's, also at the files' edges.

Smooth methods within a file may differ by rounding, and where some pixels mean nothing; at its edges not at all.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import morecantile
import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.io import MemoryFile
from rasterio.shutil import copy
from rio_tiler.errors import TileOutsideBounds
from rio_tiler.io import Reader

from tests.cogs import write_cog
from tests.oracles.compare import compare, ours
from tests.oracles.rasters import PLACES, Place, texture
from tileserver.models import Grid

WEB, DEGREES = morecantile.tms.get("WebMercatorQuad"), morecantile.tms.get("WGS1984Quad")
CELL = WEB.matrix(12).cellSize
CORNER = WEB.xy_bounds(morecantile.Tile(2200, 1400, 12))
UTM = Affine(10, 0, 400_020, 0, -10, 5_400_040)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A file's grid, and tiles in the same projection."""

    place: Place
    tms: morecantile.TileMatrixSet


CASES = {
    "mercator": Case(place=PLACES["mercator"], tms=WEB),
    "cell by cell": Case(
        place=Place(crs="EPSG:3857", transform=Affine(CELL, 0, CORNER.left, 0, -CELL, CORNER.top), width=900), tms=WEB
    ),
    "cells between": Case(
        place=Place(crs="EPSG:3857", transform=Affine(CELL, 0, CORNER.left + 0.7 * CELL, 0, -CELL, CORNER.top)),
        tms=WEB,
    ),
    "degrees": Case(place=PLACES["geographic"], tms=DEGREES),
    "world": Case(place=PLACES["geographic_world"], tms=DEGREES),
    "utm": Case(place=Place(crs="EPSG:32631", transform=UTM), tms=morecantile.tms.get("UTM31WGS84Quad")),
    "laea": Case(place=PLACES["laea"], tms=morecantile.tms.get("EuropeanETRS89_LAEAQuad")),
    "degrees, warped": Case(place=PLACES["geographic"], tms=morecantile.tms.get("WorldCRS84Quad")),
}
KINDS = ["every pixel means something", "nodata", "mask", "alpha"]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("own")


def make(folder: Path, name: str, kind: str, bands: int = 1) -> Path:
    """The file of a case; made once per folder."""
    path = folder / f"{name}-{kind}-{bands}.tif"
    if path.exists():
        return path
    place = CASES[name].place
    holes = texture(place, "uint16", 0)
    first = holes if kind == "nodata" else texture(place, "uint16", None)
    data = np.stack([first] * bands)
    if kind in {"every pixel means something", "nodata"}:
        nodata = 0 if kind == "nodata" else None
        return write_cog(
            path, data, crs=place.crs, transform=place.transform, nodata=nodata, overview_resampling="average"
        )
    profile = {
        "driver": "GTiff", "count": bands + (kind == "alpha"), "height": place.height, "width": place.width,
        "dtype": "uint16", "crs": place.crs, "transform": place.transform,
    }  # fmt: skip
    if kind == "alpha":
        profile |= {"photometric": "MINISBLACK", "ALPHA": "YES"}
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), MemoryFile() as memory:
        with memory.open(**profile) as dataset:
            dataset.write(data, list(range(1, bands + 1)))
            if kind == "alpha":
                dataset.write(np.where(holes == 0, 0, 65535).astype(np.uint16), bands + 1)
            else:
                dataset.write_mask(holes != 0)
        with memory.open() as dataset:
            copy(dataset, path, driver="COG", compress="deflate", blocksize=128, overview_resampling="nearest")
    return path


def tiles(case: Case, each: int = 1) -> Iterator[tuple[morecantile.Tile, bool]]:
    """Tiles at a file's corners, edges and within, from far coarser to far finer, and whether they reach beyond."""
    random = np.random.default_rng(5)
    place, tms = case.place, case.tms
    left, top = place.transform.c, place.transform.f
    right, bottom = place.transform * (place.width, place.height)
    for zoom in range(tms.minzoom, tms.maxzoom + 1):
        if not place.transform.a / 16 < tms.matrix(zoom).cellSize < place.transform.a * 150:
            continue
        spots = [(x, y) for x in (left, right) for y in (top, bottom)]
        for x, y in random.random((each, 2)):
            across, down = left + x * (right - left), bottom + y * (top - bottom)
            spots += [(left, down), (right, down), (across, top), (across, bottom), (across, down)]
        for tile in dict.fromkeys(tms._tile(x, y, zoom) for x, y in spots):
            bounds = tms.xy_bounds(tile)
            within = bounds.left >= left and bounds.right <= right and bounds.bottom >= bottom and bounds.top <= top
            if 0 <= tile.x < tms.matrix(zoom).matrixWidth and 0 <= tile.y < tms.matrix(zoom).matrixHeight:
                yield tile, not within


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("name", "size"), [*((name, 256) for name in CASES), ("mercator", 512), ("cells between", 512), ("utm", 512)]
)
def test_nearest_without_exception(folder: Path, name: str, kind: str, size: int) -> None:
    path, case, seen = make(folder, name, kind), CASES[name], 0
    for tile, _ in tiles(case):
        difference = compare(path, tile, "nearest", size, tms=case.tms)
        if difference is not None:
            seen += 1
            assert (difference.validity, difference.values) == (0, 0), tile
    assert seen > 20


@pytest.mark.parametrize("resampling", ["bilinear", "cubic", "average"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "size"), [("mercator", 256), ("degrees", 512), ("utm", 256), ("cells between", 256)])
def test_smooth_without_exception_at_the_edges(folder: Path, name: str, kind: str, resampling: str, size: int) -> None:
    path, case, beside = make(folder, name, kind), CASES[name], 0
    for tile, beyond in tiles(case, 0):
        difference = compare(path, tile, resampling, size, tms=case.tms)
        if difference is None:
            continue
        if beyond:
            beside += 1
            assert (difference.validity, difference.values) == (0, 0), tile
        else:
            assert difference.mean <= 0.002
            assert difference.validity <= 0.01
    assert beside > 20


@pytest.mark.parametrize("name", ["mercator", "utm"])
def test_bands_of_one_file_lie_on_each_other(folder: Path, name: str) -> None:
    """GDAL moves the first band that it reads, if the picture is coarse; we follow the others."""
    path, case = make(folder, name, "every pixel means something", 3), CASES[name]
    grid_crs = case.place.crs
    moved = 0
    for tile, beyond in tiles(case):
        with warnings.catch_warnings(), Reader(str(path), tms=case.tms) as reader:
            warnings.simplefilter("ignore")
            try:
                image = reader.tile(*tile, indexes=(1, 2, 3))
            except TileOutsideBounds:
                continue
        grid = Grid(crs=grid_crs, bounds=tuple(case.tms.xy_bounds(tile)), width=256, height=256)
        values, valid = ours(path, grid, "nearest", bands=3)
        known = ~np.ma.getmaskarray(image.array)
        for band in range(3):
            np.testing.assert_array_equal(valid[band], known[1], err_msg=str(tile))
            np.testing.assert_array_equal(values[band][known[1]], image.array.data[1][known[1]], err_msg=str(tile))
        if not np.array_equal(image.array.data[0], image.array.data[1]):
            moved += 1
            assert beyond
    assert moved > 0
