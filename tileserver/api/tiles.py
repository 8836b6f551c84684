"""Tiles of any tile matrix set as grids with their extent in degrees."""

from __future__ import annotations

import math
from functools import lru_cache

from morecantile import TileMatrixSet
from pyproj import Transformer

from tileserver.mercator import mercator_tile
from tileserver.models import Bbox, Grid
from tileserver.tile_matrix_sets import matrix_of, tile_grid

_WORLD = (-180.0, -90.0, 180.0, 90.0)


def place_tile(tms: TileMatrixSet, zoom: int, col: int, row: int, *, scale: int = 1) -> tuple[Grid, Bbox]:
    """A tile's grid and its extent in degrees. Raises NotFound beyond the set.

    WebMercatorQuad's are those of `/xyz`, so that all services share what is rendered.
    """
    grid = tile_grid(tms, zoom, col, row, scale=scale)
    if tms.id == "WebMercatorQuad" and matrix_of(tms, zoom).tileWidth == 256:
        return mercator_tile(zoom, col, row, grid.width)
    return grid, degrees(grid)


@lru_cache(maxsize=65536)
def degrees(grid: Grid) -> Bbox:
    """The extent of a grid in degrees; the world where PROJ gives up.

    West exceeds east across the antimeridian.
    """
    if grid.crs in {"EPSG:4326", "OGC:CRS84"}:
        west, south, east, north = grid.bounds
    else:
        transformer = _to_degrees(grid.crs)
        left, bottom, right, top = grid.bounds
        west, south, east, north = transformer.transform_bounds(left, bottom, right, top, densify_pts=21)
    if not all(math.isfinite(value) for value in (west, south, east, north)):
        return _WORLD
    return max(west, -180.0), max(south, -90.0), min(east, 180.0), min(north, 90.0)


@lru_cache(maxsize=256)
def _to_degrees(crs: str) -> Transformer:
    return Transformer.from_crs(crs, "EPSG:4326", always_xy=True)


def lonlat(crs: str, x: float, y: float) -> tuple[float, float]:
    """A place in degrees."""
    if crs in {"EPSG:4326", "OGC:CRS84"}:
        return x, y
    lon, lat = _to_degrees(crs).transform(x, y)
    return float(lon), float(lat)
