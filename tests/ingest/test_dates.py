"""Dates in names: every form is found, and nothing else is taken for one."""

# ruff: noqa: DTZ001 - naive times are made UTC below

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tileserver.ingest.dates import DAY, MONTH, TIME, YEAR, date_of, find_date

MOMENTS = st.datetimes(datetime(1950, 1, 1), datetime(2099, 12, 31)).map(lambda t: t.replace(microsecond=0, tzinfo=UTC))
DAYS = st.dates(date(1950, 1, 1), date(2099, 12, 31))
DAY_FORMS = ("%Y-%m-%d", "%Y%m%d", "%Y_%m_%d", "%Y.%m.%d")
TIME_FORMS = (
    "%Y-%m-%dT%H%M%SZ", "%Y%m%dT%H%M%S", "%Y%m%dT%H%M%SZ", "%Y-%m-%dT%H:%M:%SZ", "%Y%m%d_%H%M%S", "%Y%m%d%H%M%S",
    "%Y-%m-%dT%H-%M-%S",
)  # fmt: skip
# Words that stand around dates in real archives, none of which is a date.
BEFORE = st.sampled_from(["", "S2A_MSIL2A_", "33TWM_", "B04_", "T33TWM_", "NDVI-", "scene ", "LC08_L2SP_189025_", "é_"])
AFTER = st.sampled_from(["", "_B04", "_33TWM", "-ndvi", "_R122_T33TWM", " copy", "_02_T1", "_10m", "(1)"])


def start(name: str) -> datetime | None:
    found = find_date(name)
    return found and found.start


@given(DAYS, st.sampled_from(DAY_FORMS), BEFORE, AFTER)
def test_days_in_every_form(day: date, form: str, before: str, after: str):
    found = find_date(f"{before}{day.strftime(form)}{after}")
    assert found is not None
    assert (found.start.date(), found.end, found.precision) == (day, None, DAY)


@given(MOMENTS, st.sampled_from(TIME_FORMS), BEFORE, AFTER)
def test_moments_in_every_form(moment: datetime, form: str, before: str, after: str):
    found = find_date(f"{before}{moment.strftime(form)}{after}")
    assert found is not None
    assert (found.start, found.precision) == (moment, TIME)


@given(DAYS, BEFORE)
def test_nested_folders(day: date, before: str):
    for parts in (
        [f"{day:%Y}", f"{day:%m}", f"{day:%d}"],
        [before + "x", f"{day:%Y}", f"{day.month}", f"{day.day}", "0"],
        [f"{day:%Y}", f"{day:%j}"],
    ):
        found = date_of(parts)
        if day.year > datetime.now(UTC).year + 1:
            continue
        assert found is not None
        assert found.start.date() == day


@pytest.mark.parametrize(
    "name",
    [
        "33TWM", "B04", "B8A", "20231345", "2023-02-30", "2023-13", "20230832", "189025", "dem_swiss_2056",
        "rgb_s2_tci_32634", "landcover_nlcd2011_zion", "landsat8_qa_antimeridian_32660", "tile_1999_0042", "N48E015",
        "h18v03", "12345678", "00000000", "99999999", "S2_20230810123", "EPSG3857", "x", "", "0042", "1080p", "4326",
        "10m", "band_12", "v100", "33", "2023081", "T33TWM_R122", "1234-56-78", "202313", "v1.2.3", "-", "....",
    ],
)  # fmt: skip
def test_what_is_no_date(name: str):
    assert find_date(name) is None


@pytest.mark.parametrize("name", ["10-08-2023", "10_08_2023", "32.08.2023", "10.13.2023", "v1.10.08.2023"])
def test_a_day_that_may_be_a_month_is_only_a_year(name: str):
    found = find_date(name)
    assert found is None or (found.start.year, found.precision) == (2023, YEAR)


@given(st.text(max_size=40))
def test_any_text_is_survived(text: str):
    found = find_date(text)
    if found:
        first, last = found.span
        assert any(sign.isdigit() for sign in text[first:last])


