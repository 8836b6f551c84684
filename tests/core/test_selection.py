import dataclasses
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import shapely

from tileserver.catalog import open_catalog
from tileserver.models import Asset, Band, Collection, Item
from tileserver.selection import Nearby, covers, select
from tileserver.times import parse_time

EAST = (15.0, 46.0, 16.0, 47.0)
WEST = (14.0, 46.0, 15.05, 47.0)


def item(name, when, bbox=EAST, cloud=None, band="B04"):
    return Item(
        id=name,
        collection="s2",
        datetime=datetime.fromisoformat(when).replace(tzinfo=UTC) if when else None,
        bbox=bbox,
        geometry=shapely.geometry.mapping(shapely.box(*bbox)),
        assets={band: Asset(key=band, href=f"/data/{name}.tif", bands=(Band(name=band),))},
        cloud_cover=cloud,
        version="1",
    )


ITEMS = [
    item("e10", "2023-08-10T10:00:00", cloud=80),
    item("e13", "2023-08-13T10:00:00", cloud=2),
    item("w13", "2023-08-13T10:00:20", WEST, cloud=5),
    item("e15", "2023-08-15T10:00:00", cloud=30),
    item("w20", "2023-08-20T10:00:00", WEST, cloud=1),
    item("static", None, band="DEM"),
]


@pytest.fixture
def catalog(tmp_path):
    catalog = open_catalog(f"sqlite:///{tmp_path}/c.db")
    catalog.put_collection(Collection(id="s2", title="S2"))
    catalog.put_items(ITEMS)
    yield catalog
    catalog.close()


def chosen(catalog, text, bbox=EAST, **options):
    selection = select(catalog, catalog.collection("s2"), parse_time(text), bbox, names=["B04"], **options)
    return [i.id for i in selection.items], selection.exact


INSIDE_EAST = (15.4, 46.4, 15.5, 46.5)
INSIDE_BOTH = (15.01, 46.4, 15.04, 46.5)


@pytest.mark.parametrize(
    ("text", "bbox", "ids", "exact"),
    [
        ("2023-08-13", INSIDE_EAST, ["e13"], True),
        ("2023-08-13", INSIDE_BOTH, ["w13", "e13"], True),  # a day's mosaic, the latest on top
        ("2023-08-14", INSIDE_EAST, ["e13"], False),  # the nearest earlier one
        ("2023-08-20", INSIDE_EAST, ["e15"], False),  # the day has an image, but not here
        ("2023-08-30", INSIDE_EAST, [], True),  # beyond the tolerance of 10 days
        ("2023-08-09", INSIDE_EAST, [], True),  # never a later one
        ("latest", INSIDE_EAST, ["e15"], True),
        ("latest", INSIDE_BOTH, ["w20"], True),
        ("best", INSIDE_EAST, ["e13"], True),
        ("best", INSIDE_BOTH, ["w20"], True),
        ("2023", INSIDE_EAST, ["e15", "e13", "e10"], True),
        ("2023-08-11/2023-08-14", INSIDE_EAST, ["e13"], True),
        ("2023-08-13T10:00:00Z", INSIDE_BOTH, ["e13"], True),
        ("2023-08-13", (20, 20, 21, 21), [], True),
    ],
)
def test_select(catalog, text, bbox, ids, exact):
    assert chosen(catalog, text, bbox) == (ids, exact)


def test_strict_never_snaps(catalog):
    assert chosen(catalog, "2023-08-14", INSIDE_EAST, strict=True) == ([], True)


def test_undated_items_are_drawn_at_any_time(catalog):
    for text in ("latest", "best", "1999-01-01", "2023-08-13", "../2001"):
        selection = select(catalog, catalog.collection("s2"), parse_time(text), INSIDE_EAST, names=["DEM"])
        assert [i.id for i in selection.items] == ["static"]
        assert selection.datetime == ""


def test_served_time(catalog):
    collection = catalog.collection("s2")
    assert select(catalog, collection, parse_time("2023-08-13"), INSIDE_EAST).datetime == "2023-08-13T10:00:00Z"
    assert (
        select(catalog, collection, parse_time("2023"), INSIDE_EAST, names=["B04"]).datetime
        == "2023-08-10T10:00:00Z/2023-08-15T10:00:00Z"
    )


def test_footprints_decide_not_boxes():
    triangle = {"type": "Polygon", "coordinates": [[[0, 0], [10, 0], [0, 10], [0, 0]]]}
    thing = Item(id="t", collection="c", datetime=None, bbox=(0, 0, 10, 10), geometry=triangle, assets={}, version="t")
    assert covers(thing, (1, 1, 2, 2))
    assert not covers(thing, (8, 8, 9, 9))
    assert not covers(thing, (-5, 0, 0, 5))  # they only touch


