"""Where on Earth a raster lies: outlines in degrees, right at the antimeridian and at the poles."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer
from pyproj.exceptions import CRSError, ProjError
from rasterio.crs import CRS
from shapely.affinity import translate
from shapely.geometry import mapping

from tileserver.errors import SourceUnreadable
from tileserver.models import Bbox

Affine = tuple[float, float, float, float, float, float]
_SEGMENTS = 32
_WORLD = shapely.box(-180, -90, 180, 90)


def footprint(crs: CRS, affine: Affine, width: int, height: int) -> tuple[Bbox, dict[str, Any]]:
    """Bbox (west may exceed east) and GeoJSON geometry of a grid. Raises SourceUnreadable where it has no place."""
    lon, lat = _degrees(crs, affine, *_outline(width, height))
    if not (np.isfinite(lon) & np.isfinite(lat)).all():
        return _scattered(crs, affine, width, height)
    lon = np.degrees(np.unwrap(np.radians(lon)))
    lat = np.clip(lat, -90, 90)
    ring = np.column_stack([lon, lat])
    if abs(lon[-1] - lon[0]) > 180:  # once around the Earth: a pole is inside
        pole = _pole(crs, affine, width, height)
        ring = np.vstack([ring, [lon[-1], pole], [lon[0], pole]])
    return _placed(ring)


def _outline(width: int, height: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Columns and rows along the edges of the image, clockwise and closed."""
    forth = np.linspace(0, 1, _SEGMENTS + 1)
    zero, one = np.zeros(_SEGMENTS), np.ones(_SEGMENTS)
    there, back = forth[:-1], forth[:0:-1]
    column = np.concatenate([there, one, back, zero, [0.0]]) * width
    row = np.concatenate([zero, there, one, back, [0.0]]) * height
    return column, row


def _degrees(
    crs: CRS, affine: Affine, column: NDArray[np.float64], row: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Longitudes and latitudes of pixel positions; inf where the projection has none."""
    a, b, c, d, e, f = affine
    try:
        lon, lat = _transformer(crs.to_wkt()).transform(a * column + b * row + c, d * column + e * row + f)
    except (ProjError, CRSError) as error:
        raise SourceUnreadable("Its coordinate system cannot be related to longitude and latitude.") from error
    return np.asarray(lon), np.asarray(lat)


@lru_cache(maxsize=256)
def _transformer(wkt: str) -> Transformer:
    return Transformer.from_crs(wkt, 4326, always_xy=True)


def _pole(crs: CRS, affine: Affine, width: int, height: int) -> float:
    """Which pole lies inside: the one that the middle of the image is nearer to."""
    _, lat = _degrees(crs, affine, np.array([width / 2]), np.array([height / 2]))
    return 90.0 if lat[0] > 0 else -90.0


def _placed(ring: NDArray[np.float64]) -> tuple[Bbox, dict[str, Any]]:
    """An outline with running longitudes (they may leave -180..180), folded onto the Earth."""
    south, north = float(ring[:, 1].min()), float(ring[:, 1].max())
    if north <= -90 or south >= 90 or south == north:
        raise SourceUnreadable("Its position lies outside the Earth.")
    west, east = float(ring[:, 0].min()), float(ring[:, 0].max())
    if east - west >= 360 - 1e-6:
        box, west, east = True, -180.0, 180.0
    else:
        box = False
    outline = shapely.make_valid(shapely.Polygon(ring))
    turns = range(int(np.floor((west + 180) / 360)), int(np.floor((east + 180 - 1e-9) / 360)) + 1)
    if box:
        turns = range(-2, 3)
    parts = [translate(outline, -360.0 * turn).intersection(_WORLD) for turn in turns]
    geometry = _polygons(shapely.union_all(parts))
    if geometry.is_empty:
        raise SourceUnreadable("Its position lies outside the Earth.")
    if not box:
        turn = 360 * np.floor((west + 180) / 360)
        west, east = west - turn, east - turn
        east = east - 360 if east > 180 else east
    return (float(west), south, float(east), north), mapping(geometry)


def _polygons(geometry: shapely.Geometry) -> shapely.Polygon | shapely.MultiPolygon:
    """Only the areas: cutting leaves lines and points where edges touch."""
    areas = [part for part in shapely.get_parts(geometry).tolist() if isinstance(part, shapely.Polygon)]
    return areas[0] if len(areas) == 1 else shapely.MultiPolygon(areas)


def _scattered(crs: CRS, affine: Affine, width: int, height: int) -> tuple[Bbox, dict[str, Any]]:
    """For images larger than their projection's world (full discs): the box around what has a place."""
    column, row = np.meshgrid(np.linspace(0, width, 65), np.linspace(0, height, 65))
    lon, lat = _degrees(crs, affine, column.ravel(), row.ravel())
    known = np.isfinite(lon) & np.isfinite(lat)
    if not known.any():
        raise SourceUnreadable("Its position lies outside the Earth.")
    lon, lat = np.sort((lon[known] + 180) % 360 - 180), np.clip(lat[known], -90, 90)
    gaps = np.append(np.diff(lon), lon[0] + 360 - lon[-1])
    widest = int(gaps.argmax())
    east = float(lon[widest])
    west = float(lon[(widest + 1) % len(lon)])
    if gaps[widest] < 20:
        west, east = -180.0, 180.0
    east = east + 360 if west > east else east
    corners = [[west, lat.min()], [east, lat.min()], [east, lat.max()], [west, lat.max()], [west, lat.min()]]
    return _placed(np.array(corners))
