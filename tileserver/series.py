"""Values of a place through time: one row for each item that covers it, or for each day."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from itertools import chain, groupby

import shapely
from shapely.affinity import translate
from shapely.geometry.base import BaseGeometry

from gpu.backend import Backend
from tileserver.collections import rfc3339
from tileserver.errors import SourceUnreadable
from tileserver.models import Collection, Item
from tileserver.pipeline import in_order
from tileserver.pixels import Measure, PixelReader, Pixels, together
from tileserver.polygon import bbox_of
from tileserver.ports import Catalog, Interval, Reader
from tileserver.samples import Summary, summarize
from tileserver.selection import footprint, usable
from tileserver.site import Site, Sites

_log = logging.getLogger(__name__)
_MOST_THREADS = 8
"""Each may hold the pixels of one large area, some 100 MB."""
_POINTS = 4
"""Rows of a point that are read one after the other: more, and the last threads wait for each other."""
_END = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked, and where."""

    collection: Collection
    measure: Measure
    area: BaseGeometry
    """A Point, Polygon or MultiPolygon in degrees."""
    interval: Interval | None = None
    by_day: bool = False
    only: tuple[str, ...] = ()
    """Ids of the items that the style draws; empty: all."""

    @property
    def is_point(self) -> bool:
        return bool(self.area.geom_type == "Point")

    @property
    def lonlat(self) -> tuple[float, float]:
        """The point, or the area's lower left corner."""
        west, south, _, _ = self.area.bounds
        return west, south


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An item that could not be read."""

    item: str
    datetime: str | None
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One item, or all of a day."""

    datetime: str | None
    item: str
    value: float | None = None
    """At a point the pixel's, also where masked; of an area the mean of what is valid and not masked."""
    valid: float = 0.0
    """Share of the area with data; 0 or 1 at a point."""
    masked: float = 0.0
    """Share of the area with data that the cloud mask hides; 0 or 1 at a point."""
    summary: Summary | None = None
    resolution: float | None = None
    """Width of the pixels that were read in units of their CRS; None at points, which are always native."""
    failures: tuple[Failure, ...] = ()


class Series:
    """Reads series. Thread-safe; all questions share its threads."""

    def __init__(self, catalog: Catalog, reader: Reader, backend: Backend, threads: int) -> None:
        self._catalog = catalog
        self._pixels = PixelReader(reader, backend)
        threads = min(threads, _MOST_THREADS)
        self._ahead = 4 * threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="series")

    def rows(self, question: Question) -> Iterator[Row]:
        """In time order, undated items last, as they are read."""
        items = self.items(question)
        groups = [tuple(group) for _, group in groupby(items, _day)] if question.by_day else [(item,) for item in items]
        sites = Sites(question.area)
        count = _POINTS if question.is_point else 1
        parts = [groups[start : start + count] for start in range(0, len(groups), count)]
        return chain.from_iterable(
            in_order(self._pool, lambda part: self._rows(question, sites, part), parts, self._ahead)
        )

    def items(self, question: Question) -> list[Item]:
        """Those that cover the place and have the bands, oldest first; undated ones if no time is asked."""
        found = self._catalog.items(
            question.collection.id,
            bbox=bbox_of(question.area),
            interval=question.interval,
            undated=question.interval is None,
        )
        has_bands = usable(question.measure.expression.bands, question.only)
        fit = [item for item in found if has_bands(item) and _covers(item, question.area)]
        return sorted(fit, key=lambda item: (item.datetime or _END, item.id))

    def _rows(self, question: Question, sites: Sites, groups: Sequence[Sequence[Item]]) -> list[Row]:
        if question.is_point:
            self._pixels.open_ahead(question.measure, chain.from_iterable(groups))
        return [self._row(question, sites, group) for group in groups]

    def _row(self, question: Question, sites: Sites, group: Sequence[Item]) -> Row:
        """The row of items that count as one: where they overlap, the first clear pixel counts."""
        row = Row(
            datetime=rfc3339(group[0].datetime) if not question.by_day else _date(group[0]),
            item=",".join(item.id for item in group),
        )
        read: list[Pixels] = []
        failures: list[Failure] = []
        site: Site | None = None
        for item in group:
            try:
                if question.is_point:
                    read.append(self._pixels.at(question.measure, item, *question.lonlat))
                    continue
                boxes = tuple(mate.bbox for mate in group)
                site = site or sites.of(self._pixels.header(question.measure, item), boxes)
                if site is not None:
                    read.append(self._pixels.on(question.measure, item, site))
            except SourceUnreadable as error:
                failures.append(_failure(item, f"{error.detail} ({error.asset})"))
            except Exception:
                _log.exception("%s/%s cannot be read", question.collection.id, item.id)
                failures.append(_failure(item, "The item cannot be read."))
        if failures:
            row = replace(row, failures=tuple(failures))
        if not read:
            return row
        pixels = together(read)
        return _of_area(row, pixels, site) if site else _of_point(row, pixels)


def _of_point(row: Row, pixels: Pixels) -> Row:
    if not pixels.valid[0]:
        return row
    return replace(row, value=float(pixels.values[0]), valid=1.0, masked=float(pixels.hidden[0]))


def _of_area(row: Row, pixels: Pixels, site: Site) -> Row:
    clear = pixels.valid & ~pixels.hidden
    summary = summarize(pixels.values[clear], site.weights[clear])
    return replace(
        row,
        value=summary.mean if summary else None,
        valid=min(float(site.weights[pixels.valid].sum() / site.total), 1.0),
        masked=min(float(site.weights[pixels.hidden].sum() / site.total), 1.0),
        summary=summary,
        resolution=site.resolution,
    )


def _failure(item: Item, detail: str) -> Failure:
    return Failure(item=item.id, datetime=rfc3339(item.datetime), detail=detail)


def _covers(item: Item, area: BaseGeometry) -> bool:
    """Tell whether the footprint holds the point or shares some of the area."""
    ground = footprint(item)
    if area.geom_type == "Point":
        turns = [area] if abs(area.bounds[0]) < 180 else [area, translate(area, -2 * area.bounds[0])]
        return any(bool(shapely.intersects(ground, turn)) for turn in turns)
    return bool(shapely.intersects(ground, area)) and not bool(shapely.touches(ground, area))


def _day(item: Item) -> date | None:
    return item.datetime.astimezone(UTC).date() if item.datetime else None


def _date(item: Item) -> str | None:
    day = _day(item)
    return day.isoformat() if day else None
