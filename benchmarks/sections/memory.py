"""Resident memory under load with small caches: does it stay within what is set?"""

from __future__ import annotations

import random
import statistics
import time

from benchmarks.bench import COLD, Bench
from benchmarks.figures import Figures
from benchmarks.server import Server
from benchmarks.workloads import COLLECTION, DATE, within

BLOCK_BYTES, TILE_BYTES = 64 << 20, 32 << 20
CLIENTS = 4
BATCH = 100
FIRST = 3000
"""Tiles after which a server without caches has all that it needs, whatever the largest tile takes."""
MEBIBYTE = 1 << 20
SAMPLES = 10


def measure(bench: Bench) -> Figures:
    """Tiles of all zooms, sizes and formats at random, over the whole granule, as fast as they come."""
    figures = Figures(
        "memory", f"Resident memory over {bench.minutes:g} minutes of load, {CLIENTS} clients", bench.side
    )
    table = figures.table("", "minutes", "tiles so far", "RSS MiB")
    limits = {"TILESERVER_BLOCK_CACHE_BYTES": str(BLOCK_BYTES), "TILESERVER_TILE_CACHE_BYTES": str(TILE_BYTES)}
    chance = random.Random(3)
    start = _without_caches(bench, random.Random(4))
    table.add("no caches", float(FIRST), start / MEBIBYTE)
    with bench.ours(limits) as server:
        server.settle()
        sizes, count = [], 0
        for sample in range(1, SAMPLES + 1):
            count += _until(server, bench, chance, time.perf_counter() + bench.minutes * 60 / SAMPLES)
            sizes.append(server.resident())
            table.add(sample * bench.minutes / SAMPLES, float(count), sizes[-1] / MEBIBYTE)
    budget = BLOCK_BYTES + TILE_BYTES
    half = sizes[SAMPLES // 2 - 1]
    figures.measured |= {
        "memory growth MiB": (max(sizes) - start) / MEBIBYTE,
        "memory growth / budgets": (max(sizes) - start) / budget,
        "memory second half %": (sizes[-1] - half) / half * 100,
        "memory minutes": bench.minutes,
    }
    figures.notes.append(
        f"Block cache {BLOCK_BYTES >> 20} MiB, tile cache {TILE_BYTES >> 20} MiB. At its highest, memory was "
        f"{(max(sizes) - start) / MEBIBYTE:.0f} MiB over that of a server without caches; over the second half it "
        f"changed by {(sizes[-1] - half) / MEBIBYTE:.1f} MiB."
    )
    return figures


def _without_caches(bench: Bench, chance: random.Random) -> int:
    """Bytes that code, open files and tiles under way take, as a median: the last tile may have been a large one."""
    with bench.ours(COLD) as server:
        server.settle().answers([_path(bench, chance) for _ in range(FIRST)], CLIENTS)
        sizes = []
        for _ in range(SAMPLES):
            server.answers([_path(bench, chance) for _ in range(BATCH)], CLIENTS)
            sizes.append(server.resident())
        return round(statistics.median(sizes))


def _until(server: Server, bench: Bench, chance: random.Random, end: float) -> int:
    """Tiles asked until then."""
    count = 0
    while time.perf_counter() < end:
        server.answers([_path(bench, chance) for _ in range(BATCH)], CLIENTS)
        count += BATCH
    return count


def _path(bench: Bench, chance: random.Random) -> str:
    tile = chance.choice(within(bench.side, chance.choice((9, 11, 12, 13, 13, 14, 14, 14, 14))))
    scale, form = chance.choice(("", "@2x")), chance.choice(("jpg", "jpg", "png", "webp"))
    query = chance.choice(
        (
            "assets=B04,B03,B02&rescale=0,0.3&resampling=nearest",
            "assets=B08,B04,B03&rescale=0,0.4&resampling=bilinear",
            "expression=(B08-B04)/(B08%2BB04)&rescale=-1,1&colormap_name=rdylgn",
        )
    )
    return f"/xyz/{COLLECTION}/custom/{DATE}/{tile.z}/{tile.x}/{tile.y}{scale}.{form}?{query}"
