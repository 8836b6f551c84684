"""WebMercatorQuad, the tiles of most maps."""

from __future__ import annotations

import math
from functools import lru_cache

from tileserver.models import Bbox, Grid

_HALF = math.pi * 6378137.0
"""Half the circumference of EPSG:3857's sphere, in metres."""


@lru_cache(maxsize=65536)
def mercator_tile(z: int, x: int, y: int, size: int) -> tuple[Grid, Bbox]:
    """A WebMercatorQuad tile's grid and its extent in degrees."""
    span = 2 * _HALF / 2**z
    left, top = x * span - _HALF, _HALF - y * span
    grid = Grid(crs="EPSG:3857", bounds=(left, top - span, left + span, top), width=size, height=size)
    west, east = x / 2**z * 360 - 180, (x + 1) / 2**z * 360 - 180
    north, south = (math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * row / 2**z)))) for row in (y, y + 1))
    return grid, (west, south, east, north)
