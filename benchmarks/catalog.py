"""Seconds of one tile's catalog look-up in an archive of 100 000 items.

    python benchmarks/catalog.py [--items 100000] [--catalog sqlite:////tmp/x.db | postgresql://…]

The archive is a grid of 10 x 10 overlapping squares with 1000 dates each, as Sentinel-2 has them. Every look-up asks
for another tile and another time.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parents[1]))

from tileserver.catalog import open_catalog
from tileserver.models import Asset, Band, Collection, Item
from tileserver.ports import Catalog

FIRST = datetime(2016, 1, 1, 10, tzinfo=UTC)
STEP = timedelta(days=3)
BANDS = ("B02", "B03", "B04", "B08", "SCL")


def archive(count: int) -> Iterator[Item]:
    """So many items on 100 squares."""
    for number in range(count):
        square, date = number % 100, number // 100
        west, south = 10 + square % 10, 45 + square // 10 * 0.9
        east, north = west + 1.1, south + 1.0
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        yield Item(
            id=f"s{square:02d}_{date:05d}",
            collection="bench",
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


def measure(name: str, lookup: Callable[[], object], rounds: int) -> None:
    """Median and 95th percentile in milliseconds."""
    lookup()
    spent = []
    for _ in range(rounds):
        started = perf_counter()
        lookup()
        spent.append((perf_counter() - started) * 1000)
    p95 = statistics.quantiles(spent, n=20)[-1]
    print(f"{name:<46} {statistics.median(spent):8.3f} ms   p95 {p95:8.3f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--catalog", default="")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        catalog = open_catalog(options.catalog or f"sqlite:///{folder}/bench.db")
        catalog.put_collection(Collection(id="bench", title="Benchmark"))
        started = perf_counter()
        catalog.put_items(archive(options.items))
        print(f"{catalog.count('bench')} items put in {perf_counter() - started:.1f} s")
        _measure_all(catalog, options.items)
        catalog.remove_collection("bench")
        catalog.close()


def _measure_all(catalog: Catalog, count: int) -> None:
    dice = random.Random(1)
    days = count // 100 * STEP.days

    def box() -> tuple[float, float, float, float]:
        west, south = dice.uniform(10, 20), dice.uniform(45, 53)
        return west, south, west + 0.02, south + 0.02

    def moment() -> datetime:
        return FIRST + timedelta(days=dice.uniform(0, days))

    def day() -> object:
        start = moment()
        return catalog.items("bench", bbox=box(), interval=(start, start + timedelta(days=1)), limit=64)

    def ten_days() -> object:
        end = moment()
        return catalog.items("bench", bbox=box(), interval=(end - timedelta(days=10), end), limit=64)

    def latest() -> object:
        return catalog.items("bench", bbox=box(), limit=64)

    fixed, time = box(), moment()

    def panning() -> object:
        west, south, east, north = fixed
        shift = dice.uniform(-0.2, 0.2)
        place = (west + shift, south, east + shift, north)
        return catalog.items("bench", bbox=place, interval=(time - timedelta(days=10), time), limit=64)

    measure("a day, anywhere, items never seen", day, 400)
    measure("ten days, anywhere, items never seen", ten_days, 400)
    measure("ten days, around one place", panning, 1000)
    measure("latest, 64 items, anywhere", latest, 400)
    measure("collection", lambda: catalog.collection("bench"), 1000)
    measure("revision", lambda: catalog.revision("bench"), 1000)


if __name__ == "__main__":
    main()
