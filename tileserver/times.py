"""The words of time: a day, a year, an instant, an interval, `latest`, `best`."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from tileserver.errors import InvalidParameter

ALLOWED = (
    "YYYY-MM-DD, YYYY-MM, YYYY, an RFC 3339 instant (2023-08-13T10:07:53Z), an interval start/end "
    "(start--end in paths, '..' for an open end), latest, best"
)
_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", re.ASCII)
_INSTANT = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?", re.IGNORECASE | re.ASCII
)
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Time:
    """What was asked. Both ends are inclusive; None is open."""

    kind: Literal["day", "instant", "interval", "latest", "best"]
    start: datetime | None = None
    end: datetime | None = None

    @property
    def explicit(self) -> bool:
        """Names a closed period: the same question has the same answer tomorrow."""
        return self.start is not None and self.end is not None

    def __str__(self) -> str:
        if self.kind in {"latest", "best"}:
            return self.kind
        start = self.start.strftime("%Y-%m-%dT%H:%M:%SZ") if self.start else ".."
        end = self.end.strftime("%Y-%m-%dT%H:%M:%SZ") if self.end else ".."
        if self.kind == "instant":
            return start
        return start[:10] if self.kind == "day" else f"{start}/{end}"


LATEST = Time("latest")
BEST = Time("best")


def _end_of(start: datetime, *, months: int) -> datetime:
    """The last moment of a month or a year that begins at `start`."""
    last = datetime(start.year, start.month + months - 1, 1, tzinfo=UTC)
    return last + timedelta(days=monthrange(last.year, last.month)[1]) - _TICK


def _period(text: str) -> tuple[Literal["day", "instant", "interval"], datetime, datetime]:
    """One date or instant as kind, first and last moment. Raises ValueError."""
    if match := _DATE.fullmatch(text):
        year, month, day = match.groups()
        start = datetime(int(year), int(month or 1), int(day or 1), tzinfo=UTC)
        if day:
            return "day", start, start + timedelta(days=1) - _TICK
        return "interval", start, _end_of(start, months=1 if month else 12)
    if not _INSTANT.fullmatch(text):
        raise ValueError(text)
    moment = datetime.fromisoformat(text.upper())
    moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    # Services write whole seconds, acquisitions have milliseconds: an instant means its second.
    moment = moment.replace(microsecond=0)
    return "instant", moment, moment + timedelta(seconds=1) - _TICK


def parse_time(text: str, name: str = "datetime") -> Time:
    """The Time that a text means. Raises InvalidParameter naming `name`.

    Day and year are whole periods; an interval's end includes the whole day or year it names.
    """
    raw = text.strip()
    word = raw.lower()
    if word in {"", "latest"}:
        return LATEST
    if word == "best":
        return BEST
    try:
        separator = "--" if "--" in raw else "/"
        if separator in raw:
            first, last = raw.split(separator)
            start = None if first in {"", ".."} else _period(first)[1]
            end = None if last in {"", ".."} else _period(last)[2]
            if start and end and start > end:
                raise InvalidParameter(name, text, "an interval whose start is not after its end")
            return Time("interval", start, end)
        return Time(*_period(raw))
    except (ValueError, OverflowError):
        raise InvalidParameter(name, text, ALLOWED) from None
