"""The grid of an asset's own pixels, or of an overview's, under an area."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import shapely
from shapely.affinity import affine_transform
from shapely.geometry.base import BaseGeometry

from tileserver.models import Bbox, Grid
from tileserver.polygon import projected, true_area
from tileserver.ports import Header

_MARGIN = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which pixels an area touches."""

    grid: Grid
    """The window, aligned to the file's pixels (or those of the overview)."""
    inside: BaseGeometry
    """The area in pixel coordinates of the window."""
    total: float
    """The whole area in pixels, also where the file does not reach."""
    factor: int
    """1: native; 2, 4, …: the overview's decimation."""
    resolution: float
    """Width of a pixel in units of the CRS."""


def window_under(
    area: BaseGeometry, boxes: Sequence[Bbox], header: Header, budget: int, *, beyond: bool = False
) -> Window | None:
    """The pixels of a file under an area in degrees; None where they do not meet.

    `boxes` are those of the items that will be read: only what lies near them is projected. The finest level
    is taken whose window has at most `budget` pixels. With `beyond` the same pixels go on where the file ends,
    for the other files of a day.
    """
    near = shapely.intersection(area, shapely.union_all([_around(bbox) for bbox in boxes]))
    if near.area == 0:
        return None
    a, _, c, _, e, f = header.transform
    flat = projected(near, header.crs, c + a * header.width / 2)
    factor = 1
    while True:
        width, height = math.ceil(header.width / factor), math.ceil(header.height / factor)
        wide, tall = a * header.width / width, e * header.height / height
        inside = affine_transform(flat, (1 / wide, 0, 0, 1 / tall, -c / wide, -f / tall))
        window = _touched(inside, width, height, beyond=beyond)
        if window is None:
            return None
        left, top, right, bottom = window
        if (right - left) * (bottom - top) <= budget or max(right - left, bottom - top) == 1:
            break
        factor *= 2
    bounds = (c + left * wide, f + bottom * tall, c + right * wide, f + top * tall)
    return Window(
        grid=Grid(crs=header.crs, bounds=bounds, width=right - left, height=bottom - top),
        inside=affine_transform(inside, (1, 0, 0, 1, -left, -top)),
        total=inside.area * true_area(area) / true_area(near),
        factor=factor,
        resolution=wide,
    )


@lru_cache(maxsize=1024)
def _around(bbox: Bbox) -> BaseGeometry:
    """A bbox and a little more, on every turn of the globe."""
    west, south, east, north = bbox
    reach = east - west if east >= west else east - west + 360
    side, up = max(reach * _MARGIN, 0.01), max((north - south) * _MARGIN, 0.01)
    if reach + 2 * side >= 360:
        west, east, side = -180.0, 180.0, 0.0
    south, north = max(south - up, -90.0), min(north + up, 90.0)
    west, east = west - side, west + reach + side
    turns = [shapely.box(west + turn, south, east + turn, north) for turn in (-360, 0, 360)]
    return shapely.union_all(turns)


def _touched(inside: BaseGeometry, width: int, height: int, *, beyond: bool) -> tuple[int, int, int, int] | None:
    """Left, top, right, bottom of the pixels touched, within the file unless `beyond`."""
    edges = inside.bounds
    if not all(math.isfinite(edge) for edge in edges):
        return None
    left, top = math.floor(edges[0]), math.floor(edges[1])
    right, bottom = math.ceil(edges[2]), math.ceil(edges[3])
    if not beyond:
        left, top, right, bottom = max(left, 0), max(top, 0), min(right, width), min(bottom, height)
    return (left, top, right, bottom) if left < right and top < bottom else None
