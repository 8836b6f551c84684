"""What every catalog does, on both engines."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.catalog.things import SPRING, collection, item
from tileserver.catalog import open_catalog
from tileserver.errors import InvalidParameter, NotFound
from tileserver.models import Band, Style
from tileserver.ports import Catalog

DAY = timedelta(days=1)


def ids(items: list) -> list[str]:
    return [one.id for one in items]


def test_an_item_comes_back_as_it_was(catalog: Catalog):
    catalog.put_collection(collection())
    put = item("a", end_datetime=SPRING + 30 * DAY)
    assert catalog.put_items([put]) == 1
    assert catalog.item("scenes", "a") == put
    assert catalog.items("scenes") == [put]
    assert list(catalog.iterate("scenes")) == [put]


def test_nan_nodata_and_unicode_survive(catalog: Catalog):
    catalog.put_collection(collection(title="Žluťoučký kůň"))
    put = item("a", properties={"title": "Příliš 日本"})
    band = Band(name="B04", dtype="float32", nodata=math.nan)
    put = replace(put, assets={"B04": replace(put.assets["B04"], bands=(band,))}, version="")
    catalog.put_items([put])
    back = catalog.item("scenes", "a")
    assert math.isnan(back.assets["B04"].bands[0].nodata)
    assert back.properties["title"] == "Příliš 日本"
    assert catalog.collection("scenes").title == "Žluťoučký kůň"


def test_newest_first_undated_last(catalog: Catalog):
    catalog.put_collection(collection())
    catalog.put_items([item("old", SPRING - 100 * DAY), item("always", None), item("new"), item("mid", SPRING - DAY)])
    assert ids(catalog.items("scenes")) == ["new", "mid", "old", "always"]
    assert ids(catalog.items("scenes", limit=2)) == ["new", "mid"]
    assert ids(catalog.items("scenes", undated=False)) == ["new", "mid", "old"]
    assert [one.id for one in catalog.iterate("scenes")] == ["always", "old", "mid", "new"]
    box = (15.0, 46.0, 16.0, 47.0)
    assert catalog.moments("scenes") == [(SPRING - 100 * DAY, box), (SPRING - DAY, box), (SPRING, box)]
    with pytest.raises(NotFound):
        catalog.moments("nothing")


def test_intervals_include_both_ends(catalog: Catalog):
    catalog.put_collection(collection())
    year = item("year", datetime(2022, 1, 1, tzinfo=UTC), end_datetime=datetime(2022, 12, 31, 23, 59, 59, tzinfo=UTC))
    catalog.put_items([year, item("a", SPRING), item("always", None)])

    def found(start: datetime | None, end: datetime | None) -> list[str]:
        return ids(catalog.items("scenes", interval=(start, end), undated=False))

    assert found(SPRING, SPRING) == ["a"]
    assert found(SPRING + timedelta(seconds=1), None) == []
    assert found(None, SPRING - timedelta(seconds=1)) == ["year"]
    assert found(datetime(2022, 6, 1, tzinfo=UTC), datetime(2022, 6, 2, tzinfo=UTC)) == ["year"]
    assert found(datetime(2022, 12, 31, 23, 59, 59, tzinfo=UTC), SPRING) == ["a", "year"]
    assert found(None, None) == ["a", "year"]
    assert ids(catalog.items("scenes", interval=(SPRING + DAY, None))) == ["always"]


def test_boxes_touch_or_overlap(catalog: Catalog):
    catalog.put_collection(collection())
    catalog.put_items([item("a", bbox=(15, 46, 16, 47)), item("b", SPRING - DAY, bbox=(16.5, 46, 17, 47))])
    assert ids(catalog.items("scenes", bbox=(15.5, 46.5, 15.6, 46.6))) == ["a"]
    assert ids(catalog.items("scenes", bbox=(15, 46, 17, 47))) == ["a", "b"]
    assert ids(catalog.items("scenes", bbox=(16.1, 46, 16.4, 47))) == []
    assert ids(catalog.items("scenes", bbox=(16.0, 46.5, 16.0, 46.5))) == ["a"]
    # Edges are compared exactly, not with the 32-bit numbers of a search tree.
    assert ids(catalog.items("scenes", bbox=(16.0000001, 46, 16.1, 47))) == []


def test_across_the_antimeridian(catalog: Catalog):
    catalog.put_collection(collection())
    catalog.put_items([item("cross", bbox=(177, 50, -178, 52)), item("east", bbox=(170, 50, 171, 52))])
    assert ids(catalog.items("scenes", bbox=(178, 51, 179, 51.5))) == ["cross"]
    assert ids(catalog.items("scenes", bbox=(-179.5, 51, -179, 51.5))) == ["cross"]
    assert ids(catalog.items("scenes", bbox=(179, 51, -179, 51.5))) == ["cross"]
    assert ids(catalog.items("scenes", bbox=(170.5, 51, -179, 51.5))) == ["cross", "east"]
    assert ids(catalog.items("scenes", bbox=(0, 51, 10, 51.5))) == []
    assert ids(catalog.items("scenes", bbox=(-180, -90, 180, 90))) == ["cross", "east"]
    assert catalog.collection("scenes").bbox == (170, 50, -178, 52)


def test_the_newest_of_a_long_archive(catalog: Catalog):
    """With a limit and an open beginning, whatever gaps there are."""
    catalog.put_collection(collection())
    times = [SPRING - timedelta(days=days) for days in (0, 3, 200, 201, 4000, 9000)]
    catalog.put_items([item(f"i{place}", time) for place, time in enumerate(times)])
    for limit in range(1, 8):
        assert ids(catalog.items("scenes", limit=limit)) == [f"i{place}" for place in range(min(limit, 6))]
    assert ids(catalog.items("scenes", interval=(None, SPRING - 150 * DAY), limit=2)) == ["i2", "i3"]


def test_a_long_period_is_found_by_its_end(catalog: Catalog):
    catalog.put_collection(collection())
    long = item("long", datetime(1990, 1, 1, tzinfo=UTC), end_datetime=datetime(2023, 3, 1, tzinfo=UTC))
    catalog.put_items([long, item("new")])
    assert ids(catalog.items("scenes", limit=5)) == ["new", "long"]
    assert ids(catalog.items("scenes", interval=(None, SPRING - DAY), limit=1)) == ["long"]


def test_repeating_changes_nothing(catalog: Catalog):
    catalog.put_collection(collection())
    assert catalog.put_items([item("a"), item("b")]) == 2
    revision = catalog.revision("scenes")
    assert catalog.put_items([item("a"), item("b")]) == 0
    catalog.put_collection(collection())
    assert catalog.revision("scenes") == revision
    assert catalog.put_items([item("a", cloud_cover=3.0), item("b")]) == 1
    assert catalog.revision("scenes") != revision
    assert catalog.item("scenes", "a").cloud_cover == 3.0
    assert catalog.count("scenes") == 2


def test_removing(catalog: Catalog):
    catalog.put_collection(collection())
    catalog.put_items([item("a"), item("b")])
    revision = catalog.revision("scenes")
    assert catalog.remove_items("scenes", ["a", "never"]) == 1
    assert catalog.revision("scenes") != revision
    assert ids(catalog.items("scenes")) == ["b"]
    with pytest.raises(NotFound):
        catalog.item("scenes", "a")
    catalog.remove_collection("scenes")
    assert catalog.collections() == []
    catalog.put_collection(collection())
    assert catalog.count("scenes") == 0
    assert catalog.revision("scenes") != revision


def test_unknown_names(catalog: Catalog):
    catalog.put_collection(collection())
    for call in (catalog.collection, catalog.items, catalog.count, catalog.revision, catalog.remove_collection):
        with pytest.raises(NotFound, match="Did you mean 'scenes'"):
            call("scene")
    with pytest.raises(NotFound):
        catalog.item("scenes", "'; DROP TABLE items; --")
    with pytest.raises(NotFound):
        catalog.put_items([item("a", collection="other")])


def test_collections_by_order_then_title(catalog: Catalog):
    catalog.put_collection(collection("z", "Alpha"))
    catalog.put_collection(collection("y", "beta"))
    catalog.put_collection(collection("x", "Zulu", order=2))
    catalog.put_collection(collection("w", "Yankee", order=1))
    assert [one.id for one in catalog.collections()] == ["w", "x", "z", "y"]


def test_extents_follow_the_items(catalog: Catalog):
    catalog.put_collection(collection())
    catalog.put_items([item("a", bbox=(10, 40, 11, 41)), item("b", SPRING + DAY, bbox=(12, 42, 13, 43))])
    found = catalog.collection("scenes")
    assert found.bbox == (10, 40, 13, 43)
    assert found.interval == (SPRING, SPRING + DAY)
    catalog.remove_items("scenes", ["b"])
    assert catalog.collection("scenes").bbox == (10, 40, 11, 41)
    catalog.put_items([item("always", None, bbox=(0, 0, 1, 1))])
    assert catalog.collection("scenes").interval == (SPRING, SPRING)


def test_facts_last_as_long_as_the_item(catalog: Catalog):
    catalog.put_collection(collection())
    catalog.put_items([item("a"), item("b")])
    catalog.remember("scenes", "a", "cover", {"share": 0.5})
    catalog.remember("scenes", "b", "cover", None)
    catalog.remember("scenes", "b", "cover", [1, 2])
    catalog.remember("scenes", "never", "cover", 1)
    assert catalog.recall("scenes", ["a", "b", "never"], "cover") == {"a": {"share": 0.5}, "b": [1, 2]}
    assert catalog.recall("scenes", ["a"], "other") == {}
    catalog.put_items([item("a", cloud_cover=1.0)])
    assert catalog.recall("scenes", ["a", "b"], "cover") == {"b": [1, 2]}
    catalog.remove_items("scenes", ["b"])
    catalog.put_items([item("b")])
    assert catalog.recall("scenes", ["a", "b"], "cover") == {}


def test_another_process_sees_the_change(catalog: Catalog, catalog_uri: str):
    catalog.put_collection(collection())
    catalog.put_items([item("a")])
    other = open_catalog(catalog_uri)
    assert ids(other.items("scenes")) == ["a"]
    catalog.put_items([item("a", cloud_cover=77.0), item("b", SPRING - DAY)])
    assert ids(other.items("scenes")) == ["a", "b"]
    assert other.item("scenes", "a").cloud_cover == 77.0
    assert other.collection("scenes").interval[0] == SPRING - DAY
    other.close()


def test_many_threads(catalog: Catalog):
    catalog.put_collection(collection())

    def work(number: int) -> int:
        catalog.put_items([item(f"{number}-{place}", SPRING + place * DAY) for place in range(5)])
        return len(catalog.items("scenes", bbox=(15, 46, 16, 47)))

    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(work, range(12)))
    assert catalog.count("scenes") == 60
    assert all(count >= 5 for count in seen)


def test_more_than_a_batch(catalog: Catalog):
    catalog.put_collection(collection())
    many = [item(f"i{place:05d}", SPRING - place * timedelta(hours=1)) for place in range(1203)]
    assert catalog.put_items(iter(many)) == 1203
    assert [one.id for one in catalog.iterate("scenes")] == [one.id for one in reversed(many)]
    assert len(catalog.items("scenes")) == 1203


def test_no_credentials_in_the_address(catalog: Catalog):
    assert "tiles@" not in catalog.uri


@pytest.mark.parametrize("uri", ["", "sqlite://", "mysql://x", "/a/b.db", "postgresql://u:secret@127.0.0.1:1/none"])
def test_addresses_that_are_none(uri: str):
    with pytest.raises(InvalidParameter) as raised:
        open_catalog(uri)
    assert "secret" not in str(raised.value)


def test_a_file_that_is_no_database(tmp_path):
    path = tmp_path / "x.db"
    path.write_text("this is no database, " * 100)
    with pytest.raises(InvalidParameter, match="catalog"):
        open_catalog(f"sqlite:///{path}")


def test_moments(catalog: Catalog):
    catalog.put_collection(collection())
    catalog.put_items([item("a"), item("b", SPRING - DAY, bbox=(177, 50, -178, 52)), item("always", None)])
    assert catalog.moments("scenes") == [(SPRING - DAY, (177, 50, -178, 52)), (SPRING, (15, 46, 16, 47))]
    with pytest.raises(NotFound):
        catalog.moments("other")


def test_styles_keep_their_order(catalog: Catalog):
    names = ["natural", "b", "zz", "a"]
    styles = tuple(Style(id=name, titles={"en": name}, assets=("B04",)) for name in names)
    assets = {"SCL": {"title": "x"}, "B04": {"title": "y"}}
    catalog.put_collection(collection(styles=styles, item_assets=assets))
    found = catalog.collection("scenes")
    assert found.styles == styles
    assert list(found.item_assets) == ["SCL", "B04"]
    assert "tilescope:sequence" not in found.extra
