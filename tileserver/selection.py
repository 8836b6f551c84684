"""Which items make a picture: of the time asked, else the nearest earlier one that covers the place."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import takewhile
from threading import Lock
from typing import Any

import numpy as np
import shapely
from cachetools import LRUCache
from cachetools.keys import hashkey
from shapely.geometry import shape

from tileserver.collections import rfc3339
from tileserver.models import Bbox, Collection, Item
from tileserver.ports import Catalog, Interval
from tileserver.times import Time

_TICK = timedelta(microseconds=1)
_PAGE = 64
_AROUND = 4096
"""Items that are remembered of all neighbourhoods."""
_MANY = 65536
_filled: dict[tuple[object, ...], bool] = {}
_footprints: LRUCache[tuple[object, ...], shapely.Geometry] = LRUCache(maxsize=65536)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The items of a picture."""

    items: tuple[Item, ...]
    """Top first."""
    exact: bool = True
    """Of the time asked; False: an earlier one was taken."""

    @property
    def datetime(self) -> str:
        """What is served, for X-Tile-Datetime: an instant, or first/last of what is composed; "" if undated."""
        moments = [item.datetime for item in self.items if item.datetime]
        if not moments:
            return ""
        first, last = min(moments), max(*moments, *(item.end_datetime or moments[0] for item in self.items))
        if first.date() == last.date():
            return str(rfc3339(moments[0]))
        return f"{rfc3339(first)}/{rfc3339(last)}"


def footprint(item: Item) -> shapely.Geometry:
    """The footprint in degrees, kept while the item does not change.

    Not prepared: threads share it, and what GEOS prepares must be asked by one at a time, else the process ends.
    """
    key = hashkey(item.collection, item.id, item.version, item.bbox)
    geometry = _footprints.get(key)
    if geometry is None:
        geometry = shapely.make_valid(_outline(item.geometry)) if item.geometry else boxes(item.bbox)
        _footprints[key] = geometry
    return geometry


def _outline(geometry: Mapping[str, Any]) -> shapely.Geometry:
    """GeoJSON as a geometry. Most footprints are one ring, of which NumPy makes one several times faster."""
    if geometry["type"] == "Polygon" and len(geometry["coordinates"]) == 1:
        ring = np.array(geometry["coordinates"][0], np.float64)
        if ring.ndim == 2 and len(ring) > 3:
            return shapely.Polygon(ring[:, :2])
    return shape(dict(geometry))


@lru_cache(maxsize=4096)
def boxes(bbox: Bbox) -> shapely.Geometry:
    """A bbox as a geometry: two boxes where it crosses the antimeridian."""
    west, south, east, north = bbox
    if west > east:
        return shapely.union(shapely.box(west, south, 180, north), shapely.box(-180, south, east, north))
    return shapely.box(west, south, east, north)


def covers(item: Item, bbox: Bbox) -> bool:
    """Does the footprint share any area (or a point, for a bbox of no size) with the bbox?"""
    area = boxes(bbox)
    geometry = footprint(item)
    if not shapely.intersects(geometry, area):
        return False
    return bool(shapely.area(area) == 0 or not shapely.touches(geometry, area))


def _fills(item: Item, cells: Bbox) -> bool:
    """Does the footprint reach beyond all of these cells? Remembered: the tiles in them ask one after another."""
    key = item.collection, item.id, item.version, cells
    known = _filled.get(key)
    if known is None:
        if len(_filled) >= _MANY:
            _filled.clear()
        known = _filled[key] = bool(shapely.contains_properly(footprint(item), boxes(cells)))
    return known


def throughout(selection: Selection, bbox: Bbox) -> bool:
    """Is what was selected for a box also what is selected for every part of it, but where clouds decide?

    So it is where each item fills the box: whatever else meets a part of it meets the box too, and comes later.
    """
    return all(shapely.contains_properly(footprint(item), boxes(bbox)) for item in selection.items)


def _cells(bbox: Bbox, times: int) -> Bbox | None:
    """The cells of a grid of degrees around a bbox, which are so many times as large; None where that is too much."""
    west, south, east, north = bbox
    span = max(east - west, north - south)
    if west > east or not 0 < span < 10:
        return None
    cell = 2.0 ** math.ceil(math.log2(span * times))
    west, south = math.floor(west / cell) * cell, math.floor(south / cell) * cell
    east, north = math.ceil(east / cell) * cell, math.ceil(north / cell) * cell
    return max(west, -180.0), max(south, -90.0), min(east, 180.0), min(north, 90.0)


def usable(names: Sequence[str], only: Sequence[str] = ()) -> Callable[[Item], bool]:
    """Has an item every band that a style needs, and is it one of the style's own items, where it names some?"""
    chosen = frozenset(only)
    return lambda item: (not chosen or item.id in chosen) and all(item.band(name) is not None for name in names)