@given(st.from_regex(r"\d{2}[C-X][A-Z]{2}|[BQ]\d{2}|\d{1,3}|[1-9]\d{4}|h\d{2}v\d{2}", fullmatch=True))
def test_tiles_and_bands_are_no_dates(name: str):
    assert find_date(name) is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("S2A_MSIL2A_20230810T100031_N0509_R122_T33TWM_20230810T143012.SAFE", datetime(2023, 8, 10, 10, 0, 31)),
        ("LC08_L2SP_189025_20230810_20230815_02_T1", datetime(2023, 8, 10)),
        ("S1A_IW_GRDH_1SDV_20230810T051234_20230810T051259_049812_05FD3E_7A2C", datetime(2023, 8, 10, 5, 12, 34)),
        ("S5P_OFFL_L2__NO2____20230810T111213_20230810T125343_30112_03", datetime(2023, 8, 10, 11, 12, 13)),
        ("S3A_OL_1_EFR____20230810T093012_20230810T093312_20230811T101010", datetime(2023, 8, 10, 9, 30, 12)),
        ("PROBAV_S10_TOC_20160101_333M_V001", datetime(2016, 1, 1)),
        ("2023-08-10_13-22-05", datetime(2023, 8, 10, 13, 22, 5)),
        ("20230810_100031_1049_3B_AnalyticMS", datetime(2023, 8, 10, 10, 0, 31)),
        ("MOD13Q1.A2023222.h18v03.061", datetime(2023, 8, 10)),
        ("2015-12-08T100409Z", datetime(2015, 12, 8, 10, 4, 9)),
        ("20230810_189099", datetime(2023, 8, 10)),
        ("10.08.2023", datetime(2023, 8, 10)),
        ("Hallstatt 1.2.2024 B04", datetime(2024, 2, 1)),
        ("ortho_31-12-2023", datetime(2023, 12, 31)),
    ],
)  # fmt: skip
def test_product_names(name: str, expected: datetime):
    assert start(name) == expected.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "first", "last", "precision"),
    [
        ("1985", "1985-01-01", "1985-12-31", YEAR),
        ("landcover_2020", "2020-01-01", "2020-12-31", YEAR),
        ("ESA_WorldCover_10m_2020_v100_N48E015_Map", "2020-01-01", "2020-12-31", YEAR),
        ("2020-02", "2020-02-01", "2020-02-29", MONTH),
        ("202102", "2021-02-01", "2021-02-28", MONTH),
        ("ndvi_2020-12", "2020-12-01", "2020-12-31", MONTH),
        ("2023-01-01--2023-01-31", "2023-01-01", "2023-01-31", DAY),
        ("20230101_to_20230131", "2023-01-01", "2023-01-31", DAY),
        ("2000--2010", "2000-01-01", "2010-12-31", YEAR),
    ],
)
def test_periods(name: str, first: str, last: str, precision: int):
    found = find_date(name)
    assert found is not None
    assert found.end is not None
    assert (found.start.date().isoformat(), found.end.date().isoformat()) == (first, last)
    assert found.end + timedelta(seconds=1) == datetime.fromisoformat(last).replace(tzinfo=UTC) + timedelta(days=1)
    assert found.precision == precision


def test_the_finest_and_deepest_wins():
    assert date_of(["2023", "2023-08-10"]).start == datetime(2023, 8, 10, tzinfo=UTC)
    assert date_of(["2023-08-10", "S2_20230810T101112_B04"]).start == datetime(2023, 8, 10, 10, 11, 12, tzinfo=UTC)
    assert date_of(["2023-08-10", "2023-08-13"]).start == datetime(2023, 8, 13, tzinfo=UTC)
    assert date_of(["2023-08-10", "landcover_2020"]).start == datetime(2023, 8, 10, tzinfo=UTC)
    assert date_of(["33TWM", "static", "DEM"]) is None
    assert date_of([]) is None
