"""The days of a view: what there is to see on each, and which is the clearest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date

from tileserver.cover import Cells, Share, share
from tileserver.models import Bbox, Collection, Item
from tileserver.ports import Catalog, Interval
from tileserver.selection import covers
from tileserver.survey import Survey


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

    Undated items belong to no day. Without a view it is the collection's extent.
    """
    view = view or catalog.collection(collection.id).bbox
    found = catalog.items(collection.id, bbox=view, interval=interval, undated=False)
    items = [item for item in found if covers(item, view)]
    cells, complete = survey.cells(collection, items, seconds)
    return sorted(by_day(items, cells, view), key=lambda day: day.date), complete


def by_day(items: Sequence[Item], cells: Mapping[str, Cells], view: Bbox) -> Iterable[Day]:
    """Items, newest first, as days."""
    groups: dict[date, list[Item]] = {}
    for item in items:
        if item.datetime:
            groups.setdefault(item.datetime.astimezone(UTC).date(), []).append(item)
    for day, group in groups.items():
        layers = [(item, cells[item.id]) for item in group]
        yield Day(date=day, items=tuple(group), share=share(view, layers))