def test_many_items_beyond_one_page(tmp_path):
    catalog = open_catalog(f"sqlite:///{tmp_path}/many.db")
    catalog.put_collection(Collection(id="s2", title="S2"))
    start = datetime(2020, 1, 1, tzinfo=UTC).replace(tzinfo=None)
    catalog.put_items(
        item(f"i{n}", (start + timedelta(days=n)).isoformat(), WEST if n > 10 else EAST) for n in range(400)
    )
    assert chosen(catalog, "latest", INSIDE_EAST)[0] == ["i10"]
    catalog.close()


def test_what_is_known_nearby_changes_no_answer(tmp_path):
    """A tile's items are the same whether they are looked up alone or for the whole neighbourhood."""
    dice = np.random.default_rng(5)
    catalog = open_catalog(f"sqlite:///{tmp_path}/nearby.db")
    catalog.put_collection(Collection(id="s2", title="S2"))
    start = datetime(2020, 1, 1, 10, tzinfo=UTC).replace(tzinfo=None)
    boxes = [(x, y, x + 1.1, y + 1.1) for x in (13.0, 14.0, 15.0) for y in (45.0, 46.0)] + [(179.5, 46.0, -179.5, 47.0)]
    catalog.put_items(
        item(f"i{n}", (start + timedelta(hours=7 * n)).isoformat() if n % 9 else None, boxes[n % len(boxes)])
        for n in range(300)
    )
    collection, nearby = catalog.collection("s2"), Nearby(catalog)
    asked = 0
    for _ in range(400):
        size = 10 ** dice.uniform(-3, 1.2)
        west, south = dice.choice([13.9, 14.9, 179.4, -179.9]) + dice.uniform(0, 0.4), dice.uniform(45, 47)
        box = (float(west), float(south), min(float(west + size), 180.0), min(float(south + size), 90.0))
        text = str(dice.choice(["latest", "2020-01-20", "2020-02", "2020-01-07T20:00:00Z", "2019", "../2020-03-01"]))
        limit = int(dice.choice([1, 3, 60]))
        alone = select(catalog, collection, parse_time(text), box, names=["B04"], limit=limit)
        known = select(
            catalog, collection, parse_time(text), box, names=["B04"], limit=limit,
            nearby=nearby, revision=catalog.revision("s2"),
        )  # fmt: skip
        assert known == alone, (text, box, limit)
        asked += bool(alone.items)
    assert asked > 200
    catalog.close()


def test_neighbours_ask_the_catalog_once(catalog):
    calls = []

    class Counted:
        def items(self, *args, **kwargs):
            calls.append(kwargs)
            return catalog.items(*args, **kwargs)

    nearby = Nearby(Counted())
    for step in range(40):
        west = 15.26 + step * 0.005
        select(
            Counted(), catalog.collection("s2"), parse_time("2023-08-13"), (west, 46.26, west + 0.02, 46.28),
            names=["B04"], nearby=nearby, revision="1",
        )  # fmt: skip
    before = len(calls)
    assert before <= 3
    select(
        Counted(), catalog.collection("s2"), parse_time("2023-08-13"), (15.3, 46.26, 15.32, 46.28),
        names=["B04"], nearby=nearby, revision="2",
    )  # fmt: skip
    assert len(calls) == before + 1


def test_what_cells_fill_is_covered(tmp_path):
    """The short cut for tiles deep inside a footprint never says more than the geometries do."""
    dice = np.random.default_rng(8)
    triangle = {"type": "Polygon", "coordinates": [[[14, 45], [17, 45.2], [15, 48], [14, 45]]]}
    thing = dataclasses.replace(item("t", "2023-08-13T10:00:00", (14, 45, 17, 48)), geometry=triangle)
    outline = shapely.geometry.shape(triangle)
    catalog = open_catalog(f"sqlite:///{tmp_path}/c.db")
    catalog.put_collection(Collection(id="s2", title="S2"))
    catalog.put_items([thing])
    found = 0
    for _ in range(500):
        size = float(10 ** dice.uniform(-3, 0))
        west, south = dice.uniform([13.8, 44.8], [17.2, 48.2])
        box = (float(west), float(south), float(west) + size, float(south) + size)
        got = chosen(catalog, "2023-08-13", box)[0] == ["t"]
        assert got == (outline.intersection(shapely.box(*box)).area > 0)
        found += got
    assert 100 < found < 400
    catalog.close()
