"""Searching items for the STAC API: what to look for, and page after page without counting."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, repeat
from typing import Any

import orjson
import shapely
from pydantic import ValidationError
from shapely.geometry import shape
from stac_pydantic.api.search import Search as SearchModel

from tileserver.api.errors import invalid_from
from tileserver.api.queries import lonlat_bbox
from tileserver.collections import parse_rfc3339
from tileserver.errors import InvalidParameter, NotFound, TooLarge
from tileserver.models import Bbox, Item
from tileserver.ports import Catalog, Interval
from tileserver.selection import boxes, footprint
from tileserver.times import parse_time

MAX_LIMIT = 10_000
_PAGE = 100
_FUTURE = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the listing: how many items of this moment have been given already."""

    collection: str
    moment: datetime | None
    """None: among the undated ones, which come last."""
    given: int

    def token(self) -> str:
        """The position as text for a link."""
        moment = self.moment.isoformat() if self.moment else None
        raw = json.dumps([self.collection, moment, self.given], separators=(",", ":"))
        return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def position_of(token: str) -> Position:
    """The position in a token. Raises InvalidParameter."""
    try:
        collection, moment, given = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        if not (isinstance(collection, str) and isinstance(given, int) and 0 <= given <= 10**9):
            raise ValueError(token)
        return Position(collection, parse_rfc3339(moment), given)
    except (ValueError, TypeError, AttributeError, binascii.Error, RecursionError):
        raise InvalidParameter("token", token, "the token of a `next` link") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What to look for."""

    collections: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    area: shapely.Geometry | None = None
    interval: Interval | None = None
    limit: int = 10
    after: Position | None = None

    @property
    def bbox(self) -> Bbox | None:
        if self.area is None:
            return None
        west, south, east, north = (float(value) for value in shapely.bounds(self.area))
        return west, south, east, north


def search_of(body: dict[str, Any], max_vertices: int) -> Search:
    """A Search from the JSON of item-search. Raises InvalidParameter, TooLarge."""
    fields = {key: value for key, value in body.items() if value is not None}
    time, token, box = fields.pop("datetime", None), fields.pop("token", None), fields.pop("bbox", None)
    if box is not None and "intersects" in fields:
        raise InvalidParameter("intersects", "…", "either bbox or intersects")
    geometry = fields.pop("intersects", None)
    try:
        model = SearchModel.model_validate(fields)
    except ValidationError as error:
        raise invalid_from(error.errors()) from None
    limit = model.limit if model.limit is not None else 10
    if limit < 1:
        raise InvalidParameter("limit", limit, f"1 to {MAX_LIMIT}")
    for name, values in (("ids", model.ids), ("collections", model.collections)):
        if values and len(values) > MAX_LIMIT:
            raise TooLarge(name, len(values), MAX_LIMIT)
    return Search(
        collections=tuple(model.collections or ()),
        ids=tuple(dict.fromkeys(model.ids or ())),
        area=_area(box, geometry, max_vertices),
        interval=_interval(time),
        limit=min(limit, MAX_LIMIT),
        after=position_of(str(token)) if token else None,
    )


def _interval(text: object) -> Interval | None:
    if not text:
        return None
    time = parse_time(str(text))
    if time.kind in {"latest", "best"}:
        raise InvalidParameter("datetime", text, "a day, an RFC 3339 instant, or an interval with '..' for an open end")
    return time.start, time.end


def _area(box: object, geometry: Any, max_vertices: int) -> shapely.Geometry | None:
    if box:
        listed = ",".join(str(v) for v in box) if isinstance(box, list | tuple) else str(box)
        bbox = lonlat_bbox(listed)
        return boxes(bbox) if bbox else None
    if geometry is None:
        return None
    allowed = "a GeoJSON geometry in degrees"
    try:
        if isinstance(geometry, str):
            geometry = orjson.loads(geometry)
        area = shape(geometry)
        known = shapely.get_num_coordinates(area)
        if known > max_vertices:
            raise TooLarge("Vertices of intersects", known, max_vertices)
        west, south, east, north = shapely.bounds(area)
    except TooLarge:
        raise
    except Exception:  # shapely has no common base class for what nonsense makes of it
        raise InvalidParameter("intersects", geometry, allowed) from None
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise InvalidParameter("intersects", geometry, allowed)
    return shapely.make_valid(area)


def find(catalog: Catalog, search: Search) -> tuple[list[Item], str]:
    """A page of items, newest first in each collection, and the token of the next one ("" if none)."""
    names = search.collections or tuple(collection.id for collection in catalog.collections())
    if search.after:
        if search.after.collection not in names:
            raise InvalidParameter("token", search.after.token(), "a token of this search")
        names = names[names.index(search.after.collection) :]
    if search.ids:
        found: Iterator[tuple[Item, Position]] = _by_id(catalog, search, names)
    else:
        starts = chain([search.after], repeat(None))
        found = chain.from_iterable(
            _listing(catalog, search, name, start) for name, start in zip(names, starts, strict=False)
        )
    page: list[Item] = []
    last: Position | None = None
    for item, position in found:
        if len(page) == search.limit and last is not None:
            return page, last.token()
        page.append(item)
        last = position
    return page, ""


def _listing(catalog: Catalog, search: Search, name: str, start: Position | None) -> Iterator[tuple[Item, Position]]:
    """The items of a collection that match, from a position on, each with the position behind it."""
    try:
        catalog.collection(name)
    except NotFound:
        return  # STAC: a search in a collection that is not there finds nothing
    moment = start.moment if start else None
    given = start.given if start else 0
    undated = bool(start) and moment is None
    first, last = search.interval or (None, None)
    while True:
        size = given + max(_PAGE, search.limit + 1)
        interval: Interval = (_FUTURE, None) if undated else (first, moment or last)
        page = catalog.items(name, bbox=search.bbox, interval=interval, limit=size)
        new = [item for item in page if item.datetime is None or not undated]
        same = 0
        for index, item in enumerate(new):
            same = same + 1 if index and item.datetime == new[index - 1].datetime else 1
            if index >= given and _fits(item, search):
                yield item, Position(name, item.datetime, same)
        if len(page) < size:
            return
        moment, given = new[-1].datetime, same
        undated = moment is None


def _by_id(catalog: Catalog, search: Search, names: Sequence[str]) -> Iterator[tuple[Item, Position]]:
    """The items named, collection by collection."""
    for name in names:
        given = search.after.given if search.after and search.after.collection == name else 0
        for index, item_id in enumerate(search.ids[given:], given + 1):
            try:
                item = catalog.item(name, item_id)
            except NotFound:
                continue
            if _fits(item, search) and _in_time(item, search.interval):
                yield item, Position(name, None, index)


def _in_time(item: Item, interval: Interval | None) -> bool:
    if interval is None or item.datetime is None:
        return True
    start, end = interval
    finish = item.end_datetime or item.datetime
    return (end is None or item.datetime <= end) and (start is None or finish >= start)


def _fits(item: Item, search: Search) -> bool:
    return search.area is None or bool(shapely.intersects(footprint(item), search.area))
