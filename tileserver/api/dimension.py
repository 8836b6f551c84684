"""The times that a collection publishes to WMTS and WMS, and what clients' spellings of a time mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from itertools import combinations
from typing import Literal

from tileserver.errors import InvalidParameter
from tileserver.models import Bbox
from tileserver.times import LATEST, Time, parse_time

_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_MIDNIGHT = re.compile(r"(\d{4}-\d{2}-\d{2})T00:00(?::00(?:\.0+)?)?(?:Z|\+00:?00)?", re.IGNORECASE)
# QGIS leaves the variable in FeatureInfo addresses of layers with time.
_PLACEHOLDER = re.compile(r"\{\w+\}")

_COMPARED = 300
"""Images of one day that are compared with each other; every pair is looked at."""


@dataclass(frozen=True, slots=True)
class Dimension:
    """The time dimension of a collection."""

    form: Literal["day", "instant"]
    """One form for all values, or clients read none of them."""
    values: tuple[str, ...]
    """In time order, never empty: YYYY-MM-DD, or YYYY-MM-DDThh:mm:ssZ where a day has several images."""

    @property
    def default(self) -> str:
        """The newest."""
        return self.values[-1]

    @property
    def first_day(self) -> str:
        return self.values[0][:10]

    @property
    def last_day(self) -> str:
        return self.values[-1][:10]


def dimension_of(dated: Iterable[tuple[datetime, Bbox]]) -> Dimension | None:
    """What a collection publishes whose items are of these moments in UTC and places; None without any."""
    days: dict[date, dict[datetime, list[Bbox]]] = {}
    for moment, bbox in dated:
        second = moment.replace(microsecond=0)
        days.setdefault(second.date(), {}).setdefault(second, []).append(bbox)
    if not days:
        return None
    if any(_several(moments) for moments in days.values()):
        moments = sorted(moment for day in days.values() for moment in day)
        return Dimension("instant", tuple(f"{moment.isoformat()[:19]}Z" for moment in moments))
    return Dimension("day", tuple(day.isoformat() for day in sorted(days)))


def _several(moments: dict[datetime, list[Bbox]]) -> bool:
    """Was one place seen at two moments of a day? Granules of one pass are neighbours, not repetitions."""
    if len(moments) == 1:
        return False
    boxes = [(moment, box) for moment, where in moments.items() for box in where][:_COMPARED]
    return any(one[0] != other[0] and _same_place(one[1], other[1]) for one, other in combinations(boxes, 2))


def _same_place(one: Bbox, other: Bbox) -> bool:
    """Whether two boxes share more than half of the smaller one."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    smaller = min((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return width > 0 and height > 0 and width * height > smaller / 2


def dimension_time(text: str, known: Callable[[], Dimension | None], *, by_day: bool = False) -> Time:
    """The Time that a client of WMTS or WMS means. Raises InvalidParameter.

    Only words and midnights need to know the dimension, so an ordinary tile never waits for it.

    `default`, nothing and an unfilled placeholder are the default value, `current` is the newest image of the
    place; YYYYMMDD is a day, and so is midnight where the dimension lists days or the layer goes `by_day`.
    """
    word = text.strip()
    if word.lower() in {"", "default"} or _PLACEHOLDER.fullmatch(word):
        dimension = known()
        return parse_time(dimension.default, "Time") if dimension else LATEST
    if word.lower() == "current":
        return LATEST
    if compact := _COMPACT.fullmatch(word):
        word = "-".join(compact.groups())
    midnight = _MIDNIGHT.fullmatch(word)
    if midnight:
        dimension = None if by_day else known()
        word = midnight[1] if dimension is None or dimension.form == "day" else word
    try:
        return parse_time(word, "Time")
    except InvalidParameter as error:
        raise InvalidParameter("Time", text, error.allowed) from None
