"""Coordinate reference systems of WMS: their names, their axis order, their boxes."""

from __future__ import annotations

import math
import re
from functools import lru_cache

from pyproj import CRS, Transformer
from pyproj.exceptions import ProjError

from tileserver.models import Bbox

Box = tuple[float, float, float, float]
# A code, never a PROJ string or WKT: those can name files.
_CODE = re.compile(r"(?:EPSG|ESRI|OGC|CRS|IGNF):[A-Za-z0-9_.]{1,24}", re.IGNORECASE)
_LONLAT = {"CRS:84": "EPSG:4326", "OGC:CRS84": "EPSG:4326", "CRS:83": "EPSG:4269", "CRS:27": "EPSG:4267"}


@lru_cache(maxsize=512)
def known_crs(name: str) -> tuple[str, bool] | None:
    """A code for a Grid, and whether its authority says northing or latitude first; None where PROJ knows none.

    The CRS:84 family is longitude first by definition. Only what maps the Earth's surface counts.
    """
    upper = name.upper()
    if upper in _LONLAT:
        return _LONLAT[upper], False
    if not _CODE.fullmatch(name):
        return None
    try:
        crs = CRS.from_user_input(upper)
        if not (crs.is_geographic or crs.is_projected) or len(crs.axis_info) < 2:
            return None
        Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    except ProjError:
        return None
    first, second = (axis.direction for axis in crs.axis_info[:2])
    return upper, first == "north" and second == "east"


def mercator_box(bbox: Bbox) -> Box:
    """A box in degrees as EPSG:3857 metres, cut at its square."""
    limit = 85.0511287798066

    def project(lon: float, lat: float) -> tuple[float, float]:
        lat = max(-limit, min(limit, lat))
        y = math.log(math.tan(math.pi / 4 + math.radians(lat) / 2))
        return round(math.radians(lon) * 6378137.0, 3), round(y * 6378137.0, 3)

    return (*project(bbox[0], bbox[1]), *project(bbox[2], bbox[3]))
