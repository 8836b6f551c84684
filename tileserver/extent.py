"""Boxes in coordinate reference systems that visitors name. Always x before y, whatever the authority says."""

from __future__ import annotations

import math
import re
from functools import lru_cache

import pyproj

from tileserver.errors import InvalidParameter
from tileserver.models import Bbox

Bounds = tuple[float, float, float, float]
"""Left, bottom, right, top."""

DEGREES = "EPSG:4326"
MERCATOR = "EPSG:3857"
_RADIUS = 6378137.0
_MERCATOR_LATITUDE = 85.0511287798066
_NAMES = re.compile(
    r"\[?(?:https?://www\.opengis\.net/def/crs/|urn:ogc:def:crs:)?(EPSG|OGC)[:/](?:[^:/]*[:/])?([A-Za-z0-9]+)\]?",
    re.IGNORECASE,
)
ALLOWED = "EPSG:<number> of a map projection or of degrees, or OGC:CRS84"


@lru_cache(256)
def crs_named(text: str, name: str = "crs") -> str:
    """The short name of a CRS; CRS84 and EPSG:4326 are one, since x always comes first."""
    match = _NAMES.fullmatch(text.strip())
    if match is None:
        raise InvalidParameter(name, text, ALLOWED)
    authority, code = match[1].upper(), match[2].upper()
    if (authority, code) == ("OGC", "CRS84"):
        return DEGREES
    try:
        crs = pyproj.CRS.from_authority(authority, code)
    except pyproj.exceptions.CRSError:
        raise InvalidParameter(name, text, ALLOWED) from None
    if not (crs.is_projected or crs.is_geographic) or len(crs.axis_info) != 2:
        raise InvalidParameter(name, text, ALLOWED)
    return f"{authority}:{code}"


@lru_cache(256)
def _is_geographic(crs: str) -> bool:
    return bool(pyproj.CRS.from_user_input(crs).is_geographic)


def metres_per_unit(crs: str) -> float | None:
    """Length of a CRS's unit; None for degrees."""
    if _is_geographic(crs):
        return None
    return float(pyproj.CRS.from_user_input(crs).axis_info[0].unit_conversion_factor)


def in_crs(bbox: Bbox, crs: str) -> Bounds:
    """A bbox in degrees as bounds in a CRS. Across the antimeridian x goes on where it can. Raises ValueError."""
    west, south, east, north = bbox
    if west > east and crs in {DEGREES, MERCATOR}:
        east += 360
    if crs == DEGREES:
        return west, south, east, north
    if crs == MERCATOR:
        low, high = (max(-_MERCATOR_LATITUDE, min(_MERCATOR_LATITUDE, lat)) for lat in (south, north))
        bottom, top = (_RADIUS * math.asinh(math.tan(math.radians(lat))) for lat in (low, high))
        return _RADIUS * math.radians(west), bottom, _RADIUS * math.radians(east), top
    boxes = [bbox] if west <= east else [(west, south, 180.0, north), (-180.0, south, east, north)]
    transformer = pyproj.Transformer.from_crs(DEGREES, crs, always_xy=True)
    parts = [transformer.transform_bounds(*box, densify_pts=41) for box in boxes]
    return _finite(
        (
            min(part[0] for part in parts),
            min(part[1] for part in parts),
            max(part[2] for part in parts),
            max(part[3] for part in parts),
        )
    )


def in_degrees(bounds: Bounds, crs: str) -> Bbox:
    """Bounds in a CRS as a bbox in degrees, west > east where it crosses the antimeridian. Raises ValueError."""
    left, bottom, right, top = bounds
    if crs == MERCATOR:
        left, right = math.degrees(left / _RADIUS), math.degrees(right / _RADIUS)
        bottom, top = (math.degrees(math.atan(math.sinh(y / _RADIUS))) for y in (bottom, top))
    elif not _is_geographic(crs):
        transformer = pyproj.Transformer.from_crs(crs, DEGREES, always_xy=True)
        west, south, east, north = _finite(transformer.transform_bounds(*bounds, densify_pts=41))
        return west, max(south, -90.0), east, min(north, 90.0)
    if right - left >= 360:
        return -180.0, max(bottom, -90.0), 180.0, min(top, 90.0)
    return wrap(left), max(bottom, -90.0), wrap(right, east=True), min(top, 90.0)


def wrap(longitude: float, *, east: bool = False) -> float:
    """A longitude from -180 to 180; 180 itself stays where it is an eastern edge."""
    if -180 <= longitude <= 180:
        return longitude
    turned = (longitude + 180) % 360 - 180
    return 180.0 if east and turned == -180 else turned


def _finite(bounds: Bounds) -> Bounds:
    if not all(math.isfinite(edge) for edge in bounds):
        raise ValueError(bounds)
    return bounds
