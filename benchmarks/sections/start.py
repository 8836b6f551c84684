"""From starting the process to the first tile, over an archive that has been indexed before."""

from __future__ import annotations

import statistics
from collections.abc import Callable

from benchmarks.bench import ALL, Bench
from benchmarks.figures import Figures, spread
from benchmarks.server import Server
from benchmarks.workloads import RANDOM


def measure(bench: Bench) -> Figures:
    """In turn; files in the page cache."""
    figures = Figures("start", "Process start to first tile", bench.side)
    ours, theirs = RANDOM.ours(bench.side)[0], RANDOM.titiler(bench.archive, bench.side)[0]
    starts: dict[str, Callable[[], Server]] = {
        "TiTiler": lambda: bench.titiler(first=theirs),
        "ours, a catalog": lambda: bench.ours(ALL, first=ours),
        "ours, a folder": lambda: bench.ours(ALL, folder=str(bench.archive), first=ours),
    }
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in starts}
    for turn in range(bench.rounds + 1):
        for name, start in starts.items():
            with start() as server:
                if turn:  # the first fills the caches of the operating system, and indexes the folder
                    spent[name].append((server.ready, server.seconds()))
    table = figures.table("", "", "seconds", "of which CPU", "lowest to highest")
    for name, found in spent.items():
        ready = [one for one, _ in found]
        table.add(name, statistics.median(ready), statistics.median(cpu for _, cpu in found), spread(ready))
        figures.measured[f"start {name}"] = statistics.median(ready)
    return figures
