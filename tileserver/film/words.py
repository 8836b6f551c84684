"""Dates as people write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

MONTHS = {
    "en": "January February March April May June July August September October November December",
    "cs": "ledna února března dubna května června července srpna září října listopadu prosince",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
}
_DOT = {"cs", "de"}
"""Languages that write a full stop after the day."""


def date_words(start: datetime, end: datetime | None, language: str = "en", *, clock: bool = False) -> str:
    """ "3 May 2021"; with `clock` "3 May 2021, 10:04 UTC"; "2021" for a whole year; "first – last" for a period."""
    language = language if language in MONTHS else "en"
    start = start.astimezone(UTC)
    if end is None or end.astimezone(UTC).date() == start.date():
        day = _day(start, language)
        return f"{day}, {start:%H:%M} UTC" if clock else day
    end = end.astimezone(UTC)
    after = end + timedelta(days=1)
    if (start.month, start.day, after.month, after.day) == (1, 1, 1, 1) and after.year == start.year + 1:
        return str(start.year)
    return f"{_day(start, language)} – {_day(end, language)}"


def _day(moment: datetime, language: str) -> str:
    month = MONTHS[language].split()[moment.month - 1]
    return f"{moment.day}{'.' if language in _DOT else ''} {month} {moment.year}"
