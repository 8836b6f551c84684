"""The place of an item whose files do not all cover the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import shapely
from shapely.geometry import mapping, shape

from tileserver.catalog.extents import join_longitudes
from tileserver.ingest.raster import Inspection
from tileserver.models import Bbox

_SAME = 1e-4


def united(seen: Sequence[Inspection]) -> tuple[Bbox, Mapping[str, Any]]:
    """Bbox and geometry of all files together."""
    first = seen[0]
    if all(abs(a - b) < _SAME for one in seen[1:] for a, b in zip(one.bbox, first.bbox, strict=True)):
        return first.bbox, first.geometry
    west, east = join_longitudes((one.bbox[0], one.bbox[2]) for one in seen)
    south, north = min(one.bbox[1] for one in seen), max(one.bbox[3] for one in seen)
    geometry = shapely.union_all([shape(dict(one.geometry)) for one in seen])
    return (west, south, east, north), mapping(geometry)
