"""Thousands of tiles at every zoom on every grid: nearest pixels are rio-tiler's, without exception.

Half of the places lie on the files' edges, where GDAL is most peculiar. The one grid on which it gives less than we
do is told apart: west of the antimeridian it leaves out what a file from beyond it shows there.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyproj
import pytest
from rio_tiler.errors import TileOutsideBounds
from rio_tiler.io import Reader

from tests.oracles.compare import WEB, ours
from tests.oracles.rasters import PLACES, make
from tileserver.models import Grid

SIDE = 128
ZOOMS = range(3, 20)
WARPED = [name for name in PLACES if name != "mercator"]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("thousands")


def places(name: str, each: int) -> Iterator[tuple[float, float]]:
    """Longitudes and latitudes on the edges of a file, corners first, and as many within."""
    random = np.random.default_rng(23)
    place = PLACES[name]
    along = np.concatenate([[0.0, 1.0], random.random(each - 2)])
    sides = random.integers(0, 4, each)
    spots = [((s, 0.0), (1.0, s), (s, 1.0), (0.0, s))[side] for s, side in zip(along, sides, strict=True)]
    spots += [tuple(spot) for spot in random.random((each, 2))]
    to_degrees = pyproj.Transformer.from_crs(place.crs, "EPSG:4326", always_xy=True)
    for column, row in spots:
        lon, lat = to_degrees.transform(*(place.transform * (column * place.width, row * place.height)))
        if abs(lat) < 84:
            yield lon, lat


@pytest.mark.parametrize("name", WARPED)
def test_nearest_without_exception(folder: Path, name: str) -> None:
    path = make(folder, name)
    tiles = dict.fromkeys(WEB.tile(lon, lat, zoom) for zoom in ZOOMS for lon, lat in places(name, 13))
    seen = 0
    with warnings.catch_warnings(), Reader(str(path), tms=WEB) as reader:
        warnings.simplefilter("ignore")
        for tile in tiles:
            try:
                image = reader.tile(*tile, tilesize=SIDE, indexes=(1,))
            except TileOutsideBounds:
                continue
            seen += 1
            grid = Grid(crs="EPSG:3857", bounds=tuple(WEB.xy_bounds(tile)), width=SIDE, height=SIDE)
            values, valid = ours(path, grid, "nearest")
            known = ~np.ma.getmaskarray(image.array)
            if name == "geographic_antimeridian":
                valid &= known | ~(image.array.mask.any() & (tile.x < 2**tile.z / 2))
            np.testing.assert_array_equal(valid, known, err_msg=str(tile))
            np.testing.assert_array_equal(values[known], image.array.data[known], err_msg=str(tile))
    assert seen > 60
