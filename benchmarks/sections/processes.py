"""More than one process: tiles a second with hot caches."""

from __future__ import annotations

import os
import statistics
from collections.abc import Mapping

from benchmarks.bench import ALL, BLOCKS, Bench
from benchmarks.figures import Figures, times
from benchmarks.server import Load, Server
from benchmarks.workloads import RANDOM

CLIENTS = 16
COUNTS = (1, 2, 4)


def measure(bench: Bench) -> Figures:
    """All at once started, asked in turn; the client takes its share of the cores too."""
    figures = Figures("processes", f"Processes, {CLIENTS} clients on the same {os.cpu_count()} cores", bench.side)
    table = figures.table("", "", "processes", "tiles/s", "CPU ms/tile", "against one process")
    ours, theirs = RANDOM.ours(bench.side), RANDOM.titiler(bench.archive, bench.side)[:64]
    for name, caches, repeats in (("ours, blocks hot", BLOCKS, 6), ("ours, tiles hot", ALL, 30)):
        found = [_ours(bench, caches, count, ours, repeats) for count in COUNTS]
        _rows(figures, name, found)
    _rows(figures, "TiTiler", [_titiler(bench, count, theirs) for count in COUNTS[:2]])
    one, two = (figures.measured[f"processes {name} 2"] for name in ("TiTiler", "ours, blocks hot"))
    figures.measured["processes ratio"] = two / one
    table.add("ours, blocks hot / TiTiler", 2.0, times(two / one), None, None)
    return figures


def _rows(figures: Figures, name: str, found: list[Load]) -> None:
    first = 1000 / found[0].wall
    for count, load in zip(COUNTS, found, strict=False):
        rate = 1000 / load.wall
        figures.tables[0].add(name, float(count), rate, load.cpu, times(rate / first))
        figures.measured[f"processes {name} {count}"] = rate


def _ours(bench: Bench, caches: Mapping[str, str], count: int, paths: list[str], repeats: int) -> Load:
    with bench.ours(caches, "--workers", str(count)) as server:
        server.settle().ask(paths * 3 * count, CLIENTS)  # every process has caches of its own
        return _median(server, paths * repeats, bench.rounds)


def _titiler(bench: Bench, count: int, paths: list[str]) -> Load:
    with bench.titiler("--workers", str(count)) as server:
        server.ask(paths[:16], CLIENTS)
        return _median(server, paths, bench.rounds)


def _median(server: Server, paths: list[str], rounds: int) -> Load:
    loads = [server.ask(paths, CLIENTS) for _ in range(rounds)]
    return Load(*(statistics.median(getattr(load, name) for load in loads) for name in ("cpu", "wall", "median")))
