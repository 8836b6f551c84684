from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tileserver.errors import InvalidParameter
from tileserver.times import BEST, LATEST, parse_time


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "kind", "start", "end"),
    [
        ("2023-08-13", "day", utc(2023, 8, 13), utc(2023, 8, 13, 23, 59, 59, 999999)),
        ("2020", "interval", utc(2020, 1, 1), utc(2020, 12, 31, 23, 59, 59, 999999)),
        ("2024-02", "interval", utc(2024, 2, 1), utc(2024, 2, 29, 23, 59, 59, 999999)),
        ("2015-12-08T10:04:09Z", "instant", utc(2015, 12, 8, 10, 4, 9), utc(2015, 12, 8, 10, 4, 9, 999999)),
        (
            "2015-12-08T12:04:09.25+02:00",
            "instant",
            utc(2015, 12, 8, 10, 4, 9),
            utc(2015, 12, 8, 10, 4, 9, 999999),
        ),
        ("2015-12-08t10:04:09z", "instant", utc(2015, 12, 8, 10, 4, 9), utc(2015, 12, 8, 10, 4, 9, 999999)),
        ("2023-08-10/2023-08-12", "interval", utc(2023, 8, 10), utc(2023, 8, 12, 23, 59, 59, 999999)),
        ("2023-08-10--2023-08-12", "interval", utc(2023, 8, 10), utc(2023, 8, 12, 23, 59, 59, 999999)),
        ("../2023", "interval", None, utc(2023, 12, 31, 23, 59, 59, 999999)),
        ("2023--..", "interval", utc(2023, 1, 1), None),
        ("../..", "interval", None, None),
    ],
)
def test_times(text, kind, start, end):
    time = parse_time(text)
    assert (time.kind, time.start, time.end) == (kind, start, end)


def test_words():
    assert parse_time("latest") == LATEST
    assert parse_time("BEST") == BEST


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "2023-13-01",
        "2023-02-30",
        "20230813x",
        "2023-08-13/2023-08-01",
        "a/b",
        "1/2/3",
        "0000-01-01",
        "٢٠٢٣",
        "2023-08-13T25:00:00Z",
        "9999-12-31/x",
    ],
)
def test_nonsense_is_named(text):
    with pytest.raises(InvalidParameter) as caught:
        parse_time(text, "time")
    assert caught.value.name == "time"


@given(st.text(max_size=40))
def test_any_text_is_a_time_or_invalid(text):
    try:
        time = parse_time(text)
    except InvalidParameter:
        return
    assert time.start is None or time.end is None or time.start <= time.end


@given(st.dates())
def test_every_date_is_its_whole_day(date):
    time = parse_time(date.isoformat())
    assert time.start.date() == time.end.date() == date
    assert (time.end - time.start).total_seconds() == pytest.approx(86400, abs=0.001)
