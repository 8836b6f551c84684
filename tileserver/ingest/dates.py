"""Dates in the names of files and folders.

Understood, from fine to coarse: `2015-12-08T100409Z`, `20151208T100409`, `20230810_100031`, `20230810100031`,
`2023-08-10_10-00-31`;
`2023-08-10`, `2023_08_10`, `2023.08.10`, `20230810`, `A2023222` (day of year); folders `2023/08/10` and `2023/222`;
day first `10.8.2023`, `10.08.2023`, and `31-12-2023` where no month can be meant; `2023-08`, folders `2023/08` and
`202308`; a bare year (`1985`, `landcover_2020`). Two of them with `--` or `_to_` between are a period. The finest
wins; of equally fine ones the deepest folder or file, and in one name the first (satellite products say when they
were taken before they say when they were made).
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

YEAR, MONTH, DAY, TIME = 1, 2, 3, 4
_SECOND = timedelta(seconds=1)
_DAY_FORM = re.compile(
    r"""(?<!\d)(?P<year>\d{4})(?:
          (?P<sign>[-_.])(?P<month>\d{2})(?P=sign)(?P<day>\d{2})
        | (?P<month8>\d{2})(?P<day8>\d{2})
        )
        (?: (?:t|(?<=\d)[ ]|_(?=\d\d[-:_]\d\d[-:_]\d\d))
            (?P<hour>\d{2})[:_-]?(?P<minute>\d{2})(?:[:_-]?(?P<second>\d{2})(?:\.\d+)?)?z?(?!\d)
        |   [_-]?(?P<clock>\d{6})z?(?!\d)
        |   (?!\d)
        )""",
    re.VERBOSE | re.IGNORECASE,
)
_DAY_FIRST = re.compile(r"(?<![\d.])(?P<day>\d{1,2})(?P<sign>[-_.])(?P<month>\d{1,2})(?P=sign)(?P<year>\d{4})(?!\d)")
_ORDINAL = re.compile(r"(?<![^\W_])A(\d{4})(\d{3})(?!\d)")
_MONTH_FORM = re.compile(r"(?<![^\W_])(\d{4})[-_](\d{2})(?![^\W_]|[-_]\d)")
_MONTH_FOLDER = re.compile(r"(\d{4})[-_.]?(\d{2})")
_YEAR_FORM = re.compile(r"(?<![^\W_])((?:19|20)\d{2})(?![^\W_]|[-_.]\d{1,2}(?![^\W_]))")
_NUMBER = re.compile(r"(?<![^\W_])\d{3,}(?![^\W_])")
_BETWEEN = re.compile(r"--|_to_|-to-", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Dated:
    """A date in a name."""

    start: datetime
    end: datetime | None
    """Last second of a year, a month or a period; None for a day or an instant."""
    precision: int
    """YEAR, MONTH, DAY or TIME."""
    span: tuple[int, int] = (0, 0)
    """Where in the name it stands."""


def find_date(name: str) -> Dated | None:
    """The finest date in one name, the first of equals."""
    return _period(name) or _day(name) or _day_first(name) or _ordinal(name) or _month(name) or _year(name)


def date_of(parts: Sequence[str]) -> Dated | None:
    """The finest date along a path, the deepest of equals; folders such as 2023/08/10 count together."""
    found = [date for part in parts if (date := find_date(part))] + _nested(parts)
    return max(reversed(found), key=lambda date: date.precision, default=None)


def _plausible(year: int) -> bool:
    return 1900 <= year <= 2100


def _bare(year: int) -> bool:
    """A lone four-digit number is a year only if something can have been taken then."""
    return 1900 <= year <= datetime.now(UTC).year + 1


def _moment(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime | None:
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC) if _plausible(year) else None
    except ValueError:
        return None


def _day(name: str) -> Dated | None:
    days = []
    for match in _DAY_FORM.finditer(name):
        group = match.groupdict()
        day = _moment(int(group["year"]), int(group["month"] or group["month8"]), int(group["day"] or group["day8"]))
        if day is None:
            continue
        clock = group["clock"] or "".join(group[part] or "00" for part in ("hour", "minute", "second"))
        taken = _moment(day.year, day.month, day.day, int(clock[:2]), int(clock[2:4]), int(clock[4:]))
        if (group["clock"] or group["hour"]) and taken:
            return Dated(taken, None, TIME, match.span())
        end = match.end("day") if group["day"] else match.end("day8")
        if taken is None and end < len(name) and name[end].isdigit():
            continue  # fourteen digits that are no time
        days.append(Dated(day, None, DAY, (match.start(), end)))
    return days[0] if days else None


def _day_first(name: str) -> Dated | None:
    """Days as they are written by hand; with a dash 10-08-2023 may be of August or of October, and is neither."""
    for match in _DAY_FIRST.finditer(name):
        number, month = int(match["day"]), int(match["month"])
        clear = match["sign"] == "." or number > 12
        if clear and (day := _moment(int(match["year"]), month, number)):
            return Dated(day, None, DAY, match.span())
    return None


def _ordinal(name: str) -> Dated | None:
    for match in _ORDINAL.finditer(name):
        if day := _day_of_year(int(match[1]), int(match[2])):
            return Dated(day, None, DAY, match.span())
    return None


def _day_of_year(year: int, number: int) -> datetime | None:
    first = _moment(year, 1, 1)
    if first is None or not 1 <= number <= 366:
        return None
    day = first + timedelta(days=number - 1)
    return day if day.year == year else None


def _month(name: str) -> Dated | None:
    whole = _MONTH_FOLDER.fullmatch(name)
    for match in [whole] if whole else _MONTH_FORM.finditer(name):
        year, month = int(match[1]), int(match[2])
        if _bare(year) and 1 <= month <= 12 and (whole or len(_NUMBER.findall(name)) == 1):
            return _of_month(year, month, match.span())
    return None


def _of_month(year: int, month: int, span: tuple[int, int] = (0, 0)) -> Dated:
    start = datetime(year, month, 1, tzinfo=UTC)
    return Dated(start, start + timedelta(days=monthrange(year, month)[1]) - _SECOND, MONTH, span)


def _year(name: str) -> Dated | None:
    """A year among other words; not among other numbers, which are tiles or codes."""
    years = [match for match in _YEAR_FORM.finditer(name) if _bare(int(match[1]))]
    if not years or len(_NUMBER.findall(name)) > len(years):
        return None
    return _of_year(int(years[0][1]), years[0].span())


def _of_year(year: int, span: tuple[int, int] = (0, 0)) -> Dated:
    start = datetime(year, 1, 1, tzinfo=UTC)
    return Dated(start, datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC), YEAR, span)


def _period(name: str) -> Dated | None:
    """Two dates with `--` or `_to_` between them."""
    for match in _BETWEEN.finditer(name):
        first, second = find_date(name[: match.start()]), find_date(name[match.end() :])
        if first and second and first.start < second.start:
            end = second.end or (
                second.start if second.precision == TIME else second.start + timedelta(days=1) - _SECOND
            )
            return Dated(
                first.start, end, min(first.precision, second.precision), (first.span[0], match.end() + second.span[1])
            )
    return None


def _nested(parts: Sequence[str]) -> list[Dated]:
    """Years, months and days in folders of their own."""
    found = []
    for place, part in enumerate(parts):
        if not re.fullmatch(r"\d{4}", part) or not _bare(int(part)):
            continue
        year = int(part)
        month, day = (_small(parts, place + 1), _small(parts, place + 2))
        if place + 1 < len(parts) and re.fullmatch(r"\d{3}", parts[place + 1]):
            date = _day_of_year(year, int(parts[place + 1]))
            found += [Dated(date, None, DAY)] if date else []
        elif month is not None and 1 <= month <= 12:
            moment = _moment(year, month, day) if day else None
            found.append(Dated(moment, None, DAY) if moment else _of_month(year, month))
    return found


def _small(parts: Sequence[str], place: int) -> int | None:
    if place < len(parts) and re.fullmatch(r"\d{1,2}", parts[place]):
        return int(parts[place])
    return None