class Nearby:
    """The newest items around tiles, looked up once for a whole neighbourhood. Thread-safe."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._found: LRUCache[Hashable, list[Item]] = LRUCache(_AROUND, getsizeof=lambda items: len(items) + 1)
        self._lock = Lock()

    def items(
        self, collection_id: str, revision: str, bbox: Bbox, interval: Interval | None, *, undated: bool
    ) -> tuple[list[Item], bool]:
        """The newest items that meet the bbox, newest first, and whether these are all that do.

        None at all where nothing is gained: without a revision, across the antimeridian, for very large areas.
        """
        area = _cells(bbox, 8)
        if not revision or area is None:
            return [], False
        key = (collection_id, revision, area, interval, undated)
        with self._lock:
            found = self._found.get(key)
        if found is None:
            found = self._catalog.items(collection_id, bbox=area, interval=interval, limit=_PAGE, undated=undated)
            with self._lock:
                self._found[key] = found
        return [item for item in found if _meet(item.bbox, bbox)], len(found) < _PAGE


def _meet(item: Bbox, bbox: Bbox) -> bool:
    """Do two boxes share a point? The item's may cross the antimeridian."""
    if item[1] > bbox[3] or item[3] < bbox[1]:
        return False
    east_of, west_of = item[0] <= bbox[2], item[2] >= bbox[0]
    return (east_of and west_of) if item[0] <= item[2] else (east_of or west_of)


def select(
    catalog: Catalog,
    collection: Collection,
    time: Time,
    bbox: Bbox,
    *,
    names: Sequence[str] = (),
    only: Sequence[str] = (),
    strict: bool = False,
    limit: int = 60,
    best: Callable[[Sequence[Item], Bbox], Item] | None = None,
    nearby: Nearby | None = None,
    revision: str = "",
) -> Selection:
    """The items to draw over `bbox`, top first.

    Args:
        names: bands that every item must have.
        only: ids of the items that may be drawn; empty: all.
        strict: only the time asked; no earlier image instead.
        limit: at most so many items of an interval.
        best: chooses the clearest of several items over the bbox; by the items' own cloud cover if not given.
        nearby: what is known around, for a collection at this `revision`.
    """
    has_bands = usable(names, only)
    cells = _cells(bbox, 2)

    def pages(interval: Interval | None, size: int, *, undated: bool) -> Iterator[list[Item]]:
        """The newest items that meet the bbox: more and more of them, until these are all."""
        if nearby:
            page, complete = nearby.items(collection.id, revision, bbox, interval, undated=undated)
            yield page
            if complete:
                return
        while True:
            page = catalog.items(collection.id, bbox=bbox, interval=interval, limit=size, undated=undated)
            yield page
            if len(page) < size:
                return
            size *= 4

    def found(interval: Interval | None, count: int, *, undated: bool = True) -> Iterator[Item]:
        """The newest `count` items that really cover the place."""
        looked: set[str] = set()
        for page in pages(interval, max(_PAGE, count), undated=undated):
            for item in page:
                if item.id in looked:
                    continue
                looked.add(item.id)
                if has_bands(item) and ((cells and _fills(item, cells)) or covers(item, bbox)):
                    yield item
                    count -= 1
                    if not count:
                        return

    if time.kind == "latest":
        return Selection(items=_newest_day(found(None, _PAGE)))
    if time.kind == "best":
        newest = list(found(None, 512))
        items = [item for item in newest if item.datetime]
        if not items:
            return Selection(items=tuple(newest[:limit]))
        chosen = (best or least_cloud)(items, bbox)
        return Selection(items=_same_day([chosen, *(item for item in items if item is not chosen)]))
    items = list(found((time.start, time.end), limit))
    if any(item.datetime for item in items) or strict or time.start is None:
        return Selection(items=tuple(items))
    earlier = (time.start - timedelta(days=collection.tolerance_days), time.start - _TICK)
    snapped = _newest_day(found(earlier, _PAGE, undated=False))
    return Selection(items=snapped, exact=False) if snapped else Selection(items=tuple(items))


def least_cloud(items: Sequence[Item], _bbox: Bbox) -> Item:
    """The item with the least cloud by its producer's word; the newest of equals."""
    return min(items, key=lambda item: item.cloud_cover if item.cloud_cover is not None else 50.0)


def _day(item: Item) -> object:
    return item.datetime.astimezone(UTC).date() if item.datetime else None


def _newest_day(items: Iterator[Item]) -> tuple[Item, ...]:
    """The first item of many, newest first, and all others of its day."""
    first = next(items, None)
    if first is None:
        return ()
    day = _day(first)
    return _same_day([first, *takewhile(lambda item: _day(item) == day, items)])


def _same_day(items: Sequence[Item]) -> tuple[Item, ...]:
    """The first item and, below it, all others of its day, newest first."""
    if not items:
        return ()
    first = items[0]
    mates = [item for item in items[1:] if _day(item) == _day(first)]
    return (first, *sorted(mates, key=_moment, reverse=True))


def _moment(item: Item) -> datetime:
    return item.datetime or datetime.min.replace(tzinfo=UTC)
