"""Areas that visitors draw: checked, projected, and weighed pixel by pixel.

The weight of a pixel is the exact share of its area inside the polygon. Every edge, cut at the pixel lines,
adds the signed area to its right; a running sum along each row turns edges into areas (the accumulation
buffer of font rasterisers). Orientation of rings makes holes subtract.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from shapely.affinity import translate
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from tileserver.errors import InvalidParameter, TooLarge
from tileserver.models import Bbox

ALLOWED = "a GeoJSON Point, Polygon or MultiPolygon in degrees, or a Feature with one"
_PIECES = 1_000_000
_ROUNDING = 1e-9
"""What sums of signed areas leave where nothing is."""
_STEPS = 200
_MOST_ADDED = 20_000


def parse_area(value: Any, max_vertices: int, name: str = "geometry") -> BaseGeometry:
    """A Point, Polygon or MultiPolygon from GeoJSON. Raises InvalidParameter or TooLarge.

    Heights (third coordinates) are dropped. Longitudes may go beyond 180 where an area crosses the
    antimeridian; the parts beyond are moved to where they are.
    """
    if isinstance(value, Mapping) and value.get("type") == "Feature":
        value = value.get("geometry")
    if not isinstance(value, Mapping) or value.get("type") not in {"Point", "Polygon", "MultiPolygon"}:
        kind = value.get("type") if isinstance(value, Mapping) else type(value).__name__
        raise InvalidParameter(name, kind, ALLOWED)
    kind, coordinates = value["type"], value.get("coordinates")
    if kind == "Point":
        return shapely.Point(_position(coordinates, name))
    polygons = [coordinates] if kind == "Polygon" else coordinates
    rings = [[list(_ring(ring, name)) for ring in _list(polygon, name)] for polygon in _list(polygons, name)]
    count = sum(len(ring) for polygon in rings for ring in polygon)
    if count > max_vertices:
        raise TooLarge("Vertices of the area", count, max_vertices)
    geometry = shape({"type": "MultiPolygon", "coordinates": rings})
    if not shapely.is_valid(geometry):
        raise InvalidParameter(name, shapely.is_valid_reason(geometry), "an area whose rings do not cross")
    if geometry.area == 0:
        raise InvalidParameter(name, f"an empty {kind}", "an area that is larger than nothing")
    return wrapped(geometry)


def _list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise InvalidParameter(name, value, "coordinates as nested, non-empty lists: [[[lon, lat], …]]")
    return value


def _ring(value: Any, name: str) -> Iterator[tuple[float, float]]:
    ring = _list(value, name)
    if len(ring) < 4 or ring[0] != ring[-1]:
        raise InvalidParameter(name, f"a ring of {len(ring)}", "closed rings of four or more positions")
    return (_position(position, name) for position in ring)


def _position(value: Any, name: str) -> tuple[float, float]:
    numbers = value if isinstance(value, list) else []
    if len(numbers) < 2 or not all(type(number) in {int, float} for number in numbers[:2]):
        raise InvalidParameter(name, value, "positions [lon, lat] of two numbers")
    try:
        lon, lat = float(numbers[0]), float(numbers[1])
    except OverflowError:
        raise InvalidParameter(name, value, "positions [lon, lat] of two numbers") from None
    if not (-360 <= lon <= 360 and -90 <= lat <= 90):  # also refuses NaN
        raise InvalidParameter(name, value, "longitudes from -180 to 180 and latitudes from -90 to 90")
    return lon, lat


def wrapped(geometry: BaseGeometry) -> BaseGeometry:
    """The same area with all longitudes from -180 to 180, split at the antimeridian where needed."""
    west, _, east, _ = geometry.bounds
    if west >= -180 and east <= 180:
        return geometry
    parts = []
    for turn in (-360, 0, 360):
        part = shapely.intersection(geometry, shapely.box(turn - 180, -90, turn + 180, 90))
        parts.append(translate(part, -turn))
    return shapely.union_all(parts)


def bbox_of(geometry: BaseGeometry) -> Bbox:
    """West, south, east, north; crossing the antimeridian where the area lies on both sides of it."""
    west, south, east, north = (float(edge) for edge in geometry.bounds)
    parts = shapely.get_parts(geometry)
    if west == -180 and east == 180 and len(parts) > 1:
        bounds = shapely.bounds(parts)
        right, left = bounds[bounds[:, 0] > 0], bounds[bounds[:, 2] < 0]
        if len(right) + len(left) == len(parts) and len(right) and len(left):
            return float(right[:, 0].min()), south, float(left[:, 2].max()), north
    return west, south, east, north


@lru_cache(maxsize=256)
def _from_degrees(crs: str) -> tuple[pyproj.Transformer, bool]:
    target = pyproj.CRS.from_user_input(crs)
    return pyproj.Transformer.from_crs("OGC:CRS84", target, always_xy=True), bool(target.is_geographic)


def projected(geometry: BaseGeometry, crs: str, centre: float) -> BaseGeometry:
    """An area in degrees as an area in `crs`. Edges are straight in degrees (GeoJSON), so they bend here.

    `centre` is x of the raster's middle: in geographic CRSs the area is turned by whole circles to meet it.
    """
    transformer, geographic = _from_degrees(crs)
    if geographic:
        parts = [
            translate(part, 360 * round((centre - (part.bounds[0] + part.bounds[2]) / 2) / 360))
            for part in shapely.get_parts(geometry)
        ]
        geometry = shapely.union_all(parts) if len(parts) > 1 else parts[0]
    else:
        west, south, east, north = geometry.bounds
        step = max(max(east - west, north - south) / _STEPS, geometry.length / _MOST_ADDED)
        geometry = shapely.segmentize(geometry, step)

    def forward(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(transformer.transform(xy[:, 0], xy[:, 1]))

    return shapely.transform(geometry, forward)


def true_area(geometry: BaseGeometry) -> float:
    """Area on a sphere of radius one, by the cylindrical equal-area projection (lon, sine of lat)."""
    flat = shapely.transform(geometry, lambda xy: np.column_stack([np.radians(xy[:, 0]), np.sin(np.radians(xy[:, 1]))]))
    return float(flat.area)


def pixel_weights(geometry: BaseGeometry, height: int, width: int) -> NDArray[np.float64]:
    """(height, width): the share of each pixel inside an area in pixel coordinates (x right, y down)."""
    edges = _edges(geometry)
    total = np.zeros(height * (width + 2))
    for group in _groups(edges, height, width):
        total += _accumulate(group, height, width)
    covered = np.abs(np.cumsum(total.reshape(height, width + 2), axis=1)[:, :width])
    covered[covered < _ROUNDING] = 0.0
    return np.minimum(covered, 1.0)


def _edges(geometry: BaseGeometry) -> NDArray[np.float64]:
    """(count, 4): x0, y0, x1, y1 of every edge; outer rings turn one way, holes the other."""
    pieces = []
    for polygon in shapely.get_parts(geometry):
        for place, ring in enumerate(shapely.get_rings(polygon)):
            points = shapely.get_coordinates(ring)
            if shapely.is_ccw(ring) != (place == 0):
                points = points[::-1]
            pieces.append(np.hstack([points[:-1], points[1:]]))
    return np.vstack(pieces)


def _crossings(edges: NDArray[np.float64], axis: int, size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First pixel line crossed by each edge along an axis, and how many, between line 0 and line `size`."""
    low = np.minimum(edges[:, axis], edges[:, axis + 2])
    high = np.maximum(edges[:, axis], edges[:, axis + 2])
    first = np.clip(np.floor(low) + 1, 0, size + 1).astype(np.int64)
    last = np.clip(np.ceil(high) - 1, -1, size).astype(np.int64)
    return first, np.maximum(last - first + 1, 0)


