"""Which items make a picture: of the time asked, else the nearest earlier one that covers the place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

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
    """The prepared footprint in degrees, kept while the item does not change."""
    key = hashkey(item.collection, item.id, item.version, item.bbox)
    geometry = _footprints.get(key)
    if geometry is None:
        geometry = shapely.make_valid(shape(dict(item.geometry))) if item.geometry else boxes(item.bbox)
        shapely.prepare(geometry)
        _footprints[key] = geometry
    return geometry


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


def usable(names: Sequence[str], only: Sequence[str] = ()) -> Callable[[Item], bool]:
    """Has an item every band that a style needs, and is it one of the style's own items, where it names some?"""
    chosen = frozenset(only)
    return lambda item: (not chosen or item.id in chosen) and all(item.band(name) is not None for name in names)


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
) -> Selection:
    """The items to draw over `bbox`, top first.

    Args:
        names: bands that every item must have.
        only: ids of the items that may be drawn; empty: all.
        strict: only the time asked; no earlier image instead.
        limit: at most so many items of an interval.
        best: chooses the clearest of several items over the bbox; by the items' own cloud cover if not given.
    """
    has_bands = usable(names, only)

    def found(interval: Interval | None, *, undated: bool, count: int) -> list[Item]:
        """The newest `count` items that really cover the place, read page by page."""
        size = max(_PAGE, count)
        while True:
            page = catalog.items(collection.id, bbox=bbox, interval=interval, limit=size, undated=undated)
            fit = [item for item in page if has_bands(item) and covers(item, bbox)]
            if len(fit) >= count or len(page) < size:
                return fit[:count]
            size *= 4

    if time.kind == "latest":
        return Selection(items=_same_day(found(None, undated=True, count=_PAGE)))
    if time.kind == "best":
        items = [item for item in found(None, undated=True, count=512) if item.datetime]
        if not items:
            return Selection(items=tuple(found(None, undated=True, count=limit)))
        chosen = (best or least_cloud)(items, bbox)
        return Selection(items=_same_day([chosen, *(item for item in items if item is not chosen)]))
    items = found((time.start, time.end), undated=True, count=limit)
    if any(item.datetime for item in items) or strict or time.start is None:
        return Selection(items=tuple(items))
    earlier = (time.start - timedelta(days=collection.tolerance_days), time.start - _TICK)
    snapped = _same_day(found(earlier, undated=False, count=_PAGE))
    return Selection(items=snapped, exact=False) if snapped else Selection(items=tuple(items))


def least_cloud(items: Sequence[Item], _bbox: Bbox) -> Item:
    """The item with the least cloud by its producer's word; the newest of equals."""
    return min(items, key=lambda item: item.cloud_cover if item.cloud_cover is not None else 50.0)


def _day(item: Item) -> object:
    return item.datetime.astimezone(UTC).date() if item.datetime else None


def _same_day(items: Sequence[Item]) -> tuple[Item, ...]:
    """The first item and, below it, all others of its day, newest first."""
    if not items:
        return ()
    first = items[0]
    mates = [item for item in items[1:] if _day(item) == _day(first)]
    return (first, *sorted(mates, key=_moment, reverse=True))


def _moment(item: Item) -> datetime:
    return item.datetime or datetime.min.replace(tzinfo=UTC)
