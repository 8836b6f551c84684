"""The days of a view: what there is to see on each, and which is the clearest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date

import numpy as np

from tileserver.cover import Cells, Share, share
from tileserver.models import Bbox, Collection, Item
from tileserver.ports import Catalog, Interval
from tileserver.selection import covers
from tileserver.survey import Survey

_MOST_ITEMS = 4000
"""Beyond these a view is so large that scenes are small in it: their cells would tell nothing more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day with images."""

    date: date
    items: tuple[Item, ...]
    """Top first."""
    share: Share


def days_of(
    catalog: Catalog,
    survey: Survey,
    collection: Collection,
    view: Bbox | None,
    interval: Interval | None,
    seconds: float,
) -> tuple[list[Day], bool]:
    """Every day that has an image in a view, oldest first, and whether all of them are counted.

    Undated items belong to no day. Without a view it is the collection's extent. Thousands of items are not
    counted one by one.
    """
    view = view or catalog.collection(collection.id).bbox
    found = catalog.items(collection.id, bbox=view, interval=interval, undated=False)
    items = [item for item in found if covers(item, view)]
    if len(items) > _MOST_ITEMS:
        return sorted((_roughly(day, group, view) for day, group in _days(items)), key=lambda day: day.date), True
    cells, complete = survey.cells(collection, items, seconds)
    return sorted(by_day(items, cells, view), key=lambda day: day.date), complete


def _days(items: Iterable[Item]) -> Iterable[tuple[date, list[Item]]]:
    """Items, newest first, by their day; undated ones have none."""
    groups: dict[date, list[Item]] = {}
    for item in items:
        if day := _date(item):
            groups.setdefault(day, []).append(item)
    return groups.items()


def _roughly(day: date, items: Sequence[Item], view: Bbox) -> Day:
    """A day by bboxes and the producers' cloud percentages: for views of whole continents."""
    west, south, east, north = np.array([item.bbox for item in items]).T
    clouds = np.array([np.nan if item.cloud_cover is None else item.cloud_cover for item in items])
    left, low, right, high = view
    right += 360 if right < left else 0
    east = np.where(east < west, east + 360, east)
    wide = sum(np.maximum(np.minimum(east + turn, right) - np.maximum(west + turn, left), 0) for turn in (-360, 0, 360))
    areas = wide * np.maximum(np.minimum(north, high) - np.maximum(south, low), 0)
    whole = (right - left) * (high - low)
    known = np.isfinite(clouds) & (areas > 0)
    cloud = float(np.average(clouds[known], weights=areas[known])) if known.any() else None
    cover = min(float(areas.sum() / whole), 1.0) if whole else 1.0
    return Day(date=day, items=tuple(items), share=Share(cover=cover, cloud=cloud))


def _date(item: Item) -> date | None:
    return item.datetime.astimezone(UTC).date() if item.datetime else None


def by_day(items: Sequence[Item], cells: Mapping[str, Cells], view: Bbox) -> Iterable[Day]:
    """Items, newest first, as days."""
    for day, group in _days(items):
        layers = [(item, cells[item.id]) for item in group]
        yield Day(date=day, items=tuple(group), share=share(view, layers))