def _groups(edges: NDArray[np.float64], height: int, width: int) -> Iterator[NDArray[np.float64]]:
    """Edges in groups whose pieces fit in little memory."""
    counts = _crossings(edges, 0, width)[1] + _crossings(edges, 1, height)[1] + 1
    group = np.cumsum(counts) // _PIECES
    for which in np.unique(group):
        yield edges[group == which]


def _accumulate(edges: NDArray[np.float64], height: int, width: int) -> NDArray[np.float64]:
    """Signed areas that edges add: (height * (width + 2)), to be summed along rows."""
    count = len(edges)
    owners, places = [np.arange(count), np.arange(count)], [np.zeros(count), np.ones(count)]
    for axis, size in ((0, width), (1, height)):
        first, crossed = _crossings(edges, axis, size)
        owner = np.repeat(np.arange(count), crossed)
        line = first[owner] + np.arange(len(owner)) - np.repeat(np.cumsum(crossed) - crossed, crossed)
        start = edges[owner, axis]
        owners.append(owner)
        places.append((line - start) / (edges[owner, axis + 2] - start))
    owner, place = np.concatenate(owners), np.concatenate(places)
    order = np.lexsort((place, owner))
    owner, place = owner[order], place[order]
    x = edges[owner, 0] + place * (edges[owner, 2] - edges[owner, 0])
    y = edges[owner, 1] + place * (edges[owner, 3] - edges[owner, 1])
    same = owner[1:] == owner[:-1]
    middle_x, middle_y = ((v[1:] + v[:-1])[same] / 2 for v in (x, y))
    rise = np.diff(y)[same]
    row = np.floor(middle_y).astype(np.int64)
    inside = (row >= 0) & (row < height) & (rise != 0)
    row, rise, middle_x = row[inside], rise[inside], np.clip(middle_x[inside], 0, width)
    column = np.minimum(np.floor(middle_x).astype(np.int64), width)
    share = middle_x - column
    cell = row * (width + 2) + column
    size = height * (width + 2)
    areas = np.bincount(cell, rise * (1 - share), size) + np.bincount(cell + 1, rise * share, size)
    return areas.astype(np.float64, copy=False)
