"""Time of one tile's catalog look-up in a large archive.

The archive is a grid of 10 x 10 overlapping squares with a date every third day, as Sentinel-2 has them. Every
look-up asks for another tile and another time.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from time import perf_counter

from benchmarks.bench import Bench
from benchmarks.figures import Figures
from tileserver.catalog import open_catalog
from tileserver.models import Asset, Band, Collection, Item
from tileserver.ports import Catalog

ID = "bench"
FIRST = datetime(2016, 1, 1, 10, tzinfo=UTC)
STEP = timedelta(days=3)
BANDS = ("B02", "B03", "B04", "B08", "SCL")


def measure(bench: Bench) -> Figures:
    """Milliseconds in this process; of SQLite unless --catalog names a database."""
    figures = Figures("catalog", f"Catalog of {bench.items} items", bench.side)
    catalog = open_catalog(bench.database or f"sqlite:///{bench.scratch('catalog')}/items.db")
    catalog.put_collection(Collection(id=ID, title="Benchmark"))
    started = perf_counter()
    catalog.put_items(archive(bench.items))
    figures.notes.append(f"{catalog.count(ID)} items were put in {perf_counter() - started:.0f} s.")
    table = figures.table("", "look-up", "ms, median", "ms, 95th percentile")
    worst = 0.0
    for name, rounds, lookup in _lookups(catalog, bench.items):
        middle, high = _milliseconds(lookup, rounds)
        table.add(name, middle, high)
        worst = max(worst, middle)
        figures.measured[f"catalog {name}"] = middle
    figures.measured["catalog worst"] = worst
    catalog.remove_collection(ID)
    catalog.close()
    return figures


def archive(count: int) -> Iterator[Item]:
    """So many items on 100 squares."""
    for number in range(count):
        square, date = number % 100, number // 100
        west, south = 10 + square % 10, 45 + square // 10 * 0.9
        east, north = west + 1.1, south + 1.0
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        yield Item(
            id=f"s{square:02d}_{date:05d}",
            collection=ID,
            datetime=FIRST + date * STEP + timedelta(seconds=square),
            bbox=(west, south, east, north),
            geometry={"type": "Polygon", "coordinates": [ring]},
            assets={key: _asset(key, number) for key in BANDS},
            cloud_cover=float(number % 100),
            version=f"v{number}",
        )


def _asset(key: str, number: int) -> Asset:
    return Asset(
        key=key,
        href=f"/archive/{number}/{key}.tif",
        bands=(Band(name=key, dtype="uint16", nodata=0.0, scale=0.0001, offset=0.0),),
        crs="EPSG:32633",
        transform=(10.0, 0.0, 500000.0, 0.0, -10.0, 5200000.0),
        shape=(10980, 10980),
        version="1-2",
    )


def _milliseconds(lookup: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Median and 95th percentile."""
    lookup()
    spent = []
    for _ in range(rounds):
        started = perf_counter()
        lookup()
        spent.append((perf_counter() - started) * 1000)
    return statistics.median(spent), statistics.quantiles(spent, n=20)[-1]


def _lookups(catalog: Catalog, count: int) -> list[tuple[str, int, Callable[[], object]]]:
    """Name, how often, what."""
    chance = random.Random(1)
    days = count // 100 * STEP.days

    def box() -> tuple[float, float, float, float]:
        west, south = chance.uniform(10, 20), chance.uniform(45, 53)
        return west, south, west + 0.02, south + 0.02

    def moment() -> datetime:
        return FIRST + timedelta(days=chance.uniform(0, days))

    def day() -> object:
        start = moment()
        return catalog.items(ID, bbox=box(), interval=(start, start + timedelta(days=1)), limit=64)

    def ten_days() -> object:
        end = moment()
        return catalog.items(ID, bbox=box(), interval=(end - timedelta(days=10), end), limit=64)

    def latest() -> object:
        return catalog.items(ID, bbox=box(), limit=64)

    fixed, time = box(), moment()

    def panning() -> object:
        west, south, east, north = fixed
        shift = chance.uniform(-0.2, 0.2)
        place = (west + shift, south, east + shift, north)
        return catalog.items(ID, bbox=place, interval=(time - timedelta(days=10), time), limit=64)

    return [
        ("a day, anywhere, items never seen", 400, day),
        ("ten days, anywhere, items never seen", 400, ten_days),
        ("ten days, around one place", 1000, panning),
        ("latest, 64 items, anywhere", 400, latest),
        ("collection", 1000, lambda: catalog.collection(ID)),
        ("revision", 1000, lambda: catalog.revision(ID)),
    ]
