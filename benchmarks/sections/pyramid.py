"""A whole pyramid of the granule: `tileserver seed`, and TiTiler estimated from a sample of every zoom."""

from __future__ import annotations

import random
import statistics
import time
from dataclasses import dataclass
from tempfile import TemporaryDirectory

import mercantile

from benchmarks import granule, limit
from benchmarks.bench import STYLE, Bench
from benchmarks.figures import Figures, times
from benchmarks.server import Server
from benchmarks.workloads import COLLECTION, DATE

ZOOMS = range(7, 15)
SAMPLE = 24
"""Tiles of a zoom that TiTiler draws."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of a whole pyramid."""

    cpu: float
    wall: float


def measure(bench: Bench) -> Figures:
    """Both in turn; TiTiler with a process for each of two cores."""
    figures = Figures("pyramid", "Full pyramid z7–z14 of the granule, RGB, 256 px", bench.side)
    pyramid = {zoom: list(mercantile.tiles(*granule.bounds(bench.side), [zoom])) for zoom in ZOOMS}
    count = sum(map(len, pyramid.values()))
    rounds = max(1, min(bench.rounds, 2))
    with bench.titiler("--workers", "2") as server:
        server.ask(_paths(bench, pyramid[12][:2]) * 8, 4)
        pairs = [(_sampled(server, bench, pyramid), _seeded(bench)) for _ in range(rounds)]
    table = figures.table(f"{count} tiles", "", "CPU s", "wall s", "tiles/s")
    for name, at in (("TiTiler, 2 processes, estimated", 0), ("tileserver seed, its start included", 1)):
        cpu = statistics.median(pair[at].cpu for pair in pairs)
        wall = statistics.median(pair[at].wall for pair in pairs)
        table.add(name, cpu, wall, count / wall)
    least = _limit(bench, pyramid)
    table.add("limit, each block once for each zoom that uses it", least, None, None)
    ratios = [statistics.median(getattr(a, of) / getattr(b, of) for a, b in pairs) for of in ("cpu", "wall")]
    table.add("ratio", times(ratios[0]), times(ratios[1]), None)
    figures.measured |= {"pyramid CPU": ratios[0], "pyramid wall": ratios[1]}
    figures.measured["limit: whole pyramid"] = statistics.median(pair[1].cpu for pair in pairs) / least
    return figures


def _paths(bench: Bench, tiles: list[mercantile.Tile]) -> list[str]:
    query = f"url={bench.bands}&assets=B04&assets=B03&assets=B02&rescale=0,3000"
    return [f"/bands/tiles/WebMercatorQuad/{t.z}/{t.x}/{t.y}.jpg?{query}" for t in tiles]


def _sampled(server: Server, bench: Bench, pyramid: dict[int, list[mercantile.Tile]]) -> Cost:
    """A sample's cost, times how many more tiles the zoom has."""
    cpu = wall = 0.0
    for tiles in pyramid.values():
        sample = random.Random(7).sample(tiles, min(SAMPLE, len(tiles)))
        load = server.ask(_paths(bench, sample), min(4, len(sample)))
        cpu += load.cpu * len(tiles) / 1000
        wall += load.wall * len(tiles) / 1000
    return Cost(cpu, wall)


def _seeded(bench: Bench) -> Cost:
    zooms = f"{ZOOMS.start}-{ZOOMS.stop - 1}"
    what = ("--style", STYLE, "--datetime", DATE, "--zooms", zooms, "--format", "jpg", "--catalog", bench.catalog)
    with TemporaryDirectory(dir=bench.scratch("seed")) as folder:
        start = time.perf_counter()
        cpu = bench.tileserver("seed", COLLECTION, *what, TILESERVER_CACHE_DIR=folder)
        return Cost(cpu, time.perf_counter() - start)


def _limit(bench: Bench, pyramid: dict[int, list[mercantile.Tile]]) -> float:
    """CPU seconds."""
    parts = limit.measure(bench.bands, bench.port + 9)
    spent = 0.0
    for tiles in pyramid.values():
        blocks = limit.blocks(bench.bands / "B04.tif", tiles, 256, 3)
        spent += len(tiles) * (blocks.once * parts.block + parts.draw[256] + parts.jpeg[256])
    return spent / 1000
