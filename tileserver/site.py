"""Where the pixels of an area lie in files, and how much of the area each of them holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from tileserver.models import Bbox, Grid
from tileserver.native import window_under
from tileserver.polygon import pixel_weights
from tileserver.ports import Header

MOST_PIXELS = 2_000_000
"""Larger areas are read from an overview: two bands in float64 and their weights stay under 100 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The pixels of an area on one grid."""

    grid: Grid
    chosen: NDArray[np.intp]
    """(n,) places of the pixels touched in the flattened grid."""
    weights: NDArray[np.float64]
    """(n,) share of each of them inside the area, above 0."""
    total: float
    """The whole area in pixels, also where there is no file."""
    resolution: float
    """Width of a pixel in units of the grid's CRS."""


class Sites:
    """The sites of one area; files on the same grid share one. Thread-safe."""

    def __init__(self, area: BaseGeometry, budget: int = MOST_PIXELS) -> None:
        self._area = area
        self._budget = budget
        self._known: LRUCache[tuple[object, ...], Site | None] = LRUCache(4)
        self._lock = Lock()

    def of(self, header: Header, boxes: Sequence[Bbox]) -> Site | None:
        """The site in a file and, if there are several boxes, around it; None where the area is elsewhere."""
        key = (header.crs, header.transform, header.width, header.height, *boxes)
        with self._lock:  # held while computing: neighbours in time mostly wait for the same site
            if key not in self._known:
                self._known[key] = self._make(header, boxes)
            return self._known[key]

    def _make(self, header: Header, boxes: Sequence[Bbox]) -> Site | None:
        window = window_under(self._area, boxes, header, self._budget, beyond=len(boxes) > 1)
        if window is None:
            return None
        weights = pixel_weights(window.inside, window.grid.height, window.grid.width).ravel()
        chosen = np.flatnonzero(weights > 0)
        return Site(
            grid=window.grid,
            chosen=chosen,
            weights=weights[chosen],
            total=window.total,
            resolution=window.resolution,
        )
